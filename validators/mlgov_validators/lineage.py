"""Can the model be traced back to its code, its environment and every input?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_mlgov.sdk import CellRun, CodeState, Finding, Lineage, Missing, ObjectRef, Outcome, Subject, Verdict, validator


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One thing that must be known about the model. `missing` says what is not, or is empty where it is."""

    name: str
    missing: str = ""
    fix: str = ""
    where: str = ""


@validator("lineage.complete", title="Lineage completeness", needs=("lineage",))
def completeness(subject: Subject) -> list[Finding]:
    """Does the record lead from the model to its run, its commit, its environment and every input, each with a digest?

    Required: the model has a fingerprint and came out of a tagged cell that ran to its end; the run names a commit in which the
    notebook and the files it read have no change; it names the environment; every file a tagged cell read has a digest; every
    table a tagged cell took in came, unchanged, out of an earlier tagged cell; nothing the recorder says it missed.
    Completeness is known edges over required edges.

    fail: under 1.00 for tier 1 and 2. warn: under 1.00 for tier 3. Each missing edge is a finding.
    inconclusive: no model, or no session, was recorded.

    Digests are those the recorder took. Whether the files still have them is looked at before a promotion, from every file anew.

    Source: W3C PROV-DM, OpenLineage; the threshold is a house figure.

    Fix: Tag the cell that makes or reads what is missing, commit the notebook, and run it again from the top.
    """
    lineage = subject.lineage
    if lineage is None or lineage.session is None:
        raise Missing("No session of this notebook was recorded.", next="Run it with `%load_ext jupyter_mlgov`.")
    model = lineage.model
    if model is None:
        raise Missing("No model was recorded.", next="Tag the cell that makes it `mlgov:train` and run it.")
    edges = [*_model(lineage, model), *_code(lineage, lineage.session.code), *_inputs(lineage)]
    if not lineage.session.environment.packages:
        edges.append(Edge(name="environment", missing="The environment of the run was not recorded.", fix="Run the notebook again."))
    else:
        edges.append(Edge(name="environment"))
    return _judged(edges, subject.tier)


def _judged(edges: list[Edge], tier: int) -> list[Finding]:
    missing = [edge for edge in edges if edge.missing]
    ratio = (len(edges) - len(missing)) / len(edges)
    verdict = Verdict.PASS if not missing else Verdict.FAIL if tier in (1, 2) else Verdict.WARN
    said = f"{len(edges) - len(missing)} of {len(edges)} links from the model back to its sources are recorded."
    if missing:
        said += f" Missing: {missing[0].missing}" + (f" And {len(missing) - 1} more." if len(missing) > 1 else "")
    whole = Finding(message=said, verdict=verdict, measured=ratio, allowed="1.00", n=len(edges))
    gaps = [Finding(message=edge.missing, verdict=verdict, where=edge.where, fix=edge.fix, details={"edge": edge.name}) for edge in missing]
    return [whole, *gaps]


def _model(lineage: Lineage, model: ObjectRef) -> Iterator[Edge]:
    if model.fingerprint is None:
        yield Edge(
            name="model digest",
            missing=f"The model `{model.name}` has no digest. {model.note}".strip(),
            fix="Use a model that skops can store, or register a file of it.",
            where=model.name,
        )
    else:
        yield Edge(name="model digest")
    makers = [run for run in lineage.runs if any(ref.kind == "model" for ref in run.outputs)]
    made = makers[-1] if makers else None
    if made is None or made.step is None:
        missing = f"The model `{model.name}` came out of a cell without a tag."
        yield Edge(name="training run", missing=missing, fix="Tag that cell `mlgov:train` and run it.", where=made.cell_id if made else "")
    elif made.outcome is not Outcome.OK:
        missing = f"The cell that made `{model.name}` did not run to its end ({made.outcome})."
        yield Edge(name="training run", missing=missing, fix="Mend that cell and run it.", where=made.cell_id)
    else:
        yield Edge(name="training run")


def _code(lineage: Lineage, code: CodeState) -> Iterator[Edge]:
    if not code.commit:
        missing = "The run names no git commit."
        if problem := getattr(code, "problem", ""):
            missing += f" {problem}"
        yield Edge(name="commit", missing=missing, fix="Put the notebook into a git repository, commit it, and run it again.")
        return
    yield Edge(name="commit")
    ours = {lineage.notebook, *(ref.path for run in _tagged(lineage) for ref in run.files_read)}
    changed = sorted(path for path in code.dirty if path in ours)
    for path in changed:
        missing = f"{path} had changes that are in no commit."
        yield Edge(name="clean code", missing=missing, fix=f"Commit {path} and run the notebook again.", where=path)
    if not changed:
        yield Edge(name="clean code")


def _inputs(lineage: Lineage) -> Iterator[Edge]:
    runs = _tagged(lineage)
    last = {run.cell_id: run.id for run in runs}
    written = {ref.path for run in runs for ref in run.files_written}
    files = {ref.path: ref for run in runs for ref in run.files_read if ref.path not in written}
    for path, ref in sorted(files.items()):
        missing = "" if ref.digest else f"{path} was read and has no digest."
        yield Edge(
            name=f"input {path}", missing=missing, fix="See that the file can be read, and run the cell again." * bool(missing), where=path
        )
    yield from _tables(runs, set(last.values()))
    for run in (run for run in runs if run.id in last.values()):
        for gap in run.gaps:
            yield Edge(name="record", missing=f"The recorder missed something: {gap}", fix="Run that cell again.", where=run.cell_id)
    if not files and not any(run.inputs or run.outputs for run in runs if run.step and run.step.kind == "data"):
        missing = "No input was recorded: no tagged cell read a file or made a table in a `data` step."
        yield Edge(name="inputs", missing=missing, fix="Tag the cell that reads the data `mlgov:data` and run the notebook again.")


def _tables(runs: tuple[CellRun, ...], current: set[str]) -> Iterator[Edge]:
    """Every table the last run of a tagged cell took in must have come out of an earlier tagged cell with the same content."""
    made: dict[str, set[str]] = {}
    for run in runs:
        for ref in run.inputs:
            if ref.kind == "table" and run.id in current:
                yield _table(ref, run, made.get(ref.name))
        for ref in run.outputs:
            if ref.fingerprint:
                made.setdefault(ref.name, set()).add(ref.fingerprint.root)


def _table(ref: ObjectRef, run: CellRun, roots: set[str] | None) -> Edge:
    step = run.step.label if run.step else "a cell"
    name = f"table {ref.name} of {step}"
    if ref.fingerprint is None:
        missing = f"`{ref.name}` was read by {step} and has no digest. {ref.note}".strip()
        return Edge(name=name, missing=missing, fix="Use a table of plain column types.", where=run.cell_id)
    if roots is None:
        missing = f"`{ref.name}` was read by {step} and has no recorded source."
        return Edge(name=name, missing=missing, fix=f"Tag the cell that makes `{ref.name}` and run it.", where=run.cell_id)
    if ref.fingerprint.root not in roots:
        missing = f"`{ref.name}` was changed outside tagged cells before {step} read it."
        return Edge(name=name, missing=missing, fix="Tag the cell that changes it, and run the notebook from the top.", where=run.cell_id)
    return Edge(name=name)


def _tagged(lineage: Lineage) -> tuple[CellRun, ...]:
    """The tagged cell runs that ended well, in order: all of them, for an earlier run of a cell may have made what is used."""
    return tuple(run for run in lineage.runs if run.step is not None and run.outcome is Outcome.OK)
