"""`mlgov validate`: a notebook's model, or a plain table."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import all_option, format_option, notebook_option, opened, progress, workspace_option
from jupyter_mlgov.core.team import LISTS, read_roles
from jupyter_mlgov.validation.results import Report


@click.command()
@workspace_option
@notebook_option
@click.option("--data", type=click.Path(path_type=Path), help="A Parquet or CSV file to check instead of a notebook's model.")
@click.option(
    "--policy", "policies", multiple=True, help="A policy pack, or a TOML file of one; may be given again.  [default: us-fair-lending]"
)
@click.option("--outcome", default="", help="Column of decisions or outcomes (with --data).")
@click.option("--favourable", default="", help="The outcome value that is good for the person (with --data).")
@click.option("--protected", multiple=True, help="Protected attribute column; may be given again (with --data).")
@click.option("--score", default="", help="Column of model scores, higher meaning favourable (with --data).")
@click.option("--label", default="", help="Column of true outcomes; default: --outcome (with --data).")
@click.option("--baseline", default="", help="Column of the simple baseline's scores (with --data).")
@click.option("--role", "more", multiple=True, help="KEY=COLUMN: another key of [subject] in mlgov.toml (with --data).")
@click.option("--only", multiple=True, help="Run only these validators (`fair.*`); the report is then partial and opens no gate.")
@click.option("--stage", default="", help="Run only what controls of this stage ask for (train, review, …); partial likewise.")
@click.option("--explain-reuse", is_flag=True, help="Say for each check whether it ran or was taken from the record, and why.")
@click.option("--fresh", is_flag=True, help="Measure everything again, also what is on record.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the screen.")
@format_option("sarif", "html")
@all_option
@click.pass_context
def validate(
    ctx: click.Context,
    /,
    folder: Path | None,
    notebook: str | None,
    data: Path | None,
    policies: tuple[str, ...],
    only: tuple[str, ...],
    stage: str,
    explain_reuse: bool,
    fresh: bool,
    output: Path | None,
    style: str,
    whole: bool,
    **roles: str | tuple[str, ...],
) -> None:
    """Check a notebook's model under its team's policies, or a plain table with --data.

    \b
    mlgov validate
    mlgov validate --data loans.parquet --policy us-fair-lending --outcome approve --favourable 1 --protected white

    Exit codes: 0 clear, 1 blocked, 2 wrong usage, 3 could not check.
    """
    from jupyter_mlgov.cli.showing import exit_code, show

    if data is not None and (stage or explain_reuse or fresh):
        raise click.UsageError(
            "--stage, --fresh and --explain-reuse are about a notebook's model; a plain table has no stages and no record."
        )
    if data is not None:
        report = _table(data, policies or ("us-fair-lending",), roles, only)
        show(report, style, output, whole=whole)
    else:
        if given := [f"--{name}" for name, value in roles.items() if value] + (["--policy"] if policies else []):
            raise click.UsageError(f"{', '.join(given)} goes with --data FILE; a notebook's roles and policies stand in mlgov.toml.")
        workspace = opened(folder)
        name = workspace.notebook(notebook)
        judged = workspace.judge(name, progress, only, stage=stage, fresh=fresh)
        report = judged.report
        if explain_reuse:
            for one in judged.reuse:
                click.echo(f"{one.validator:<24} {one.why}", err=style != "text")
        show(report, style, output, whole=whole, workspace=workspace, notebook=name)
    ctx.exit(exit_code(report))


def _more(pairs: tuple[str, ...]) -> dict[str, str | list[str]]:
    """`legitimate=income` pairs by key; a key that takes a list may come again."""
    found: dict[str, str | list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not value:
            raise click.UsageError(f'--role {pair!r} is no KEY=COLUMN, as "legitimate=income".')
        if key in LISTS:
            found[key] = [*found.get(key, []), value]
        else:
            found[key] = value
    return found


def _table(data: Path, policies: tuple[str, ...], given: dict[str, str | tuple[str, ...]], only: tuple[str, ...]) -> Report:
    from jupyter_mlgov.core.clock import SystemClock
    from jupyter_mlgov.validation.engine import validate as judge
    from jupyter_mlgov.validation.plugins import installed_policies, installed_validators
    from jupyter_mlgov.validation.tables import table_subject

    if given["protected"] and not given["outcome"]:
        raise click.UsageError("--protected needs --outcome COLUMN, the decision that may differ between the groups.")
    if given["outcome"] and not given["favourable"]:
        raise click.UsageError("--outcome needs --favourable VALUE, the value that is good for the person (for instance 1).")
    named = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if key != "more"}
    roles = read_roles({**named, **_more(tuple(given["more"]))}, "--role")
    packs = installed_policies(policies)
    return judge(table_subject(data, roles), packs, installed_validators(), progress=progress, only=only, today=SystemClock().now().date())
