"""What mkdocs asks while it builds the site: pages made from code and notebooks, and links that lead out of docs/."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))
from reference import pages  # noqa: E402 # mkdocs loads this file alone, and takes the path back after that
from tours import names, tours  # noqa: E402 # likewise

# Pages whose text lies elsewhere in the checkout: where the site has them -> where they are.
ELSEWHERE = {
    "contributors/floor-plan.md": "jupyter_mlgov/README.md",
    "plugin-authors/first-validator.md": "validators/README.md",
    "changes.md": "CHANGELOG.md",
}
_FENCE = re.compile(r"^```(\w+)([^\n`]*)$", re.MULTILINE)
_WORD = re.compile(r'\s*\b(not-run|exit)="([^"]*)"')
_LINK = re.compile(r"(\]\()([^)#\s]+)([^)]*\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Folders whose every page belongs into the navigation: a new page is on the site without a word here."""
    nav = config.nav or []
    sections = {name: below for entry in nav if isinstance(entry, dict) for name, below in entry.items() if isinstance(below, list)}
    how_to = next(entry["How to"] for entry in sections["For users"] if isinstance(entry, dict))
    how_to += [page for page in _pages("users") if page not in sections["For users"]]
    for name, folder in (("For operators", "operators"), ("For plug-in authors", "plugin-authors"), ("For contributors", "contributors")):
        sections[name] += [page for page in _pages(folder) if page not in sections[name]]
        sections[name] += [page for page in ELSEWHERE if page.startswith(f"{folder}/")]
    sections["Formats"] += _pages("formats")
    sections["Decisions"] += _pages("decisions")
    sections["Tours"] += [f"tours/{name}.md" for name in names(ROOT)]
    return config


def _pages(folder: str) -> list[str]:
    found = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs" / folder).rglob("*.md"))
    return sorted(found, key=lambda name: not name.endswith("README.md"))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Everything that is made: the reference from code, the tours from notebooks, pages from elsewhere in the checkout."""
    made = {name: (ROOT / source).read_text("utf-8") for name, source in ELSEWHERE.items()}
    for name, text in {**made, **pages(), **tours(ROOT)}.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links to files outside docs/ lead to the page made of them; the words of the tests leave the blocks."""
    source = page.file.src_uri
    return _LINK.sub(lambda found: _linked(found, source), _FENCE.sub(_plain_fence, markdown))


def _plain_fence(found: re.Match[str]) -> str:
    words = dict(_WORD.findall(found[2]))
    rest = _WORD.sub("", found[2])
    reason = words.get("not-run")
    return f"```{found[1]}{rest}" + (f' title="Not run by the tests: {reason}"' if reason and "title=" not in rest else "")


def _linked(found: re.Match[str], source: str) -> str:
    target = found[2]
    if "://" in target or target.startswith("mailto:"):
        return found[0]
    written = ROOT / ELSEWHERE.get(source, f"docs/{source}")
    full = (written.parent / target).resolve()
    if full.is_relative_to(ROOT / "docs") and source not in ELSEWHERE:
        return found[0]
    if full.is_relative_to(ROOT / "docs"):
        name = full.relative_to(ROOT / "docs").as_posix()
    else:
        name = next((page for page, place in ELSEWHERE.items() if (ROOT / place).resolve() == full), "")
    up = "../" * source.count("/")
    return f"{found[1]}{up}{name}{found[3]}" if name else found[0]
