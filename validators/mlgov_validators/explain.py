"""Has each decision an explanation that adds up and stays the same?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Predict, Subject, Unanswered, Verdict, validator
from mlgov_validators.fidelity import fidelity
from mlgov_validators.intervals import wilson
from mlgov_validators.probes import SEED, probe, scores, with_columns
from mlgov_validators.retrained import spearman

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

POINTS = "phi_"
BASE = "phi_base"
EXPLAINED = 24


@validator(
    "explain.available",
    title="Explanation availability and fidelity",
    needs=("table", "score"),
    version="1.1",
    uses=("features", "predict"),
    stricter={"exact": "lower", "stability": "higher", "seeds": "higher"},
    timeout=300.0,
)
def explanations(
    subject: Subject, *, exact: float = 1e-6, sampled: float = 0.01, stability: float = 0.8, seeds: int = 5, permutations: int = 200
) -> list[Finding]:
    """Has each decision an explanation that adds up and stays the same?

    The table holds each input's attribution as `phi_INPUT` and the base value as `phi_base`, stored when the decision was made.
    Coverage: rows that have all of them. Additivity: |sum(phi) + base - f(x)|, where f is the score, or its log-odds where these fit
    better (it says which). Stability: Shapley values of the model itself are estimated anew `seeds` times by sampling `permutations`
    orders (Strumbelj & Kononenko 2014; each order against one background row) for 24 rows; each pair of seeds is compared by Spearman's
    rank correlation of a row's attributions. Fidelity: the stored attributions against those estimates, likewise; and deletion and
    insertion, for the inputs of those rows set to the median (or back from it), heaviest attribution first, against 20 orders by chance.

    fail: a row without explanation; the largest gap is over `sampled` (a share of the spread of f); stability under `stability`.
    warn: the largest gap is over `exact` and at most `sampled`: fit for sampled explanations, not for exact ones; stored attributions
    order the inputs unlike the estimates (under `stability`), or move the score no more than chance does when their heaviest are deleted,
    or leave it no nearer when these are put back.
    inconclusive: the score is no number; stability was not measured, for there is no model to ask or fewer than three numeric inputs.
    Without any stored explanation the demand stays unchecked.

    Source: coverage and 0.8 are house; GDPR Art 15(1)(h) with CJEU C-203/22, Regulation (EU) 2024/1689 Art 13 and 86. Additivity is local
    accuracy of Lundberg & Lee 2017.

    Fix: Store the explanation when the decision is made, not later; use an exact explainer or more samples.
    """
    import numpy as np

    arrow = subject.ask(subject.table).table
    names = [name for name in arrow.column_names if name.startswith(POINTS) and name != BASE]
    if not names:
        raise Unanswered(
            "No explanation is stored with the decisions (columns `phi_INPUT` and `phi_base`).",
            next="Store each decision's attributions in the scored table when it is made.",
        )
    phi = np.column_stack([_numbers(arrow, name) for name in names])
    base = _numbers(arrow, BASE) if BASE in arrow.column_names else np.full(len(phi), np.nan)
    there = np.isfinite(np.column_stack([phi, base] if BASE in arrow.column_names else [phi])).all(axis=1)
    findings = [_coverage(len(phi) - int(there.sum()), len(phi))]
    if there.any():
        score = _numbers(arrow, subject.roles.score)
        if BASE in arrow.column_names:
            findings.append(_additivity(phi[there].sum(axis=1) + base[there], score[there], exact, sampled))
        else:
            said = "No base value (`phi_base`) is stored, so the attributions cannot be added up."
            findings.append(Finding(message=said, verdict=Verdict.INCONCLUSIVE))
    return [*findings, *_stability(subject, arrow, stability, seeds, permutations)]


def _numbers(arrow: Any, name: str) -> Numbers:  # pyarrow ships no types
    import numpy as np
    import pyarrow as pa

    try:
        return np.asarray(arrow.column(name).cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64)
    except pa.ArrowException:
        raise Missing(f"{name} holds no numbers.") from None


def _coverage(gone: int, n: int) -> Finding:
    said = f"{gone:,} of {n:,} decisions have no stored explanation."
    verdict = Verdict.FAIL if gone else Verdict.PASS
    return Finding(message=said, verdict=verdict, measured=1 - gone / n, allowed="every decision", n=n, interval=wilson(n - gone, n))


def _additivity(total: Numbers, score: Numbers, exact: float, sampled: float) -> Finding:
    import numpy as np

    known = np.isfinite(score)
    if not known.any():
        return Finding(message="No explained row has a score.", verdict=Verdict.INCONCLUSIVE)
    total, score = total[known], score[known]
    gaps = {"the score": np.abs(total - score)}
    inside = (score > 0) & (score < 1)
    spread = {"the score": float(score.max() - score.min()) or 1.0}
    if inside.all():
        odds = np.log(score / (1 - score))
        gaps["its log-odds"], spread["its log-odds"] = np.abs(total - odds), float(odds.max() - odds.min()) or 1.0
    unit = min(gaps, key=lambda name: float(gaps[name].max()) / spread[name])
    worst = float(gaps[unit].max())
    share = worst / spread[unit]
    verdict = Verdict.PASS if worst <= exact else Verdict.WARN if share <= sampled else Verdict.FAIL
    said = f"Attributions and base add up to {unit} within {worst:.3g} ({share:.2%} of its spread) in {len(score):,} rows."
    return Finding(message=said, verdict=verdict, measured=worst, allowed=f"at most {exact:g}, or {sampled:.0%} if sampled", n=len(score))


def _stability(subject: Subject, arrow: Any, least: float, seeds: int, permutations: int) -> Iterator[Finding]:
    import numpy as np

    if subject.predict is None:
        yield Finding(
            message="There is no model to ask, so it is not known whether explanations stay the same.", verdict=Verdict.INCONCLUSIVE
        )
        return
    asked = probe(subject, 400)
    names = [name for name in asked.numbers if not name.startswith(POINTS)]
    if len(names) < 3:
        said = f"{len(names)} numeric inputs: too few to order, so stability was not measured."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE)
        return
    rows = asked.rows.take([place * asked.rows.num_rows // EXPLAINED for place in range(min(EXPLAINED, asked.rows.num_rows))])
    drawn = [shapley(asked.predict, rows, asked.rows, names, permutations, SEED + seed) for seed in range(seeds)]
    pairs = [(a, b) for a in range(seeds) for b in range(a)]
    agreed = [spearman(drawn[a][row], drawn[b][row]) for a, b in pairs for row in range(rows.num_rows)]
    known = [value for value in agreed if value is not None]
    if not known:
        yield Finding(message="Every input has the same attribution, so there is no order to compare.", verdict=Verdict.INCONCLUSIVE)
        return
    mean = math.fsum(known) / len(known)
    said = f"Attributions drawn {seeds} times order the inputs alike: Spearman {mean:.3f} over {rows.num_rows} rows ({least:g} wanted)."
    yield Finding(
        message=said, verdict=Verdict.PASS if mean >= least else Verdict.FAIL, measured=mean, allowed=f"at least {least:g}", n=rows.num_rows
    )
    stored = [f"{POINTS}{name}" for name in names]
    if all(name in arrow.column_names for name in stored):
        phi = np.column_stack([_numbers(rows, name) for name in stored])
        mine = np.mean(drawn, axis=0)
        same = [value for row in range(rows.num_rows) if (value := spearman(phi[row], mine[row])) is not None]
        if same:
            mean = math.fsum(same) / len(same)
            said = f"Stored attributions order the inputs as fresh estimates do: Spearman {mean:.3f} over {len(same)} rows."
            yield Finding(message=said, verdict=Verdict.PASS if mean >= least else Verdict.WARN, measured=mean, n=len(same))
        if np.isfinite(phi).all():
            own = np.column_stack([_numbers(rows, name) for name in names])
            middle = np.array([float(np.nanmedian(asked.values(name))) for name in names])
            yield from fidelity(asked.predict, rows, own, middle, phi, names)


def shapley(predict: Predict, rows: Any, background: Any, names: list[str], permutations: int, seed: int) -> Numbers:
    """Shapley values (rows x names) by sampled orders, in one call of the model: unbiased for the interventional game.

    In each order one background row turns into the explained row, input by input; an input's share is the mean change of the score
    when it turns. Orders are used forwards and backwards, which halves the variance. Inputs not named stay the row's own.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    n, d = rows.num_rows, len(names)
    own = np.column_stack([_numbers(rows, name) for name in names])
    other = np.column_stack([_numbers(background, name) for name in names])
    orders = [random.permutation(d) for _ in range(max(1, permutations // 2))]
    orders += [order[::-1] for order in orders]
    steps = np.empty((len(orders), d + 1, n, d))
    for number, order in enumerate(orders):
        current = other[random.integers(0, len(other), n)]
        steps[number, 0] = current
        for step, at in enumerate(order, 1):
            current[:, at] = own[:, at]
            steps[number, step] = current
    whole = rows.take(np.tile(np.arange(n), len(orders) * (d + 1)))
    flat = steps.reshape(-1, d)
    (answer,) = scores(predict, [with_columns(whole, {name: flat[:, at] for at, name in enumerate(names)})])
    answers = answer.reshape(len(orders), d + 1, n)
    phi = np.zeros((n, d))
    for order, walked in zip(orders, np.diff(answers, axis=1), strict=True):
        phi[:, order] += walked.T
    return phi / len(orders)
