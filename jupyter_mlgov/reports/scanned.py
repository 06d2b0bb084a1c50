"""What a scan of files found: one line a finding as compilers write it, JSON, and SARIF for code hosts and editors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.verdicts import Verdict, worst
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.sarif import KINDS, SCHEMA
from jupyter_mlgov.validation.results import CheckResult, Finding, Report

SCAN_SCHEMA = "mlgov-scan-1"
Object = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One finding at its place. `cell` is 0 outside notebooks, `line` 0 where there is none."""

    validator: str
    rule: str
    verdict: Verdict
    message: str
    fix: str
    path: str = ""
    cell: int = 0
    line: int = 0
    part: str = ""

    @property
    def place(self) -> str:
        """`loans.ipynb:cell 3:2`, `train.py:7`; an output is named as one."""
        cell = f"{'output of ' if self.part == 'output' else ''}cell {self.cell}" if self.cell else ""
        return ":".join(filter(None, (visible(self.path), cell, str(self.line) if self.line else "")))


def spots(report: Report, unread: Iterable[tuple[str, str]] = ()) -> tuple[Spot, ...]:
    """Every finding that is not a pass, and every file nobody could read; the gravest first, then by place."""
    found = [*_findings(report.results), *(_unread(path, why) for path, why in unread)]
    return tuple(sorted(found, key=lambda one: (one.verdict.rank, one.path, one.cell, one.line, one.validator, one.rule, one.message)))


def _findings(results: Iterable[CheckResult]) -> Iterator[Spot]:
    for result in results:
        quiet = (Verdict.PASS, Verdict.NOT_APPLICABLE)
        told = [one for one in result.findings if one.verdict not in quiet]
        if not told and result.verdict not in quiet:
            told = [Finding(message=result.summary, verdict=result.verdict)]
        for one in told:
            yield _spot(result, one)


def _spot(result: CheckResult, finding: Finding) -> Spot:
    at = finding.details
    return Spot(
        validator=result.validator,
        rule=str(at.get("rule") or at.get("kind") or at.get("tool") or ""),
        verdict=finding.verdict,
        message=finding.message,
        fix=finding.fix or result.fix,
        path=str(at.get("path") or ""),
        cell=_number(at.get("cell")),
        line=_number(at.get("line")),
        part=str(at.get("part") or ""),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _unread(path: str, why: str) -> Spot:
    fix = "Mend the file, or look at it in another way."
    return Spot(validator="scan", rule="unread", verdict=Verdict.INCONCLUSIVE, message=f"Not looked at: {why}", fix=fix, path=path)


def text_of(found: Iterable[Spot], files: int, pictures: int) -> str:
    """One line a finding: place, verdict, validator, sentence. The last line is the sum."""
    found = list(found)
    lines = [f"{one.place or '-'}: {one.verdict.value}: {visible(one.message)} [{visible(one.validator)}]" for one in found]
    counts = [
        (sum(one.verdict is verdict for one in found), verdict.word) for verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)
    ]
    warned = sum(one.verdict is Verdict.WARN for one in found)
    told = ", ".join(f"{number} {word}" for number, word in [*counts, (warned, "to look at")] if number) or "nothing found"
    more = f" {pictures} pictures have no text; their names were looked at." if pictures else ""
    return "\n".join([*lines, f"{files} files: {told}.{more}"])


def json_of(found: Iterable[Spot], report: Report, files: int, pictures: Iterable[str]) -> Object:
    """The published form (docs/formats/scan.md)."""
    told = [
        {
            "path": one.path, "cell": one.cell, "line": one.line, "part": one.part, "validator": one.validator, "rule": one.rule,
            "verdict": one.verdict.value, "message": one.message, "fix": one.fix,
        }
        for one in found
    ]  # fmt: skip
    ran = {result.validator: result.version for result in report.results}
    return {"schema": SCAN_SCHEMA, "verdict": verdict(found, report).value, "files": files, "validators": ran,
            "without_text": list(pictures), "findings": told}  # fmt: skip


def verdict(found: Iterable[Spot], report: Report) -> Verdict:
    """The worst of all; a scan in which nothing ran is `inconclusive`."""
    return worst([*(one.verdict for one in found), *(result.verdict for result in report.results)])


def sarif_of(found: Iterable[Spot], report: Report) -> Object:
    """SARIF 2.1.0. In a notebook the place is cell and line (a logical location); a file of text has a region."""
    told = list(found)
    rules = sorted({(one.validator, one.rule) for one in told})
    places = {pair: index for index, pair in enumerate(rules)}
    titles = {result.validator: result.title for result in report.results}
    driver: Object = {"name": "jupyter_mlgov scan", "version": __version__, "rules": [_rule(pair, titles) for pair in rules]}
    unsure = [one for one in told if one.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE)]
    broke = not report.results or any(one.verdict is Verdict.ERROR for one in told)
    notes = [{"level": "error" if one.verdict is Verdict.ERROR else "warning", "message": _message(one.message)} for one in unsure]
    run: Object = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not broke, "toolExecutionNotifications": notes}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, places) for one in told],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(pair: tuple[str, str], titles: Mapping[str, str]) -> Object:
    said = f"{titles.get(pair[0], pair[0])}: {pair[1]}"
    return {"id": _id(*pair), "name": visible(pair[1] or pair[0]), "shortDescription": _message(said)}


def _id(validator: str, rule: str) -> str:
    return visible("/".join(filter(None, (validator, rule))))


def _result(one: Spot, places: Mapping[tuple[str, str], int]) -> Object:
    kind, level = KINDS[one.verdict]
    location: Object = {}
    if one.path:
        physical: Object = {"artifactLocation": {"uri": quote(one.path.encode("utf-8", "replace"), safe="/")}}
        if one.line and not one.cell:
            physical["region"] = {"startLine": one.line}
        location["physicalLocation"] = physical
    if one.cell:
        location["logicalLocations"] = [
            {"name": f"{'output of ' if one.part == 'output' else ''}cell [{one.cell}], line {one.line}", "kind": "cell"}
        ]
    result: Object = {
        "ruleId": _id(one.validator, one.rule),
        "ruleIndex": places[one.validator, one.rule],
        "kind": kind,
        "level": level,
        "message": _message(f"{one.message} {one.fix}"),
        "properties": {"verdict": one.verdict.value, "cell": one.cell, "line": one.line},
    }
    return result | ({"locations": [location]} if location else {})


def _message(words: str) -> Object:
    return {"text": visible(words).replace("{", "{{").replace("}", "}}") or "(no words)"}
