"""The published JSON back to a Report. What was changed on the way is refused: the digest must be the content's own."""

from __future__ import annotations

import json
from collections.abc import Mapping

from jupyter_mlgov.core.canonical import NotCanonical
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.restoring import Unreadable, restore
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.published import PublishedReport
from jupyter_mlgov.validation.results import IN_FORCE, REPORT_SCHEMA, Report, follows

_NEXT = "Ask for the report again, or validate the subject yourself: `mlgov validate`."


def read_report(source: str | bytes | Mapping[str, object]) -> Report:
    """`read_report(json.dumps(report_json(report))) == report` but for the JSON types of `details` and `parameters`.

    The keys `context` and `headline` are left aside. A report of an earlier day may lack fields that were added since: they take the value
    that says nothing, and its own digest is checked over the fields it has.

    Raises BadInput for what is not a report of this schema, or was changed after it was made.
    """
    body = dict(_object(source))
    for beside in ("context", "headline"):
        body.pop(beside, None)
    if body.get("schema") != REPORT_SCHEMA:
        raise _refuse(f"schema is {visible(body.get('schema'), limit=60)!r}", f"Expected {REPORT_SCHEMA!r}.")
    content = {name: body[name] for name in body if name not in ("schema", "digest", "counts", "blocking")}
    try:
        published: PublishedReport = restore(PublishedReport, _filled(body), "")
    except Unreadable as problem:
        raise _refuse(visible(problem, limit=400), "") from None
    report = Report(
        subject=published.subject,
        policies=published.policies,
        results=published.results,
        requirements=published.requirements,
        note=published.note,
        thresholds=published.thresholds,
        looks=published.looks,
    )
    _unchanged(report, published, content)
    return report


# Fields that came after the first reports of this schema, and what stands for them where a report has none.
_SINCE: Mapping[str, object] = {"note": "", "thresholds": None, "looks": 0}
_SINCE_REQUIREMENT: Mapping[str, object] = {"standing": IN_FORCE, "note": "", "asks": ()}


def _filled(body: Mapping[str, object]) -> dict[str, object]:
    demands = body.get("requirements")
    filled = {**_SINCE, **body}
    if isinstance(demands, list):
        filled["requirements"] = [{**_SINCE_REQUIREMENT, **one} if isinstance(one, Mapping) else one for one in demands]
    return filled


def _object(source: str | bytes | Mapping[str, object]) -> Mapping[str, object]:
    if isinstance(source, Mapping):
        return source
    try:
        body = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise _refuse(f"it is not JSON: {visible(error, limit=120)}", "") from None
    if not isinstance(body, dict):
        raise _refuse("it is not a JSON object", "")
    return body


def _unchanged(report: Report, published: PublishedReport, content: Mapping[str, object]) -> None:
    """The digest covers the results; counts and blocking follow from them and must agree, or a quick reader would be misled."""
    try:
        own = Digest.of_json(content)
    except NotCanonical as error:
        raise _refuse(str(error), "") from None
    if own != published.digest:
        raise _refuse("it was changed after it was made", f"Its digest says {published.digest.short}, its content is {own.short}.")
    if follows(report) != {"counts": dict(published.counts), "blocking": list(published.blocking)}:
        raise _refuse("its counts or its list of blocking checks do not follow from its results", "")


def _refuse(problem: str, expected: str) -> BadInput:
    return BadInput(f"This report is refused: {problem}.", expected=expected, next=_NEXT)
