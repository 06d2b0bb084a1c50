"""The notebooks as pages, executed when the site is built, or taken from before while notebook, team file and code are the same."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Fewer rows than the notebooks' own defaults: a page shows the way, not the load.
FEWER = {"fraud": ("rows=20000", "rounds=10"), "trading_signal": ("days=400", "assets=4")}
LONGEST = 8_000


def names(root: Path) -> list[str]:
    """Every notebook of notebooks/, by its stem."""
    return sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))


def tours(root: Path) -> dict[str, str]:
    """Page of the site -> its Markdown. `MLGOV_DOCS_TOURS` names those to execute (commas; default: all, empty: none)."""
    wanted = os.environ.get("MLGOV_DOCS_TOURS", ",".join(names(root))).split(",")
    made = {f"tours/{name}.md": _page(root, name, execute=name in wanted) for name in names(root)}
    rows = [f"- [{name}]({name}.md): {_title(root, name)}" for name in names(root)]
    made["tours/index.md"] = "# Tours\n\nThe notebooks of `notebooks/`, executed when this site was built.\n\n" + "\n".join(rows) + "\n"
    return made


def _title(root: Path, name: str) -> str:
    cells = json.loads((root / "notebooks" / f"{name}.ipynb").read_text("utf-8"))["cells"]
    first = next(("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"), name)
    return first.strip().splitlines()[0].lstrip("# ")


def _page(root: Path, name: str, *, execute: bool) -> str:
    path = root / "notebooks" / f"{name}.ipynb"
    if not execute:
        return _markdown(json.loads(path.read_text("utf-8")), "This build shows the notebook as it lies there: it was not executed.")
    kept = root / ".cache" / "docs" / f"{name}-{_digest(root, name)}.md"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        text = _markdown(_executed(root, name), "Executed by `mlgov run` when this site was built.")
        draft = kept.with_suffix(".draft")
        draft.write_text(text, "utf-8")
        draft.replace(kept)
    return kept.read_text("utf-8")


def _digest(root: Path, name: str) -> str:
    """Of everything that decides what the page shows: notebook, team file, all of our code, the locked versions."""
    hasher = hashlib.sha256()
    code = sorted([*(root / "jupyter_mlgov").rglob("*.py"), *(root / "validators").rglob("*.py"), *(root / "validators").rglob("*.toml")])
    own = sorted((root / "notebooks").glob(f"{name}*"))
    for path in (*own, *code, root / "requirements" / "constraints.txt", Path(__file__)):
        content = path.read_bytes() if path.is_file() else b""
        hasher.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return hasher.hexdigest()[:20]


def _executed(root: Path, name: str) -> dict[str, list[dict[str, object]]]:
    """The notebook with its outputs, from a governed run in a folder of its own. Raises CalledProcessError where it fails."""
    environ = {**os.environ, "MLGOV_DELIVER": "manual", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "NO_COLOR": "1"}
    words = [part for one in FEWER.get(name, ()) for part in ("-p", one)]
    with tempfile.TemporaryDirectory(prefix="mlgov-docs-") as place:
        folder = Path(place) / "tour"
        if name == "credit_approval":
            from jupyter_mlgov.core.settings import Settings
            from jupyter_mlgov.workspace.demo import prepare

            prepare(folder, Settings(deliver="manual"), print).close()
        else:
            folder.mkdir()
            shutil.copy(root / "notebooks" / f"{name}.ipynb", folder)
            team = root / "notebooks" / f"{name}.mlgov.toml"
            if team.is_file():
                shutil.copy(team, folder / "mlgov.toml")
        mlgov = [sys.executable, "-m", "jupyter_mlgov.cli"]
        subprocess.run([*mlgov, "init", "-w", str(folder)], env=environ, check=True, capture_output=True)
        done = subprocess.run(
            [*mlgov, "run", f"{name}.ipynb", *words], cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{name}.ipynb failed while the site was built:\n{done.stdout}\n{done.stderr}")
        found: dict[str, list[dict[str, object]]] = json.loads((folder / "runs" / f"{name}.ipynb").read_text("utf-8"))
        return found


def _markdown(document: dict[str, list[dict[str, object]]], said: str) -> str:
    parts = []
    for cell in document["cells"]:
        source = _joined(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif source.strip():
            parts.append(f"````python\n{source}\n````")
            parts += [f"````text\n{text}\n````" for text in map(_shown, cell.get("outputs", ())) if text]  # type: ignore[call-overload]  # a notebook's JSON
    head, _, rest = "\n\n".join(parts).partition("\n")
    return f"{head}\n\n*{said}*\n{rest}\n"


def _shown(output: dict[str, object]) -> str:
    """An output's text; a picture is left out, and what is long is cut and says so."""
    data = output.get("data")
    text = _joined(output.get("text") or (data.get("text/plain", "") if isinstance(data, dict) else "")).rstrip()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} more characters"


def _joined(text: object) -> str:
    return "".join(text) if isinstance(text, list) else str(text)
