"""Where nothing of ours runs (GitHub, nbviewer, VS Code, a mail): what is left of the output says the same facts, and nothing else."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import bleach
import pytest

from jupyter_mlgov.reports.bundle import bundle
from jupyter_mlgov.reports.reading import controls, headline, unchecked

# What GitHub leaves of HTML in a notebook: structure and text. Styles, scripts, classes, drawings and all attributes go.
LEFT = {
    *("a", "b", "blockquote", "br", "caption", "code", "dd", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "hr", "i", "li"),
    *("ol", "p", "pre", "small", "span", "strong", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "ul"),
}


def stripped(page: str) -> str:
    """`page` as such a place shows it, as one line of text."""
    without = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", page, flags=re.S)
    kept = bleach.clean(without, tags=LEFT, attributes={}, strip=True, strip_comments=True)
    return flat(html.unescape(re.sub(r"<[^>]+>", " ", kept)))


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("`", ""))


SAMPLES = ("mixed", "green", "hostile")


@pytest.mark.parametrize("sample", SAMPLES)
def test_sanitised_html_keeps_every_verdict_its_words_and_its_sources(made: SimpleNamespace, sample: str) -> None:
    report = getattr(made, sample)()
    shown = bundle(report)
    left = stripped(str(shown["text/html"]))
    told = headline(report, made_context())
    assert told.standing in left
    assert report.digest.short in left
    for result in report.results:
        assert flat(visible(result.validator))[:25] in left
        assert result.verdict.word in left
        assert flat(visible(result.summary))[:60] in left
        for item in controls(report, result.validator):
            assert flat(visible(item.control))[:60] in left
            assert flat(visible(item.obligation))[:60] in left
    for one in unchecked(report):
        assert flat(visible(one.control.control))[:60] in left
    assert "<script" not in str(shown["text/html"]).lower().replace("&lt;script", "")


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_plain_twin_has_the_same_standing_counts_and_blocking_checks(made: SimpleNamespace, sample: str) -> None:
    """A plain IPython, and VS Code without our renderer, show text/plain or the page: both say what keeps the gate shut."""
    report = getattr(made, sample)()
    shown = bundle(report)
    plain, left = flat(str(shown["text/plain"])), stripped(str(shown["text/html"]))
    told: Mapping[str, Any] = shown["application/vnd.mlgov.report+json"]["headline"]  # type: ignore[index,assignment]  # plain JSON
    for text in (plain, left):
        assert told["standing"] in text
        assert flat(str(told["detail"])) in text
        for result in report.blocking:
            assert flat(visible(result.validator))[:25] in text
            assert result.verdict.word in text
    assert "\x1b" not in str(shown["text/plain"])


def made_context() -> Any:
    from jupyter_mlgov.reports.context import Context

    return Context()


def visible(text: str) -> str:
    from jupyter_mlgov.reports.clean import visible as shown

    return shown(text)
