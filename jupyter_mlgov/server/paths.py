"""From the text a browser sent to a notebook under the server's root, or a sentence that says why not."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from jupyter_mlgov.core.errors import NotReady, UsageError

_EXPECTED = "Expected the path of a notebook below the folder the server was started in, such as folder/model.ipynb."
_AGAIN = "Was it renamed, moved or deleted? Open it from the file browser and try again."


class BadPath(UsageError):
    """The text cannot name a notebook below the server's root."""


class NoNotebook(NotReady):
    """The path is well formed, but there is no such notebook."""


def notebook_at(root: Path, text: str) -> Path:
    """The real path of the notebook `text` below `root`.

    Raises BadPath for empty, absolute, climbing or unwritable names and for what lies outside `root`
    (also by a symbolic link), NoNotebook where there is no such file.
    """
    _refuse_bad_form(text)
    try:
        home = root.resolve()
        found = (home / text).resolve()
        inside = found.is_relative_to(home)
        exists = inside and found.is_file()
    except (OSError, ValueError, RuntimeError):
        raise _bad(text, "cannot be a path on this machine") from None
    if not inside:
        raise _bad(text, "lies outside the server's folder")
    if not exists:
        raise NoNotebook(
            f"There is no notebook {_shown(text)}.",
            expected=_EXPECTED,
            next="Was it renamed or deleted? Open it again from the file browser.",
        )
    return found


def _refuse_bad_form(text: str) -> None:
    if not text:
        raise BadPath("No notebook was named.", expected=_EXPECTED, next="Add ?path=folder/model.ipynb to the request.")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise _bad(text, "holds control characters")
    parts = PurePosixPath(text.replace("\\", "/")).parts
    if text.startswith(("/", "\\")) or PureWindowsPath(text).drive:
        raise _bad(text, "is absolute")
    if ".." in parts or text.startswith("~"):
        raise _bad(text, "climbs out of the server's folder")
    if not text.endswith(".ipynb"):
        raise _bad(text, "is not a notebook (*.ipynb)")


def _bad(text: str, reason: str) -> BadPath:
    return BadPath(f"The path {_shown(text)} {reason}.", expected=_EXPECTED, next=_AGAIN)


def _shown(text: str) -> str:
    """Hostile text, harmless and short: control characters escaped."""
    safe = ascii(text) if not text.isprintable() else f'"{text}"'
    return safe if len(safe) <= 120 else safe[:119] + "…"
