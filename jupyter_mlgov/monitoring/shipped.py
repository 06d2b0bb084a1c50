"""The files that come with the package for Prometheus and Grafana, and how they are written out."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jupyter_mlgov.core.errors import StorageProblem, UsageError


def shipped(kind: str) -> dict[str, str]:
    """File name -> text."""
    folder = files("jupyter_mlgov.monitoring").joinpath(kind)
    return {one.name: one.read_text("utf-8") for one in sorted(folder.iterdir(), key=lambda one: one.name) if one.is_file()}


def write(kind: str, folder: Path) -> tuple[Path, ...]:
    """Write them. Raises UsageError, before anything is written, for a file that is there and says something else."""
    texts = {folder / name: text for name, text in shipped(kind).items()}
    for path, text in texts.items():
        if path.is_symlink() or (path.exists() and not (path.is_file() and path.read_text("utf-8", "replace") == text)):
            raise UsageError(f"{path} is there and is another file.", next="Name an empty folder with --out, and compare.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, "utf-8")
    except OSError as error:
        raise StorageProblem(f"{folder} cannot be written: {error.strerror or error}.", next="Name another folder with --out.") from None
    return tuple(texts)
