"""The page in a real browser: nothing is asked for, nothing overlaps or sticks out, and the host's theme wins over the system's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.reports.html import fragment, page
from jupyter_mlgov.reports.look import DARK, LIGHT

pytestmark = pytest.mark.slow

# Pairs of visible tick labels that overlap, and tick labels that leave their drawing, in CSS pixels.
CROWDED = """() => [...document.querySelectorAll('svg.mg-axis')].flatMap(axis => {
  const boxes = [...axis.querySelectorAll('text')].map(t => t.getBoundingClientRect()).filter(b => b.width > 0);
  const whole = axis.getBoundingClientRect();
  const out = boxes.filter(b => b.left < whole.left - 1 || b.right > whole.right + 1).length;
  const over = boxes.filter((b, i) => boxes.slice(i + 1).some(c => b.left < c.right && c.left < b.right)).length;
  return out + over ? [`${out} out, ${over} over`] : [];
})"""
# Text boxes of the plot's cells that are wider than their cell.
CUT = """() => [...document.querySelectorAll('.mg th, .mg td, .mg summary, .mg dd, .mg p')]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map(e => e.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("width", [420, 1000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_page_fits_asks_for_nothing_and_says_nothing_to_the_console(
    browser: Any, sample_reports: Mapping[str, Any], tmp_path: Path, width: int, scheme: str
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    for name, sample in sample_reports.items():
        path = tmp_path / f"{name}.html"
        path.write_text(page(sample.report, sample.context), "utf-8")
        asked.clear()
        tab.goto(path.as_uri())
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert asked == [path.as_uri()]
        assert said == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, name
        assert tab.evaluate(CROWDED) == [], name
        assert tab.evaluate(CUT) == [], name
    tab.close()


@pytest.mark.parametrize(
    ("body", "scheme", "palette"),
    [
        ('data-jp-theme-light="true"', "dark", LIGHT),
        ('data-jp-theme-light="false"', "light", DARK),
        ('data-vscode-theme-kind="vscode-dark"', "light", DARK),
        ("", "light", LIGHT),
        ("", "dark", DARK),
    ],
)
def test_the_hosts_theme_decides_and_else_the_readers_system(
    browser: Any, sample_reports: Mapping[str, Any], body: str, scheme: str, palette: dict[str, str]
) -> None:
    tab = browser.new_page(color_scheme=scheme)
    tab.set_content(f"<!doctype html><body {body}>{fragment(sample_reports['mixed'].report)}")
    seen = tab.evaluate("getComputedStyle(document.querySelector('.mg-fail')).color")
    red, green, blue = (int(palette["fail"][index : index + 2], 16) for index in (1, 3, 5))
    assert seen == f"rgb({red}, {green}, {blue})"
    tab.close()


def test_a_failure_can_be_closed_and_what_passed_opened_by_keyboard(browser: Any, sample_reports: Mapping[str, Any]) -> None:
    tab = browser.new_page()
    tab.set_content(page(sample_reports["mixed"].report, sample_reports["mixed"].context))
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert tab.evaluate("document.activeElement.parentElement.open") is True
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.parentElement.open") is False
    tab.close()
