"""A notebook cut into steps: what each runs, what it needs of the scene, and which values cross from step to step."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlgov.lineage.facts import Step
from jupyter_mlgov.lineage.kale import kale_cell
from jupyter_mlgov.lineage.tags import step_of
from jupyter_mlgov.pipelines.documents import INJECTED, Cell, Notebook, is_parameters
from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.statements import Role, Statement, statements
from jupyter_mlgov.pipelines.steps import RANDOM, Graph, Piece, PlannedStep, Refusal, names_of
from jupyter_mlgov.pipelines.uncrossable import uncrossable


def graph_of(notebook: Notebook, parameters: Sequence[Parameter]) -> Graph:
    """The graph of the tagged cells. It runs nothing and never raises for what a notebook says: see `refusals`."""
    cutting = _Cutting(notebook, parameters)
    cutting.assign()
    cutting.follow()
    cutting.check()
    if cutting.refusals:
        return Graph(notes=tuple(cutting.notes), refusals=tuple(cutting.refusals))
    return Graph(steps=cutting.planned(), notes=tuple(cutting.notes))


@dataclass(slots=True)
class _Use:
    """A name that a step takes from another, at the statement `at`."""

    name: str
    maker: int
    at: int
    taker: Step


class _Cutting:
    """One notebook on its way to a graph. Places are positions in `lines`, the statements of all cells that count."""

    def __init__(self, notebook: Notebook, parameters: Sequence[Parameter]) -> None:
        self.refusals: list[Refusal] = []
        self.notes: list[str] = []
        self._parameters = {one.name for one in parameters}
        self._all = [cell for cell in notebook.cells if cell.type == "code" and INJECTED not in cell.tags]
        self._injected = [cell for cell in notebook.cells if cell.type == "code" and INJECTED in cell.tags]
        self._skipped = [cell for cell in self._all if _skipped(cell)]
        self._cells = [cell for cell in self._all if not _skipped(cell)]
        self.lines = statements(self._cells)
        self._skipped_lines = statements(self._skipped)
        self._step: dict[str, Step] = {}
        self._scene: dict[Step, set[int]] = {}
        self._uses: list[_Use] = []
        self._made: dict[int, set[str]] = {}
        self._last: dict[tuple[Step, str], int] = {}

    # -- which cell belongs to which step -----------------------------------------------------------------------------

    def assign(self) -> None:
        """Tagged cells are their step's. An untagged cell that does work runs with the step it stands behind, or the first one."""
        tagged = {cell.id: step_of(cell.tags, f"cell [{cell.index}]") for cell in self._cells if not is_parameters(cell)}
        steps = list(dict.fromkeys(step for step in tagged.values() if step is not None))
        self.steps = steps
        if not steps:
            return
        working = {line.cell.id for line in self.lines if line.role is Role.WORK}
        behind = steps[0]
        for cell in self._cells:
            step = tagged.get(cell.id)
            behind = step or behind
            if step is not None:
                self._step[cell.id] = step
            elif cell.id in working and not is_parameters(cell):
                self._step[cell.id] = behind
                self.notes.append(f"cell [{cell.index}] has no tag; it runs in the step {behind.label}")
        for cell in self._injected:
            self._refuse(
                f"Cell [{cell.index}] holds values that an earlier papermill run put there; a step would run without them.",
                "Take the notebook that run was made from; or put the values into the parameters cell, and delete that cell.",
            )
        for line in self.lines:
            if is_parameters(line.cell) and line.role is Role.WORK:
                self._refuse(
                    f"The parameters cell [{line.cell.index}] does more than assign constants: `{_first_line(line.source)}`.",
                    "Each step would do it anew. Move that line into a cell of its own, behind the parameters.",
                )

    def owner(self, place: int) -> Step | None:
        """The step whose work this statement is; None for one that only sets the scene or is governance."""
        line = self.lines[place]
        if line.role is Role.GOVERNANCE:
            return None
        return self._step.get(line.cell.id)

    # -- who takes what from whom -------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Walk the statements from the top; note for each name which statement made it as it is now."""
        makers: dict[str, list[int]] = {}
        needs: list[list[tuple[str, list[int]]]] = []
        for place, line in enumerate(self.lines):
            needs.append([(name, list(makers[name])) for name in sorted(line.takes) if name in makers])
            self._undefined(place, makers)
            self._check_skipped(place, makers)
            if line.role is Role.GOVERNANCE:
                continue
            for name in line.binds:
                makers[name] = [place]
            changes = {name for name in line.changes if not self._unchanging(name, makers, line)}
            self._made[place] = {name for name in line.binds | changes if " " not in name} - line.imports - _defined(line.node)
            for name in changes:
                makers[name] = [*makers.get(name, []), place]
            step = self.owner(place)
            if step is not None:
                self._last.update({(step, name): place for name in line.binds | changes})
        self._needs = needs
        self._makers = makers
        for place in range(len(self.lines)):
            step = self.owner(place)
            if step is not None:
                self._need(step, place, place, set())
        for step in self.steps:
            for place in range(len(self.lines)):
                if self._for_all(place, step):
                    self._set_scene(step, place, place, set())

    def _unchanging(self, name: str, makers: Mapping[str, list[int]], line: Statement) -> bool:
        """A function, class or module is what its definition says, as long as nothing is stored on it by its name."""
        nodes = [self.lines[place].node for place in makers.get(name, [])]
        defined = bool(nodes) and isinstance(nodes[0], (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom))
        return defined and name not in _stored_on(line.node)

    def _need(self, step: Step, place: int, at: int, seen: set[int]) -> None:
        """All that statement `place` takes, for `step`, whose own statement `at` asks for it."""
        if place in seen:
            return
        seen.add(place)
        for name, makers in self._needs[place]:
            last = next(
                (maker for maker in reversed(makers) if self.owner(maker) is not None and self.lines[maker].role is Role.WORK), None
            )
            if last is None:
                for maker in makers:
                    self._set_scene(step, maker, at, seen)
                continue
            if self.owner(last) != step:
                self._uses.append(_Use(name=name, maker=last, at=at, taker=step))
            for maker in makers:  # what set the scene since then is said again
                if maker > last:
                    self._set_scene(step, maker, at, seen)

    def _set_scene(self, step: Step, maker: int, at: int, seen: set[int]) -> None:
        if self.owner(maker) != step:
            self._scene.setdefault(step, set()).add(maker)
        self._need(step, maker, at, seen)

    def _undefined(self, place: int, makers: Mapping[str, object]) -> None:
        """A parameter used before its cell; a name that only a skipped cell makes."""
        line = self.lines[place]
        for name in sorted(line.takes):
            if name in makers or " " in name:
                continue
            if name in self._parameters and not is_parameters(line.cell):
                number = next(cell.index for cell in self._all if is_parameters(cell))
                self._refuse(
                    f"Cell [{line.cell.index}] uses the parameter `{name}` before the parameters cell [{number}].",
                    "Move the parameters cell to the top.",
                )
            elif line.role is not Role.GOVERNANCE and (maker := self._in_skipped(name)) is not None:
                self._refuse(
                    f"Cell [{line.cell.index}] needs `{name}`, which only the skipped cell [{maker.index}] makes.",
                    f"Take the tag `skip` from cell [{maker.index}], or tag cell [{line.cell.index}] `skip` too.",
                )

    def _in_skipped(self, name: str) -> Cell | None:
        return next((line.cell for line in self._skipped_lines if name in line.binds), None)

    def _check_skipped(self, place: int, makers: Mapping[str, list[int]]) -> None:
        """A skipped cell that gives a name another value: with it and without it the notebook is not the same."""
        line = self.lines[place]
        for name in sorted(line.takes):
            made = max((self.lines[maker].cell.index for maker in makers.get(name, [])), default=line.cell.index)
            for skipped in self._skipped_lines:
                sets = name in skipped.binds or name in _stored_on(skipped.node)
                if sets and made < skipped.cell.index < line.cell.index:
                    self._refuse(
                        f"Cell [{line.cell.index}] takes `{name}`, which the skipped cell [{skipped.cell.index}] changes.",
                        "With that cell and without it the notebook is not the same: take its tag `skip` away, or the cell.",
                    )

    # -- what cannot be done ------------------------------------------------------------------------------------------

    def check(self) -> None:
        self._check_late_changes()
        self._check_crossing()
        self._check_modules()
        self._check_cycles()

    def _check_late_changes(self) -> None:
        """A step hands over what it holds at its end; a taker that stood before its last change saw something else."""
        for use in self._uses:
            maker = self.owner(use.maker)
            last = self._last.get((maker, use.name), use.maker) if maker is not None else use.maker
            if last != use.maker and last > use.maker and maker is not None:
                self._refuse(
                    f"Step {maker.label} makes `{use.name}` again in cell [{self._number(last)}], after step {use.taker.label} took it in"
                    f" cell [{self._number(use.at)}].",
                    f"Put the cells of {maker.label} together, or give the later `{use.name}` another name.",
                )

    def _check_crossing(self) -> None:
        """A connection, a lock, a generator: refused here, not at night."""
        for use in self._uses:
            if use.name == "the shown values":
                self._refuse(
                    f"Cell [{self._number(use.at)}] takes what [{self._number(use.maker)}] showed (`_`, `Out`); a new kernel has none.",
                    "Give that value a name.",
                )
            what, way = uncrossable(self.lines[use.maker].node, use.name)
            if what:
                self._refuse(
                    f"`{use.name}` of cell [{self._number(use.maker)}] is {what}, which cannot cross to step {use.taker.label}"
                    f" (cell [{self._number(use.at)}]).",
                    way,
                )

    def _check_modules(self) -> None:
        """What a step sets in a module, an import inside working code and the like would be lost at the boundary."""
        for use in self._uses:
            line = self.lines[use.maker]
            if use.name.startswith("the state of ") and use.name != "the state of plots" and line.role is Role.WORK:
                self.notes.append(f"cell [{line.cell.index}] sets {use.name}; step {use.taker.label} runs without it")
            elif line.unknown and use.name == "names from elsewhere":
                self._refuse(
                    f"Cell [{self._number(use.at)}] needs a name that cell [{line.cell.index}] may make, which cannot be followed:"
                    f" {line.unknown[0]}",
                    "Name what it makes (`from x import a, b`), or assign it.",
                )

    def _check_cycles(self) -> None:
        edges: dict[Step, dict[Step, _Use]] = {step: {} for step in self.steps}
        for use in self._uses:
            maker = self.owner(use.maker)
            if maker is not None:
                edges[use.taker].setdefault(maker, use)
        for cell in self._cells:
            self._kale_edges(cell, edges)
        self._edges = edges
        order: list[Step] = []
        waiting = list(self.steps)
        while waiting:
            ready = next((step for step in waiting if not (edges[step].keys() - set(order))), None)
            if ready is None:
                self._refuse_cycle(waiting, edges)
                return
            order.append(ready)
            waiting.remove(ready)
        self.order = order

    def _kale_edges(self, cell: Cell, edges: dict[Step, dict[Step, _Use]]) -> None:
        """Kale's `prev:NAME` is an order that the reader of the notebook asked for."""
        kale, step = kale_cell(cell.tags), self._step.get(cell.id)
        for name in kale.before if kale is not None else ():
            other = next((one for one in self.steps if one.name == name and one != step), None)
            if step is not None and other is not None:
                edges[step].setdefault(other, _Use(name="", maker=0, at=0, taker=step))

    def _refuse_cycle(self, waiting: list[Step], edges: dict[Step, dict[Step, _Use]]) -> None:
        one = waiting[0]
        path = [one]
        while True:
            one = next(step for step in edges[one] if step in waiting)
            if one in path:
                path = path[path.index(one) :]
                break
            path.append(one)
        told = []
        for taker, maker in zip(path, [*path[1:], path[0]], strict=True):
            use = edges[taker][maker]
            told.append(f"{taker.label} needs `{use.name}` of {maker.label} (cell [{self._number(use.maker)}])" if use.name else
                        f"{taker.label} must come after {maker.label}")  # fmt: skip
        self._refuse(f"The steps need each other in a circle: {', and '.join(told)}.", "Give some of those cells a step of their own.")

    def _refuse(self, what: str, next_: str) -> None:
        refusal = Refusal(what=what, next=next_)
        if refusal not in self.refusals:
            self.refusals.append(refusal)

    def _number(self, place: int) -> int:
        return self.lines[place].cell.index

    # -- the result ---------------------------------------------------------------------------------------------------

    def planned(self) -> tuple[PlannedStep, ...]:
        names = names_of(self.steps)
        said: set[tuple[str, str]] = set()
        found = []
        for step in self.order:
            pieces = self._pieces(step, said)
            said |= {(piece.cell, piece.source) for piece in pieces}
            found.append(self._planned(step, pieces, names))
        return tuple(found)

    def _planned(self, step: Step, pieces: tuple[Piece, ...], names: Mapping[Step, str]) -> PlannedStep:
        own = [place for place in range(len(self.lines)) if self.owner(place) == step]
        cells = list(dict.fromkeys(self.lines[place].cell for place in own))
        scene = self._scene.get(step, set())
        made = set().union(*(self._made.get(place, set()) for place in own))
        read = {name for place in (*own, *scene) for name in self.lines[place].takes}
        return PlannedStep(
            name=names[step],
            step=step,
            cells=tuple(cell.id for cell in cells),
            numbers=tuple(cell.index for cell in cells),
            pieces=pieces,
            takes={
                use.name: names[maker]
                for use in self._uses
                if use.taker == step and self._crosses(use) and (maker := self.owner(use.maker))
            },
            gives=tuple(sorted({use.name for use in self._uses if self.owner(use.maker) == step and self._crosses(use)})),
            made=tuple(sorted(made)),
            parameters=tuple(name for name in sorted(self._parameters) if name in read),
            after=tuple(names[one] for one in self.order if one in self._edges[step]),
        )

    def _crosses(self, use: _Use) -> bool:
        return " " not in use.name or use.name == RANDOM

    def _pieces(self, step: Step, said: set[tuple[str, str]]) -> tuple[Piece, ...]:
        scene = self._scene.get(step, set())
        by_cell: dict[str, list[int]] = {}
        for place in scene:
            by_cell.setdefault(self.lines[place].cell.id, []).append(place)
        pieces = []
        for cell in self._cells:
            if self._step.get(cell.id) == step:
                pieces.append(Piece(cell=cell.id, index=cell.index, source=self._own_source(cell), own=True, tags=cell.tags))
            elif cell.id in by_cell:
                source, whole = self._source(cell, sorted(by_cell[cell.id]))
                again = not whole or (cell.id, source) in said or cell.id in self._step
                pieces.append(
                    Piece(cell=cell.id, index=cell.index, source=source, parameters=is_parameters(cell), repeated=again, tags=cell.tags)
                )
        return tuple(pieces)

    def _for_all(self, place: int, step: Step) -> bool:
        """State of the process (options, `%matplotlib`, chdir), and the parameters, for every step whose cells stand below."""
        line = self.lines[place]
        if line.role is not Role.SCENE or self.owner(place) == step:
            return False
        below = any(cell.index > line.cell.index for cell in self._cells if self._step.get(cell.id) == step)
        return below and (is_parameters(line.cell) or not (line.binds - {name for name in line.binds if " " in name}))

    def _own_source(self, cell: Cell) -> str:
        """The cell as it stands; without its lines that are governance, where there are some."""
        lines = [line for line in self.lines if line.cell.id == cell.id]
        if all(line.role is not Role.GOVERNANCE for line in lines):
            return cell.source
        return "\n".join(line.source for line in lines if line.role is not Role.GOVERNANCE)

    def _source(self, cell: Cell, places: list[int]) -> tuple[str, bool]:
        """The text of these statements of a cell, and whether that is all of it: then it keeps its comments."""
        lines: Sequence[Statement] = [line for line in self.lines if line.cell.id == cell.id]
        if len(lines) == len(places):
            return cell.source, True
        return "\n".join(self.lines[place].source for place in places), False


def _skipped(cell: Cell) -> bool:
    kale = kale_cell(cell.tags)
    return kale is not None and kale.role == "skip"


def _first_line(source: str) -> str:
    line = source.strip().partition("\n")[0]
    return line if len(line) <= 80 else line[:79] + "…"


def _defined(node: ast.stmt | None) -> set[str]:
    """The function or class that a statement defines: its text stands in the notebook, so it is no result."""
    return {node.name} if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else set()


def _stored_on(node: ast.stmt | None) -> set[str]:
    """Names on which a statement stores an attribute or item: `Config.size = 5`."""
    found = set()
    for part in ast.walk(node) if node is not None else ():
        if isinstance(part, (ast.Attribute, ast.Subscript)) and not isinstance(part.ctx, ast.Load):
            base: ast.AST = part
            while isinstance(base, (ast.Attribute, ast.Subscript)):
                base = base.value
            found |= {base.id} if isinstance(base, ast.Name) else set()
    return found
