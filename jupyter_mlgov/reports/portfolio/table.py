"""The inventory as CSV: a line a model, beside each field who says so. Nothing in it is a formula to a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from jupyter_mlgov.monitoring.portfolio.inventory import FIELDS
from jupyter_mlgov.monitoring.portfolio.whole import Entry
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.portfolio.words import UNKNOWN

# What a spreadsheet takes for the start of a formula (OWASP, CSV Injection).
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def csv_text(entries: Iterable[Entry]) -> str:
    """RFC 4180 with a header; `purpose_from` beside `purpose` says log, team file, declared or unknown."""
    stream = io.StringIO()
    out = csv.writer(stream, lineterminator="\r\n")
    out.writerow([name for field in FIELDS for name in ((field.id,) if field.id == "model" else (field.id, f"{field.id}_from"))])
    for entry in entries:
        row = []
        for value in entry.values:
            shown = cell(value.text or UNKNOWN)
            row += [shown] if value.field == "model" else [shown, value.how]
        out.writerow(row)
    return stream.getvalue()


def cell(text: str) -> str:
    """`text` as a spreadsheet shows it and runs none of it: a leading apostrophe is what it takes for text."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip(" ").startswith(_STARTS) or text.startswith(_STARTS) else shown
