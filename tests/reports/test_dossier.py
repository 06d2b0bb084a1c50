"""Documents: every section, every number with its evidence, what is missing first, people's words versioned, hostile text as text."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zlib
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docx as python_docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.integrations.docx import docx
from jupyter_mlgov.integrations.pdf import pdf
from jupyter_mlgov.promotion.facts import Review
from jupyter_mlgov.promotion.waivers import Waiver
from jupyter_mlgov.reports.dossier.assemble import AUDIENCES, KINDS, dossier
from jupyter_mlgov.reports.dossier.changes import change_log
from jupyter_mlgov.reports.dossier.document import Document, Figure, Gap, Paragraph, Section, Span, Table, Written, all_spans, gaps, walk
from jupyter_mlgov.reports.dossier.html import html
from jupyter_mlgov.reports.dossier.published import document_json
from jupyter_mlgov.reports.dossier.text import text
from jupyter_mlgov.reports.dossier.writing import ASKS, FORMS, taken, written
from jupyter_mlgov.reports.numbers import measured
from jupyter_mlgov.reports.reading import CAVEAT, verified
from jupyter_mlgov.validation.plugins import installed_policies
from jupyter_mlgov.validation.records import Form

# The sections that /controls/catalogue.md part 3 asks for, by a word of each.
WANTED = {
    "development": "identity purpose data theory assumptions features training testing limits implementation "
    "monitoring history findings reproduction",
    "validation": "opinion scope soundness data replication outcomes benchmarking stress fairness "
    "implementation monitoring findings residual control signatures",
    "annex-iv": "general elements monitoring metrics risk changes standards declaration post-market",
    "dpia": "description necessity risks measures advice views review",
    "fria": "process period people harm oversight risks",
}


@pytest.fixture(scope="module")
def facts(made: SimpleNamespace) -> Any:
    return made.dossier_facts()


@pytest.fixture(scope="module")
def whole(facts: Any) -> Document:
    return dossier(facts, "regulator")


@pytest.mark.parametrize("kind", WANTED)
def test_each_document_has_the_sections_asked_for_in_their_order(facts: Any, kind: str) -> None:
    titles = [section.title.lower() for section in dossier(facts, kind=kind).sections]
    wanted = WANTED[kind].split()
    assert len(titles) == len(wanted)
    assert [word for word, title in zip(wanted, titles, strict=True) if word not in title] == []


def test_the_record_of_processing_asks_for_a_to_g(facts: Any) -> None:
    told = [block for block in dossier(facts, kind="ropa").sections[0].blocks if isinstance(block, Gap)]
    assert [letter for gap in told for letter in re.findall(r"\(([a-g])\)", gap.what)] == list("abcdefg")


def test_each_number_that_was_measured_leads_to_its_evidence(facts: Any, whole: Document) -> None:
    linked = {(span.text, span.evidence) for span in all_spans(whole)}
    checked = 0
    for result in facts.report.results:
        for finding in result.findings:
            if finding.measured is not None:
                checked += 1
                assert (measured(finding), result.evidence[0]) in linked
    assert checked == 2
    listed = {source.digest for source in whole.sources}
    assert {span.evidence for span in all_spans(whole) if span.evidence} == listed
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in listed)


def test_every_link_of_the_page_has_its_target(whole: Document) -> None:
    page = html(whole)
    targets, links = set(re.findall(r' id="([^"]+)"', page)), set(re.findall(r'href="#([^"]+)"', page))
    assert links <= targets
    assert {link for link in links if link.startswith("e-")} == {f"e-{place}" for place in range(1, len(whole.sources) + 1)}
    assert len(re.findall(r' id="', page)) == len(targets)


def test_what_is_missing_is_listed_before_any_section_and_in_its_place(whole: Document) -> None:
    assert whole.missing == tuple(gap for section in whole.sections for gap in gaps(section))
    assert len(whole.missing) > 40
    page, lines = html(whole), text(whole)
    assert page.index('id="missing"') < page.index('id="s-1"')
    assert lines.index("What is missing") < lines.index("1 Validation report")
    made = python_docx.Document(io.BytesIO(docx(whole)))
    heads = [one.text for one in made.paragraphs if one.style.name.startswith("Heading")]
    assert heads.index("What is missing") < heads.index("1 Validation report")
    for _, gap in whole.missing:
        assert " ".join(gap.what.replace("`", "").split())[:60] in " ".join(re.sub(r"<[^>]+>", "", page).split()).replace(
            "&#x27;", "'"
        ).replace("&quot;", '"')


def test_without_a_report_every_check_is_missing_and_nothing_passed(made: SimpleNamespace) -> None:
    facts = replace(made.dossier_facts(), report=None, why=())
    for kind in KINDS:
        document = dossier(facts, kind=kind)
        assert not [span for span in all_spans(document) if span.verdict is not None and span.verdict.opens], kind
    assert "no report on this version" in text(dossier(facts, kind="validation"))


def test_an_unknown_reader_or_document_is_named_with_the_known_ones(facts: Any) -> None:
    with pytest.raises(UsageError, match=r'No reader "auditor".*regulator'):
        dossier(facts, "auditor")
    with pytest.raises(UsageError, match=r'No document "valdation"\. Did you mean "validation"\?'):
        dossier(facts, kind="valdation")


# -- people's words ---------------------------------------------------------------------------------------------------


def form(made: SimpleNamespace, words: str, hours: int, *, model: str = "model", control: str = "DOC.development") -> Form:
    return Form(
        control=control,
        answers={"purpose": words},
        actor=made.AUTHOR,
        time=made.MADE + timedelta(hours=hours),
        model=made.digest(model),
        entry=made.digest(f"entry {words}"),
    )


def test_the_newest_word_about_this_model_counts_and_says_who_and_when(made: SimpleNamespace) -> None:
    forms = (
        form(made, "Lend to people who can pay.", 1),
        form(made, "Lend to people at branches.", 2),
        form(made, "Sell insurance abroad.", 3, model="x"),
    )
    found = written(made.dossier_facts(forms=forms), "development", "purpose")
    assert isinstance(found, Written)
    assert (found.text, found.about_this) == ("Lend to people at branches.", True)
    assert "Ada" in found.source[0].text
    assert "2026-11-23 16:02 UTC" in found.source[0].text
    assert found.source[0].evidence == made.digest("entry Lend to people at branches.")


def test_a_word_about_an_earlier_model_is_shown_as_that(made: SimpleNamespace) -> None:
    facts = made.dossier_facts(forms=(form(made, "Sell insurance abroad.", 3, model="x"),))
    assert "Written about an earlier model" in html(dossier(facts, kind="development"))
    assert "Written about an earlier model" in text(dossier(facts, kind="development"))


def test_an_answer_to_a_control_and_the_team_file_fill_a_section(made: SimpleNamespace) -> None:
    facts = made.dossier_facts(forms=(form(made, "Lend to people who can pay.", 1, control="SR26-2.IV.1"),))
    assert isinstance(written(facts, "development", "purpose"), Written)
    team = replace(facts.team, register={"documents": {"ropa": {"controller": "Bank plc, 1 Example Street", "security": "tbd"}}})
    facts = replace(facts, team=team)
    found = written(facts, "ropa", "controller")
    assert isinstance(found, Written)
    assert found.source[0].evidence == team.digest
    assert isinstance(written(facts, "ropa", "security"), Gap), "a placeholder is no answer"


def test_a_document_is_answered_bit_by_bit_and_never_with_nothing() -> None:
    assert taken("DOC.ropa", {"controller": "  Bank plc,  1 Example Street ", "purposes": ""}) == {
        "controller": "Bank plc, 1 Example Street"
    }
    with pytest.raises(UsageError, match=r'No question of DOC\.ropa "purpose"\. Did you mean "purposes"\?'):
        taken("DOC.ropa", {"purpose": "to lend money to people"})
    with pytest.raises(BadInput, match="is a placeholder"):
        taken("DOC.ropa", {"purposes": "TBD"})
    with pytest.raises(BadInput, match="no answer was given"):
        taken("DOC.ropa", {"purposes": " "})
    with pytest.raises(UsageError, match="No form"):
        taken("DOC.novel", {})


def test_each_place_an_answer_may_come_from_exists() -> None:
    packs = installed_policies(("sr-26-2", "gdpr", "eu-ai-act"))
    known = {f"{control.id}/{question.id}" for pack in packs for control in pack.controls for question in control.questions}
    known |= {f"DOC.{kind}/{ask.id}" for kind, asks in ASKS.items() for ask in asks}
    named = {place for asks in ASKS.values() for ask in asks for place in ask.also if "/" in place}
    assert named - known == set()
    assert {form.removeprefix("DOC.") for form in FORMS} == set(KINDS)


def test_an_opinion_is_an_independent_persons_last_word_on_this_very_report(made: SimpleNamespace) -> None:
    report = made.mixed()
    by = lambda who, verdict, hours, of=report.digest, **more: Review(  # noqa: E731  # a row of the table below
        actor=who, verdict=verdict, report=of, comment="read", time=made.MADE + timedelta(hours=hours), **more
    )
    for reviews, said in (
        ((), "nobody gave one"),
        ((by(made.AUTHOR, "approve", -1),), "nobody gave one that counts"),
        ((by(made.REVIEWER, "approve", -1, made.digest("other")),), "nobody gave one that counts"),
        ((by(made.REVIEWER, "approve", -1, until="2026-11-01"),), "nobody gave one that counts"),
        ((by(made.REVIEWER, "approve", -1),), "approved by Grace"),
        ((by(made.REVIEWER, "approve", -2), by(made.REVIEWER, "refuse", -1)), "refused by Grace"),
    ):
        facts = made.dossier_facts(report, reviews=reviews)
        assert facts.opinion == said
        gap = "No review of this report counts as an opinion." in text(dossier(facts, "validator"), width=300)
        assert gap is said.startswith("nobody")


def test_a_waiver_is_shown_with_whether_it_lifts_anything(made: SimpleNamespace) -> None:
    waiver = Waiver(
        id=made.digest("waiver"),
        seq=9,
        waives="fair.air",
        reason="model is retired",
        limit="no new loans",
        until="2026-11-30",
        scope=None,
        asked_by=made.AUTHOR,
        asked_at=made.MADE,
    )
    lines = text(dossier(made.dossier_facts(waivers=(waiver,)), "validator"), width=400)
    assert re.search(r"Waives: fair\.air .* Until: 2026-11-30 · Today: lifts nothing: ", lines)
    assert "✕ failed" in lines


# -- what no document may do ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", AUDIENCES)
def test_no_document_says_that_a_model_is_compliant(made: SimpleNamespace, audience: str) -> None:
    for report in (made.mixed(), made.green()):
        lines = text(dossier(made.dossier_facts(report), audience), width=2000).replace(CAVEAT, "")
        assert not re.search(r"complian(t|ce with)|complies|conforms|fulfils|meets the (law|regulation)", lines, re.I)


def test_each_wording_carries_its_mark(made: SimpleNamespace, facts: Any) -> None:
    rows = next(
        block
        for section in walk(dossier(facts, kind="validation").sections)
        if section.number == "14"
        for block in section.blocks
        if isinstance(block, Table)
    ).rows
    marks = {(row[0][0].text, row[2][0].text) for row in rows}
    assert marks == {(item.control, verified(item)) for item in facts.report.requirements}
    assert "(mark S)" in dossier(facts, kind="annex-iv").basis


def test_an_unchecked_demand_reads_unchecked_and_never_passed(facts: Any) -> None:
    lines = text(dossier(facts, kind="validation"), width=400)
    assert re.search(r"Control: SR26-2\.III\.3 .* Answer: ○ unchecked · Evidence: none", lines)


def test_the_customers_document_names_nobody(made: SimpleNamespace) -> None:
    facts = made.dossier_facts(forms=(form(made, "Lend to people who can pay.", 1),))
    page = html(dossier(facts, "customer"))
    assert "Ada" not in page
    assert "ada@" not in page


HOSTILE = st.text(
    st.characters(codec="utf-8") | st.sampled_from("<>&\"'=+-@\t\r\n\x00\x0b\u202e\ufffe\ud800]{}\\|`#*_"), min_size=1, max_size=60
)


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, tuple[str, ...]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, tuple(sorted(name for name, _ in attrs))))


def of(words: str) -> Document:
    """A document of nothing but these words."""
    told = (Span(text=words), Span(text=words, look="code"))
    blocks = (
        Paragraph(words=told),
        Table(caption=words, columns=(words, "b"), rows=((told, told),)),
        Gap(what=words, next=words),
        Written(question=words, text=words, source=told),
    )
    return Document(
        kind="x",
        title=words,
        subject=words,
        basis=words,
        facts=((words, told),),
        summary=blocks,
        sections=(Section(number="1", title=words, blocks=blocks),),
        missing=(("1", Gap(what=words, next=words)),),
        caveat=words,
    )


QUIET = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@QUIET
@given(words=HOSTILE)
def test_any_text_is_text_in_html_and_on_a_terminal(words: str) -> None:
    plain, given_ = Tags(), Tags()
    plain.feed(html(of("words")))
    given_.feed(html(of(words)))
    assert {tag for tag in given_.found if tag[0] != "code"} <= plain.found
    shown = text(of(words))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", shown)


@QUIET
@given(words=HOSTILE)
def test_any_text_makes_a_docx_that_opens(words: str) -> None:
    made = python_docx.Document(io.BytesIO(docx(of(words))))
    assert len(made.tables) >= 3
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e\ufffe]", "".join(one.text for one in made.paragraphs))


def test_the_hostile_report_is_text_in_every_writer(made: SimpleNamespace) -> None:
    facts = made.dossier_facts(made.hostile(), model=made.NASTY)
    document = dossier(facts, "regulator")
    page = html(document)
    tags = Tags()
    tags.feed(page)
    assert not {tag for tag, _ in tags.found} & {"script", "img", "iframe", "object", "link"}
    assert not {name for _, names in tags.found for name in names if name.startswith("on")}
    assert "\x1b" not in text(document)
    python_docx.Document(io.BytesIO(docx(document)))
    assert pdf(html(dossier(facts, "customer"))).startswith(b"%PDF-")


# -- the files themselves ---------------------------------------------------------------------------------------------


def poppler(tool: str, *words: str) -> str:
    """What one of poppler's tools prints. A machine without it fails here, loudly: `apt-get install poppler-utils`."""
    assert shutil.which(tool), f"{tool} is not on PATH. Install Debian's poppler-utils (`make machine`)."
    return subprocess.run([tool, *words], capture_output=True, text=True, check=True).stdout


def unpacked(content: bytes) -> bytes:
    """The PDF with its compressed objects opened."""
    found = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.S):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"".join(found)


@pytest.fixture(scope="module")
def printed(facts: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pdf") / "validation.pdf"
    long = Table(caption="long", columns=("Repeated head", "b"), rows=(((Span(text="row"),), (Span(text="b"),)),) * 120)
    document = dossier(facts, "validator")
    path.write_bytes(pdf(html(replace(document, sections=(*document.sections, Section(number="16", title="Long", blocks=(long,)))))))
    return path


def test_the_pdf_is_tagged_titled_and_has_bookmarks(printed: Path) -> None:
    told = poppler("pdfinfo", str(printed))
    assert re.search(r"Tagged:\s+yes", told)
    assert re.search(r"Title:\s+Validation report — credit-approval@3", told)
    assert re.search(r"JavaScript:\s+no", told)
    content = unpacked(printed.read_bytes())
    assert b"/Lang" in content
    assert b"pdfuaid" in content
    assert b"/Outlines" in content
    tags = {name.decode() for name in re.findall(rb"/S /([A-Za-z0-9]+)", content)}
    assert {"H1", "H2", "Table", "THead", "TH", "TD", "L", "LI", "Link", "Figure"} <= tags
    # Each figure says what it shows (PDF/UA-1, 7.3), and each cell of a table knows its heads (7.5).
    assert content.count(b"/Alt ") == content.count(b"/S /Figure") > 0
    assert b"/Headers" in content


def test_the_pdf_repeats_the_heads_of_its_tables_and_numbers_its_pages(printed: Path) -> None:
    pages = poppler("pdftotext", "-layout", str(printed), "-").split("\f")[:-1]
    assert len(pages) >= 6
    assert [number for number, page in enumerate(pages, 1) if number > 1 and not re.search(rf" {number} ?/ ?{len(pages)}\n", page)] == []
    rows = [page for page in pages if re.search(r"^row\b", page, re.M)]
    assert len(rows) >= 3
    assert all("Repeated head" in page for page in rows)
    assert "sha256:" in "".join(pages)


def test_the_docx_has_headings_repeated_heads_and_links_to_evidence(facts: Any) -> None:
    content = docx(dossier(facts, "validator"))
    made = python_docx.Document(io.BytesIO(content))
    heads = [one.text for one in made.paragraphs if one.style.name == "Heading 1"]
    assert heads[-1] == "Evidence"
    assert "14 Control matrix" in heads
    xml = made.element.xml
    marks, links = (
        set(re.findall(r'w:bookmarkStart [^>]*w:name="([^"]+)"', xml)),
        set(re.findall(r'w:hyperlink [^>]*w:anchor="([^"]+)"', xml)),
    )
    assert links
    assert links <= marks
    assert xml.count("w:tblHeader") >= 5
    assert made.core_properties.title == "Validation report"


def test_a_page_that_asks_for_something_is_refused() -> None:
    with pytest.raises(BadInput, match="asks for nothing"):
        pdf('<html lang="en"><head><title>x</title></head><body><img src="http://127.0.0.1/x.png" alt="x"></body></html>')


@pytest.mark.parametrize(("module", "extra", "call"), [("weasyprint", "pdf", lambda: pdf("<p>x")), ("docx", "docx", lambda: docx(of("x")))])
def test_a_missing_extra_is_a_sentence(monkeypatch: pytest.MonkeyPatch, module: str, extra: str, call: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(NotReady, match=rf'pip install "jupyter-mlgov\[{extra}\]"'):
        call()


def test_figures_are_drawn_and_said_in_numbers(whole: Document, facts: Any) -> None:
    drawn = [block for section in walk(whole.sections) for block in section.blocks if isinstance(block, Figure)]
    assert drawn
    assert html(whole).count("<svg") == html(whole).count("<figure") == len(drawn)
    assert "70.8 % (65.5–75.6)" in "".join(
        cell.text for table in python_docx.Document(io.BytesIO(docx(dossier(facts, "validator")))).tables for cell in table._cells
    )


def test_the_json_says_each_block_and_holds_the_same_words(whole: Document) -> None:
    body = document_json(whole)
    assert body["schema"] == "mlgov-dossier-1"
    kinds: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            kinds.update([value["block"]] if "block" in value else [])
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(body)
    assert {"paragraph", "bullets", "facts", "table", "figure", "gap"} <= kinds


# -- what changed -----------------------------------------------------------------------------------------------------


def test_a_change_log_names_what_changed_and_which_check_turned(made: SimpleNamespace) -> None:
    before = made.dossier_facts(made.green(), forms=(form(made, "Lend to people who can pay.", 1),))
    run = before.lineage.runs[0]
    later = replace(
        before,
        version="4",
        report=made.mixed(),
        forms=(),
        lineage=replace(
            before.lineage, runs=(replace(run, parameters={"seed": 8}, metrics={"auc": 0.7}, source_digest=made.digest("other")),)
        ),
    )
    lines = text(change_log(before, later), width=400)
    assert "credit-approval@3 → credit-approval@4" in lines
    assert "Kind: parameter · Name: seed · Before: 7 · Now: 8" in lines
    assert "Kind: metric · Name: auc · Before: 0.7841 · Now: 0.7000" in lines
    assert "Cell: c3 · Step: train · Changed: yes" in lines
    assert re.search(r"Check: priv\.pii · Before: ✓ passed.* · Now: ! passed, look.* · Turn: worse", lines)
    assert re.search(r"Check: fair\.air · Before: no answer · Now: ✕ failed .* · Turn: new", lines)
    assert "Before: Lend to people who can pay. · Now: —" in lines
    assert "1 checks answer worse, 0 better" in lines


def test_two_equal_versions_changed_nothing_and_a_missing_report_is_a_gap(made: SimpleNamespace) -> None:
    one = made.dossier_facts()
    lines = text(change_log(one, replace(one, version="4")))
    for said in ("No parameter and no metric changed", "No cell that ran changed", "Each check answers as before"):
        assert said in lines
    bare = change_log(one, replace(one, version="4", report=None))
    assert "No report on credit-approval@4" in bare.missing[0][1].what
    html(bare)
    docx(bare)
