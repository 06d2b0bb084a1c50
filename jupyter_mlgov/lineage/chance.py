"""What a cell drew from the clock and from chance: read from its text, and seen in the state of the shared generators."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

CLOCKS = frozenset(
    {
        *(f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime")),
        *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
        "datetime.date.today",
        *(f"pandas.Timestamp.{name}" for name in ("now", "utcnow", "today")),
    }
)
# Functions that read the clock when their first argument is the text `now` or `today`.
CLOCK_WORDS = frozenset({"numpy.datetime64", "pandas.Timestamp", "pandas.to_datetime"})
NEVER_SEEDED = frozenset({"os.urandom", "uuid.uuid1", "uuid.uuid4", "random.SystemRandom"})
SEEDED_BY_ARGUMENT = frozenset(
    {
        "random.Random",
        *(
            f"numpy.random.{name}"
            for name in ("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
        ),
    }
)
SEEDS = {
    "random.seed": "random",
    "random.setstate": "random",
    "numpy.random.seed": "numpy.random",
    "numpy.random.set_state": "numpy.random",
}
# Functions of other libraries that seed every generator they know.
SEEDS_ALL = frozenset({"seed_everything", "set_seed", "set_random_seed", "set_global_seed"})
SHARED = ("random", "numpy.random")

# A cell whose text has none of these words is not parsed a second time.
_HINT = re.compile(r"time|date|now|today|stamp|random|rng|seed|uuid|secrets|RandomState|PCG64|MT19937|Philox|SFC64")
# Assignments of names and numbers, one a line: nothing in them can draw.
_INERT = re.compile(r"(\s*\w+ *= *[\w.]+ *(\n|$))*\s*")
_CANONICAL = (
    (re.compile(r"^numpy\.random\.(_generator|mtrand|bit_generator|_pcg64|_mt19937|_philox|_sfc64)\."), "numpy.random."),
    (re.compile(r"^numpy\.random\.RandomState\.(seed|set_state)$"), r"numpy.random.\1"),
    (re.compile(r"^random\.Random\.(seed|setstate)$"), r"random.\1"),
    (re.compile(r"^pandas\._libs\.tslibs\.timestamps\."), "pandas."),
    (re.compile(r"^pandas\.core\.tools\.datetimes\."), "pandas."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call in a cell's text: its dotted name as written, what an import of the cell makes of the head, and its first argument."""

    chain: tuple[str, ...]
    imported: str
    bare: bool
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """`clocks` and `unseeded` by their full names; `seeds` are the shared generators that the cell's text seeds."""

    clocks: tuple[str, ...] = ()
    unseeded: tuple[str, ...] = ()
    seeds: frozenset[str] = frozenset()


NOTHING = Drawn()


def drawn(code: str, namespace: Mapping[str, object]) -> Drawn:
    """What the text of a cell asks for, its names resolved by the cell's imports, then by the notebook's modules, classes and functions."""
    if not _HINT.search(code):
        return NOTHING
    clocks: dict[str, None] = {}
    unseeded: dict[str, None] = {}
    seeds: set[str] = set()
    for call in calls(code):
        name = _full(call, namespace)
        if name in CLOCKS or (name in CLOCK_WORDS and call.word in ("now", "today")):
            clocks[name] = None
        elif name in NEVER_SEEDED or name.startswith("secrets.") or (name in SEEDED_BY_ARGUMENT and call.bare):
            unseeded[name] = None
        elif name in SEEDS and not call.bare:
            seeds.add(SEEDS[name])
        elif name.rpartition(".")[2] in SEEDS_ALL:
            seeds.update(SHARED)
    return Drawn(clocks=tuple(clocks), unseeded=tuple(unseeded), seeds=frozenset(seeds))


@lru_cache(maxsize=256)
def calls(code: str) -> tuple[Call, ...]:
    """Every call of a dotted name in `code`; none where it cannot be parsed."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    nodes = list(ast.walk(tree))
    imports = dict(_imports(nodes))
    return tuple(found for node in nodes if isinstance(node, ast.Call) and (found := _call(node, imports)) is not None)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0], alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _call(node: ast.Call, imports: Mapping[str, str]) -> Call | None:
    parts: list[str] = []
    place: ast.expr = node.func
    while isinstance(place, ast.Attribute):
        parts.append(place.attr)
        place = place.value
    if not isinstance(place, ast.Name):
        return None
    first = node.args[0] if node.args else next((word.value for word in node.keywords if word.arg in ("seed", "a", "x")), None)
    bare = (first is None and not any(word.arg is None for word in node.keywords)) or (
        isinstance(first, ast.Constant) and first.value is None
    )
    word = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
    return Call(chain=(place.id, *reversed(parts)), imported=imports.get(place.id, ""), bare=bare, word=word)


def _full(call: Call, namespace: Mapping[str, object]) -> str:
    head = call.imported or _name_of(namespace.get(call.chain[0]))
    name = ".".join((head, *call.chain[1:])) if head else ""
    for pattern, put in _CANONICAL:
        name = pattern.sub(put, name)
    return name


def _name_of(value: object) -> str:
    """The full name of a module, class or function, told without running anything of the value's own."""
    kind = type(value)
    if issubclass(kind, ModuleType):
        return str(vars(value).get("__name__", ""))
    if kind in (FunctionType, type) or kind.__name__ == "cython_function_or_method":
        return f"{value.__module__}.{value.__qualname__}"  # type: ignore[attr-defined]  # told from its class just above
    if kind in (BuiltinFunctionType, MethodType):
        known: Any = value
        owner = type(known.__self__)
        return (
            f"{owner.__module__}.{owner.__qualname__}.{known.__name__}"
            if owner is not ModuleType
            else f"{known.__module__}.{known.__name__}"
        )
    return ""


class Generators:
    """The shared generators of `random` and `numpy.random`: which of them were drawn from between two looks."""

    def __init__(self) -> None:
        self._states = self._look()
        self._watching = False
        self.seeded: set[str] = set()

    def begin(self, code: str) -> None:
        """A cell starts: what others drew since the last look is not its doing. A cell that cannot call anything is not watched."""
        self._watching = not _INERT.fullmatch(code)
        if self._watching:
            self._states = self._look()

    def end(self, seeds: frozenset[str]) -> tuple[str, ...]:
        """The generators the cell moved that nobody has seeded, `seeds` being what the cell itself seeded."""
        self.seeded |= seeds
        if not self._watching:
            return ()
        now = self._look()
        moved = [name for name in SHARED if name in now and name in self._states and now[name] != self._states[name]]
        self._states = now
        return tuple(name for name in moved if name not in self.seeded)

    def _look(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        shared = sys.modules.get("random")
        if shared is not None:
            found["random"] = shared.getstate()
        legacy = getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
        if legacy is not None:
            state = legacy.get_state(legacy=False)
            inner = state.get("state", {})
            key = inner.get("key")
            found["numpy.random"] = (key.tobytes() if key is not None else repr(inner), inner.get("pos"), state.get("gauss"))
        return found
