"""The shell: `mlgov VERB`. Verbs are listed without importing them, so that `--help` is instant."""

from __future__ import annotations

import importlib
import sys

import click

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.errors import MlgovError, unknown

# verb -> (module, one line for --help). The order is the order of a day's work.
VERBS: dict[str, tuple[str, str]] = {
    "status": ("where", "Where you stand and what to do next."),
    "init": ("setup", "Look at a folder, and make a workspace beside what is there."),
    "demo": ("demo", "Run the credit-approval example, start to finish."),
    "suggest": ("suggest", "Propose a step for each untagged cell, with its reason."),
    "tag": ("setup", "Tag a notebook's cell as a step, or show its tags."),
    "run": ("jobs", "Run a notebook as a governed job (papermill)."),
    "reproduce": ("reproduce", "Run a recorded version again, and grade every artefact."),
    "parameters": ("parameters", "What a notebook may be given, and what that changes."),
    "run-step": ("stepping", "Run one step of a notebook; what pipeline targets call."),
    "lineage": ("where", "What ran on what."),
    "diff": ("diff", "What differs between two tables, files or recorded states."),
    "stale": ("stale", "Which cells of an edited notebook must run again, and why."),
    "validate": ("validate", "Check a notebook's model, or a plain table with --data."),
    "judge": ("judge", "Validate, and answer in one word: pass, review or fail."),
    "why": ("gate", "The shortest list of what stands before a stage."),
    "scan": ("scan", "Look for secrets, personal data and unsafe code before a commit."),
    "report": ("report", "The last report, or the dossier of MODEL@VERSION for a reader."),
    "review": ("review", "Ask for a review, or give one: claim, question, approve, refuse."),
    "waive": ("waive", "Ask to lift a check for a while, or answer somebody who did."),
    "promote": ("gate", "Ask for a stage: staging, production."),
    "rollback": ("back", "Bring a stage back to an earlier version, now."),
    "serve": ("serve", "Answer requests with the version that was let in."),
    "kill": ("serve", "Stop a model from answering, on every replica, now."),
    "canary": ("canary", "A rollout step by step that may be looked at at any time."),
    "rollout": ("rollout", "Manifests for Kubernetes: render, diff, apply."),
    "monitor": ("monitor", "Watch a model in production: plan, run, watch, settle."),
    "portfolio": ("portfolio", "All models: inventory, where to look first, figures, on any day."),
    "champion": ("back", "Which version was in a stage, now or on any day before."),
    "export": ("jobs", "Write the notebook as a job: papermill, DVC, Kubeflow, Argo …"),
    "track": ("jobs", "Have DVC keep a data file."),
    "sync": ("jobs", "Tell MLflow what still waits to be told."),
    "audit": ("trail", "Verify, read, prove, copy and sign the trail."),
    "answer": ("answer", "Answer what a control asks people."),
    "policy": ("policy", "List, show and compare policy packs."),
    "doctor": ("where", "What is wrong here, and the command that mends it."),
}


class Verbs(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"jupyter_mlgov.cli.{VERBS[name][0]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise unknown("verb", args[0], VERBS, next="See `mlgov --help`.")
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mlgov")
def mlgov() -> None:
    """Model governance: lineage, checks, evidence and gates for notebooks.

    New here: `mlgov init` in your notebooks' folder, then `mlgov status` any time says what to do next. `mlgov demo` shows all of it.

    Exit codes: 0 clear, 1 blocked, 2 wrong usage, 3 could not check.
    """


def main() -> None:
    """Run one verb; every problem is one sentence on stderr, and the exit code says which kind."""
    from jupyter_mlgov.cli.options import quiet_tools

    quiet_tools()
    try:
        code = mlgov.main(standalone_mode=False)
    except MlgovError as error:
        sys.exit(_complain(str(error), error.exit_code))
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_complain("Stopped. What was recorded stays.", 130))
    except BrokenPipeError:
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(sentence: str, code: int) -> int:
    from jupyter_mlgov.reports.clean import visible

    click.echo(f"mlgov: {visible(sentence)}", err=True)
    return code
