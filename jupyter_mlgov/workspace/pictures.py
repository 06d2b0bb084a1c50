"""What a step's cells showed, as files that other tools draw: metrics as JSON, pictures as they are."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import StorageProblem

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.stepping import StepDone

_PICTURES = {"image/png": ".png", "image/jpeg": ".jpg", "image/svg+xml": ".svg"}


def write_shown(workspace: Workspace, notebook: str, done: StepDone, metrics: Path | None, plots: Path | None) -> None:
    """Write the recorded metrics to `metrics` and the step's pictures into `plots`, where asked for. Raises StorageProblem."""
    try:
        if metrics is not None:
            metrics.parent.mkdir(parents=True, exist_ok=True)
            metrics.write_text(json.dumps(workspace.lineage(notebook).metrics, indent=2, sort_keys=True) + "\n", "utf-8")
        if plots is not None:
            plots.mkdir(parents=True, exist_ok=True)
            for old in plots.iterdir():
                if old.suffix in _PICTURES.values():
                    old.unlink()
            for name, content in pictures(json.loads(done.output.read_text("utf-8"))):
                (plots / name).write_bytes(content)
    except OSError as error:
        raise StorageProblem(f"What the step showed cannot be written: {error}.", next="Name another --metrics or --plots.") from None


def pictures(notebook: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of every picture among the outputs: `6-1.png` is the first of cell [6]."""
    for place, cell in enumerate(notebook["cells"], 1):
        number = 0
        for output in cell.get("outputs", []):
            kind = next((kind for kind in _PICTURES if kind in output.get("data", {})), "")
            if kind:
                number += 1
                text = "".join(output["data"][kind])
                content = text.encode() if kind == "image/svg+xml" else base64.b64decode(text)
                yield f"{cell['metadata'].get('mlgov', {}).get('index', place)}-{number}{_PICTURES[kind]}", content
