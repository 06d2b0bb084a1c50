"""What one statement of a cell does to names and objects, as facts."""

from __future__ import annotations

from dataclasses import dataclass

ATTRIBUTE = "."  # begins a key that is an attribute
LOCAL = "."  # marks a name of a function or comprehension, which is no name of the notebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it is written: `base.path(args)`. Names of a function's own are marked with LOCAL; `dropped`: nobody takes its value.

    `labels` go with `args`: a keyword, nothing for a place, `*` where the source does not tell which parameter it is.
    """

    base: str
    path: tuple[str, ...] = ()
    args: tuple[frozenset[str], ...] = ()
    labels: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    dropped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A name that is bound: `sources` are names whose objects it may now be, or hold. `origin` is the call that made it, `plain` a value
    that nobody can change in place, `picked` a part taken by something else than a constant key or a slice (a table copies it),
    `attribute` the path of a plain `a.b.c`, `shared` a class whose objects share something that can change. `anything`: through it
    any name may be read or changed (`ns = globals()`)."""

    name: str
    sources: frozenset[str] = frozenset()
    origin: Call | None = None
    constant: str | None = None
    module: str = ""
    plain: bool = False
    picked: bool = False
    attribute: str = ""
    shared: bool = False
    anything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a statement, or the body of a function, does. Names that it reads, binds, changes and calls.

    `keyed`: names read by constant keys alone (`df["a"]`). `stores`: constant keys that are set. `keeps`: (container, what it now holds).
    `soft`: changed unless the object is known to be only looked at. `sure`: bound on every way. `dynamic`: built-ins it uses that may read
    or change any name; `computed`: it calls what it was given a text for (`getattr(x, name)()`).
    """

    source: str = ""
    reads: frozenset[str] = frozenset()
    keyed: tuple[tuple[str, frozenset[str]], ...] = ()
    writes: tuple[str, ...] = ()
    sure: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    mutates: frozenset[str] = frozenset()
    soft: frozenset[tuple[str, str]] = frozenset()
    stores: tuple[tuple[str, str], ...] = ()
    binds: tuple[Bind, ...] = ()
    keeps: tuple[tuple[str, frozenset[str]], ...] = ()
    calls: tuple[Call, ...] = ()
    functions: tuple[Function, ...] = ()
    texts: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    shows: bool = False
    simple: bool = False
    defines: bool = False
    star: bool = False
    dynamic: frozenset[str] = frozenset()
    computed: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function, method or lambda: what its body does when it is called. `gives`: names whose objects its result may be or hold.

    `lazy`: its result is consumed by reading it, or remembers. `kept`: parameters whose default is an object that lives as long as it does.
    """

    name: str
    params: tuple[str, ...]
    kept: tuple[str, ...] = ()
    body: Effect
    gives: frozenset[str] = frozenset()
    lazy: bool = False
    method: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEffects:
    """The statements of a cell that do anything, in order; `silent`: a last `;` keeps the value from being shown."""

    statements: tuple[Effect, ...] = ()
    source: str = ""
    problem: str = ""
