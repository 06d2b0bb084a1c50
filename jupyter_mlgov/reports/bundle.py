"""One report, three forms, one digest: what a cell shows live, reopened, in nbconvert and in papermill's output."""

from __future__ import annotations

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.reports.html import fragment
from jupyter_mlgov.reports.reading import headline
from jupyter_mlgov.reports.text import text
from jupyter_mlgov.validation.results import Report, report_json

__all__ = ["MIME", "Context", "Shown", "bundle"]

MIME = "application/vnd.mlgov.report+json"


def bundle(report: Report, context: Context | None = None) -> dict[str, object]:
    """MIME type -> data. The JSON is the published form with the keys `context` and `headline`, which the digest does not cover."""
    context = context or Context()
    return {
        MIME: {**report_json(report), "context": plain(context), "headline": plain(headline(report, context))},
        "text/html": str(fragment(report, context)),
        "text/plain": text(report, context, colour=False),
    }


class Shown:
    """A report as the last value of a cell."""

    def __init__(self, report: Report, context: Context | None = None) -> None:
        self.report, self.context = report, context or Context()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:  # noqa: ARG002  # IPython's signature
        return bundle(self.report, self.context)

    def __repr__(self) -> str:
        return text(self.report, self.context, colour=False)
