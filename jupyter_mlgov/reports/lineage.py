"""What ran on what, drawn: steps from top to bottom with their state, arrows where one used what another made. Also as text and a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_mlgov.lineage.facts import CellRun, Lineage, StepStatus
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.graph import Band, bands, graph_svg
from jupyter_mlgov.reports.look import style, tone
from jupyter_mlgov.reports.markup import Html, el, join
from jupyter_mlgov.reports.status import STATES
from jupyter_mlgov.reports.terminal import paint, wrap


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step as it is drawn; `uses` names earlier rows and what came from them."""

    status: StepStatus
    runs: tuple[CellRun, ...]
    uses: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def title(self) -> str:
        number = f"[{self.status.order}] " if self.status.order else ""
        return f"{number}{self.status.step.label}"

    @property
    def cells(self) -> str:
        count = len(self.status.cells)
        return f"{count} cells" if count > 1 else f"cell {self.status.cells[0]}" if count else "no cell"

    def files(self, *, written: bool) -> tuple[str, ...]:
        found = [ref.path for run in self.runs for ref in (run.files_written if written else run.files_read)]
        return tuple(dict.fromkeys(found))

    def versions(self) -> list[str]:
        """Data of systems that keep versions, each with the version that was read."""
        return list(dict.fromkeys(f"{ref.system} {ref.name} at {ref.version}" for run in self._last() for ref in run.sources_read))

    def surroundings(self) -> list[str]:
        """What its cells took from outside the notebook when they last ran: why a second run may give something else."""
        told = [run.surroundings for run in self._last()]
        return [
            *(["the clock"] if any(one.clocks for one in told) else []),
            *_few("unseeded", (name for one in told for name in one.unseeded)),
            *_few("variables", (name for one in told for name in one.variables if name not in _FURNITURE)),
            *_few("connections", (name for one in told for name in one.connections)),
            *_few("remote", (name for one in told for name in one.remote)),
            *_few("programs", (name for one in told for name in one.programs)),
        ]

    def _last(self) -> tuple[CellRun, ...]:
        return tuple({run.cell_id: run for run in self.runs}.values())

    def made(self) -> tuple[str, ...]:
        """Names it made, with the kind where it is recorded: tables, arrays, models."""
        kinds = {ref.name: ref.name if ref.name == ref.kind else f"{ref.kind} {ref.name}" for run in self.runs for ref in run.outputs}
        return tuple(dict.fromkeys([*kinds.values(), *(name for name in self.status.writes if name not in kinds)]))


# What the kernel itself asks for in each cell is no fact about the cell.
_FURNITURE = frozenset({"IPYKERNEL_CELL_NAME"})


def _few(label: str, names: Iterable[str], most: int = 5) -> list[str]:
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return [f"{label} {', '.join(found[:most])}{more}"] if found else []


def rows(lineage: Lineage) -> tuple[Row, ...]:
    """The steps in order, each with the newest earlier step that wrote what it reads."""
    maker: dict[str, int] = {}
    drawn: list[Row] = []
    for index, status in enumerate(lineage.steps):
        used: dict[int, list[str]] = {}
        for name in status.reads:
            if name in maker:
                used.setdefault(maker[name], []).append(name)
        runs = tuple(run for run in lineage.runs if run.cell_id in status.cells)
        drawn.append(Row(status=status, runs=runs, uses=tuple((source, tuple(names)) for source, names in sorted(used.items()))))
        maker.update(dict.fromkeys(status.writes, index))
    return tuple(drawn)


def lineage_text(lineage: Lineage, *, colour: bool = False, width: int = 88) -> str:
    """The graph as a list: steps, and the cells between them, each with its state and cells, what of them is stale, what it read, from
    whom, what it made, and what it took from outside the notebook."""
    width = max(40, width)
    drawn = rows(lineage)
    of = {row.status: row for row in drawn}
    lines = [paint(line, "bold", colour) for line in wrap(_title(lineage), width)]
    for band in bands(lineage):
        row = of[band.status] if band.status is not None else None
        sign, verdict = STATES[row.status.state] if row else ("↻", "warn") if band.is_stale else ("·", "not_applicable")
        why = f" — {row.status.why}" if row and row.status.why else ""
        told = f"{row.title}: {row.status.state}, {row.cells}{why}" if row else band.title
        lines += [paint(line, verdict, colour) for line in wrap(visible(told, limit=400), width, first=f"{sign} ", rest="    ")]
        for name, value in [*_cells(band), *(_parts(row, drawn) if row else _between(band))]:
            lines += wrap(visible(value, limit=600), width, first=f"    {name} ", rest="      ")
    lines += wrap(_rest(lineage), width)
    return "\n".join(lines)


def _cells(band: Band, most: int = 12) -> list[tuple[str, str]]:
    """The cells of a band where there are several, and those of them that are stale, with the reason: all are counted, few are named."""
    cells = [chip for chip in band.chips if chip.kind == "cell"]
    stale = [chip for chip in cells if chip.stale]
    if len(cells) < 2 and band.status is not None:
        return []
    found = [("cells", _named((f"{chip.text} {chip.cell}" for chip in cells), most))]
    return [*found, ("stale", _named((f"{chip.text} {chip.title}" for chip in stale), most, "; "))] if stale else found


def _between(band: Band) -> list[tuple[str, str]]:
    """What the cells outside any step read and made."""
    taken = dict.fromkeys(name for _, names in band.uses for name in names)
    made = [chip.text for chip in band.chips if chip.kind in ("table", "array", "model", "name", "file") or chip.text.startswith("+")]
    return [(name, value) for name, value in (("reads", _named(taken, 12)), ("makes", _named(made, 20))) if value]


def _named(names: Iterable[str], most: int, between: str = ", ") -> str:
    told = list(names)
    return between.join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


def lineage_svg(lineage: Lineage) -> str:
    """One SVG that needs nothing else: see graph.py. Long names are cut with an ellipsis and stand whole in their titles."""
    return graph_svg(lineage, _title(lineage))


def lineage_html(lineage: Lineage) -> str:
    """The drawing in a box that scrolls where it is too wide, and the same as a list for those who cannot see it."""
    drawn = rows(lineage)
    items = [el("li", _item(row, drawn)) for row in drawn]
    listed = el("details", el("summary", el("span"), el("span"), el("span", "As a list"), el("span", class_="mg-turn")), _body(items))
    head = el("header", el("h2", _title(lineage)), class_="mg-head")
    picture = el("div", Html(lineage_svg(lineage)), class_="mg-band mg-wide")
    return el("div", style(), el("section", head, picture, listed, _foot(lineage), class_="mg", aria_label="Lineage"))


class ShownLineage:
    """A lineage as the last value of a cell."""

    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:  # noqa: ARG002  # IPython's signature
        return {"text/html": str(lineage_html(self.lineage)), "text/plain": lineage_text(self.lineage)}


def _title(lineage: Lineage) -> str:
    return visible(f"Lineage of {lineage.notebook or 'an unnamed notebook'}", limit=200)


def _rest(lineage: Lineage) -> str:
    untagged = sum(run.step is None for run in lineage.runs)
    gaps = sum(len(run.gaps) for run in lineage.runs)
    session, ran_on = lineage.session, "No session was recorded"
    if session:
        ran_on = visible(f"Python {session.environment.python}, {len(session.environment.packages)} packages, {session.host}")
    said = [
        f"{untagged} cell runs outside any step" if untagged else "",
        f"{gaps} gaps: not everything could be recorded" if gaps else "",
        ran_on,
    ]
    return " · ".join(part for part in said if part)


def _parts(row: Row, drawn: tuple[Row, ...]) -> list[tuple[str, str]]:
    known = {name for _, names in row.uses for name in names}
    sources = [f"{', '.join(names)} of {drawn[source].status.step.label}" for source, names in row.uses]
    files, written = row.files(written=False), row.files(written=True)
    others = [name for name in row.status.reads if name not in known]
    pairs = [
        ("reads", "; ".join([*sources, *(f"file {path}" for path in files)])),
        ("also reads", ", ".join(others)),
        ("makes", "; ".join([*row.made(), *(f"file {path}" for path in written)])),
        ("takes", "; ".join([*row.versions(), *row.surroundings()])),
    ]
    return [(name, value) for name, value in pairs if value]


def _item(row: Row, drawn: tuple[Row, ...]) -> Html:
    sign, verdict = STATES[row.status.state]
    why = f" — {row.status.why}" if row.status.why else ""
    parts = [el("div", el("span", f"{name} ", class_="mg-soft"), value) for name, value in _parts(row, drawn)]
    return join(el("span", f"{sign} ", class_=tone(verdict)), f"{row.title}: {row.status.state}, {row.cells}{why}", *parts)


def _body(items: list[Html]) -> Html:
    return (
        el("div", el("ul", *items, class_="mg-list"), class_="mg-body") if items else el("p", "No steps were recorded.", class_="mg-body")
    )


def _foot(lineage: Lineage) -> Html:
    return el("div", _rest(lineage), class_="mg-foot")
