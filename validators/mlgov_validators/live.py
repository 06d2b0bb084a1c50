"""Is the model still as good as it was validated, on decisions whose outcome is known by now?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.error_rates import cutoff
from mlgov_validators.estimating import estimated, reliability
from mlgov_validators.intervals import critical, wilson
from mlgov_validators.profiles import Profile, Validated, open_reference
from mlgov_validators.ranking import Auc, auc
from mlgov_validators.samples import Ask, ask_here, lives_here
from mlgov_validators.scores import rows_by, texts_of
from mlgov_validators.values import same

if TYPE_CHECKING:
    import numpy as np
    from ibis.expr.types import Table
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Scores, whether the outcome is known and good, and the time in seconds (None where no column of times was named)."""

    score: Numbers
    known: Flags
    good: Flags
    time: Numbers | None

    def only(self, rows: Flags) -> Decided:
        return Decided(
            score=self.score[rows], known=self.known[rows], good=self.good[rows], time=None if self.time is None else self.time[rows]
        )


@validator(
    "monitor.performance",
    title="Live performance",
    version="1.1",
    needs=("table", "score", "label"),
    uses=("time", "reference", "register"),
    stricter={"warn": "lower", "fail": "lower", "min_events": "higher", "precision_drop": "lower", "off": "lower"},
    timeout=300.0,
)
def live_performance(
    subject: Subject,
    *,
    warn: float = 0.03,
    fail: float = 0.05,
    precision_drop: float = 0.05,
    off: float = 0.20,
    min_events: int = 30,
) -> list[Finding]:
    """Is the model still as good as it was validated, on decisions whose outcome is known by now?

    Rows with an outcome are matured; they are judged all together and by month of `time`. AUC with DeLong's interval is compared with the
    AUC of the reference table (score and outcome of the validation), both samples counted in the interval of the drop. Precision at the
    cutoff has Wilson's interval and Newcombe's for the drop. Calibration is events seen over events expected, sum of scores, where
    scores lie in 0..1, with a normal interval under the expected variance.

    fail: AUC fell by more than `fail` and its interval excludes 0; precision fell by more than `precision_drop`, likewise; no outcome
    has matured for twice the label delay (the longest `label_delay` under [monitoring] in mlgov.toml, as "90 days").
    warn: AUC fell by more than `warn`, likewise; seen over expected is off by more than the share `off` and its interval excludes 1; a
    month's AUC whose whole interval lies under the validated one.
    inconclusive: fewer than `min_events` matured outcomes of either kind; no reference with score and outcome to compare with.

    The reference is a table, or a stored profile of it (AUC with its variance, counts at the cutoff, a reliability curve; no rows).

    Rows without outcome give an estimate only: confidence-based performance estimation (CBPE) of AUC and of precision or rate, the scores
    read as probabilities by the reliability curve of the validation, or as they are where there is none. It is marked "estimated", rests on
    the calibration of then, which nobody can check without outcomes and which a changed relation of inputs and outcome breaks. It warns
    where the estimated AUC lies more than `fail` under the validated one, and never closes a control on outcomes.

    Source: house figures. SR 26-2 sec V.1.b asks for the firm's own thresholds; DeLong, DeLong & Clarke-Pearson 1988; Newcombe 1998b.

    Fix: Follow the response of the monitoring plan: look at drift and data first, then recalibrate or rebuild.
    """
    now = _decided(subject, subject.table, subject.ask, here=subject.local)
    matured = now.only(now.known & finite(now.score))
    then = _before(subject)
    findings = [*_late(subject, now), *estimated(now.score[~now.known & finite(now.score)], then, cutoff(subject), fail)]
    good, bad = int(matured.good.sum()), int((~matured.good).sum())
    if min(good, bad) < max(1, min_events):
        said = f"{good:,} favourable and {bad:,} other outcomes have matured; {min_events} of each are needed."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE, n=good + bad, allowed=f"at least {min_events} of each"), *findings]
    if then is None:
        area = auc(matured.score, matured.good)
        said = f"AUC {area.value:.3f} on {good + bad:,} matured rows, and no reference with score and outcome to compare it with."
        alone = Finding(message=said, verdict=Verdict.INCONCLUSIVE, measured=area.value, interval=area.interval(), n=good + bad)
        return [alone, *_calibration(matured, off), *findings]
    first = _drop(auc(matured.score, matured.good), then, warn, fail, good + bad)
    return [
        first,
        *_precision(subject, matured, then, precision_drop),
        *_calibration(matured, off),
        *_months(matured, then.auc, min_events),
        *findings,
    ]


def finite(values: Numbers) -> Flags:
    """Which are finite."""
    import numpy as np

    return np.isfinite(values)


def _decided(subject: Subject, table: Any, ask: Ask, *, here: bool) -> Decided:  # ibis ships no types
    """The rows of a table that has score, outcome and (if named) time; elsewhere only counts of equal rows travel, and times are days.

    Raises Missing for a score that is no number.
    """
    import numpy as np

    roles = subject.roles
    if not table[roles.score].type().is_numeric():
        raise Missing(f"{roles.score} is {table[roles.score].type()}, not a number, so it is no score.")
    kept: dict[str, Any] = {"s": table[roles.score].cast("float64"), "y": table[subject.label]}
    timed = bool(roles.time) and roles.time in table.columns and table[roles.time].type().is_temporal()
    if timed:
        # Whole seconds first: parts of one do not fit what engines give back.
        seconds = table[roles.time].cast("timestamp").truncate("s").epoch_seconds()
        kept["t"] = seconds if here else seconds - seconds % int(DAY)
    question = table.select(**kept)
    arrow = rows_by(question, ask, here=here)[0]
    places, texts = texts_of(arrow.column("y"))
    wanted = roles.favourable or "1"
    if not roles.favourable and any(text is not None and not (same(text, "0") or same(text, "1")) for text in texts):
        raise Missing(f"Nobody said which value of {subject.label} is favourable.", next="Declare `favourable` under [subject].")
    numbers = [
        np.asarray(arrow.column(name).cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64) for name in kept if name != "y"
    ]
    return Decided(
        score=numbers[0],
        known=np.array([*(text is not None for text in texts), False], dtype=bool)[places],
        good=np.array([*(text is not None and same(text, wanted) for text in texts), False], dtype=bool)[places],
        time=numbers[1] if timed else None,
    )


def validated(subject: Subject, table: Table, ask: Ask) -> Validated | None:
    """How good the score was on this table; None where it has not both score and outcome, or one class only."""
    roles = subject.roles
    if not roles.score or not subject.label or not {roles.score, subject.label} <= set(table.columns):
        return None
    found = _decided(subject, table, ask, here=lives_here(table))
    found = found.only(found.known & finite(found.score))
    if not 0 < int(found.good.sum()) < len(found.good):
        return None
    area, cut = auc(found.score, found.good), cutoff(subject)
    chosen = found.score >= cut if cut is not None else found.known & False
    return Validated(
        score=roles.score,
        label=subject.label,
        auc=area.value,
        variance=area.variance,
        n=len(found.good),
        good=int(found.good.sum()),
        cutoff=cut,
        chosen=int(chosen.sum()),
        right=int(found.good[chosen].sum()),
        reliability=reliability(found.score, found.good),
    )


def _before(subject: Subject) -> Validated | None:
    """How good the score was validated: stored in the profile, or measured on the reference table."""
    if not subject.has_reference:
        return None
    given = open_reference(subject.reference_path) if subject.reference_path else subject.reference
    if not isinstance(given, Profile):
        return validated(subject, given, ask_here(subject))
    found = given.validated
    return found if found and (found.score, found.label) == (subject.roles.score, subject.label) else None


def _drop(area: Auc, before: Validated, warn: float, fail: float, n: int) -> Finding:
    drop = before.auc - area.value
    half = critical(0.95) * math.sqrt(area.variance + before.variance)
    interval = (drop - half, drop + half)
    sure = interval[0] > 0
    verdict = Verdict.FAIL if sure and drop > fail else Verdict.WARN if sure and drop > warn else Verdict.PASS
    shown = f"(95% CI {interval[0]:+.3f} to {interval[1]:+.3f})"
    said = f"Matured: AUC {area.value:.3f}, validated {before.auc:.3f}; a fall of {drop:.3f} {shown}."
    if verdict is Verdict.PASS and drop > warn:
        verdict, said = Verdict.WARN, f"{said} That may be chance."
    p = math.erfc(drop / half * critical(0.95) / math.sqrt(2)) / 2 if half > 0 else None
    details = {"auc": area.value, "auc_validated": before.auc, "auc_interval": list(area.interval() or ()), "p": p}
    return Finding(message=said, verdict=verdict, measured=drop, allowed=f"at most {fail:g}", n=n, interval=interval, details=details)


def _precision(subject: Subject, now: Decided, then: Validated, most: float) -> Iterator[Finding]:
    from mlgov_validators.intervals import newcombe

    cut = cutoff(subject)
    if cut is None:
        yield Finding(message="Nobody named a cutoff, so precision was not measured.", verdict=Verdict.NOT_APPLICABLE)
        return
    if then.cutoff != cut:
        said = f"The reference profile was made at the cutoff {then.cutoff}, the cutoff is {cut:g} now: precision cannot be compared."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE)
        return
    chosen = now.score >= cut
    k, n, k_then, n_then = int(now.good[chosen].sum()), int(chosen.sum()), then.right, then.chosen
    if not n or not n_then:
        yield Finding(message=f"No score reaches the cutoff {cut:g}: precision is undefined.", verdict=Verdict.INCONCLUSIVE)
        return
    gap = newcombe(k_then, n_then, k, n)
    drop = k_then / n_then - k / n
    low, high = wilson(k, n) or (0.0, 1.0)
    verdict = Verdict.FAIL if gap and gap[0] > 0 and drop > most else Verdict.PASS
    said = f"Matured: precision {k / n:.3f} ({low:.3f}-{high:.3f}) of {n:,} at {cut:g}; validated {k_then / n_then:.3f}."
    yield Finding(
        message=said,
        verdict=verdict,
        measured=k / n,
        allowed=f"a fall of at most {most:g}",
        n=n,
        interval=(low, high),
        details={"p": _fell(k, n, k_then, n_then)},
    )


def _fell(k: int, n: int, k_then: int, n_then: int) -> float | None:
    """One-sided p that the share did not fall: two proportions, pooled variance; None where all are of one kind."""
    pooled = (k + k_then) / (n + n_then)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_then))
    return math.erfc((k_then / n_then - k / n) / spread / math.sqrt(2)) / 2 if spread > 0 else None


def _calibration(now: Decided, off: float) -> Iterator[Finding]:
    if now.score.min() < 0 or now.score.max() > 1:
        yield Finding(
            message="Scores lie outside 0..1: they are no probabilities, so calibration was not measured.", verdict=Verdict.NOT_APPLICABLE
        )
        return
    seen, expected = int(now.good.sum()), math.fsum(now.score.tolist())
    if expected <= 0:
        yield Finding(message=f"{seen:,} events were seen and none expected: the ratio is undefined.", verdict=Verdict.INCONCLUSIVE)
        return
    ratio = seen / expected
    half = critical(0.95) * math.sqrt(math.fsum((now.score * (1 - now.score)).tolist())) / expected
    interval = (ratio - half, ratio + half)
    sure = not interval[0] <= 1 <= interval[1]
    verdict = Verdict.WARN if sure and abs(ratio - 1) > off else Verdict.PASS
    said = f"Matured: {seen:,} favourable outcomes seen, {expected:,.1f} expected; ratio {ratio:.3f} ({interval[0]:.3f}-{interval[1]:.3f})."
    yield Finding(message=said, verdict=verdict, measured=ratio, allowed=f"within {off:.0%} of 1", n=len(now.score), interval=interval)


def _months(now: Decided, before: float, min_events: int) -> Iterator[Finding]:
    """Cohorts by month whose whole interval lies under what was validated."""
    import numpy as np

    if now.time is None:
        return
    months = np.asarray(now.time, dtype="datetime64[s]").astype("datetime64[M]")
    few = 0
    for month in np.unique(months[~np.isnat(months)]):
        cohort = now.only(months == month)
        good = int(cohort.good.sum())
        if min(good, len(cohort.good) - good) < min_events:
            few += 1
            continue
        area = auc(cohort.score, cohort.good)
        interval = area.interval()
        if interval and interval[1] < before:
            said = f"Cohort {month}: AUC {area.value:.3f} ({interval[0]:.3f}-{interval[1]:.3f}), validated {before:.3f}."
            yield Finding(message=said, verdict=Verdict.WARN, measured=area.value, n=len(cohort.good), interval=interval, where=str(month))
    if few:
        said = f"{few} monthly cohorts have fewer than {min_events} outcomes of either kind and were not judged alone."
        yield Finding(message=said, verdict=Verdict.NOT_APPLICABLE)


def _late(subject: Subject, now: Decided) -> Iterator[Finding]:
    """Has the newest outcome come in time?"""
    import numpy as np

    delay = _label_delay((subject.register or {}).get("monitoring") or {})
    if now.time is None or delay is None:
        said = "No label delay (`label_delay` under [monitoring]) and time were declared, so late outcomes would not be noticed."
        yield Finding(message=said, verdict=Verdict.NOT_APPLICABLE)
        return
    newest = float(np.nanmax(now.time))
    ripe = float(np.nanmax(now.time[now.known])) if now.known.any() else -math.inf
    days = (newest - ripe) / DAY
    if days > 2 * delay:
        shown = (
            "No outcome has matured at all" if math.isinf(days) else f"The newest outcome is {days:.0f} days older than the newest decision"
        )
        said = f"{shown}; the label delay is {delay:g} days."
        yield Finding(message=said, verdict=Verdict.FAIL, allowed=f"at most {2 * delay:g} days", n=len(now.score))


def _label_delay(plan: Mapping[str, object]) -> float | None:
    """The longest `label_delay` of the monitoring plan in days; None where no metric has one that reads as "90 days"."""
    told = [str(body.get("label_delay", "")) for body in plan.values() if isinstance(body, Mapping)]
    found = [re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*days?\s*", text) for text in told]
    return max((float(one[1]) for one in found if one), default=None)
