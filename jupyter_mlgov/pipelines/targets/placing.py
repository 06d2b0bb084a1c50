"""Exported text files: each says what wrote it and carries its own digest, and one that a person changed is never overwritten."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.pipelines.plan import Digests
from jupyter_mlgov.pipelines.targets.quoting import comment


def signed(notebook: str, digests: Digests, target: str, path: Path, body: str, *, first: str = "", by: str = "mlgov export") -> bytes:
    """`body` under a header of `#` comments. `first` is a line that must stand before it, like `#!/bin/sh`; `by` the command
    that writes the file.

    Raises BadInput where `path` is there and was not written by this function for this notebook and target, or was changed since.
    """
    mark = f"# Written by `{by} --to {target}` for {comment(notebook)}; export again after changes."
    told = "".join(f"# {name}: {digest}\n" for name, digest in digests.told().items())
    start = (f"{first}\n" if first else "") + f"{mark}\n# file: "
    _check_place(path, start)
    rest = told + body
    return f"{start}{Digest.of_text(rest)}\n{rest}".encode()


def _check_place(path: Path, start: str) -> None:
    if not path.exists():
        return
    text = text_of(path)
    if not text.startswith(start):
        raise in_the_way(path, "was not written by this export")
    digest, _, rest = text[len(start) :].partition("\n")
    if digest != Digest.of_text(rest):
        raise in_the_way(path, "was changed by hand since it was exported")


def text_of(path: Path) -> str:
    """The text of a file that is there. Raises BadInput where it is none."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise in_the_way(path, "cannot be read") from None


def in_the_way(path: Path, why: str) -> BadInput:
    """The refusal to overwrite `path`."""
    return BadInput(f"{path} {why}, so it stays as it is.", next="Move it away, or name another folder: `mlgov export --output DIR`.")
