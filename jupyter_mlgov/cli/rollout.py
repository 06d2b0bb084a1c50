"""`mlgov rollout render|diff|apply`: a decided version as manifests for Kubernetes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option

_FOLDER = Path("deploy")


@click.group()
def rollout() -> None:
    """Bring a decided version to Kubernetes: Argo Rollouts over Istio, KServe, or Seldon. Not proven on a live cluster."""


def _asking(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.argument("model", metavar="MODEL[@VERSION|@STAGE]"),
        click.option("--to", "target", default="argo", show_default=True, help="argo, kserve or seldon."),
        click.option("--image", default="", help="The image that serves it, pinned: NAME@sha256:…; default: [rollout] of mlgov.toml."),
        click.option("--namespace", default="", help="Default: [rollout] of mlgov.toml, else models."),
        click.option(
            "--share", type=click.IntRange(1, 100), default=None, help="kserve, seldon: percent of traffic now; default: the first step."
        ),
        click.option("--storage", default="", help="seldon: where its servers read the model."),
        workspace_option,
    ):
        command = option(command)
    return command


def _made(folder: Path | None, model: str, target: str, image: str, namespace: str, share: int | None, storage: str) -> Any:
    from jupyter_mlgov.workspace.releasing import Ask, rendered

    workspace = opened(folder)
    ask = Ask(model=model, target=target, image=image, namespace=namespace, share=share or 0, storage=storage)
    return workspace, rendered(workspace, ask)


@rollout.command()
@_asking
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), default=_FOLDER, show_default=True)
@format_option()
def render(output: Path, style: str, **asked: Any) -> None:
    """Write the manifests as a Kustomize tree: a base, and an overlay for each stage."""
    from jupyter_mlgov.workspace.releasing import write

    _, made = _made(**asked)
    paths = write(made, output)
    if style == "json":
        say_json({"version": made.release.version, "stage": made.release.stage, "files": [str(path) for path in paths]})
        return
    click.echo(
        f"{made.release.model} version {made.release.version}, let into {made.release.stage}; up to {made.release.share} % of traffic."
    )
    for path in paths:
        click.echo(f"Wrote {path}")
    click.echo(f"Next: `kubectl diff -k {paths[0].parent.parent / 'overlays' / made.release.stage}`, or `mlgov rollout apply`.")


@rollout.command()
@_asking
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), default=_FOLDER, show_default=True)
@format_option()
def diff(output: Path, style: str, **asked: Any) -> None:
    """From the files to what is decided now. Exit code 1 when they differ: somebody edited them, or another version was let in."""
    from jupyter_mlgov.workspace.releasing import difference

    _, made = _made(**asked)
    found = difference(made, output)
    if style == "json":
        say_json({"differs": bool(found), "diff": found})
    else:
        click.echo(found or f"{output} is what is decided.")
    click.get_current_context().exit(1 if found else 0)


@rollout.command()
@_asking
@click.option("--context", default="", help="Context of the kubeconfig; default: the current one.")
@click.option("--dry-run", is_flag=True, help="Ask the cluster, and change nothing.")
@format_option()
def apply(context: str, dry_run: bool, style: str, **asked: Any) -> None:
    """Apply what is decided now to the cluster (server-side apply). Exit code 1 when it took not everything."""
    from jupyter_mlgov.core.facts import fields_of
    from jupyter_mlgov.workspace.releasing import apply as bring

    workspace, made = _made(**asked)
    applied = bring(workspace, made, context, lambda line: click.echo(f"  {line}", err=True), dry_run=dry_run)
    if style == "json":
        say_json({**fields_of(applied), "dry_run": dry_run})
    else:
        word = "would take" if dry_run else "took"
        click.echo(f"The cluster {word} {len(applied.done)} of {len(made.found)} objects.")
        if applied.problem:
            click.echo(f"! {applied.problem}", err=True)
    click.get_current_context().exit(1 if applied.problem else 0)
