"""`mlgov audit …`: the trail, its signatures, and what leaves the house."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.audit.notes import PublicKey, parse_key
from jupyter_mlgov.cli.gate import replay
from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option
from jupyter_mlgov.cli.privacy import erase, hold, retention
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.facts import fields_of, plain


@click.group()
def audit() -> None:
    """Read and verify the trail."""


audit.add_command(erase)
audit.add_command(replay)
audit.add_command(hold)
audit.add_command(retention)


@audit.command()
@workspace_option
@format_option()
@click.option("--action", multiple=True, help="Only these actions, for instance promotion.decided; may be given again.")
@click.option("--last", type=click.IntRange(min=1), help="Only the last N entries.")
def log(folder: Path | None, style: str, action: tuple[str, ...], last: int | None) -> None:
    """Every act, as a sentence, oldest first."""
    from jupyter_mlgov.reports.clean import visible

    entries = list(opened(folder).journal.entries(actions=action))
    entries = entries[-last:] if last else entries
    if style == "json":
        say_json([plain(entry) for entry in entries])
        return
    for entry in entries:
        click.echo(f"{entry.seq:>6}  {stamp(entry.time)[:19]}Z  {visible(entry)}")


@audit.command()
@workspace_option
@format_option()
@click.option("--checkpoint", "kept", multiple=True, type=click.Path(path_type=Path), help="A checkpoint you kept; may be given again.")
@click.option("--key", "trusted", multiple=True, help="Only signatures of this key count (`name+hash+base64`, or a file that holds it).")
@click.option("--offline", is_flag=True, help="Do not ask the anchors.")
@click.argument("bundle", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def verify(
    ctx: click.Context,
    bundle: Path | None,
    folder: Path | None,
    style: str,
    kept: tuple[Path, ...],
    trusted: tuple[str, ...],
    offline: bool,
) -> None:
    """Prove the trail, or a BUNDLE somebody sent: every digest, the tree, signatures, checkpoints you kept, anchors.

    Exit code 1 when anything is broken, 3 when a bundle could not be proven whole.
    """
    notes = [(path.name, _text(path)) for path in kept]
    if bundle is not None:
        ctx.exit(_verify_bundle(bundle, notes, [_key(one) for one in trusted], style))
    from jupyter_mlgov.workspace.trail import verify as verify_all

    verification = verify_all(opened(folder), notes, [_key(one) for one in trusted], ask_anchors=not offline)
    if style == "json":
        say_json(plain(verification))
    else:
        click.echo(f"{'✓' if verification.ok else '✕'} {verification}")
    ctx.exit(0 if verification.ok else 1)


def _verify_bundle(bundle: Path, notes: list[tuple[str, str]], trusted: list[PublicKey], style: str) -> int:
    from jupyter_mlgov.audit.offline import check

    findings = check(bundle, keys=[str(key) for key in trusted], checkpoints=notes)
    if style == "json":
        say_json({"ok": not findings.exit_code, "proven": findings.proven, "broken": findings.broken, "unproven": findings.unproven})
    else:
        click.echo(str(findings))
    return findings.exit_code


@audit.command()
@click.argument("model")
@workspace_option
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Default: MODEL.mlgov.zip.")
@click.option("--without-objects", is_flag=True, help="Leave out tables and models; their digests stay.")
def bundle(model: str, folder: Path | None, output: Path | None, without_objects: bool) -> None:
    """Pack the whole story of MODEL into one file that anybody can verify offline. It holds the rows of its tables: mind who gets it."""
    from jupyter_mlgov.audit.bundle import file_name
    from jupyter_mlgov.workspace.trail import bundle as packed

    content = packed(opened(folder), model, with_objects=not without_objects)
    path = output or Path(file_name(model))
    _write(path, content)
    click.echo(
        f"Wrote {path} ({len(content):,} bytes). Anybody can check it: `mlgov audit verify {path}`, or `python verify.py` from inside it."
    )


@audit.command()
@workspace_option
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file instead of the screen.")
@click.option("--anchor", is_flag=True, help="Leave it with every anchor, too.")
@click.pass_context
def checkpoint(ctx: click.Context, folder: Path | None, output: Path | None, anchor: bool) -> None:
    """Sign the head of the log. Keep what it prints somewhere else: it witnesses against any later change."""
    from jupyter_mlgov.workspace.trail import anchor_checkpoint
    from jupyter_mlgov.workspace.trail import checkpoint as sign

    workspace = opened(folder)
    problems: tuple[str, ...] = ()
    if anchor:
        left = anchor_checkpoint(workspace)
        note, problems = left.note, left.problems
        click.echo(f"Left with: {', '.join(left.kept) or 'nobody'}.", err=True)
    else:
        note, _ = sign(workspace)
    for problem in problems:
        click.echo(problem, err=True)
    if output is None:
        click.echo(note, nl=False)
    else:
        _write(output, note.encode())
        click.echo(f"Wrote {output}")
    ctx.exit(3 if problems else 0)


@audit.command()
@click.argument("number", type=click.IntRange(min=1))
@workspace_option
@click.option("--since", type=click.IntRange(min=1), help="Instead: that the first SINCE entries are the beginning of the first NUMBER.")
def prove(number: int, folder: Path | None, since: int | None) -> None:
    """The proof that entry NUMBER is in the log, or with --since that the log only grew; as JSON (docs/formats/proofs.md)."""
    from jupyter_mlgov.workspace.trail import proof

    say_json(proof(opened(folder), number, since))


@audit.group(invoke_without_command=True)
@workspace_option
@format_option()
@click.pass_context
def keys(ctx: click.Context, folder: Path | None, style: str) -> None:
    """The signing keys of this log, and from when to when each counts."""
    from jupyter_mlgov.workspace.trail import keys as lives

    if ctx.invoked_subcommand:
        return
    found = lives(opened(folder))
    if style == "json":
        say_json([{**_plain_life(life), "key": str(life.key)} for life in found])
        return
    if not found:
        click.echo("No key yet; the first checkpoint or promotion makes one.")
    for life in found:
        end = f"revoked at entry {life.revoked:,} ({life.reason})" if life.revoked else f"expires {stamp(life.expires)[:10]}"
        click.echo(f"{life.key.id}  from entry {life.made:,}, {end}\n          {life.key}")


def _plain_life(life: object) -> dict[str, object]:
    value = plain(life)
    assert isinstance(value, dict)  # noqa: S101 a dataclass is an object
    return {name: item for name, item in value.items() if name != "key"}


@keys.command()
@workspace_option
def rotate(folder: Path | None) -> None:
    """Make a new key; those of this machine before it sign no more."""
    from jupyter_mlgov.workspace.trail import rotate as make

    click.echo(f"New key: {make(opened(folder))}")


@keys.command()
@click.argument("key_id")
@click.option("--reason", required=True, help="Why; it stands in the trail.")
@workspace_option
def revoke(key_id: str, reason: str, folder: Path | None) -> None:
    """From now on nothing signed by KEY_ID counts; what it signed before stays valid."""
    from jupyter_mlgov.workspace.trail import revoke as end

    click.echo(f"Revoked {end(opened(folder), key_id, reason).id}.")


def _key(given: str) -> PublicKey:
    path = Path(given)
    return parse_key(_text(path) if "+" not in given and path.is_file() else given)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}.") from None


def _write(path: Path, content: bytes) -> None:
    from jupyter_mlgov.core.errors import StorageProblem

    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Name another file.") from None


@audit.command()
@workspace_option
@format_option()
@click.pass_context
def reconcile(ctx: click.Context, folder: Path | None, style: str) -> None:
    """Hold the registry's aliases against the trail; what went around the gate is an alarm. Exit code 1 when anything did."""
    from jupyter_mlgov.reports.clean import visible
    from jupyter_mlgov.workspace.reconciling import reconcile as compare

    found = compare(opened(folder))
    if style == "json":
        say_json({**fields_of(found), "sentence": found.sentence})
    else:
        click.echo(f"{'✕' if found.drifted else '✓'} {found.sentence}")
        for item in found.drifted:
            click.echo(f"  {visible(item.sentence)}")
    ctx.exit(1 if found.drifted else 0)


@audit.command()
@workspace_option
def copy(folder: Path | None) -> None:
    """Copy the trail's database into .mlgov/copies, whole, while others write; `mlgov doctor` knows the way back from there."""
    from jupyter_mlgov.workspace.copies import copy as make

    click.echo(f"Wrote {make(opened(folder))}")
