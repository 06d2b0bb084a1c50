"""`%mlgov` and `%%mlgov`: the verbs in a notebook. Thin: read the words, make one call, show what comes back."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from IPython.core.error import UsageError as NotebookSentence
from IPython.core.magic import Magics, line_cell_magic, magics_class

from jupyter_mlgov.core.errors import MlgovError, NotReady, UsageError, unknown

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mlgov.kernel.hooks import KernelSession
    from jupyter_mlgov.validation.results import Report

VERBS = (
    "status",
    "validate",
    "why",
    "lineage",
    "portfolio",
    "stale",
    "suggest",
    "diff",
    "report",
    "promote",
    "rollback",
    "review",
    "answer",
    "reproduce",
    "export",
    "audit",
)
CELL_VERBS = ("step",)


class GateShut(Exception):
    """A gate stays shut, and the notebook was to stop there: an error of its cell, so that papermill and nbclient fail."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class _Words(argparse.ArgumentParser):
    """Words after a verb. A wrong one is a sentence, never an exit of the kernel."""

    def __init__(self, verb: str) -> None:
        super().__init__(prog=f"%mlgov {verb}", add_help=False, exit_on_error=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"`{self.prog}`: {message}.", next="See `%mlgov` for where you stand; docs/users/magics.md lists every word.")


@magics_class
class GovernanceMagics(Magics):
    """`%mlgov VERB` and `%%mlgov step NAME`."""

    def __init__(self, shell: InteractiveShell, session: KernelSession) -> None:
        super().__init__(shell)
        self.session = session

    @line_cell_magic
    def mlgov(self, line: str, cell: str | None = None) -> object:
        """`%mlgov` says where you stand. `%mlgov VERB` does it; `%%mlgov step NAME` runs a cell as a step."""
        try:
            words = shlex.split(line)
            if cell is not None:
                self._cell(words, cell)
                return None
            verb, rest = (words[0], words[1:]) if words else ("status", [])
            if verb not in VERBS:
                raise unknown("verb", verb, VERBS, next="`%mlgov` alone says where you stand.")
            action: Callable[[list[str]], object] = getattr(self, f"_{verb}")
            return action(rest)
        except argparse.ArgumentError as error:
            raise NotebookSentence(f"`%mlgov {line}`: {error}. docs/users/magics.md lists every word.") from None
        except ValueError as error:
            raise NotebookSentence(f"`%mlgov {line}` cannot be read: {error}. Close the quote.") from None
        except MlgovError as error:
            raise NotebookSentence(str(error)) from None

    def _cell(self, words: list[str], cell: str) -> None:
        if not words or words[0] not in CELL_VERBS:
            raise unknown("cell verb", words[0] if words else "", CELL_VERBS, next="Write `%%mlgov step train` in the cell's first line.")
        if len(words) != 2:
            raise UsageError(
                "`%%mlgov step` takes one name.", expected="For instance `%%mlgov step train` or `%%mlgov step train:champion`."
            )
        self.session.step(words[1], cell)

    def _status(self, rest: list[str]) -> object:
        from jupyter_mlgov.reports.status import ShownStatus

        _Words("status").parse_args(rest)
        return ShownStatus(self.session.workspace.view(self.session.notebook))

    def _validate(self, rest: list[str]) -> object:
        words = _Words("validate")
        words.add_argument("only", nargs="*")
        words.add_argument("--quiet", action="store_true")
        words.add_argument("--stage", default="")
        words.add_argument("--explain-reuse", action="store_true")
        asked = words.parse_args(rest)
        workspace, notebook = self.session.workspace, self.session.notebook
        judged = workspace.judge(notebook, None if asked.quiet else _progress, tuple(asked.only), stage=asked.stage)
        report = judged.report
        if asked.explain_reuse:
            for one in judged.reuse:
                print(f"{one.validator:<24} {one.why}")
        workspace.project(notebook)
        workspace.deliver_later()
        return None if asked.quiet else self._shown(report)

    def _shown(self, report: Report) -> object:
        from jupyter_mlgov.reports.bundle import Shown

        return Shown(report, self.session.workspace.context(report, self.session.notebook))

    def _report(self, rest: list[str]) -> object:
        words = _Words("report")
        words.add_argument("--output", "-o", type=Path)
        asked = words.parse_args(rest)
        report = self.session.workspace.report(self.session.notebook)
        if report is None:
            raise NotReady("There is no report on this notebook yet.", next="Ask for one: `%mlgov validate`.")
        if asked.output is not None:
            self._write(report, asked.output)
            return None
        return self._shown(report)

    def _write(self, report: Report, output: Path) -> None:
        from jupyter_mlgov.core.errors import StorageProblem
        from jupyter_mlgov.reports.html import page

        context = self.session.workspace.context(report, self.session.notebook)
        try:
            output.write_text(page(report, context), "utf-8")
        except OSError as error:
            raise StorageProblem(f"{output} cannot be written: {error.strerror or error}.", next="Name another file.") from None
        print(f"Wrote {output}")

    def _why(self, rest: list[str]) -> object:
        from jupyter_mlgov.promotion.why import shortest
        from jupyter_mlgov.reports.why import ShownWhy

        words = _Words("why")
        words.add_argument("stage", nargs="?")
        asked = words.parse_args(rest)
        decision = self.session.workspace.why(self._stage(asked.stage), self.session.notebook)
        return ShownWhy(decision, shortest(decision))

    def _promote(self, rest: list[str]) -> object:
        from jupyter_mlgov.promotion.facts import Answer
        from jupyter_mlgov.reports.why import ShownDecision

        words = _Words("promote")
        words.add_argument("stage", nargs="?")
        words.add_argument("--or-stop", action="store_true")
        asked = words.parse_args(rest)
        # Not the next one: a notebook that is run twice must not ask for a stage that nobody named.
        first = self.session.workspace.team_for(self.session.notebook).stages[1:2]
        decision = self.session.workspace.promote(asked.stage or "".join(first), self.session.notebook)
        if asked.or_stop and decision.answer is not Answer.GRANTED:
            from IPython.display import display

            display(ShownDecision(decision))  # type: ignore[no-untyped-call]  # IPython's has no annotations
            raise GateShut(f"The gate to {decision.stage} stays shut: {decision.answer}. `%mlgov why` says what is missing.")
        return ShownDecision(decision)

    def _rollback(self, rest: list[str]) -> None:
        from jupyter_mlgov.reports.clean import visible
        from jupyter_mlgov.workspace.rollback import Order, roll_back

        words = _Words("rollback")
        words.add_argument("stage", nargs="?")
        words.add_argument("--reason", "-m", required=True)
        words.add_argument("--to", default="")
        words.add_argument("--drill", action="store_true")
        asked = words.parse_args(rest)
        team = self.session.workspace.team_for(self.session.notebook)
        order = Order(model=team.model, stage=asked.stage or team.stages[-1], reason=asked.reason, to=asked.to, drill=asked.drill)
        receipt = roll_back(self.session.workspace, order)
        print("\n".join([visible(receipt.sentence), *(f"  {visible(item)}" for item in (*receipt.before, *receipt.after))]))

    def _stage(self, named: str | None) -> str:
        from jupyter_mlgov.workspace.judging import next_stage

        return named or next_stage(self.session.workspace, self.session.notebook)

    def _lineage(self, rest: list[str]) -> object:
        from jupyter_mlgov.reports.lineage import ShownLineage

        _Words("lineage").parse_args(rest)
        return ShownLineage(self.session.workspace.lineage(self.session.notebook))

    def _portfolio(self, rest: list[str]) -> object:
        from jupyter_mlgov.core.dates import moment_of
        from jupyter_mlgov.reports.portfolio.page import Shown
        from jupyter_mlgov.workspace.portfolio import TOP, point, portfolio

        words = _Words("portfolio")
        words.add_argument("--as-of", default="")
        words.add_argument("--top", type=int, default=TOP)
        asked = words.parse_args(rest)
        at = point(self.session.workspace, moment_of(asked.as_of))
        return Shown(portfolio(at, self.session.workspace, top=max(0, asked.top)))

    def _diff(self, rest: list[str]) -> None:
        from jupyter_mlgov.reports.difference import difference_text
        from jupyter_mlgov.workspace.comparing import Wish, difference

        words = _Words("diff")
        words.add_argument("left")
        words.add_argument("right")
        words.add_argument("--schema", type=Path)
        words.add_argument("--any-order", action="store_true")
        words.add_argument("--values", type=int, default=0)
        asked = words.parse_args(rest)
        wish = Wish(schema=asked.schema, ordered=not asked.any_order, values=asked.values)
        print(difference_text(difference(asked.left, asked.right, wish, lambda: self.session.workspace, self.session.notebook)))

    def _stale(self, rest: list[str]) -> None:
        from jupyter_mlgov.reports.stale import hidden_text
        from jupyter_mlgov.workspace.recording import read_hidden_state

        _Words("stale").parse_args(rest)
        print(hidden_text(*read_hidden_state(self.session.workspace, self.session.notebook)))

    def _suggest(self, rest: list[str]) -> None:
        from jupyter_mlgov.workspace.suggesting import suggestions

        words = _Words("suggest")
        words.add_argument("--accept")
        asked = words.parse_args(rest)
        print(suggestions(self.session.workspace, self.session.notebook, asked.accept))

    def _review(self, rest: list[str]) -> None:
        from jupyter_mlgov.promotion.conditions import parse_limit

        words = _Words("review")
        words.add_argument("verdict", choices=("approve", "refuse", "ask", "queue"))
        words.add_argument("word", nargs="?")
        words.add_argument("--comment", "-m", default="")
        words.add_argument("--attest-unchecked", action="store_true")
        words.add_argument("--condition", action="append", default=[])
        words.add_argument("--until", default="")
        asked = words.parse_args(rest)
        if asked.verdict in ("ask", "queue"):
            self._queue(asked.verdict, asked.word)
            return
        given, report = self.session.workspace.review(
            self.session.notebook,
            asked.verdict,
            asked.comment,
            attests_unchecked=asked.attest_unchecked,
            limits=tuple(map(parse_limit, asked.condition)),
            until=asked.until,
            number=self._number(asked.word),
        )
        print(f"{given.actor} gave: {given.verdict} on report {report.digest.short}")

    def _queue(self, verb: str, stage: str | None) -> None:
        from jupyter_mlgov.workspace.reviewing import ask, queue

        workspace, notebook = self.session.workspace, self.session.notebook
        found = (ask(workspace, notebook, self._stage(stage)),) if verb == "ask" else queue(workspace, notebook)
        for one in found:
            case = one.case
            print(f"{case.number}  {case.model} for {case.stage}: {one.state.value}, due {one.deadline:%Y-%m-%d %H:%M} UTC")

    def _number(self, word: str | None) -> int | None:
        if word is not None and not word.isdecimal():
            raise UsageError(f"`%mlgov review`: {word} is no number of a review.", next="See `%mlgov review queue`.")
        return None if word is None else int(word)

    def _answer(self, rest: list[str]) -> None:
        from jupyter_mlgov.reports.clean import visible

        words = _Words("answer")
        words.add_argument("control")
        words.add_argument("answers", nargs="*", metavar="QUESTION=TEXT")
        asked = words.parse_args(rest)
        workspace, notebook = self.session.workspace, self.session.notebook
        found = workspace.questions(asked.control, notebook)
        if not asked.answers:
            print(f"{found.control}  {found.cite}\n{found.obligation}\n")
            for one in found.questions:
                said = found.answered.answers.get(one.id, "") if found.answered else ""
                print(f"{one.id}: {one.text}\n    {visible(said) or '(not answered about this model)'}")
            print(f'\n%mlgov answer {found.control} {" ".join(f"""{one.id}="…" """.strip() for one in found.questions)}')
            return
        pairs = [one.partition("=") for one in asked.answers]
        form = workspace.answer(asked.control, {name: text for name, _, text in pairs}, notebook)
        print(f"{form.actor} answered {asked.control}. `%mlgov validate` takes it into the report.")

    def _reproduce(self, rest: list[str]) -> None:
        from jupyter_mlgov.reports.reproduction import reproduction_text
        from jupyter_mlgov.workspace.reproducing import Wish, reproduce

        words = _Words("reproduce")
        words.add_argument("target", nargs="?")
        words.add_argument("--environment", choices=("auto", "current", "lock"), default="auto")
        asked = words.parse_args(rest)
        wish = Wish(target=asked.target or self.session.notebook, environment=asked.environment)
        print(reproduction_text(reproduce(self.session.workspace, wish, print)))

    def _export(self, rest: list[str]) -> None:
        from jupyter_mlgov.pipelines.shown import draft_text
        from jupyter_mlgov.workspace.jobs import drafted, export_notebook

        words = _Words("export")
        words.add_argument("--to", default="papermill,dvc")
        words.add_argument("--output", "-o", type=Path)
        words.add_argument("--dry-run", action="store_true")
        words.add_argument("--unproven", action="store_true")
        asked = words.parse_args(rest)
        targets = tuple(filter(None, (one.strip() for one in asked.to.split(","))))
        print(draft_text(drafted(self.session.workspace, self.session.notebook, targets, asked.output)))
        if asked.dry_run:
            return
        made = export_notebook(self.session.workspace, self.session.notebook, targets, asked.output, unproven=asked.unproven, say=_line)
        print(*(f"Wrote {path}" for path in made), sep="\n")

    def _audit(self, rest: list[str]) -> None:
        from jupyter_mlgov.kernel.auditing import VERBS as TOLD
        from jupyter_mlgov.kernel.auditing import Asked

        words = _Words("audit")
        words.add_argument("what", choices=tuple(TOLD), nargs="?", default="verify")
        words.add_argument("model", nargs="?", default="")
        words.add_argument("--last", type=int, default=0)
        words.add_argument("--output", "-o", type=Path)
        words.add_argument("--without-objects", action="store_true")
        given = words.parse_args(rest)
        if given.model and given.what != "bundle":
            raise UsageError(f"`%mlgov audit {given.what}` takes no model.", next="See docs/users/magics.md.")
        workspace = self.session.workspace
        model = given.model or workspace.team_for(self.session.notebook).model
        print(TOLD[given.what](workspace, Asked(model=model, last=given.last, output=given.output, objects=not given.without_objects)))


def _progress(done: int, total: int, what: str) -> None:
    end = "\r" + " " * 60 + "\r" if done >= total else ""
    print(f"\r  {done}/{total} {what:<40}{end}", end="", flush=True)


def _line(what: str) -> None:
    print(f"\r  {what:<78}", end="\r", flush=True)


def register(shell: InteractiveShell, session: KernelSession) -> None:
    """Give `shell` the magics and their completion."""
    from jupyter_mlgov.kernel.completion import complete_mlgov

    shell.register_magics(GovernanceMagics(shell, session))
    for key in ("%mlgov", "mlgov", "%%mlgov"):
        shell.set_hook("complete_command", complete_mlgov, str_key=key)  # type: ignore[no-untyped-call]  # IPython's has no annotations
