"""The dossier and a PDF of sixty pages, made from the facts that the tests' documents are made from."""

from __future__ import annotations

import contextlib
import re
import time
import zlib
from dataclasses import replace

from tests.benchmarks.measure import Figure

PAGES = 60


def documents() -> list[Figure]:
    """Seconds for a regulator's dossier as HTML, PDF and DOCX, and for the PDF of one made long enough to fill sixty pages."""
    from jupyter_mlgov.integrations.docx import docx
    from jupyter_mlgov.integrations.pdf import pdf
    from jupyter_mlgov.reports.dossier.assemble import dossier
    from jupyter_mlgov.reports.dossier.html import html
    from tests.reports.conftest import dossier_facts

    facts = dossier_facts()
    start = time.perf_counter()
    whole = dossier(facts, "regulator")
    pdf(html(whole))
    docx(whole)
    took = time.perf_counter() - start
    long = replace(whole, sections=whole.sections * 4)
    start = time.perf_counter()
    pages = _pages(pdf(html(long)))
    slow = time.perf_counter() - start
    asked, holds = f"{PAGES} pages < 60 s", slow < 60 and pages >= PAGES
    return [
        Figure(name="regulator's dossier: HTML, PDF and DOCX", ours=took, peer=15.0, unit="s", asked="< 15 s", holds=took < 15),
        Figure(name=f"a PDF of {pages} pages", ours=slow, peer=60.0, unit="s", asked=asked, holds=holds),
    ]


def _pages(content: bytes) -> int:
    """How many pages a PDF has; its objects lie in packed streams."""
    found = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.S):
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompress(stream))
    return len(re.findall(rb"/Type /Page\b(?!s)", b"".join(found)))
