"""`mlgov reproduce`: what ran is fetched, run again in a fresh kernel somewhere else, and held against the record."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady, unknown
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.core.team import Roles, Team
from jupyter_mlgov.lineage.comparison import Difference, compare
from jupyter_mlgov.lineage.facts import Lineage, ObjectRef, Outcome
from jupyter_mlgov.pipelines.documents import INJECTED, Notebook
from jupyter_mlgov.pipelines.reproduce import SECTION, Grade, declared, graded, last_runs, out_of_order
from jupyter_mlgov.pipelines.reproduce_causes import causes, failure, first_divergent
from jupyter_mlgov.pipelines.reproduce_values import Values, auc, closeness
from jupyter_mlgov.pipelines.reproduction import Reproduction
from jupyter_mlgov.pipelines.runnable import parameters_of
from jupyter_mlgov.pipelines.secrets import variable
from jupyter_mlgov.workspace.reproduce_replay import replay
from jupyter_mlgov.workspace.reproduce_sources import Fetched, fetched

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

Choice = Literal["auto", "current", "lock"]
Say = Callable[[str], None]
# What a second run may not inherit: it would record, deliver or log where the first one did.
_OURS = ("MLGOV_DATABASE_URL", "MLGOV_TRACKING_URI", "MLGOV_OPENLINEAGE", "MLGOV_ANCHORS", "MLFLOW_TRACKING_URI", "JPY_SESSION_NAME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to run again (`MODEL@VERSION`, `MODEL@STAGE` or a notebook), in which environment, with how many seconds for each cell.

    `quick`: here, and only the steps from the first changed one on. That is no evidence for a gate.
    """

    target: str
    environment: Choice = "auto"
    timeout: int | None = None
    quick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The recorded session meant by a target. `version` is empty for a notebook's last session."""

    model: str
    version: str
    recorded: Lineage


def reproduce(workspace: Workspace, wish: Wish, say: Say) -> Reproduction:
    """Run it again and write the grade to the trail; what could not be done is the grade `could not tell`, with the reason.

    The user's files are only read: everything runs in a temporary folder. Raises UsageError for a target that names nothing.
    """
    subject = found(workspace, wish.target)
    session = subject.recorded.session
    if session is None:
        raise _never_ran(workspace, subject.recorded.notebook)
    team = workspace.team_for(subject.recorded.notebook)
    wanted = declared(team.register.get(SECTION, {}))
    model = subject.recorded.model
    start = Reproduction(
        model=subject.model,
        version=subject.version,
        notebook=subject.recorded.notebook,
        session=session.id,
        commit=session.code.commit,
        model_digest=model.fingerprint.root if model and model.fingerprint else "",
        tolerance=wanted.tolerance,
    )
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="mlgov-reproduce-") as folder:
            done = _run(workspace, subject, team, wish, Path(folder), start, say)
    except MlgovError as error:
        done = replace(start, problem=str(error))
    done = replace(done, seconds=round(time.monotonic() - begun, 3))
    workspace.record(Draft(action="reproduce.done", subject=subject.model, payload=done.as_evidence()))
    return done


def _never_ran(workspace: Workspace, notebook: str) -> NotReady:
    """Nothing to run again. Raises BadInput for a notebook that could not have run here: another language, two parameter cells."""
    from jupyter_mlgov.integrations.notebooks import check_runnable, read_notebook

    check_runnable(read_notebook(workspace.path_of(notebook)))
    return NotReady(f"{notebook} has not run here, so there is nothing to hold a second run against.", next="`mlgov run NOTEBOOK`.")


# -- which session ----------------------------------------------------------------------------------------------------


def found(workspace: Workspace, target: str) -> Subject:
    """The session behind `MODEL@VERSION` or `MODEL@STAGE`, or a notebook's last one. Raises UsageError for neither."""
    name, at, version = target.rpartition("@")
    if not at or workspace.path_of(target).is_file():
        notebook = workspace.notebook(target)
        return Subject(model=workspace.team_for(notebook).model, version="", recorded=workspace.lineage(notebook))
    entries = list(workspace.journal.entries())
    version = version if re.fullmatch(r"\d+", version) else _in_stage(entries, name, version)
    told = [entry for entry in entries if entry.action == "projection.delivered" and entry.payload.get("version")]
    versions = {(str(entry.payload.get("model")), str(entry.payload.get("version"))): entry for entry in told}
    last = versions.get((name, version))
    if last is None:
        raise unknown("recorded version", target, [f"{model}@{number}" for model, number in versions], next="See `mlgov status`.")
    return Subject(model=name, version=version, recorded=_session(entries, str(last.payload.get("key")), last.seq))


def _in_stage(entries: list[AuditEntry], model: str, stage: str) -> str:
    from jupyter_mlgov.promotion.intended import intended

    move = intended(entries, model, stage)
    return move.version if move is not None else stage


def _session(entries: list[AuditEntry], key: str, upto: int) -> Lineage:
    """The session that a delivery was about, as it stood then; of a run by steps, all of its sessions. The key is `run:SESSION:…`."""
    from jupyter_mlgov.lineage.fold import fold

    session = key.split(":")[1] if key.count(":") else ""
    starts = {str(entry.payload.get("id")): entry.payload.get("pipeline") for entry in entries if entry.action == "session.started"}
    token = starts.get(session)
    mine = {one for one, pipeline in starts.items() if one == session or (token and pipeline == token)}
    kept = [
        entry
        for entry in entries
        if (entry.action == "session.started" and entry.payload.get("id") in mine)
        or (entry.payload.get("session") in mine and (entry.seq < upto or entry.action == "session.described"))
    ]
    notebook = next((entry.subject for entry in kept if entry.action == "session.started"), "")
    return fold(kept, notebook)


# -- the second run ---------------------------------------------------------------------------------------------------


def _run(workspace: Workspace, subject: Subject, team: Team, wish: Wish, folder: Path, start: Reproduction, say: Say) -> Reproduction:
    from jupyter_mlgov.workspace.composition import Workspace

    recorded = subject.recorded
    say("fetching code and data …")
    code = fetched(workspace, recorded, folder)
    told, python = ((), None) if wish.quick else _environment(recorded, code, team, wish, say)
    start = replace(
        start,
        limits=code.limits,
        notes=(*code.notes, *told, *_secrets(code.notebook)),
        environment="lock" if python else "current",
        numbers={cell.id: cell.index for cell in code.notebook.cells},
        out_of_order=out_of_order(recorded, (cell.id for cell in code.notebook.cells)),
    )
    again = Workspace(code.root, Settings(actor=workspace.actor().id, deliver="manual"))
    Workspace.create(again.root, again.settings).close()
    try:
        if wish.quick:
            given = _given(recorded)
            with _surroundings(again.root, code.surroundings):
                quick = replay(workspace, again, recorded, code.changed, _differs(recorded), given, folder, say)
            start = replace(start, problem=quick.problem, replayed=quick.steps)
            return _compared(workspace, again, quick.recorded, team, start)
        problem = _execute(recorded, again, python, wish, folder, code.surroundings, say)
        say("comparing …")
        return _compared(workspace, again, recorded, team, replace(start, problem=problem))
    finally:
        again.close()


def _environment(recorded: Lineage, code: Fetched, team: Team, wish: Wish, say: Say) -> tuple[tuple[str, ...], Path | None]:
    """(notes, the Python to run in; None for this one). In `auto` a lock that cannot be built is a note, and this environment runs it."""
    from jupyter_mlgov.integrations.environments import built, cache_folder
    from jupyter_mlgov.lineage.environment import read_lock

    assert recorded.session is not None  # noqa: S101  # its caller asked
    then, differs = recorded.session.environment, _differs(recorded)
    if wish.environment == "current" or (wish.environment == "auto" and not differs):
        return (), None
    say("building the environment …")
    path = code.root / team.lock
    pins = read_lock(path.read_text("utf-8"), path.name).packages if path.is_file() else then.packages
    try:
        return (), built(pins, then.python, cache_folder())
    except NotReady as error:
        if wish.environment == "lock":
            raise
        return (f"It ran in this environment, where {differs[0]} ({len(differs)} in all): {error.what}",), None


def _differs(recorded: Lineage) -> list[Difference]:
    """What of this environment is another than the recorded one and can change numbers: Python and packages."""
    from jupyter_mlgov.lineage.environment import environment

    assert recorded.session is not None  # noqa: S101  # its caller asked
    then = recorded.session.environment
    found = compare(then, replace(environment(), machine=then.machine))
    return [one for one in found if one.matters and one.kind in ("python", "package")]


def _execute(
    recorded: Lineage, again: Workspace, python: Path | None, wish: Wish, folder: Path, around: Mapping[str, str], say: Say
) -> str:
    """Run it. Returns why it did not end well, or an empty text."""
    from jupyter_mlgov.integrations.environments import kernel_in
    from jupyter_mlgov.integrations.notebooks import read_notebook
    from jupyter_mlgov.integrations.papermill import run_notebook

    path = again.path_of(recorded.notebook)
    more = dict(around)
    if python is not None:
        place = kernel_in(folder / "jupyter", read_notebook(path).kernel or "python3", python)
        more["JUPYTER_PATH"] = os.pathsep.join(filter(None, (str(place), os.environ.get("JUPYTER_PATH", ""))))
    with _surroundings(again.root, more):
        result = run_notebook(
            path,
            folder / "executed.ipynb",
            _given(recorded),
            cwd=path.parent,
            progress=lambda done, total, what: say(f"cell {done} of {total} {what}"),
            notebook_name=recorded.notebook,
            timeout=wish.timeout,
        )
    return "" if result.outcome is Outcome.OK else result.error


@contextmanager
def _surroundings(root: Path, more: Mapping[str, str]) -> Iterator[None]:
    """The environment variables of the second run: recorded in its own folder, delivered nowhere."""
    before = dict(os.environ)
    for name in _OURS:
        os.environ.pop(name, None)
    os.environ.update({"MLGOV_WORKSPACE": str(root), "MLGOV_DELIVER": "manual", **more})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _given(recorded: Lineage) -> dict[str, object]:
    """The parameters that were given then; what the notebook says itself is in its text. Secrets are not in the record."""
    run = last_runs(recorded).get(INJECTED)
    values = run.parameters if run is not None else {}
    secret = [name for name, value in values.items() if isinstance(value, str) and value.startswith("(not recorded")]
    missing = next((name for name in secret if variable(name) not in os.environ), "")
    if missing:
        raise NotReady(f"The parameter {missing} is secret, so its value was not recorded.", next=f"Set {variable(missing)} to it.")
    return {name: value for name, value in values.items() if name not in secret}


def _secrets(notebook: Notebook) -> tuple[str, ...]:
    """What a person must know of secret parameters: whether the second run had the first one's values, nobody can check."""
    named = [one.name for one in parameters_of(notebook) if one.secret]
    told = ((name, "was taken from" if variable(name) in os.environ else "has the notebook's default; set") for name in named)
    return tuple(f"The secret parameter {name} is in no record. Here it {how} {variable(name)}." for name, how in told)


# -- held against the record ------------------------------------------------------------------------------------------


def _compared(workspace: Workspace, again: Workspace, recorded: Lineage, team: Team, start: Reproduction) -> Reproduction:
    after = again.lineage(recorded.notebook)
    if after.session is None or recorded.session is None:
        raise NotReady("The second run left no record.", next="Run it by hand: `mlgov run NOTEBOOK`.")
    wanted, score = declared(team.register.get(SECTION, {})), team.roles.score

    def kept(one: ObjectRef, other: ObjectRef, column: str) -> tuple[Values, Values] | None:
        there = (_stored(recorded, one), _stored(after, other))
        if there[0] is None or there[1] is None:
            return None
        return _values(workspace.objects.path(there[0]), column), _values(again.objects.path(there[1]), column)

    artefacts = graded(recorded, after, wanted, kept, score=score)
    first = first_divergent(artefacts)
    differs = compare(recorded.session.environment, after.session.environment)
    broken = failure(after) if start.problem else None
    where = first.cell if first and first.grade is Grade.DIVERGENT else broken.cell_id if broken else ""
    mine, theirs = recorded.model, after.model
    same = bool(mine and theirs and mine.fingerprint and theirs.fingerprint and mine.fingerprint.root == theirs.fingerprint.root)
    difference, apart = _scores(workspace, again, (recorded, after), team.roles)
    return replace(
        start,
        artefacts=artefacts,
        first=first,
        causes=causes(where, recorded, after, differs) if where else (),
        equal=same,
        difference=difference,
        auc_difference=apart,
    )


def _stored(lineage: Lineage, wanted: ObjectRef) -> Digest | None:
    """Where the content of `wanted` lies: with the output that has the same fingerprint, since inputs are not stored again."""
    refs = [wanted, *(ref for run in lineage.runs for ref in run.outputs)]
    same = [ref.stored for ref in refs if ref.fingerprint and wanted.fingerprint and ref.fingerprint.root == wanted.fingerprint.root]
    return next((stored for stored in same if stored is not None), None)


def _values(path: Path, column: str) -> Values:
    import pyarrow.parquet as pq

    values: Values = pq.read_table(path, columns=[column]).column(0).to_pylist()
    return values


def _scores(workspace: Workspace, again: Workspace, both: tuple[Lineage, Lineage], roles: Roles) -> tuple[float | None, float | None]:
    """(largest difference of the scores, difference of their AUC), from the kept tables; None where there is nothing to compare."""
    refs = [one.last_output(roles.table) for one in both]
    stored = [ref.stored if ref is not None else None for ref in refs]
    if stored[0] is None or stored[1] is None or not roles.score:
        return None, None
    paths = (workspace.objects.path(stored[0]), again.objects.path(stored[1]))
    label = roles.label or roles.outcome
    try:
        scores = [_values(path, roles.score) for path in paths]
        labels = [[str(value) == roles.favourable for value in _values(path, label)] for path in paths] if label else []
    except (KeyError, IndexError, OSError, ValueError):
        return None, None
    areas = [auc(score, truth) for score, truth in zip(scores, labels, strict=False)]
    apart = areas[1] - areas[0] if len(areas) == 2 and areas[0] is not None and areas[1] is not None else None
    return closeness(scores[0], scores[1]).largest, apart


__all__ = ["Subject", "Wish", "found", "reproduce"]
