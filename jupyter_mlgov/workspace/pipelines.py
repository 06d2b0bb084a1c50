"""All steps of a notebook, one after the other, each in a kernel of its own: with a token, retries, and from the last good step on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady, UsageError
from jupyter_mlgov.pipelines.steps import PlannedStep
from jupyter_mlgov.workspace.stepping import StepBook, StepDone, run_step, shown

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")
FOLDER = "pipelines"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineDone:
    """How a run of all steps ended. `steps` are those that ran now, `kept` those whose values of before were still right."""

    token: str
    outcome: str
    sentence: str
    steps: tuple[StepDone, ...]
    kept: tuple[str, ...]
    folder: Path

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.steps)


def run_pipeline(
    workspace: Workspace,
    book: StepBook,
    values: Mapping[str, object],
    *,
    token: str,
    resume: bool = False,  # what a person asked for: to go on where an earlier run stopped
    say: Callable[[str], None] | None = None,
) -> PipelineDone:
    """Run every step. Asking twice with one `token` is one run: the second answers what the first did.

    With `resume`, steps of that token whose code, parameters and inputs are still the same are kept. Raises UsageError for a token of
    another notebook or parameters, NotReady while another process runs it.
    """
    if not _TOKEN.fullmatch(token):
        raise UsageError(f'"{token[:60]}" is no token.', expected="Expected letters, digits and . _ : + -, 100 at most.")
    folder = run_folder(workspace, token)
    with _alone(folder, token):
        before = _check_token(folder, token, book, values)
        if before and not resume and (folder / "done").is_file():
            return _as_before(book, folder, token)
        workspace.record(Draft(action="pipeline.started", subject=book.name, payload=_about(book, values, token, resume)))
        try:
            done = _run_all(workspace, book, values, folder, token, resume, say)
        except MlgovError as error:
            workspace.record(
                Draft(action="pipeline.ended", subject=book.name, payload={"pipeline": token, "outcome": f"refused: {error.what}"})
            )
            raise
        workspace.record(
            Draft(
                action="pipeline.ended",
                subject=book.name,
                payload={
                    "pipeline": token,
                    "outcome": done.outcome,
                    "kept": list(done.kept),
                    "steps": [
                        {"step": one.step, "outcome": one.outcome, "seconds": round(one.seconds, 3), "memory_bytes": one.memory}
                        for one in done.steps
                    ],
                },
            )
        )
        if done.outcome == "ok":
            (folder / "done").write_text(done.sentence, "utf-8")
        return done


def run_folder(workspace: Workspace, token: str) -> Path:
    """Where the run of that token leaves its values and notebooks, a folder a step."""
    return workspace.root / ".mlgov" / FOLDER / token.replace(":", "_")


def _about(book: StepBook, values: Mapping[str, object], token: str, resume: bool) -> dict[str, object]:  # a fact
    return {
        "pipeline": token,
        "notebook": book.digest,
        "steps": [one.name for one in book.graph.steps],
        "parameters": {name: repr(value) for name, value in shown(values, book).items()},
        "resumed": resume,
    }


def _run_all(
    workspace: Workspace,
    book: StepBook,
    values: Mapping[str, object],
    folder: Path,
    token: str,
    resume: bool,  # as in run_pipeline()
    say: Callable[[str], None] | None,
) -> PipelineDone:
    from jupyter_mlgov.pipelines.rules import rules_of

    rules = rules_of(workspace.team_for(book.name))
    ran: list[StepDone] = []
    kept: list[str] = []
    total = len(book.graph.steps)
    for place, step in enumerate(book.graph.steps):
        if resume and still_right(book, step, folder, values, {one.step for one in ran}):
            kept.append(step.name)
            continue
        done = _with_retries(
            workspace,
            book,
            step,
            folder,
            values,
            token,
            rules.of(step.label, step.name).retries,
            f"step {place + 1} of {total} {step.name}",
            say,
        )
        ran.append(done)
        if done.outcome != "ok":
            left = total - place - 1
            more = f" {left} step{'s' if left > 1 else ''} after it did not run." if left else ""
            how = f"Go on from there: `mlgov run {book.name} --token {token} --resume`."
            sentence = f"Step {step.name}: {done.sentence}{more} {how}"
            return PipelineDone(token=token, outcome=done.outcome, sentence=sentence, steps=tuple(ran), kept=tuple(kept), folder=folder)
    spent = sum(one.seconds for one in ran)
    again = f"; {', '.join(kept)} kept from before" if kept else ""
    sentence = f"{book.name} ran in {spent:.1f} s as {total} steps (token {token}{again})."
    return PipelineDone(token=token, outcome="ok", sentence=sentence, steps=tuple(ran), kept=tuple(kept), folder=folder)


def _with_retries(
    workspace: Workspace,
    book: StepBook,
    step: PlannedStep,
    folder: Path,
    values: Mapping[str, object],
    token: str,
    retries: int,
    what: str,
    say: Callable[[str], None] | None,
) -> StepDone:
    def progress(cell: int, of: int, _: str) -> None:
        if say is not None:
            say(f"{what}: cell {cell} of {of}")

    for attempt in range(retries + 1):
        if say is not None:
            say(what if not attempt else f"{what}, again ({attempt} of {retries})")
        done = run_step(workspace, book, step, [folder], folder / step.name, values, token=token, progress=progress)
        if done.outcome == "ok" or attempt == retries:
            return done
        payload = {"step": step.name, "pipeline": token, "problem": done.sentence, "attempt": attempt + 1}
        workspace.record(Draft(action="step.retried", subject=book.name, payload=payload))
    raise AssertionError("a loop over at least one attempt returns")


def still_right(book: StepBook, step: PlannedStep, folder: Path, values: Mapping[str, object], ran: set[str]) -> bool:
    """May the values that an earlier run left for this step be kept? Same code and parameters, every byte there, inputs not made anew."""
    from jupyter_mlgov.pipelines.crossing import read_manifest, verify_files
    from jupyter_mlgov.pipelines.stepbook import step_digest

    try:
        manifest = read_manifest(folder / step.name)
        for name, about in manifest["values"].items():
            verify_files(name, about, folder / step.name)
    except MlgovError:
        return False
    same = manifest.get("code") == step_digest(step, shown(values, book)) and manifest.get("notebook") == book.name
    return same and not ran & set(step.after)


# -- one token, one run ------------------------------------------------------------------------------------------------


@contextmanager
def _alone(folder: Path, token: str) -> Iterator[None]:
    """Only one process runs a token at a time; the lock goes with the process, so a killed one leaves none."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotReady(f"The run {token} is under way in another process.", next="Wait for it, or name another --token.") from None
        yield


def _check_token(folder: Path, token: str, book: StepBook, values: Mapping[str, object]) -> bool:
    """Does the token name an earlier run of the same? Raises UsageError for one of something else."""
    mine = str(
        Digest.of_json({"notebook": book.name, "parameters": {name: repr(value) for name, value in sorted(shown(values, book).items())}})
    )
    path = folder / "asked"
    if path.is_file():
        if path.read_text("utf-8") != mine:
            raise UsageError(f"The token {token} names a run of another notebook or with other parameters.", next="Name another --token.")
        return True
    path.write_text(mine, "utf-8")
    return False


def _as_before(book: StepBook, folder: Path, token: str) -> PipelineDone:
    sentence = f"The run {token} of {book.name} is done already; nothing ran again. {(folder / 'done').read_text('utf-8')}"
    return PipelineDone(
        token=token, outcome="ok", sentence=sentence, steps=(), kept=tuple(one.name for one in book.graph.steps), folder=folder
    )


def new_token(name: str) -> str:
    """A token nobody else has."""
    import uuid

    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')[:40] or 'run'}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
