"""Why a person was refused: the factors that cost most points against those who just passed (12 CFR 1002.9(b)(2) and its comments)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Subject, Unanswered, Verdict, validator
from mlgov_validators.contracts import contracts
from mlgov_validators.error_rates import cutoff
from mlgov_validators.intervals import wilson
from mlgov_validators.probes import scores, with_columns
from mlgov_validators.values import text_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MOST = 4
POINTS = "phi_"
STATED = re.compile(r"reason_[1-9]")
# Comment 9(b)(2)-1 and the rule itself: such a sentence names no reason.
VAGUE = re.compile(
    r"(?i)\b(insufficient|low|did not (meet|reach)|failed)\b.*\b(score|scorecard)\b|score\s+(too\s+)?(low|insufficient)"
    r"|\b(internal|our)\s+(standards?|polic(y|ies)|criteria)\b|qualifying score|^\s*(score|other|n/?a|none|see file|model)\s*$"
)


def points_lost(reference: Sequence[float], points: Sequence[float]) -> tuple[float, ...]:
    """Points each factor lost: its mean among the reference applicants less the applicant's own. Comment 9(b)(2)-5."""
    return tuple(mean - own for mean, own in zip(reference, points, strict=True))


def principal_reasons(lost: Sequence[float], most: int = MOST) -> tuple[int, ...]:
    """Places of the factors to state, the largest loss first, at most `most`. A factor that lost nothing is never stated.

    "More than four is not likely to help" (comment 9(b)(2)-1). Equal losses keep the order of the factors.
    """
    order = sorted(range(len(lost)), key=lambda place: (-lost[place], place))
    return tuple(place for place in order[:most] if lost[place] > 1e-12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declines:
    """Refused rows: points lost (rows x factors), what was stated to each, and the rows themselves (pyarrow)."""

    factors: tuple[str, ...]
    lost: Numbers
    stated: tuple[tuple[str, ...], ...]
    rows: Any
    score: Numbers
    basis: str

    @property
    def n(self) -> int:
        return len(self.stated)


@validator(
    "explain.reasoncodes",
    title="Adverse-action reason codes",
    version="1.1",
    needs=("table", "score"),
    uses=("features", "register", "predict"),
    stricter={"valid": "higher", "just_above": "lower", "least": "higher", "all_applicants": "lower"},
    timeout=300.0,
)
def reason_codes(
    subject: Subject, *, valid: float = 0.95, just_above: float = 0.10, least: int = 30, all_applicants: bool = False
) -> list[Finding]:
    """Is each refused person told the factors that really cost the most points?

    The table holds each factor's points (or attribution) as `phi_FACTOR` and the reasons given as `reason_1` …: the name of the
    factor, or its `reason` text under [features] in mlgov.toml. Refused is a score under `cutoff`. A factor's loss is its mean points among
    those at or just above the pass mark (the lowest share `just_above` of those who passed, at least `least` of them), less the
    person's own points; among all applicants with `all_applicants`. Both methods stand in comment 9(b)(2)-5.

    fail: a refusal with no reason, or more than four (five, where one is a factor with `inquiries = true`, 15 U.S.C. 1681g(f)(9)); a
    vague text ("score too low", "internal standards"); a stated factor that is not scored or lost no points; the factor that lost most
    is not among the stated; less than the share `valid` of stated factors raise the score when they are set to the mean of the
    reference and the model is asked again.
    warn: a factor has no `reason` text of its own, so people are told a column's name.
    inconclusive: no cutoff; nobody refused; fewer than `least` passed.
    Without reasons in the table the demand stays unchecked.

    Source: 12 CFR 1002.9(b)(2) and comments 9(b)(2)-1, -4, -5; "more than four is not likely to help" is comment 1. 95 % is house.

    Fix: Mend the map from factors to texts; state the largest losses against those at the pass mark.
    """
    declines = _declines(subject, just_above, least, all_applicants)
    texts = {rule.reason.strip().lower(): name for name, rule in contracts(subject).items() if rule.reason}
    named = [[_factor(text, declines.factors, texts) for text in row] for row in declines.stated]
    asked = {name for name, rule in contracts(subject).items() if rule.inquiries}
    findings = [
        *_told(declines, [sum(name not in asked for name in row) for row in named]),
        *_true(declines, named),
        *_counterfactual(subject, declines, named, valid),
    ]
    bare = [name for name in declines.factors if name not in texts.values()]
    if bare:
        said = f"{len(bare)} of {len(declines.factors)} factors have no `reason` text under [features]: {', '.join(bare[:5])}."
        findings.append(Finding(message=said, verdict=Verdict.WARN, measured=len(bare) / len(declines.factors), n=len(declines.factors)))
    return findings


def _declines(subject: Subject, just_above: float, least: int, everybody: bool) -> Declines:
    import numpy as np

    arrow = subject.ask(subject.table).table
    factors = tuple(name.removeprefix(POINTS) for name in arrow.column_names if name.startswith(POINTS) and name != f"{POINTS}base")
    stated = [name for name in sorted(arrow.column_names) if STATED.fullmatch(name)]
    if not factors or not stated:
        raise Unanswered(
            "The table holds no points (`phi_FACTOR`) or no reasons (`reason_1` …), so nobody can say whether people were told the truth.",
            next="Keep both in the scored table: docs/validators.md shows how.",
        )
    cut = cutoff(subject)
    if cut is None:
        raise Missing("Nobody said at which score a person is refused.", next="Declare `cutoff = …` under [subject] in mlgov.toml.")
    score = _numbers(arrow, subject.roles.score)
    points = np.column_stack([_numbers(arrow, f"{POINTS}{name}") for name in factors])
    known = np.isfinite(score) & np.isfinite(points).all(axis=1)
    passed = np.flatnonzero(known & (score >= cut))
    refused = np.flatnonzero(known & (score < cut))
    if not len(refused):
        raise Missing(f"Nobody of {int(known.sum()):,} was refused at {cut:g}.")
    if len(passed) < least:
        raise Missing(f"{len(passed):,} passed with points and a score; {least} are needed to compare with.")
    near = passed[np.lexsort((passed, score[passed]))][: max(least, round(just_above * len(passed)))]
    basis = "all applicants" if everybody else f"the {len(near):,} at or just above the pass mark"
    mean = points[known].mean(axis=0) if everybody else points[near].mean(axis=0)
    chosen = arrow.take(refused)
    columns = [[text_of(value) or "" for value in chosen.column(name).to_pylist()] for name in stated]
    told = tuple(tuple(text for text in row if text) for row in zip(*columns, strict=True))
    return Declines(factors=factors, lost=mean - points[refused], stated=told, rows=chosen, score=score[refused], basis=basis)


def _numbers(arrow: Any, name: str) -> Numbers:  # pyarrow ships no types
    import numpy as np
    import pyarrow as pa

    try:
        return np.asarray(arrow.column(name).cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64)
    except (pa.ArrowException, KeyError):
        raise Missing(f"{name} holds no numbers.") from None


def _factor(text: str, factors: tuple[str, ...], texts: Mapping[str, str]) -> str:
    """The factor a stated reason names; empty where it names none."""
    plain = text.strip().lower()
    by_name = {name.lower(): name for name in factors}
    found = texts.get(plain, "") or by_name.get(plain, "")
    return found if found in factors else ""


def _told(declines: Declines, counted: list[int]) -> Iterator[Finding]:
    """One to four reasons, none of them vague; `counted` are those of each refusal that are not about inquiries."""
    n = declines.n
    none = sum(not row for row in declines.stated)
    many = sum(number > MOST or len(row) > MOST + 1 for number, row in zip(counted, declines.stated, strict=True))
    vague = sum(any(VAGUE.search(text) for text in row) for row in declines.stated)
    yield _count(none, n, f"{none:,} of {n:,} refusals have no reason.")
    if many:
        yield _count(many, n, f"{many:,} of {n:,} refusals have more than four reasons, which is not likely to help.")
    if vague:
        yield _count(vague, n, f"{vague:,} of {n:,} refusals carry a vague text such as 'score too low', which is no reason.")


def _true(declines: Declines, named: list[list[str]]) -> Iterator[Finding]:
    """Is every stated factor scored, did it lose points, and is the one that lost most among them?"""
    place = {name: at for at, name in enumerate(declines.factors)}
    foreign = harmless = hidden = 0
    example = ""
    for row, (texts, factors) in enumerate(zip(declines.stated, named, strict=True)):
        lost = declines.lost[row]
        foreign += any(not name and not VAGUE.search(text) for text, name in zip(texts, factors, strict=True))
        kind = [name for name in factors if name and lost[place[name]] <= 1e-12]
        harmless += bool(kind)
        example = example or (kind[0] if kind else "")
        first = principal_reasons(lost.tolist())[:1]
        hidden += bool(texts and first and declines.factors[first[0]] not in factors)
    n = declines.n
    if foreign:
        yield _count(foreign, n, f"{foreign:,} of {n:,} refusals name something that is no factor of the score.")
    said = f"{harmless:,} of {n:,} refusals name a factor that lost no points against {declines.basis}"
    yield _count(harmless, n, f"{said}{f' ({example})' if example else ''}.")
    yield _count(hidden, n, f"{hidden:,} of {n:,} refusals do not name the factor that lost most points.")


def _counterfactual(subject: Subject, declines: Declines, named: list[list[str]], valid: float) -> Iterator[Finding]:
    """Does the score rise when a stated factor is set to what the reference has?"""
    import numpy as np

    inputs = [name for name in declines.factors if name in declines.rows.column_names]
    if subject.predict is None or not inputs:
        yield Finding(message="No model could be asked whether mending a stated factor helps.", verdict=Verdict.NOT_APPLICABLE)
        return
    whole = subject.ask(subject.table).table
    cut, score = cutoff(subject) or 0.0, _numbers(whole, subject.roles.score)
    near = np.flatnonzero(score >= cut)
    near = near[np.argsort(score[near], kind="stable")][: max(30, len(near) // 10)]
    tried = helped = 0
    (base,) = scores(subject.predict, [declines.rows])
    for name in inputs:
        rows = np.array([at for at, factors in enumerate(named) if name in factors], dtype=int)
        if not len(rows):
            continue
        try:
            values = _numbers(whole, name)
        except Missing:
            continue
        better = float(np.nanmean(values[near]))
        (after,) = scores(subject.predict, [with_columns(declines.rows.take(rows), {name: np.full(len(rows), better)})])
        tried, helped = tried + len(rows), helped + int((after > base[rows]).sum())
    if not tried:
        said = "No stated factor is a numeric input, so none could be mended for a trial."
        yield Finding(message=said, verdict=Verdict.NOT_APPLICABLE)
        return
    said = f"{helped:,} of {tried:,} stated factors raise the score when set to the mean of those who just passed ({valid:.0%} wanted)."
    verdict = Verdict.PASS if helped >= valid * tried else Verdict.FAIL
    yield Finding(
        message=said, verdict=verdict, measured=helped / tried, allowed=f"at least {valid:.0%}", n=tried, interval=wilson(helped, tried)
    )


def _count(k: int, n: int, said: str) -> Finding:
    verdict = Verdict.FAIL if k else Verdict.PASS
    return Finding(message=said, verdict=verdict, measured=k / n, allowed="none", n=n, interval=wilson(k, n))
