"""`mlgov parameters NOTEBOOK`: what a notebook may be given, and where each parameter makes a difference."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, opened_or_made, say_json, saying, workspace_option


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--probe", "probing", is_flag=True, help="Run the steps with other values and show what changes; in a copy, not recorded.")
@click.option("--parameter", "-p", "given", multiple=True, metavar="NAME=VALUE", help="--probe: a value for every run, few rows say.")
@click.option("--try", "tries", multiple=True, metavar="NAME=VALUE", help="--probe: the value to try for this parameter.")
@click.option("--within", type=click.IntRange(min=1), default=600, show_default=True, help="--probe: seconds for all of it.")
@workspace_option
@format_option()
@click.pass_context
def parameters(
    ctx: click.Context,
    notebook: Path,
    probing: bool,
    given: tuple[str, ...],
    tries: tuple[str, ...],
    within: int,
    folder: Path | None,
    style: str,
) -> None:
    """Each parameter of NOTEBOOK with its type, bounds and default, and the steps that rest on it; with --probe, what really changes.

    Exit code 1 when one changes nothing, 3 when --probe could not tell about one.
    """
    from jupyter_mlgov.pipelines.sensitivity import reaches
    from jupyter_mlgov.workspace.jobs import existing
    from jupyter_mlgov.workspace.stepping import step_book

    workspace = opened_or_made(folder)
    path = existing(workspace, notebook)
    name = workspace.name_of(path)
    if probing:
        from jupyter_mlgov.pipelines.parameters import parse_values
        from jupyter_mlgov.pipelines.probe import exit_code
        from jupyter_mlgov.workspace.probing import Bounds, probe

        known = step_book(path, name).parameters
        bounds = Bounds(values=parse_values(given, known), tries=parse_values(tries, known), seconds=within)
        probes = probe(workspace, name, bounds, saying)
        if style == "json":
            say_json([one.as_json() for one in probes])
        else:
            for one in probes:
                click.echo(one.sentence)
        ctx.exit(exit_code(probes))
    found = reaches(step_book(path, name).graph, step_book(path, name).parameters)
    if style == "json":
        say_json([one.as_json() for one in found])
    else:
        for reach in found:
            click.echo(reach.sentence)
    ctx.exit(0 if all(one.steps for one in found) else 1)
