"""A notebook of five hundred tagged cells opened in JupyterLab, with the extension and without it, in turns in one run."""

from __future__ import annotations

import json
import secrets
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import nbformat

from tests.benchmarks.measure import Figure

CELLS, RUNS = 500, 5
KINDS = ("data", "features", "train", "evaluate")

# Until the cells in view are drawn, marks and all: two frames after the document is ready.
OPEN = """async path => {
  const { commands } = window.jupyterapp;
  const start = performance.now();
  const widget = await commands.execute('docmanager:open', { path, kernel: { shouldStart: false } });
  await widget.context.ready;
  await widget.revealed;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const took = performance.now() - start;
  widget.context.model.dirty = false;
  await new Promise(done => setTimeout(done, 1500));
  widget.dispose();
  return took;
}"""


def opening() -> Figure:
    """Milliseconds from the command to the drawn cells, medians of `RUNS` turns after one of each to warm up."""
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        pages = [_page(browser, *stack.enter_context(_lab(with_ours))) for with_ours in (True, False)]
        times = [[page.evaluate(OPEN, "many.ipynb") for page in pages] for _ in range(RUNS + 1)][1:]
        browser.close()
    ours, peer = (statistics.median(pair[side] for pair in times) for side in (0, 1))
    return Figure(
        name=f"a notebook of {CELLS} cells opens: with / without us",
        ours=ours,
        peer=peer,
        unit="ms",
        asked="+ < 100",
        holds=ours - peer < 100,
    )


def _chromium() -> str:
    import os
    import shutil

    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        raise RuntimeError("chromium is not on PATH. Install it (`make machine`), or set CHROMIUM=/path/to/it.")
    return found


def _page(browser: Any, url: str, token: str) -> Any:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(f"{url}/lab?token={token}&reset")
    page.wait_for_selector(".jp-Launcher", timeout=120_000)
    return page


@contextmanager
def _lab(with_ours: bool) -> Iterator[tuple[str, str]]:
    from tests.browser.conftest import empty_home, free_port, lab_command, wait_until_up

    with tempfile.TemporaryDirectory() as name:
        home, root = Path(name, "home"), Path(name, "root")
        root.mkdir()
        home.mkdir()
        env = empty_home(home)
        if not with_ours:
            switched = home / "config" / "labconfig" / "page_config.json"
            switched.parent.mkdir(parents=True)
            switched.write_text(json.dumps({"disabledExtensions": {"jupyter-mlgov": True}}))
        nbformat.write(_notebook(), root / "many.ipynb")
        port, token, log = free_port(), secrets.token_hex(16), home / "lab.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(lab_command(port, token, root), env=env, cwd=root, stdout=stream, stderr=subprocess.STDOUT)
        try:
            wait_until_up(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}", token
        finally:
            process.terminate()
            process.wait(30)


def _notebook() -> Any:
    cells = [
        nbformat.v4.new_code_cell(f"x{number} = {number}\ny{number} = x{number}", metadata={"tags": [f"mlgov:{KINDS[number % 4]}"]})
        for number in range(CELLS)
    ]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return made
