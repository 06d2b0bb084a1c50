"""Where one notebook stands, put together for the panel, the status line and `%mlgov`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.lineage.facts import Lineage, StepState
from jupyter_mlgov.promotion.facts import Decision
from jupyter_mlgov.reports.reading import unchecked
from jupyter_mlgov.reports.views import CheckLine, NotebookView, TrailLine, TrailPage
from jupyter_mlgov.validation.results import CheckResult, Report
from jupyter_mlgov.workspace.answering import answering
from jupyter_mlgov.workspace.judging import changes, decide, last_report, measured_alone, way_of

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
    from jupyter_mlgov.audit.journal import Journal
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.promotion.ahead import Way
    from jupyter_mlgov.workspace.composition import Workspace

TRAIL = 30


def view(workspace: Workspace, notebook: str) -> NotebookView:
    """Never raises for what a user did: a record that cannot be read is said in `problem`."""
    from dataclasses import replace

    empty = NotebookView(notebook=notebook, workspace=workspace.root.name)
    try:
        return _view(workspace, notebook, empty)
    except MlgovError as error:
        return replace(empty, problem=" ".join(filter(None, (error.what, error.expected))), next=error.next)


def _view(workspace: Workspace, notebook: str, empty: NotebookView) -> NotebookView:
    from dataclasses import replace

    from jupyter_mlgov.promotion.fold import reviews
    from jupyter_mlgov.promotion.why import shortest

    team = workspace.team_for(notebook)
    lineage = workspace.lineage(notebook)
    report = last_report(workspace, notebook)
    ahead = way_of(workspace, notebook)
    stage = ahead.stage
    stale = changes(workspace, report, lineage, team) if report else ()
    decision = decide(workspace, stage, notebook, ask_registry=False)[0] if stage else None
    entries = list(workspace.journal.entries())
    version, where = _stands(entries, team)
    session = lineage.session
    return replace(
        empty,
        model=team.model,
        version=version,
        stage=where,
        let_in=ahead.let_in,
        steps=lineage.steps,
        disorder=_disorder(workspace, notebook, lineage),
        checks=_with_alone(
            check_lines(report, (*stale, *_overtaken(lineage)), _waived(workspace, notebook, report)),
            measured_alone(workspace, notebook) if report else {},
        ),
        unchecked=len(unchecked(report)) if report else 0,
        report=report.digest if report else "",
        why=shortest(decision) if decision else (),
        reviews=reviews(entries, report.digest) if report else (),
        gate=ahead.gate,
        inputs=_inputs(lineage),
        runs_on=f"Python {session.environment.python} · {len(session.environment.packages)} packages" if session else "",
        code=_code(lineage),
        waiting=len(workspace.journal.pending()),
        team_file=_team_file(workspace, notebook),
        answering=answering(workspace, team.model, team),
        trail=trail_page(workspace.journal, 0, TRAIL).lines,
        next=_gone(workspace, lineage) or _next(lineage, report, stale, decision, ahead),
    )


def _team_file(workspace: Workspace, notebook: str) -> str:
    from jupyter_mlgov.core.team import TEAM_FILE

    folder = workspace.path_of(notebook).parent
    for one in (folder, *folder.parents):
        if (one / TEAM_FILE).is_file():
            return (one / TEAM_FILE).relative_to(workspace.root).as_posix()
        if one == workspace.root:
            break
    return ""


def _stands(entries: list[AuditEntry], team: Team) -> tuple[str, str]:
    """(version, stage): the last of the team's stages that holds a version of the model, whichever; the first one where none does."""
    from jupyter_mlgov.promotion.intended import history

    now = {move.stage: move.version for move in history(entries, team.model)}
    held = [(now[stage], stage) for stage in team.stages[1:] if now.get(stage)]
    return held[-1] if held else ("", team.stages[0])


def _waived(workspace: Workspace, notebook: str, report: Report | None) -> dict[str, str]:
    """validator -> who lifted its verdict until when."""
    from jupyter_mlgov.promotion.waivers import WAIVED, waived
    from jupyter_mlgov.workspace.waiving import standings

    lifting = [one.waiver for one in standings(workspace, notebook) if not one.objection]
    shown = waived(report, lifting) if report and lifting else None
    return {item.validator: item.note for item in shown.requirements if item.standing == WAIVED} if shown else {}


def check_lines(report: Report | None, stale: tuple[str, ...], waived: dict[str, str]) -> tuple[CheckLine, ...]:
    """Each result as a line, the gravest first."""
    if report is None:
        return ()
    ordered = sorted(report.results, key=lambda result: (result.verdict.rank, report.severity(result.validator).rank, result.validator))
    return tuple(
        CheckLine(
            validator=result.validator,
            title=result.title,
            verdict=result.verdict,
            severity=report.severity(result.validator),
            summary=result.summary,
            stale="; ".join(stale),
            waived=waived.get(result.validator, ""),
            cell=result.cell,
        )
        for result in ordered
    )


def _with_alone(lines: tuple[CheckLine, ...], alone: Mapping[str, CheckResult]) -> tuple[CheckLine, ...]:
    from dataclasses import replace

    measured = {name: {"alone": one.verdict.value, "alone_summary": one.summary} for name, one in alone.items()}
    return tuple(replace(line, **measured.get(line.validator, {})) for line in lines)


def _disorder(workspace: Workspace, notebook: str, lineage: Lineage) -> tuple[str, ...]:
    """The cells of the saved file that ran before a cell above them did; none where there is no file."""
    from jupyter_mlgov.integrations.notebooks import read_notebook
    from jupyter_mlgov.lineage.hidden import disordered

    path = workspace.path_of(notebook)
    if not path.is_file():
        return ()
    return disordered(lineage.runs, [cell.id for cell in read_notebook(path).cells if cell.type == "code"])


def _overtaken(lineage: Lineage) -> tuple[str, ...]:
    """The steps that a change has overtaken since they ran: what was measured behind them is about what was, not about what is."""
    return tuple(f"the step {one.step.label} is out of date" for one in lineage.steps if one.state is StepState.STALE)


def _inputs(lineage: Lineage) -> tuple[str, ...]:
    seen = {ref.path: ref for run in lineage.runs if run.step for ref in run.files_read}
    return tuple(f"{path} {ref.digest.short if ref.digest else '(not read)'}" for path, ref in seen.items())


def _code(lineage: Lineage) -> str:
    if lineage.session is None:
        return ""
    code = lineage.session.code
    if not code.commit:
        return f"git commit not known: {code.problem}" if code.problem else "no git commit"
    changed = f" + {len(code.dirty)} uncommitted" if code.dirty else ""
    return f"git {code.commit[:7]}{changed}"


def trail_page(journal: Journal, before: int, limit: int) -> TrailPage:
    """At most `limit` entries with numbers below `before` (0: the newest), the newest first."""
    head, _ = journal.head()
    end = min(before, head + 1) if before else head + 1
    lines = []
    for entry in journal.entries(after=max(0, end - 1 - limit)):
        if entry.seq >= end:
            break
        lines.append(TrailLine(seq=entry.seq, time=stamp(entry.time), sentence=str(entry), digest=entry.digest))
    return TrailPage(lines=tuple(reversed(lines)), entries=head)


def _gone(workspace: Workspace, lineage: Lineage) -> str:
    """Where nothing of this notebook ran but a notebook with a record is gone: that a record does not move with a name; else nothing."""
    if lineage.session is not None:
        return ""
    ran = {entry.subject: None for entry in workspace.journal.entries(actions=("session.started",))}
    gone = [name for name in ran if not workspace.path_of(name).is_file()]
    if not gone:
        return ""
    return (
        f"No run of this notebook is recorded; {gone[-1]}, which is gone, has a record. If that is this notebook under a new name: "
        "restart the kernel and run all cells, because what ran stays under the name it ran as."
    )


def _next(lineage: Lineage, report: Report | None, stale: tuple[str, ...], decision: Decision | None, ahead: Way) -> str:
    """The one thing to do now."""
    if not lineage.steps:
        return "No steps yet. Tag a cell: `mlgov:data`, `mlgov:features`, `mlgov:train`, `mlgov:evaluate`."
    states = Counter(status.state for status in lineage.steps)
    if states[StepState.FAILED] or states[StepState.KILLED]:
        return "A step failed. Mend its cell and run it again."
    waiting = [status.step.label for status in lineage.steps if status.state is not StepState.FRESH]
    if waiting:
        return f"Run the steps that are not up to date: {', '.join(waiting)}."
    if report is None:
        return "Ask whether it may go on: `%mlgov validate`."
    if stale:
        return f"Validate again, because {stale[0]}: `%mlgov validate`."
    if decision is not None and decision.reasons:
        return "See what stands in the way: `%mlgov why`."
    if ahead.done:
        return f"This very model is in {ahead.stage}, the last stage, as version {ahead.version}."
    return f"Nothing stands in the way: `%mlgov promote {ahead.stage}`." if ahead.stage else ""
