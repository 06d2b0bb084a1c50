"""`mlgov demo`: the main job on real data, told act by act."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from jupyter_mlgov.cli.options import colour, format_option, progress, say_json, width
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.promotion.docket import replay
from jupyter_mlgov.promotion.facts import Answer, Decision
from jupyter_mlgov.promotion.rollback import Receipt
from jupyter_mlgov.validation.results import Report
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.demo import BY_SEX, DATA, NOTEBOOK, REVIEWER, git, prepare
from jupyter_mlgov.workspace.flip import FROM_ROW, LABEL, ROWS, LateFlip, late_flip
from jupyter_mlgov.workspace.impact import impact
from jupyter_mlgov.workspace.jobs import export_notebook, run_governed
from jupyter_mlgov.workspace.reviewing import ask, claim
from jupyter_mlgov.workspace.rollback import Order, roll_back


@click.command()
@click.option(
    "--workspace",
    "-w",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="mlgov-demo",
    show_default=True,
    help="An empty folder.",
)
@format_option()
@click.pass_context
def demo(ctx: click.Context, folder: Path, style: str) -> None:
    """Run the credit-approval example: record, validate, refuse, review, promote, export, verify. About a minute."""
    teller = Teller(quiet=style == "json")
    told = perform(folder.resolve(), teller)
    if style == "json":
        say_json(told)
    ctx.exit(0)


class Teller:
    """Says what happens; says nothing in JSON mode."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet

    def act(self, title: str) -> None:
        self.say("")
        self.say(click.style(title, bold=True) if colour() else title)

    def say(self, line: str) -> None:
        if not self.quiet:
            click.echo(line)

    def step(self, line: str) -> None:
        import sys

        if not self.quiet and sys.stderr.isatty():
            click.echo(f"\r\x1b[K  {line}", err=True, nl=False)


def perform(folder: Path, teller: Teller) -> dict[str, object]:
    """All acts, in order. Returns what `--format json` prints."""
    settings = replace(Settings.from_environment(os.environ), workspace="")
    teller.act(f"1  A workspace with real data in {folder}")
    workspace = prepare(folder, settings, lambda line: teller.say(f"   {line}"))
    teller.say(f"   1,989 mortgage applications in {DATA}, tracked by DVC; notebook, team file and lock committed to git.")
    report, refused = _first_model(workspace, teller)
    granted = _second_model(workspace, teller)
    shut, receipt = _closed_and_back(workspace, teller)
    files = _export(workspace, teller)
    trail, tampered = _trail(workspace, teller)
    flip = _flip(workspace, teller)
    html = _html(workspace, report, refused)
    teller.act("Where things lie")
    teller.say(f"   report     {html}\n   workspace  {workspace.root}")
    teller.say("   next       `make lab` (in a checkout) or `jupyter lab` in the workspace; `mlgov status`, `mlgov why`")
    return {
        "workspace": str(workspace.root),
        "report": str(html),
        "digest": report.digest,
        "counts": report.counts(),
        "refused": plain(refused),
        "granted": plain(granted),
        "shut": plain(shut),
        "receipt": plain(receipt),
        "exported": [str(path) for path in files],
        "trail": trail,
        "tampered": tampered,
        "flip": plain(flip),
    }


def _first_model(workspace: Workspace, teller: Teller) -> tuple[Report, Decision]:
    from jupyter_mlgov.core.verdicts import Verdict
    from jupyter_mlgov.promotion.why import shortest
    from jupyter_mlgov.reports.why import why_text

    teller.act(f"2  {NOTEBOOK} runs in a kernel of its own (papermill engine `mlgov`)")
    done = run_governed(workspace, workspace.root / NOTEBOOK, say=teller.step)
    if done.outcome != "ok":
        raise MlgovError(done.sentence, next="Mend the notebook and run `mlgov demo` again.")
    teller.say(f"   {done.sentence}")
    for problem in done.problems:
        teller.say(f"   ! {problem}")
    teller.act("3  Validated: what the shell finds is what the notebook found")
    report = workspace.validate(NOTEBOOK, None if teller.quiet else progress)
    found = " · ".join(f"{Verdict(verdict).mark} {number} {Verdict(verdict).word}" for verdict, number in report.counts().items() if number)
    open_controls = len({(item.policy, item.control) for item in report.unchecked})
    teller.say(f"   {found}; {open_controls} controls have no machine check here, so they are not passed.")
    teller.say("   With every number and its source: `mlgov report --all`, or runs/report.html below.")
    teller.act("4  The author asks for staging: `mlgov promote staging`, then `mlgov why`")
    refused = workspace.promote("staging", NOTEBOOK)
    todo = shortest(refused)
    teller.say(f"   {refused.answer.value}, for {len(refused.reasons)} reasons. What to do about them, shortest first:")
    teller.say(why_text(refused, todo, colour=colour(), width=width()))
    return report, refused


def _second_model(workspace: Workspace, teller: Teller) -> Decision:
    from jupyter_mlgov.core.verdicts import Verdict
    from jupyter_mlgov.reports.why import decision_text

    teller.act("5  A gate that opens: the same notebook judged on another question, approvals by sex")
    teller.say("   (a model of its own in by_sex/; it does not make the first one fair)")
    done = run_governed(workspace, workspace.root / BY_SEX, given=[f"data_file=../{DATA}"], say=teller.step)
    if done.outcome != "ok":
        raise MlgovError(done.sentence, next="Mend the notebook and run `mlgov demo` again.")
    report = workspace.validate(BY_SEX, None if teller.quiet else progress)
    teller.say(f"   {report.subject.name}: {', '.join(f'{n} {Verdict(verdict).word}' for verdict, n in report.counts().items() if n)}")
    workspace.review(BY_SEX, "approve", "Looks fine to me, and I made it (demo).", attests_unchecked=True)
    own = workspace.promote("staging", BY_SEX)
    if own.answer is Answer.GRANTED:
        raise MlgovError("The author's own approval opened the gate.", next="This is a defect; please report it.")
    teller.say(f"   The author approves it: {own.answer.value}. {' '.join(note for note in own.notes if 'author' in note)}")
    granted = _approved(workspace)
    teller.say(decision_text(granted, colour=colour(), width=width()))
    for name, value in _on_the_alias(workspace, granted):
        teller.say(f"   {name:<28} {value}")
    return granted


def _on_the_alias(workspace: Workspace, granted: Decision) -> list[tuple[str, str]]:
    """What MLflow itself shows on the version that now has the alias: who, when, on which report and entry."""
    from jupyter_mlgov.integrations.mlflow.connection import connected
    from jupyter_mlgov.reports.clean import visible

    with connected(workspace.tracking_uri) as client:
        there = client.get_model_version_by_alias(granted.model, granted.stage)
    if str(there.version) != granted.version:
        raise MlgovError(f"MLflow shows version {there.version} in {granted.stage}.", next="This is a defect; please report it.")
    tags = [(str(name), visible(value)) for name, value in sorted(there.tags.items()) if name.startswith(f"mlgov.{granted.stage}.")]
    return [("alias in MLflow", f"{granted.stage} -> version {there.version}"), *tags]


def _approved(workspace: Workspace) -> Decision:
    """The author asks for a review, somebody else claims it and approves; then the author asks for staging again."""
    number = ask(workspace, BY_SEX, "staging").case.number
    reviewer = Workspace(workspace.root, replace(workspace.settings, actor=REVIEWER), clock=workspace.clock)
    claim(reviewer, number)
    comment = "Read the report; judged the controls without a machine check by hand (demo)."
    reviewer.review(BY_SEX, "approve", comment, attests_unchecked=True, number=number)
    reviewer.close()
    return workspace.promote("staging", BY_SEX)


def _closed_and_back(workspace: Workspace, teller: Teller) -> tuple[Decision, Receipt]:
    """One edited cell shuts the gate; a second version goes in, and one command takes it out again."""
    teller.act("6  One edited cell shuts the gate again, and one command leads back")
    path = workspace.path_of(BY_SEX)
    text = path.read_text("utf-8")
    path.write_text(text.replace("max_iter=500", "max_iter=501"), "utf-8")
    try:
        shut, found = workspace.why("staging", BY_SEX), impact(workspace, BY_SEX)
    finally:
        path.write_text(text, "utf-8")
    if shut.answer is Answer.GRANTED:
        raise MlgovError("An edited cell left the gate open.", next="This is a defect; please report it.")
    teller.say(f"   max_iter 500 -> 501: {shut.answer.value}. {shut.reasons[0].sentence}")
    teller.say(f"   {len(found.falls)} answers fall with it; {len(found.rerun)} cells to run again. (The edit is taken back.)")
    done = run_governed(workspace, path, given=[f"data_file=../{DATA}", "strength=0.9"], say=teller.step)
    if done.outcome != "ok":
        raise MlgovError(done.sentence, next="Mend the notebook and run `mlgov demo` again.")
    workspace.validate(BY_SEX, None if teller.quiet else progress)
    second = _approved(workspace)
    teller.say(f"   Version {second.version}, made with another penalty: {second.answer.value}.")
    receipt = roll_back(workspace, Order(model=second.model, stage="staging", reason="the demo shows the way back"))
    teller.say(f"   `mlgov rollback`: {receipt.sentence}")
    for looked in (*receipt.before, *receipt.after):
        teller.say(f"     {looked}")
    return shut, receipt


def _export(workspace: Workspace, teller: Teller) -> tuple[Path, ...]:
    teller.act("7  Exported as a job for papermill and DVC")
    files = export_notebook(workspace, NOTEBOOK, ("papermill", "dvc"), None)
    names = [path.relative_to(workspace.root).as_posix() for path in files]
    git(workspace.root, "add", *names)
    git(workspace.root, "commit", "--quiet", "--allow-empty", "--message=Export the credit notebook for papermill and DVC")
    teller.say(f"   {', '.join(names)}: committed. In a clone: `dvc pull`, then `dvc repro`.")
    try:
        run_governed(workspace, workspace.root / NOTEBOOK, given=["fold=3"])
    except MlgovError as error:
        teller.say(f"   A mistyped parameter is refused before anything runs: {error}")
    else:
        raise MlgovError("The run with the unknown parameter `fold` was not refused.", next="This is a defect; please report it.")
    return files


def _trail(workspace: Workspace, teller: Teller) -> tuple[str, str]:
    teller.act("8  The trail")
    whole = workspace.audit()
    teller.say(f"   {'✓' if whole.ok else '✕'} {whole.sentence}")
    again = replay(tuple(workspace.journal.entries()))
    agreeing = sum(one.outcome == "agrees" for one in again)
    teller.say(f"   {agreeing} of {len(again)} decisions were decided again from it, with the same answer.")
    if not whole.ok or agreeing != len(again):
        raise MlgovError(whole.sentence, next="Look at `mlgov audit verify` and `mlgov audit replay`.")
    tampered = tamper(workspace)
    teller.say(f"   With one byte changed in a copy: {tampered}")
    return whole.sentence, tampered


def _flip(workspace: Workspace, teller: Teller) -> LateFlip:
    from jupyter_mlgov.reports.difference import difference_text

    teller.act(f"9  Labels flipped late: `{LABEL}` of every row behind row {FROM_ROW:,} of {ROWS:,}")
    flip = late_flip(workspace.root / DATA, workspace.root / "runs")
    moved = "stands still" if flip.mlflow_before == flip.mlflow_after else "moves"
    teller.say(f"   MLflow's digest {moved}: {flip.mlflow_before} before, {flip.mlflow_after} after. `mlgov diff` names the column:")
    for line in difference_text(flip.found, colour=colour(), width=width() - 3).splitlines():
        teller.say(f"   {line}")
    return flip


def tamper(workspace: Workspace) -> str:
    """Change one byte of the refusal in a copy of the database, and return what verification says of the copy.

    Raises MlgovError when the change is not found: the demo must not claim what it did not see.
    """
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / ".mlgov" / "mlgov.db"
        copy.parent.mkdir()
        with sqlite3.connect(workspace.root / ".mlgov" / "mlgov.db") as source, sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        target.close()
        content = copy.read_bytes()
        place = content.find(b'"answer":"refused"')
        copy.write_bytes(content[: place + 10] + b"R" + content[place + 11 :])
        twin = Workspace(Path(name))
        found = twin.audit()
        twin.close()
        shutil.rmtree(copy.parent)
    if place < 0 or found.ok:
        raise MlgovError("A changed byte in the trail was not found.", next="This is a defect; please report it.")
    return found.sentence


def _html(workspace: Workspace, report: Report, refused: Decision) -> Path:
    from jupyter_mlgov.reports.html import page

    path = workspace.root / "runs" / "report.html"
    path.parent.mkdir(exist_ok=True)
    context = replace(workspace.context(report, NOTEBOOK), version=refused.version, made=workspace.clock.now())
    path.write_text(page(report, context), "utf-8")
    return path
