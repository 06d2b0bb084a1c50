"""`mlgov serve` and `mlgov kill`: answering with what was let in, and the switch that ends it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.facts import fields_of


def one_thread_a_row(environ: MutableMapping[str, str]) -> None:
    """Before a model's library loads: threads that share one row of a boosted model wait for one another longer than they compute.

    Seen: 3.4 ms a row with two, 1.7 ms with one. Whoever sets the variable knows better.
    """
    environ.setdefault("OMP_NUM_THREADS", "1")


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL[@STAGE[:VERSION]]…")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen. Anything else than loopback is open to whoever reaches it."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one, and says which.")
@click.option(
    "--max-body", type=click.IntRange(1024, 2**30), default=8 * 2**20, show_default=True, help="Bytes of a request's body, at most."
)
@click.option("--grace", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="Seconds that requests get to end at a stop.")
@click.option(
    "--bucket",
    default="",
    metavar="HEADER",
    help="With MODEL@STAGE:VERSION behind a router that splits a canary's traffic: its header with the entity's place, 00 to 99.",
)
@workspace_option
def serve(models: tuple[str, ...], host: str, port: int, max_body: int, grace: float, bucket: str, folder: Path | None) -> None:
    """Answer by the Open Inference Protocol (V2) with the version that the trail lets answer, until the process is told to stop."""
    from jupyter_mlgov.workspace.running import Place, run

    one_thread_a_row(os.environ)
    workspace = opened(folder)
    if host not in ("127.0.0.1", "::1", "localhost"):
        click.echo(f"mlgov: {host} is not loopback; whoever reaches it is answered. Put a gateway that knows people before it.", err=True)
    whole = run(workspace, models, Place(host=host, port=port, most=max_body, grace=grace, bucket=bucket), lambda said: click.echo(said))
    if not whole:
        raise NotReady("The process ended and not all that it had to write was written.", next="Look at the disk and the trail.")


@click.command()
@click.argument("model")
@click.option("--reason", "-m", default="", help="Why, in a sentence; it stands in the trail. Needed.")
@click.option("--drill", is_flag=True, help="Stop every replica, measure, and let them answer again; the receipt is in the trail.")
@click.option("--lift", "lifted", is_flag=True, help="Let the model answer again.")
@click.option("--to-baseline", is_flag=True, help="Open the breaker by hand instead: the baseline answers until --to-model.")
@click.option("--to-model", is_flag=True, help="Close a breaker that a hand or an alarm opened.")
@workspace_option
@format_option()
@click.pass_context
def kill(
    ctx: click.Context,
    model: str,
    reason: str,
    drill: bool,
    lifted: bool,
    to_baseline: bool,
    to_model: bool,
    folder: Path | None,
    style: str,
) -> None:
    """Stop every replica of MODEL from answering, now. Exit code 1: one did not say within 5 s that it stopped."""
    from jupyter_mlgov.workspace.killing import kill as stop
    from jupyter_mlgov.workspace.killing import lift, order_breaker

    if sum((drill, lifted, to_baseline, to_model)) > 1:
        raise click.UsageError("--drill, --lift, --to-baseline and --to-model exclude one another.")
    workspace = opened(folder)
    if lifted or to_baseline or to_model:
        if lifted:
            lift(workspace, model, reason)
        else:
            order_breaker(workspace, model, reason, open=to_baseline)
        said = (
            f"{model} may answer again."
            if lifted or to_model
            else f"The baseline of {model} answers until `mlgov kill {model} --to-model`."
        )
        say_json({"model": model, "said": said}) if style == "json" else click.echo(said)
        return
    receipt = stop(workspace, model, reason, drill=drill)
    if style == "json":
        say_json({**fields_of(receipt), "sentence": receipt.sentence, "good": receipt.good})
    else:
        click.echo(receipt.sentence)
        for one in receipt.heard:
            took = f"{one.seconds:.2f} s" if one.seconds is not None else one.said
            click.echo(f"  {'✓' if one.seconds is not None else '✕'} {one.endpoint or one.replica}: {took}")
    ctx.exit(0 if receipt.good else 1)
