"""What a cell reads, writes and changes, as facts, and the functions of a session whose reads count where they are used."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A function or class of a cell: the notebook's names that its body uses when somebody calls it."""

    name: str
    reads: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataflow:
    """Names at the level of the notebook, each once, in order of appearance.

    `reads`: needed from outside before the cell itself defines them. `writes`: bound or deleted (`*` for a star import).
    `mutates`: the object may be changed in place. `imports`: those of `writes` that an import binds.
    `texts`: its text constants (a path may be among them). `unknown`: what in it nobody can follow
    (`exec`, a magic that is not known). `functions`: what they use counts where they are used (see Definitions). `meaning`: a digest
    of the source without comments and layout. `problem`: why the source could not be read; then nothing else is known.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    functions: tuple[Definition, ...] = ()
    meaning: str = ""
    problem: str = ""


class Definitions:
    """The functions that a session has defined so far, so that what they use counts in the cell that uses them."""

    def __init__(self) -> None:
        self._known: dict[str, Definition] = {}

    def flow(self, flow: Dataflow) -> Dataflow:
        """`flow` of the next cell, with what the functions it uses read and change, through all that they use in turn."""
        reads, mutates = dict.fromkeys(flow.reads), dict.fromkeys(flow.mutates)
        waiting, seen = list(flow.reads), set[str]()
        while waiting:
            name = waiting.pop()
            known = self._known.get(name)
            if known is None or name in seen:
                continue
            seen.add(name)
            reads.update(dict.fromkeys(known.reads))
            mutates.update(dict.fromkeys(known.mutates))
            waiting += known.reads
        for name in flow.writes:
            self._known.pop(name, None)
        self._known.update({one.name: one for one in flow.functions})
        return replace(flow, reads=tuple(reads), mutates=tuple(mutates)) if seen else flow
