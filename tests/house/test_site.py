"""The documentation site: built strictly, complete by the code it is about, and read without any network."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from jupyter_mlgov.cli import VERBS
from jupyter_mlgov.kernel import magics

pytestmark = pytest.mark.slow


def build(checkout: Path, into: Path) -> None:
    """As `make docs` does, with one of the tours: the journeys run the others."""
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(into)]
    environ = {**os.environ, "MLGOV_DOCS_TOURS": "plugin_tour", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build(checkout, folder)
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site on loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def text(site: Path, *names: str) -> str:
    return "\n".join(unescape(re.sub(r"<[^>]+>", "", (site / name).read_text("utf-8"))) for name in names)


def test_every_verb_magic_validator_policy_route_trait_and_public_name_is_in_the_reference(site: Path) -> None:
    from importlib.metadata import entry_points

    from jupyter_mlgov import sdk
    from jupyter_mlgov.server import GovernanceApp
    from jupyter_mlgov.server.handlers import ROUTES

    ours = {
        group: {entry.name for entry in entry_points(group=f"jupyter_mlgov.{group}") if entry.value.startswith("mlgov_validators")}
        for group in ("validators", "policies")
    }
    wanted = {
        "commands": {f"mlgov {verb}" for verb in VERBS},
        "magics": {f"%mlgov {verb}" for verb in magics.VERBS},
        "settings": {f"GovernanceApp.{name}" for name in GovernanceApp.class_own_traits(config=True) if name != "serverapp_config"},
        "routes": {f"mlgov/api/{route}" for route, handler in ROUTES if hasattr(handler, "get") and "events" not in route},
        "validators": ours["validators"],
        "policies": ours["policies"],
        "api": set(sdk.__all__),
    }
    missing = {page: {word for word in words if word not in text(site, f"reference/{page}.html")} for page, words in wanted.items()}
    assert all(wanted.values())
    assert {page: words for page, words in missing.items() if words} == {}


def test_four_doors_and_every_page_of_docs_are_on_the_site(site: Path, checkout: Path) -> None:
    front = text(site, "index.html")
    assert [door for door in ("For users", "For operators", "For plug-in authors", "For contributors") if door not in front] == []
    pages = {path.relative_to(checkout / "docs").with_suffix(".html").as_posix() for path in (checkout / "docs").rglob("*.md")}
    missing = {page for page in pages if not (site / page.replace("README.html", "index.html")).is_file()}
    assert missing == set()


def test_a_tour_was_executed_while_building_and_the_others_say_that_they_were_not(site: Path) -> None:
    executed = text(site, "tours/plugin_tour.html")
    assert "Executed by mlgov run when this site was built" in executed
    assert "No branch makes up most rows" in executed.partition("1 passed")[2]
    assert "it was not executed" in text(site, "tours/fraud.html")


def test_what_was_executed_before_is_taken_again_while_nothing_changed(site: Path, checkout: Path, tmp_path: Path) -> None:
    kept = {path: path.stat().st_mtime_ns for path in (checkout / ".cache" / "docs").glob("plugin_tour-*.md")}
    assert kept
    build(checkout, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in (checkout / ".cache" / "docs").glob("plugin_tour-*.md")} == kept
    assert (tmp_path / "tours" / "plugin_tour.html").read_bytes() == (site / "tours" / "plugin_tour.html").read_bytes()


def test_no_page_names_a_style_a_script_a_font_or_a_picture_of_another_host(site: Path) -> None:
    foreign = []
    for page in site.rglob("*.html"):
        html = page.read_text("utf-8")
        tags = re.findall(r"<(?:script|link|img|iframe|source|video|audio)\b[^>]*", html)
        foreign += [(page.name, tag) for tag in tags if re.search(r'(?:src|href)="?(?:https?:)?//', tag) and 'rel="canonical"' not in tag]
    for style in site.rglob("*.css"):
        foreign += [(style.name, url) for url in re.findall(r"url\([\"']?(?:https?:)?//[^)]*", style.read_text("utf-8"))]
    assert foreign == []


def test_a_reader_without_a_network_finds_a_page_by_searching(browser: Any, address: str) -> None:
    context = browser.new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    try:
        page.goto(f"{address}/index.html")
        page.locator("input.md-search__input").click()
        page.locator(".md-search-result__meta", has_text="Type to start searching").wait_for(state="attached", timeout=60_000)
        page.locator("input.md-search__input").press_sequentially("four eyes")  # the search listens to keys, not to what is filled in
        found = page.locator(".md-search-result__item a").first
        found.wait_for(timeout=60_000)
        found.click()
        page.wait_for_url(re.compile(r"\?h=|#"), timeout=60_000)
        page.goto(f"{address}/users/cli.html")
        page.get_by_role("heading", name="What differs").wait_for(timeout=60_000)
    finally:
        context.close()
    assert asked
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_the_pages_open_from_a_folder_too(browser: Any, site: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    try:
        page.goto((site / "index.html").as_uri())
        page.get_by_role("link", name="getting started", exact=True).first.click()
        page.get_by_role("heading", name="7. Promoted").wait_for(timeout=60_000)
    finally:
        context.close()


def test_the_notebooks_are_clean_of_outputs(checkout: Path) -> None:
    found = sorted((checkout / "notebooks").glob("*.ipynb"))
    assert len(found) >= 4
    for path in found:
        cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
        assert [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"]] == [], path.name
