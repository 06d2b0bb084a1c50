"""`mlgov monitor metrics|webhook|rules|dashboards`: the record as Prometheus, Alertmanager and Grafana meet it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from jupyter_mlgov.cli.options import opened, workspace_option

Command = TypeVar("Command", bound=Callable[..., object])


def _door(port: int) -> Callable[[Command], Command]:
    """`--host` and `--port`."""

    def add(command: Command) -> Command:
        command = click.option("--port", type=click.IntRange(0, 65535), default=port, show_default=True, help="0 takes a free one.")(
            command
        )
        return click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")(command)

    return add


@click.command()
@_door(9469)
@click.option("--token-file", type=click.Path(path_type=Path), help="File with the bearer token that is asked for; needed beyond loopback.")
@click.option("--textfile", type=click.Path(path_type=Path), help="Write FILE.prom once, for node_exporter, and end.")
@click.option(
    "--verify-every", type=click.FloatRange(0), default=3600.0, show_default=True, help="Seconds between looks at the trail; 0: none."
)
@click.option("--most-models", type=click.IntRange(1), default=10_000, show_default=True, help="Models on the page, at most.")
@click.option("--most-series", type=click.IntRange(1), default=500_000, show_default=True, help="Series about models, at most.")
@workspace_option
@click.pass_context
def metrics(
    ctx: click.Context,
    host: str,
    port: int,
    token_file: Path | None,
    textfile: Path | None,
    verify_every: float,
    most_models: int,
    most_series: int,
    folder: Path | None,
) -> None:
    """Tell Prometheus where every model stands, at /metrics or in a file. Exit code 3: the file says that the record is not whole."""
    from jupyter_mlgov.monitoring.samples import Bound
    from jupyter_mlgov.workspace.exporting import Door, export, secret_in
    from jupyter_mlgov.workspace.exporting import textfile as written

    bound = Bound(models=most_models, series=most_series)
    if textfile is not None:
        done = written(opened(folder), textfile, bound, verify=verify_every > 0)
        state = "" if done.readable else "; the record cannot be read, and the page says so"
        state += "; the trail does not verify, and the page says so" if done.verifies is False else ""
        click.echo(f"{textfile}: {done.size:,} bytes{state}")
        ctx.exit(0 if done.readable and done.verifies is not False else 3)
    door = Door(host=host, port=port, secret=secret_in(token_file))
    export(opened(folder), door, bound, verify_every, lambda said: click.echo(said))


@click.command()
@_door(9470)
@click.option("--secret-file", type=click.Path(path_type=Path), required=True, help="File with the bearer token that Alertmanager shows.")
@workspace_option
def webhook(host: str, port: int, secret_file: Path, folder: Path | None) -> None:
    """Take what Alertmanager sends to /alerts and write it into the trail, once for each alert and its end."""
    from jupyter_mlgov.workspace.exporting import Door, receive, secret_in

    receive(opened(folder), Door(host=host, port=port, secret=secret_in(secret_file)), lambda said: click.echo(said))


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write to.")
def rules(out: Path) -> None:
    """Write the rules for Prometheus, their unit tests, and examples of both configurations."""
    _copy("prometheus", out)


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write to.")
def dashboards(out: Path) -> None:
    """Write the dashboards for Grafana, as JSON to import or to provision."""
    _copy("grafana", out)


def _copy(kind: str, out: Path) -> None:
    from jupyter_mlgov.monitoring.shipped import write

    for path in write(kind, out):
        click.echo(path)
