"""Blocks of code in the documentation: what they are, and a clean folder to run them in.

Words in a block's info string: `title="FILE"` (the block is written there), `exit="N"` (its last command ends so; 0 where nothing is said),
`not-run="REASON"` (it cannot run here, and why).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

RUNNABLE = ("sh", "bash", "python")
_FENCE = re.compile(r"^```(\w+)([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r'([a-z-]+)="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block: the language, the words after it, the text and where it stands."""

    page: str
    line: int
    language: str
    words: dict[str, str]
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def does(self) -> bool:
        """Whether it is code that a reader would run or save."""
        return self.language in RUNNABLE or "title" in self.words


def blocks(page: Path, root: Path) -> list[Block]:
    """Every block of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            page=page.relative_to(root).as_posix(),
            line=text.count("\n", 0, found.start()) + 1,
            language=found[1],
            words=dict(_WORD.findall(found[2])),
            text=found[3],
        )
        for found in _FENCE.finditer(text)
    ]


def shell(home: Path) -> dict[str, str]:
    """A reader's environment: this Python's programs, a home of its own, nobody's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLGOV_", "MLFLOW_", "GIT_", "JUPYTER"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "DVC_NO_ANALYTICS": "1", "MLGOV_DELIVER": "manual"}
    return {**kept, "PATH": path, "HOME": str(home), "NO_COLOR": "1", **quiet}


def run(found: list[Block], folder: Path, environ: dict[str, str]) -> str:
    """Run the blocks in `folder`, in order, and fail with the output at the first that does not end as it says.

    What a shell block exports counts for the blocks after it, as in a reader's terminal.
    """
    said = ""
    for block in found:
        if "not-run" in block.words or not block.does:
            continue
        if "title" in block.words:
            (folder / block.words["title"]).write_text(block.text, "utf-8")
            continue
        kept = folder.parent / "environment"
        python = block.language == "python"
        words = [sys.executable, "-c", block.text] if python else ["bash", "-ec", f"trap 'env -0 > \"{kept}\"' EXIT\n{block.text}"]
        done = subprocess.run(words, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == int(block.words.get("exit", "0")), (
            f"{block.name} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        said += done.stdout
        if not python:
            environ = dict(item.split("=", 1) for item in kept.read_text("utf-8").split("\0") if "=" in item)
    return said
