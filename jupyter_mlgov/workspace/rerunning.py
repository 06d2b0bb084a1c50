"""A report measured again beside the one under review: when it is the same, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mlgov.core.facts import fields_of, plain

if TYPE_CHECKING:
    from jupyter_mlgov.validation.results import CheckResult, Finding, Report

# More differences of one answer say no more than the first few.
_MOST = 3


def like(before: Report | None, now: Report) -> Report:
    """`now` with the evidence named as in `before` wherever the answers are equal but for that name.

    Evidence is named with the subject it was measured on. An answer that was on record, because nothing it rests on had changed, still
    names that day's evidence; measured again it says the same under another name.
    """
    if before is None:
        return now
    named = []
    for result in now.results:
        other = before.result(result.validator)
        same = other is not None and plain(replace(result, evidence=())) == plain(replace(other, evidence=()))
        named.append(replace(result, evidence=other.evidence) if other and same else result)
    return replace(now, results=tuple(named))


def differences(before: Report | None, now: Report) -> tuple[str, ...]:
    """Each answer that is not as it was, in words with both values; a difference elsewhere in the report is said too."""
    if before is None:
        return ("the report that was sealed is not on record",)
    names = dict.fromkeys(result.validator for result in (*before.results, *now.results))
    told = [sentence for name in names for sentence in _of_one(name, before.result(name), now.result(name))]
    parts = [part for part, value in fields_of(before.subject).items() if value != fields_of(now.subject)[part]]
    told += [f"the subject's {part} is another" for part in parts]
    if plain(before.requirements) != plain(now.requirements) and not told:
        told.append("what the policies ask is another")
    return tuple(told) or ("the reports differ in what is said beside the answers",)


def _of_one(name: str, before: CheckResult | None, now: CheckResult | None) -> Iterator[str]:
    if before is None or now is None:
        there = f"{before.verdict.word} before, absent now" if before else f"absent before, {now.verdict.word if now else 'absent'} now"
        yield f"{name}: {there}"
        return
    if plain(before) == plain(now):
        return
    if before.verdict != now.verdict:
        yield f"{name}: {before.verdict.word} before, {now.verdict.word} now"
        return
    told = [*_of_findings(before.findings, now.findings)]
    if before.summary != now.summary:
        told = [f'"{before.summary}" before, "{now.summary}" now']
    if not told:
        mine, other = fields_of(before), fields_of(now)
        told = [f"its {', '.join(field for field in mine if mine[field] != other[field])} is another"]
    yield f"{name}: {now.verdict.word} as before, but {'; '.join(told[:_MOST])}"


def _of_findings(before: tuple[Finding, ...], now: tuple[Finding, ...]) -> Iterator[str]:
    if len(before) != len(now):
        yield f"{len(before)} findings before, {len(now)} now"
        return
    for one, other in zip(before, now, strict=True):
        if one.measured != other.measured:
            yield f"measured {one.measured} before, {other.measured} now"
        elif one.allowed != other.allowed:
            yield f"allowed {one.allowed} before, {other.allowed} now"
        elif one.message != other.message:
            yield f'"{one.message}" before, "{other.message}" now'
        elif plain(one) != plain(other):
            mine, theirs = fields_of(one), fields_of(other)
            yield f"the {', '.join(field for field in mine if mine[field] != theirs[field])} of a finding differ"
