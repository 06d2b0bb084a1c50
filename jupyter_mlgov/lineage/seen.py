"""What was seen of a cell that ended, as facts of its run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.lineage import boundary
from jupyter_mlgov.lineage.ambient import Ambient, shell_programs
from jupyter_mlgov.lineage.chance import Drawn
from jupyter_mlgov.lineage.facts import CellRun, Surroundings
from jupyter_mlgov.lineage.flows import Dataflow
from jupyter_mlgov.lineage.inplace import aliases
from jupyter_mlgov.lineage.native import quoted
from jupyter_mlgov.lineage.sources import Sources

ERROR_LIMIT = 200
_AS_IS = frozenset({str, int, float, Digest})


def run_payload(run: CellRun) -> dict[str, object]:
    """The fields of a run as JSON carries them; empty ones are left out, which halves the work of a trivial cell.

    A metric that is no finite number is spelled (`nan`, `inf`).
    """
    payload: dict[str, object] = {}
    for name in CellRun.__slots__:
        value = getattr(run, name)
        if value or name == "duration_ms":
            payload[name] = value if type(value) in _AS_IS else plain(value)
    if run.metrics:
        payload["metrics"] = {name: value if abs(value) < float("inf") else repr(value) for name, value in run.metrics.items()}
    return payload


def with_sources(done: CellRun, sources: Sources) -> CellRun:
    """`done` with the versioned data of other systems it read and wrote."""
    read, written = sources.refs()
    return replace(done, sources_read=read, sources_written=written) if read or written else done


def with_changes(done: CellRun, mutates: tuple[str, ...], changed: Iterable[str], namespace: Mapping[str, object]) -> CellRun:
    """`done` with what changed in place, also where no name of it stands in the cell: inside a call, or by another name."""
    seen = tuple(dict.fromkeys([*changed, *(name for name in done.writes if name in mutates)]))
    if not seen:
        return done
    every = (*seen, *aliases(seen, namespace))
    return replace(done, changed=every, writes=tuple(dict.fromkeys([*done.writes, *every])))


def surroundings(told: Ambient, asked: Drawn, unseeded: Iterable[str], code: str) -> Surroundings:
    """What the cell took from outside. `asked` is told by its text, `unseeded` by the generators that all share."""
    return Surroundings(
        connections=_texts(told.connections),
        programs=_texts([*told.programs, *shell_programs(code)]),
        variables=_texts(told.variables),
        remote=_texts(told.remote),
        clocks=asked.clocks,
        unseeded=(*unseeded, *asked.unseeded),
    )


def named_paths(reads: Iterable[str], namespace: Mapping[str, object], flow: Dataflow, *, every: bool) -> tuple[str, ...]:
    """Paths a cell can name: in SQL text and, for `every`, its own text constants and the texts and paths among the names it reads."""
    values = [namespace.get(name) for name in reads]
    texts = [*flow.texts, *(str(value) for value in values if type(value) is str or issubclass(type(value), Path))]
    found = list(quoted(texts)) if "duckdb" in sys.modules else []
    found += texts if every else []
    return tuple(text for text in found if 0 < len(text) < 1024 and "\n" not in text and "\0" not in text)


def _texts(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(boundary.clean(note, ERROR_LIMIT) for note in notes if note))


def first_line(text: str) -> str:
    """The first line of an error, short enough for a record."""
    return boundary.clean(text.strip().partition("\n")[0], ERROR_LIMIT)
