"""The graph of a notebook as one SVG: bands for steps and for the cells between them, chips for cells, tables, models and files.

Bands stand one below the other, arrows run in a gutter beside them, and chips wrap: so nothing overlaps, at 5 cells or at 200.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from jupyter_mlgov.lineage.facts import CellRun, Lineage, StepState, StepStatus
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.look import DARK, LIGHT, tone
from jupyter_mlgov.reports.markup import Html, el
from jupyter_mlgov.reports.status import STATES
from jupyter_mlgov.reports.terminal import columns

WIDTH = 760
_LANE, _LANES, _PAD, _HEAD, _CHIP, _GAP, _BETWEEN = 11, 8, 12, 24, 20, 6, 8
LEFT = 14 + _LANE * _LANES
_RIGHT = WIDTH - 10
_LETTER = 7.2  # a broad guess at the widest letter of our 12 px type
_MOST_MADE, _MOST_CELLS = 14, 400
_FAR = 10  # what comes from further above is said in words: an arrow over half a page is no help


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A small labelled box. `kind`: `cell`, `table`, `array`, `model`, `file`, `name` or `more`; `cell`: the id to go to."""

    text: str
    kind: str
    x: float = 0
    y: float = 0
    cell: str = ""
    stale: bool = False
    title: str = ""

    @property
    def width(self) -> float:
        return round(columns(self.text) * _LETTER + 14, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A step, or the cells between two steps (`status` is None). `uses`: earlier bands, and the names that came from them."""

    title: str
    status: StepStatus | None
    y: float
    height: float
    chips: tuple[Chip, ...]
    uses: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def is_stale(self) -> bool:
        return (self.status is not None and self.status.state is not StepState.FRESH) or any(chip.stale for chip in self.chips)


def bands(lineage: Lineage) -> tuple[Band, ...]:
    """The bands from top to bottom, each with its place."""
    last = {run.cell_id: run for run in lineage.runs}
    stale = _stale_cells(lineage)
    maker: dict[str, int] = {}
    found: list[Band] = []
    y: float = _PAD
    for index, (status, cells) in enumerate(_groups(lineage, last)):
        runs = [last[cell] for cell in cells if cell in last]
        reads = dict.fromkeys([*(status.reads if status else ()), *(name for run in runs for name in run.reads)])
        writes = dict.fromkeys([*(status.writes if status else ()), *(name for run in runs for name in run.writes)])
        used: dict[int, list[str]] = {}
        for name in reads:
            if name in maker:
                used.setdefault(maker[name], []).append(name)
        far = [Chip(text=cut(f"from {found[source].title}: {', '.join(names)}", 250), kind="more", title=", ".join(names))
               for source, names in sorted(used.items()) if index - source > _FAR][:4]  # fmt: skip
        chips, height = _placed([*_cells(cells, last, stale, status), *_made(runs, writes), *far], y)
        uses = tuple((source, tuple(names)) for source, names in sorted(used.items()))
        found.append(Band(title=_title(status, cells), status=status, y=y, height=height, chips=chips, uses=uses))
        maker.update(dict.fromkeys(writes, index))
        y += height + _BETWEEN
    return tuple(found)


def graph_svg(lineage: Lineage, title: str) -> Html:
    """The picture, with its own colours for light and dark. Each cell is a link (`#cell-id=…`) and carries its id in `data-cell`."""
    drawn = bands(lineage)
    height = round((drawn[-1].y + drawn[-1].height if drawn else 40) + _PAD)
    near = [(place, source) for place, band in enumerate(drawn) for source, _ in band.uses if place - source <= _FAR]
    body = [_arrow(drawn[place], drawn[source], place, source) for place, source in near]
    body += [_band(band) for band in drawn] or [el("text", "No cells were recorded.", x=12, y=28)]
    ground = el("rect", x=0, y=0, width=WIDTH, height=height, class_="mgl-ground")
    box = f"0 0 {WIDTH} {height}"
    return el(
        "svg", el("title", title), el("style", Html(_css())), ground, *body,
        xmlns="http://www.w3.org/2000/svg", viewBox=box, width=WIDTH, height=height, role="img", class_="mgl",
    )  # fmt: skip


def cut(words: str, room: float) -> str:
    """`words` within `room` pixels of our 12 px type, counting broadly, with an ellipsis where it was cut."""
    shown, most = visible(words, limit=400), int(room / _LETTER)
    if columns(shown) <= most:
        return shown
    kept = ""
    for letter in shown:
        if columns(kept + letter) > most - 1:
            break
        kept += letter
    return kept + "…"


# -- what is drawn -------------------------------------------------------------------------------------------------------


def _groups(lineage: Lineage, last: dict[str, CellRun]) -> list[tuple[StepStatus | None, list[str]]]:
    """Steps, each at its first cell, and runs of cells outside any step between them; steps that never ran come after the one before."""
    of = {cell: place for place, status in enumerate(lineage.steps) for cell in status.cells}
    groups: list[tuple[StepStatus | None, list[str]]] = []
    seen: set[int] = set()
    for cell in sorted(last, key=lambda one: last[one].order):
        place = of.get(cell)
        if place is None:
            if not groups or groups[-1][0] is not None:
                groups.append((None, []))
            groups[-1][1].append(cell)
        elif place not in seen:
            seen.add(place)
            groups.append((lineage.steps[place], list(lineage.steps[place].cells)))
    for place, status in enumerate(lineage.steps):
        if place not in seen:
            before = [index for index, (one, _) in enumerate(groups) if one in lineage.steps[:place]]
            groups.insert(before[-1] + 1 if before else len(groups) if place else 0, (status, list(status.cells)))
    return groups


def _stale_cells(lineage: Lineage) -> dict[str, str]:
    """Cells that rest on what is no longer so, as far as the runs tell, with the reason."""
    from jupyter_mlgov.lineage.steps import Judge

    last = {run.cell_id: run.step for run in lineage.runs}
    judge = Judge(lineage.runs, [(cell, step, None) for cell, step in last.items()])
    views = {cell: judge.cell(cell) for cell in last}
    return {cell: view.why or str(view.state) for cell, view in views.items() if view.state is not StepState.FRESH}


def _title(status: StepStatus | None, cells: Sequence[str]) -> str:
    if status is not None:
        return status.step.label
    return f"{len(cells)} cell{'s' if len(cells) > 1 else ''} outside any step"


def _cells(cells: Sequence[str], last: dict[str, CellRun], stale: dict[str, str], status: StepStatus | None) -> Iterable[Chip]:
    marked = status is not None and status.state is StepState.STALE and not any(cell in stale for cell in cells)
    for cell in cells[:_MOST_CELLS]:
        run = last.get(cell)
        label = f"[{run.order}]" if run is not None else "[ ]"
        why = stale.get(cell, status.why if marked and status is not None else "" if run is not None else "never ran")
        yield Chip(text=label, kind="cell", cell=cell, stale=bool(why), title=visible(f"cell {cell}{f': {why}' if why else ''}", limit=300))
    if len(cells) > _MOST_CELLS:
        yield Chip(text=f"+{len(cells) - _MOST_CELLS} more", kind="more")


def _made(runs: Sequence[CellRun], writes: Iterable[str]) -> list[Chip]:
    """What came out: models, tables and arrays first, then files, then other names."""
    kinds = {ref.name: ref.kind for run in runs for ref in run.outputs}
    imported = {name for run in runs for name in run.imports}
    ranked = sorted(kinds, key=lambda name: ("model", "table", "array").index(kinds[name]))
    chips = [Chip(text=cut(f"{kinds[name]} {name}" if name != kinds[name] else name, 200), kind=kinds[name], title=name) for name in ranked]
    files = dict.fromkeys(
        [f"← {ref.path}" for run in runs for ref in run.files_read] + [f"→ {ref.path}" for run in runs for ref in run.files_written]
    )
    chips += [Chip(text=cut(path, 260), kind="file", title=path) for path in files]
    chips += [Chip(text=cut(name, 140), kind="name", title=name) for name in writes if name not in kinds and name not in imported]
    if len(chips) > _MOST_MADE:
        chips = [*chips[: _MOST_MADE - 1], Chip(text=f"+{len(chips) - _MOST_MADE + 1} more", kind="more")]
    return chips


def _placed(chips: Sequence[Chip], top: float) -> tuple[tuple[Chip, ...], float]:
    """The chips in rows below the head of a band at `top`, and the height of the band."""
    placed: list[Chip] = []
    x, y = float(LEFT + _PAD), top + _HEAD
    for chip in chips:
        if x + chip.width > _RIGHT - _PAD and x > LEFT + _PAD:
            x, y = float(LEFT + _PAD), y + _CHIP + _GAP
        placed.append(Chip(text=chip.text, kind=chip.kind, x=x, y=y, cell=chip.cell, stale=chip.stale, title=chip.title))
        x = round(x + chip.width + _GAP, 1)
    return tuple(placed), (y + _CHIP + _GAP + 2 if placed else top + _HEAD + 4) - top


# -- as SVG --------------------------------------------------------------------------------------------------------------


def _band(band: Band) -> Html:
    sign, verdict = STATES[band.status.state] if band.status is not None else ("·", "not_applicable")
    state = str(band.status.state) if band.status is not None else ""
    why = f": {band.status.why}" if band.status is not None and band.status.why else ""
    taken = "; ".join(", ".join(names) for _, names in band.uses)
    number = f"[{band.status.order}] " if band.status is not None and band.status.order else ""
    return el(
        "g",
        el("title", visible(f"{band.title} {state}{why}. Takes {taken or 'nothing from above'}.", limit=600)),
        el("rect", x=LEFT, y=band.y, width=_RIGHT - LEFT, height=band.height, rx=5, class_=f"mgl-box {tone(verdict)}"),
        el("text", sign, x=LEFT + 10, y=band.y + 16, class_=f"mgl-sign {tone(verdict)}"),
        el("text", cut(f"{number}{band.title}", 300), x=LEFT + 28, y=band.y + 16, class_="mgl-name"),
        el("text", cut(f"{state}{why}", 300), x=_RIGHT - 10, y=band.y + 16, text_anchor="end", class_="mgl-soft"),
        *(_chip(chip) for chip in band.chips),
    )


def _chip(chip: Chip) -> Html:
    shape = el(
        "rect", x=chip.x, y=chip.y, width=chip.width, height=_CHIP, rx=9 if chip.kind in ("table", "array", "model") else 3,
        class_=f"mgl-chip mgl-{chip.kind}{' mgl-old' if chip.stale else ''}",
    )  # fmt: skip
    label = el("text", chip.text, x=round(chip.x + chip.width / 2, 1), y=chip.y + 14, text_anchor="middle")
    body = el("g", el("title", chip.title), shape, label, data_cell=visible(chip.cell, limit=200) or None)
    return el("a", body, href=f"#cell-id={quote(chip.cell, safe='')}") if chip.cell else body


def _arrow(band: Band, source: Band, place: int, above: int) -> Html:
    """From the left of one band down the gutter into another; far ones in outer lanes. What is not fresh is dashed."""
    start, end = source.y + min(source.height - 5, 17 + 2 * ((place - above) % 3)), band.y + 11 + 3 * (above % 3)
    lane = min(_LANES, max(1, (place - above).bit_length() + (above % 2)))
    x = LEFT - lane * _LANE
    path = f"M{LEFT} {start}H{x + 4}Q{x} {start} {x} {start + 4}V{end - 4}Q{x} {end} {x + 4} {end}H{LEFT - 2}"
    head = f"M{LEFT - 6} {end - 3}L{LEFT - 1} {end}L{LEFT - 6} {end + 3}"
    kind = "mgl-edge mgl-dash" if band.is_stale else "mgl-edge"
    return el("g", el("path", d=path, class_=kind), el("path", d=head, class_="mgl-edge"))


def _css() -> str:
    rules = (
        '.mgl text{font:12px var(--jp-ui-font-family,system-ui,"Segoe UI",sans-serif);fill:var(--l-ink)}.mgl-ground{fill:var(--l-bg)}'
        ".mgl .mgl-name{font-weight:650}.mgl .mgl-soft{fill:var(--l-soft);font-size:11.5px}.mgl a{cursor:pointer}"
        ".mgl .mgl-box{fill:var(--l-well);stroke:var(--l-line)}.mgl .mgl-chip{fill:var(--l-bg);stroke:var(--l-line)}"
        ".mgl .mgl-cell{stroke:var(--l-soft)}.mgl .mgl-table,.mgl .mgl-array{stroke:var(--l-link)}"
        ".mgl .mgl-model{stroke:var(--l-link);stroke-width:2.2}.mgl .mgl-more,.mgl .mgl-name-chip{stroke-dasharray:1 2}"
        ".mgl a:hover rect,.mgl a:focus rect{fill:var(--l-well)}"
        ".mgl .mgl-old{stroke:var(--l-unknown);stroke-dasharray:4 3;stroke-width:1.6}"
        ".mgl .mgl-edge{fill:none;stroke:var(--l-soft);stroke-width:1.2;stroke-opacity:.75}.mgl .mgl-dash{stroke-dasharray:3 3}"
        ".mgl .mgl-sign.mg-pass{fill:var(--l-pass)}.mgl .mgl-sign.mg-fail{fill:var(--l-fail)}"
        ".mgl .mgl-sign.mg-unknown{fill:var(--l-unknown)}"
        ".mgl .mgl-box.mg-fail{stroke:var(--l-fail)}.mgl .mgl-box.mg-unknown{stroke:var(--l-unknown);stroke-dasharray:4 3}"
    )
    dark_host = 'body[data-jp-theme-light="false"] .mgl,body[data-vscode-theme-kind*="dark"] .mgl'
    unsaid = "svg.mgl:root,body:not([data-jp-theme-light]):not([data-vscode-theme-kind]) .mgl"
    return (
        f".mgl{{{_colours(LIGHT)}}}{dark_host}{{{_colours(DARK)}}}@media (prefers-color-scheme:dark){{{unsaid}{{{_colours(DARK)}}}}}{rules}"
    )


def _colours(palette: dict[str, str]) -> str:
    return "".join(f"--l-{role}:{value};" for role, value in palette.items())
