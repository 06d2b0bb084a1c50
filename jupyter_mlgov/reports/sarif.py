"""A report as SARIF 2.1.0, for code hosts and editors. What nobody decided is `open`, and a broken check is a failed invocation.

SARIF 3.27.9 and 3.27.10: a result whose `kind` is not `fail` has the level `none`. So what could not be told is `open`, and is
repeated as a notification of the run, where viewers that hide `none` still show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.clean import safe_link, visible
from jupyter_mlgov.reports.numbers import measured
from jupyter_mlgov.reports.reading import CAVEAT, Unchecked, controls, gravest_first, severity, unchecked, verified
from jupyter_mlgov.validation.results import CheckResult, Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# verdict -> (kind, level)
KINDS: dict[Verdict, tuple[str, str]] = {
    Verdict.FAIL: ("fail", "error"),
    Verdict.WARN: ("fail", "warning"),
    Verdict.INCONCLUSIVE: ("open", "none"),
    Verdict.ERROR: ("open", "none"),
    Verdict.PASS: ("pass", "none"),
    Verdict.NOT_APPLICABLE: ("notApplicable", "none"),
}

Object = dict[str, object]


def sarif(report: Report) -> Object:
    """One run with a rule for each validator and each unchecked control."""
    ordered, left = gravest_first(report), unchecked(report)
    rules = [*(_rule(report, result) for result in ordered), *(_control_rule(one) for one in left)]
    places = {str(rule["id"]): index for index, rule in reversed(list(enumerate(rules)))}
    results = [*(_result(report, result, places) for result in ordered), *(_open(report, one, places) for one in left)]
    driver: Object = {"name": "jupyter_mlgov", "version": __version__, "rules": rules}
    run: Object = {
        "tool": {"driver": driver},
        "invocations": [_invocation(ordered)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"reportDigest": report.digest, "policies": plain(report.policies), "note": visible(report.note), "caveat": CAVEAT},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(report: Report, result: CheckResult) -> Object:
    cited = controls(report, result.validator)
    rule: Object = {
        "id": visible(result.validator),
        "name": visible(result.title or result.validator),
        "shortDescription": _message(result.title or result.validator),
        "fullDescription": _message(" ".join(item.obligation for item in cited) or "No control of these policies asks for this check."),
        "help": _message("; ".join(f"{item.control}: {item.cite} ({verified(item)})" for item in cited) or "No citation."),
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": [visible(item.control) for item in cited],
            "severity": severity(report, result.validator) or "not asked",
            "thresholds": [f"{item.control}: {visible(ask)}" for item in cited for ask in item.asks],
        },
    }
    return rule | _help(item.url for item in cited)


def _control_rule(one: Unchecked) -> Object:
    item = one.control
    rule: Object = {
        "id": _control_id(one),
        "name": visible(item.control),
        "shortDescription": _message(item.cite or item.control),
        "fullDescription": _message(item.obligation or item.control),
        "help": _message(f"{item.cite} ({verified(item)})"),
        "defaultConfiguration": {"level": "none"},
        "properties": {"tags": [visible(item.policy), "unchecked"], "severity": item.severity.value},
    }
    return rule | _help([item.url])


def _help(urls: Iterable[str]) -> Object:
    """A rule's help address: the first https one, or none."""
    found = (safe_link(url) for url in urls)
    return next(({"helpUri": url} for url in found if url), {})


def _result(report: Report, result: CheckResult, places: Mapping[str, int]) -> Object:
    kind, level = KINDS[result.verdict]
    rule = visible(result.validator)
    said = [result.summary, *(finding.message for finding in result.findings if finding.message != result.summary)]
    next_ = f"Next: {result.fix}" if result.fix else ""
    words = " ".join(visible(part) for part in (*said, next_) if part)
    related = list(_related(report, result))
    return (
        _place(report, result.cell)
        | ({"relatedLocations": related} if related else {})
        | {
            "ruleId": rule,
            "ruleIndex": places[rule],
            "kind": kind,
            "level": level,
            "message": _message(f"{result.verdict.word}: {words}"),
            "partialFingerprints": {"mlgovSubject/v1": report.subject.digest, "mlgovCheck/v1": f"{rule}@{visible(result.version)}"},
            "properties": {"verdict": result.verdict.value, "findings": _findings(result), "evidence": list(result.evidence)},
        }
    )


def _related(report: Report, result: CheckResult) -> Iterator[Object]:
    """Where the findings are that somebody should look at: a cell and its line, a line of a file, or a cell by its id."""
    for one in result.findings:
        if one.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
            continue
        path, cell, line = (one.details.get(name) for name in ("path", "cell", "line"))
        if isinstance(cell, int) and isinstance(line, int):
            name = f"cell [{cell}], line {line}" if cell else f"line {line}"
            yield _located(str(path or report.subject.notebook), name, 0 if cell else line, one.message)
        elif one.where and "because" in one.details:
            yield _located(report.subject.notebook, f"cell {one.where}", 0, one.message)


def _located(path: str, name: str, line: int, said: str) -> Object:
    """A line of a cell is no line of the notebook's file, so only plain files get a region."""
    location: Object = {"logicalLocations": [{"name": visible(name)}], "message": _message(said)}
    if path:
        region: Object = {"region": {"startLine": line}} if line > 0 else {}
        location["physicalLocation"] = {"artifactLocation": {"uri": quote(path.encode("utf-8", "replace"), safe="/")}} | region
    return location


def _findings(result: CheckResult) -> list[Object]:
    return [
        {
            "message": visible(one.message),
            "verdict": one.verdict.value,
            "measured": measured(one),
            "allowed": visible(one.allowed),
            "n": one.n,
        }
        for one in result.findings
    ]


def _open(report: Report, one: Unchecked, places: Mapping[str, int]) -> Object:
    names = ", ".join(name or "a person's judgement" for name in one.validators)
    rule = _control_id(one)
    return _place(report, "") | {
        "ruleId": rule,
        "ruleIndex": places[rule],
        "kind": "open",
        "level": "none",
        "message": _message(f"not checked here: no validator answered for {names}. It is not passed; a person has to judge it."),
        "properties": {"verdict": None, "policy": visible(one.control.policy), "validators": [visible(name) for name in one.validators]},
    }


def _control_id(one: Unchecked) -> str:
    return f"{visible(one.control.policy)}/{visible(one.control.control)}"


def _place(report: Report, cell: str) -> Object:
    """The notebook, with the cell where it is known; else the first data file; else the subject by name alone."""
    subject = report.subject
    path = subject.notebook or next(iter(subject.data), "")
    name, kind = (f"cell {cell}", "cell") if cell else (subject.name or "subject", subject.kind)
    logical: Object = {"name": visible(name), "kind": visible(kind)}
    location: Object = {"logicalLocations": [logical]}
    if path:
        location["physicalLocation"] = {"artifactLocation": {"uri": quote(path.encode("utf-8", "replace"), safe="/")}}
    return {"locations": [location]}


def _invocation(results: tuple[CheckResult, ...]) -> Object:
    """A run in which a check broke did not succeed; what could not be told is a warning of the run."""
    levels = {Verdict.ERROR: "error", Verdict.INCONCLUSIVE: "warning"}
    told: list[Object] = [
        {"level": levels[one.verdict], "message": _message(f"{one.validator}: {one.verdict.word}: {one.summary}")}
        for one in results
        if one.verdict in levels
    ]
    broke = not results or any(result.verdict is Verdict.ERROR for result in results)
    if not results:
        told.append({"level": "error", "message": _message("Nothing was checked.")})
    return {"executionSuccessful": not broke, "toolExecutionNotifications": told}


def _message(words: str) -> Object:
    """Message text is free of placeholders: SARIF reads {0} as an argument, so braces are doubled (3.11.5)."""
    return {"text": visible(words).replace("{", "{{").replace("}", "}}") or "(no words)"}
