"""The last door of a check's answer: where policy says so, no count of a small cell passes it, on any surface.

Every finding goes through here before there is a result, so report, evidence, SARIF and dossier cannot say more than one another. What
is kept back, and what is not protected, stands in docs/users/where-the-data-live.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.validation.results import CheckResult, Finding

# Whole numbers in `details` that count no rows. Any other is taken for a count: a name nobody wrote down here is kept back, not shown.
NO_COUNTS = frozenset(
    [
        *("hosmer_lemeshow_df", "df", "tried", "strata", "strata_other_way", "rank", "folds", "looks_at_the_reported_rows"),
        *("cell", "line", "lines", "seed"),
    ]
)
# What a whole number in a sentence may count without counting rows.
_THINGS = (
    *("axes", "bins?", "buckets?", "cells were", "cells of", "columns?", "declared", "agreed", "different", "days?", "draws?", "factors?"),
    *("features?", "folds?", "grades?", "groups?", "hours?", "inputs?", "kinds?", "minutes?", "missing or extreme", "models?", "months?"),
    *("mutable", "alternatives", "numeric", "others", "packages?", "personal", "points?", "s", "seconds?", "special", "standard", "strata"),
    *("texts?", "times?", "years?", "of equal mass"),
)
_UNIT = re.compile(rf"\s+(?:{'|'.join(_THINGS)})\b")
_OF = re.compile(r"\s+of\s+(?:the\s+)?[\d,]+")
_COUNT = re.compile(r"(?<![\w.,:/=+-])\d{1,3}(?:,\d{3})+(?![\w%]|\.\d)|(?<![\w.,:/=+-])\d+(?![\w%]|[.,]\d|:\d)")
_PERCENT = re.compile(r"(?<![\w.])(\d+(?:\.(\d+))?)%(?!\s*(?:CI|credible|confidence))")
_LIMIT_BEFORE = re.compile(r"(?:at least|at most|limit|fewer than|number)\s+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What counts as small: fewer than `least` rows, and not none; or all but fewer than `least` of `rows` (-1: not known)."""

    least: int
    rows: int = -1

    def small(self, count: int) -> bool:
        return 0 < count < self.least

    def gives_away(self, count: int) -> bool:
        """Is it small, or what it leaves of the whole table?"""
        return self.small(count) or (self.rows >= 0 and self.small(self.rows - count))

    def splits(self, part: int, whole: int) -> bool:
        return self.gives_away(whole) or self.small(part) or self.small(whole - part)


def disclosed(result: CheckResult, least: int, rows: int = -1) -> CheckResult:
    """`result` without any count under `least`, nor one that leaves so few of the table's `rows`. Equal where `least` is under 2.

    A finding whose numbers would tell of such a cell keeps its verdict, its place and its fix, and loses its numbers; a pass that
    nobody may look at is `inconclusive`. Where one finding of a column is kept back the smallest of the others is too, so that the
    total gives neither away.
    """
    if least < 2:
        return result
    rule = Rule(least=least, rows=rows)
    told = _complemented([_redacted(one, rule) for one in result.findings], least)
    hidden = any(one.details.get(KEPT_BACK) for one in told)
    if told == result.findings:
        return replace(result, summary=_kept(least)) if _tells(result.summary, None, rule) else result
    verdict = min((result.verdict, *(one.verdict for one in told)), key=lambda one: one.rank)
    first = next((one.message for one in told if one.verdict is verdict), "")
    lost = result.summary not in {one.message for one in told} and (hidden or _tells(result.summary, None, rule))
    return replace(result, findings=told, verdict=verdict, summary=(first or _kept(least)) if lost else result.summary)


KEPT_BACK = "kept_back"


def _kept(least: int) -> str:
    return f"Kept back: its numbers would tell of a cell of fewer than {least} rows, which policy lets nobody see."


def _redacted(finding: Finding, rule: Rule) -> Finding:
    pairs = [(one.k, one.n) for one in finding.estimates]
    shown = any(rule.splits(k, n) for k, n in pairs)
    bins = len(pairs) > 2
    scalars, lists = _counts_of(finding.details)
    whole = (
        _tells(finding.message, finding.n, rule)
        or _share(finding, rule)
        or (shown and not bins)
        or any(rule.gives_away(count) for count in scalars)
        or (finding.n is not None and rule.small(finding.n))
    )
    if whole:
        return _withheld(finding, rule.least)
    parted = finding.n is not None and rule.gives_away(finding.n)
    if not (shown or parted or any(rule.gives_away(count) for count in lists)):
        return finding
    return replace(
        finding,
        n=None if parted else finding.n,
        estimates=(),
        details={name: value for name, value in finding.details.items() if not _has_counts(name, value)},
    )


def _withheld(finding: Finding, least: int) -> Finding:
    verdict = Verdict.INCONCLUSIVE if finding.verdict is Verdict.PASS else finding.verdict
    said = _kept(least)
    if finding.verdict is not Verdict.PASS:
        said += f" On the whole counts it {finding.verdict.word}." if finding.verdict in (Verdict.FAIL, Verdict.WARN) else ""
    kept: dict[str, object] = {KEPT_BACK: True}
    if isinstance(finding.details.get("sql"), str):
        kept["sql"] = finding.details["sql"]
    return Finding(
        message=said, verdict=verdict, allowed=f"cells of at least {least} rows", where=finding.where, fix=finding.fix, details=kept
    )


def _complemented(findings: Sequence[Finding], least: int) -> tuple[Finding, ...]:
    """With one finding of a column kept back, the smallest other of that column as well."""
    places = {one.where for one in findings if one.where}
    also: set[int] = set()
    for place in places:
        mine = [(at, one) for at, one in enumerate(findings) if one.where == place]
        hidden = [one for _, one in mine if one.details.get(KEPT_BACK)]
        open_ = [(one.n or 0, at) for at, one in mine if one.estimates and not one.details.get(KEPT_BACK)]
        if len(hidden) == 1 and open_:
            also.add(min(open_)[1])
    return tuple(_withheld(one, least) if at in also else one for at, one in enumerate(findings))


def _counts_of(details: Mapping[str, object]) -> tuple[list[int], list[int]]:
    """Whole numbers that may count rows: those that stand alone or under a name, and those in lists (bins)."""
    alone: list[int] = []
    listed: list[int] = []
    for value, in_list in _walk(details, in_list=False):
        (listed if in_list else alone).append(value)
    return alone, listed


def _walk(value: object, *, in_list: bool) -> Iterator[tuple[int, bool]]:
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield value, in_list
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name not in NO_COUNTS:
                yield from _walk(one, in_list=in_list)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _walk(one, in_list=True)


def _has_counts(name: str, value: object) -> bool:
    return name not in NO_COUNTS and any(True for _ in _walk(value, in_list=False))


def _share(finding: Finding, rule: Rule) -> bool:
    """Does the measured share, times the rows it is a share of, give a small count?"""
    if finding.n is None or finding.measured is None or not 0 <= finding.measured <= 1:
        return False
    count = finding.measured * finding.n
    return math.isclose(count, round(count), abs_tol=1e-6) and rule.splits(round(count), finding.n)


def _tells(text: str, n: int | None, rule: Rule) -> bool:
    """Does a sentence hold a small count: a whole number of rows, or a percentage that can only be one count of `n`?"""
    for found in _COUNT.finditer(text):
        count, after = int(found[0].replace(",", "")), text[found.end() :]
        whole = _OF.match(after)
        if _LIMIT_BEFORE.search(text[: found.start()]):
            continue
        if _UNIT.match(after[whole.end() :] if whole else after):
            continue
        if rule.gives_away(count):
            return True
        if whole and rule.small(int(re.sub(r"\D", "", whole[0])) - count):
            return True
    return n is not None and any(_one_count(found, n, rule) for found in _PERCENT.finditer(text))


def _one_count(found: re.Match[str], n: int, rule: Rule) -> bool:
    half = 0.5 * 10 ** -len(found[2] or "")
    low, high = (float(found[1]) - half) * n / 100, (float(found[1]) + half) * n / 100
    counts = range(max(0, math.ceil(low - 1e-9)), math.floor(high + 1e-9) + 1)
    return len(counts) == 1 and rule.splits(counts[0], n)


__all__ = ["KEPT_BACK", "NO_COUNTS", "disclosed"]
