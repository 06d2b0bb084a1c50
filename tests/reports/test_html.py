"""The HTML of a report: self-contained, honest on top, and nothing of a foreign text is ever markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.reports.html import CSP, fragment, page
from jupyter_mlgov.reports.lineage import lineage_html, lineage_svg
from jupyter_mlgov.reports.markup import ATTRIBUTES, el, link
from jupyter_mlgov.reports.status import status_html
from jupyter_mlgov.reports.why import decision_html, why_html
from jupyter_mlgov.validation.results import CheckResult, Estimate, Finding, Report, RequirementResult, SubjectRef

# Written here again on purpose: a wider list in markup.py must not widen the law.
_PAGE = "html head meta title style body main div section header footer h2 p span strong code time a br ol ul li dl dt dd details summary"
_DRAWN = "table tbody tr th td svg g line circle rect text path"
ELEMENTS = {*_PAGE.split(" "), *_DRAWN.split(" ")}
VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Collects elements, attributes and text, and checks that what is opened is closed."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    @property
    def text(self) -> str:
        return "".join(self.texts)


def only_ours(source: str) -> Reader:
    """Assert the law for any HTML of ours and return what was read."""
    reader = Reader(source)
    assert reader.open == []
    for tag, attributes in reader.elements:
        assert tag in ELEMENTS, tag
        for name, value in attributes.items():
            assert name in {key.lower() for key in ATTRIBUTES}, name
            assert not name.startswith("on")
            if name == "href":
                assert value is not None
                # A cell of the page itself, percent-encoded, or an https address.
                assert value.startswith("https://") or re.fullmatch(r"#cell-id=[A-Za-z0-9%._~-]+", value)
            if name == "style":
                assert re.fullmatch(r"[a-z-]+:[0-9.]+%", value or "")
    styles = re.findall(r"<style>(.*?)</style>", source, re.S)
    assert all("url(" not in body and "@import" not in body and "<" not in body for body in styles)
    return reader


ATTACKS = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "'\"><img src=x onerror=alert(1)>",
        "</style><script>",
        "</svg><foreignObject>",
        "]]><!--",
        "-->",
        "javascript:alert(1)",
        "\x1b[2J",
        "\u202eevil",
        "&lt;b&gt;",
        "`<b>`",
        "expression(1)",
        "}body{display:none",
        "\ud800",
        "\x00",
    ]
)
TEXT = st.lists(st.one_of(ATTACKS, st.text(max_size=20)), max_size=4).map("".join)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    number = st.none() | st.floats(-1e6, 1e6)
    pair = st.none() | st.tuples(st.floats(-2, 2), st.floats(-2, 2))
    estimates = st.builds(Estimate, label=TEXT, value=number, interval=pair, k=st.integers(0, 9), n=st.integers(0, 9))
    findings = st.builds(
        Finding,
        message=TEXT,
        verdict=st.sampled_from(Verdict),
        measured=number,
        allowed=TEXT,
        n=st.none() | st.integers(0, 10**9),
        interval=pair,
        where=TEXT,
        fix=TEXT,
        estimates=st.lists(estimates, max_size=3).map(tuple),
        reference=number,
        reference_label=TEXT,
        details=st.dictionaries(TEXT, TEXT | st.integers(-9, 9) | st.lists(TEXT, max_size=2), max_size=2),
    )
    results = st.builds(
        CheckResult,
        validator=TEXT,
        version=TEXT,
        title=TEXT,
        verdict=st.sampled_from(Verdict),
        summary=TEXT,
        findings=st.lists(findings, max_size=2).map(tuple),
        fix=TEXT,
        source=TEXT,
        cell=TEXT,
        parameters=st.dictionaries(TEXT, TEXT, max_size=2),
    )
    wants = st.builds(
        RequirementResult,
        policy=TEXT,
        control=TEXT,
        cite=TEXT,
        url=TEXT | TEXT.map("https://".__add__),
        obligation=TEXT,
        verified=TEXT,
        severity=st.sampled_from(Severity),
        automation=TEXT,
        gates=st.just(()),
        validator=TEXT,
        verdict=st.none() | st.sampled_from(Verdict),
    )
    subject = SubjectRef(kind=draw(TEXT), name=draw(TEXT), notebook=draw(TEXT))
    return Report(
        subject=subject,
        policies=(),
        results=tuple(draw(st.lists(results, max_size=2))),
        requirements=tuple(draw(st.lists(wants, max_size=2))),
        note=draw(TEXT),
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reports(), TEXT)
def test_no_foreign_text_ever_becomes_markup(report: Report, stage: str) -> None:
    from jupyter_mlgov.core.canonical import NotCanonical

    try:
        assert report.digest
    except NotCanonical:
        return
    source = page(report, Context(stage=stage, stale=(stage,), version=stage))
    only_ours(source)
    source.encode("utf-8")
    only_ours(fragment(report))


@given(TEXT)
def test_any_text_in_the_builder_is_text(text: str) -> None:
    only_ours(el("p", text, el("a", text, title=text)))
    only_ours(el("p", link(text, text), link(f"https://{text}", text)))


def test_each_sample_is_ours_alone(sample_reports: Mapping[str, Any], made: SimpleNamespace) -> None:
    for sample in sample_reports.values():
        only_ours(page(sample.report, sample.context))
        only_ours(fragment(sample.report, sample.context))
    for drawn in (
        why_html(made.REFUSED, made.STOPS),
        decision_html(made.GRANTED),
        status_html(made.view(problem=made.NASTY, next=made.NASTY)),
    ):
        only_ours(drawn)
    for lineage in (made.small_lineage(), made.large_lineage()):
        only_ours(lineage_html(lineage))
        only_ours(lineage_svg(lineage))


def test_hostile_names_are_shown_as_text(sample_reports: Mapping[str, Any]) -> None:
    shown = only_ours(page(sample_reports["hostile"].report, sample_reports["hostile"].context)).text
    assert "<script>alert(1)</script>" in shown
    assert "\\x1b[31mred" in shown
    assert "\\u202egnp.exe" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_page_is_a_whole_document_that_asks_for_nothing(sample_reports: Mapping[str, Any]) -> None:
    source = page(sample_reports["mixed"].report, sample_reports["mixed"].context)
    reader = only_ours(source)
    metas = [attributes for tag, attributes in reader.elements if tag == "meta"]
    assert source.startswith("<!doctype html>\n<html lang=")
    assert metas[0] == {"charset": "utf-8"}
    assert {"http-equiv": "Content-Security-Policy", "content": CSP} in metas
    assert "default-src 'none'" in CSP
    assert "script-src" not in CSP
    assert not any(name in ("src", "action", "srcset") for _, attributes in reader.elements for name in attributes)
    assert "credit-approval · v3 → staging — NOT YET" in reader.text


def test_headline_and_figures_of_the_oracle_stand_in_the_page(sample_reports: Mapping[str, Any]) -> None:
    report = sample_reports["mixed"].report
    shown = only_ours(page(report, sample_reports["mixed"].context)).text
    for words in (
        "NOT YET — 2 things stand in the way",
        "0.7792 (95 % 0.7241–0.8385)",
        "70.8 % (65.5–75.6)",
        "218 of 308",
        "1,527 of 1,681",
        "0.80 of the higher rate = 72.7 %",
        "primary text",
        "quoted",
        "Not checked here: 2 controls",
        "1 with no evidence here, 1 with a part missing",
        "3 of 5 controls with evidence by machine, 1 decided by machine",
        "nobody here says “compliant”",
        report.digest,
    ):
        assert words in shown, words


def test_failures_are_open_and_what_passed_is_folded(sample_reports: Mapping[str, Any]) -> None:
    source = page(sample_reports["mixed"].report, sample_reports["mixed"].context)
    order = [source.index(name) for name in (">Adverse impact ratio<", ">Complete lineage<", ">Better than", "to look at", "2 passed")]
    assert order == sorted(order)
    assert source.count("<details open>") == 4


@pytest.mark.parametrize("name", ["empty", "clear", "stale", "mixed", "table", "hostile"])
def test_without_a_granted_gate_nothing_says_may_go(sample_reports: Mapping[str, Any], name: str) -> None:
    assert "MAY GO" not in page(sample_reports[name].report, sample_reports[name].context)


def test_a_granted_gate_says_may_go(sample_reports: Mapping[str, Any]) -> None:
    assert "MAY GO — the gate to staging opened" in page(sample_reports["green"].report, sample_reports["green"].context)


def test_granted_is_not_believed_when_a_result_blocks(made: SimpleNamespace) -> None:
    from jupyter_mlgov.promotion.facts import Answer

    assert "NOT YET" in page(made.mixed(), Context(stage="staging", answer=Answer.GRANTED))


def test_an_empty_report_is_not_green(sample_reports: Mapping[str, Any]) -> None:
    source = fragment(sample_reports["empty"].report)
    shown = only_ours(source).text
    assert "NOTHING WAS CHECKED" in shown
    assert "Nothing was checked. This is no verdict" in shown
    assert 'class="mg-pass' not in source
    assert "✓" not in shown


def test_unchecked_controls_never_look_green(made: SimpleNamespace) -> None:
    report = replace(made.green(), results=(), requirements=(made.demand("SR26-2.III.3", "gov.sod", None),))
    source = fragment(report)
    assert "○ 1" in only_ours(source).text
    assert "mg-pass" not in source.split("</style>")[1]


def test_a_link_leaves_by_https_or_not_at_all() -> None:
    assert 'href="https://x.org/a"' in link("https://x.org/a", "cite")
    for url in (
        "javascript:alert(1)",
        "http://x.org",
        "https://u:p@x.org",
        "https://x.org/ a",
        "//x.org",
        "data:text/html,x",
        "https://\u202ex",
    ):
        assert "href" not in link(url, "cite"), url


def test_an_unknown_element_attribute_or_style_is_refused() -> None:
    for tag, attributes in (("script", {}), ("p", {"onclick": "x"}), ("p", {"style": "background:url(x)"})):
        with pytest.raises(ValueError):
            el(tag, **attributes)
