"""Does a small change of an input turn the decision?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.contracts import contracts
from mlgov_validators.intervals import wilson
from mlgov_validators.probes import SEED, Probe, probe, scores, with_columns
from mlgov_validators.retrained import over_seeds, weights_over_draws

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

GRID = 21
GRID_ROWS = 200


@validator(
    "robust.sensitivity",
    title="Sensitivity and stability",
    needs=("table", "predict"),
    version="1.1",
    uses=("features", "register", "label"),
    stricter={"most_flips": "lower", "noise": "higher", "rows": "higher", "seeds": "higher", "seed_sd": "lower"},
    timeout=300.0,
)
def sensitivity(
    subject: Subject, *, most_flips: float = 0.05, noise: float = 0.01, rows: int = 2000, seeds: int = 5, seed_sd: float = 0.005
) -> list[Finding]:
    """Does a small change of an input turn the decision?

    The model itself is asked about at most `rows` rows, evenly spaced over the table. Each numeric input is moved up and down by the share
    `noise` of its value, then by one standard deviation; a row counts as turned when either way its decision changes. Then all inputs
    together get normal noise of the share `noise`, `seeds` times with fixed seeds. For each input declared `monotone` under [features] in
    mlgov.toml the score is taken on a grid of 21 values between the 1st and 99th percentile, for at most 200 rows. Inputs with two values
    or fewer are not moved. The weight of each input (mean change of the score when it is shuffled) comes with its standard deviation over
    200 bootstrap draws of the rows.

    Seeds of the training run need models that were trained again. Where the table holds their scores of the same rows, as columns
    `score_seed_1` …, the standard deviation of their AUCs and the lowest rank correlation of two of them are taken.

    fail: more than the share `most_flips` of decisions turn at `noise`, for one input or for all together; any step of a declared
    direction the other way.
    warn: the interval of such a share reaches over `most_flips`; the AUCs of the seeds have a standard deviation over `seed_sd`.
    inconclusive: nobody said at which score a decision turns (`cutoff`); the model cannot be asked, or answers with no finite number;
    fewer than `seeds` columns of other seeds. Where there is none of them, it is said that seeds were not varied.

    Source: 5 % at 1 % and 0.005 are house; SR 26-2 sec IV and V name sensitivity as one kind of test.

    Fix: Regularise, use monotone constraints, an ensemble or coarser bins for the input that is named.
    """
    asked = probe(subject, rows)
    findings = [*_alone(asked, noise, most_flips), _together(asked, noise, most_flips, seeds), *_directions(subject, asked)]
    return [*findings, weights_over_draws(asked), *over_seeds(subject, seeds, seed_sd)]


def _alone(asked: Probe, noise: float, most: float) -> Iterator[Finding]:
    import numpy as np

    moved = [name for name in asked.numbers if len(np.unique(asked.values(name))) > 2]
    if not moved:
        raise Missing("No input has more than two values, so none can be moved a little.")
    tables = []
    for name in moved:
        x = asked.values(name)
        step, sd = noise * np.abs(x), np.full(len(x), float(np.nanstd(x)))
        tables += [asked.changed({name: x + change}) for change in (step, -step, sd, -sd)]
    answers = scores(asked.predict, tables)
    n = len(asked.score)
    quiet: list[tuple[int, float, str]] = []
    for at, name in enumerate(moved):
        up, down, high, low = answers[4 * at : 4 * at + 4]
        k = int((asked.flips(up) | asked.flips(down)).sum())
        wide = int((asked.flips(high) | asked.flips(low)).sum())
        change = float(max(np.abs(up - asked.score).max(), np.abs(down - asked.score).max()))
        verdict = _against(k, n, most)
        if verdict is Verdict.PASS:
            quiet.append((k, change, name))
            continue
        said = (
            f"A {noise:.0%} change in {name} turns {k / n:.1%} of {n:,} decisions ({most:.0%} allowed) and moves a score by at most"
            f" {change:.3g}; one standard deviation turns {wide / n:.1%}."
        )
        yield _share(said, verdict, k, n, most, name, {"max_change": change, "turned_by_one_sd": wide / n})
    if quiet:
        k, change, name = max(quiet)
        said = f"{len(quiet)} of {len(moved)} inputs moved by {noise:.0%} turn few decisions; {name} turns the most: {k:,} of {n:,}."
        yield _share(said, Verdict.PASS, k, n, most, name, {"max_change": max(one[1] for one in quiet)})


def _together(asked: Probe, noise: float, most: float, seeds: int) -> Finding:
    import numpy as np

    tables = []
    for seed in range(seeds):
        random = np.random.default_rng(SEED + seed)
        columns = {name: asked.values(name) * (1 + noise * random.standard_normal(len(asked.score))) for name in asked.numbers}
        tables.append(asked.changed(columns))
    turned = [int(asked.flips(score).sum()) for score in scores(asked.predict, tables)]
    n, worst = len(asked.score), max(turned)
    said = f"{noise:.0%} noise on all {len(asked.numbers)} inputs turns {worst / n:.1%} of {n:,} decisions in the worst of {seeds} draws."
    return _share(said, _against(worst, n, most), worst, n, most, "", {"turned": turned})


def _against(k: int, n: int, most: float) -> Verdict:
    if k > most * n:
        return Verdict.FAIL
    interval = wilson(k, n)
    return Verdict.WARN if interval and interval[1] > most else Verdict.PASS


def _share(said: str, verdict: Verdict, k: int, n: int, most: float, where: str, details: dict[str, object]) -> Finding:
    return Finding(
        message=said,
        verdict=verdict,
        measured=k / n,
        allowed=f"at most {most:.0%}",
        n=n,
        interval=wilson(k, n),
        where=where,
        details=details,
    )


def _directions(subject: Subject, asked: Probe) -> Iterator[Finding]:
    """Does the score ever go against a declared direction?"""
    import numpy as np

    for name, rule in contracts(subject).items():
        if not rule.monotone:
            continue
        if name not in asked.numbers:
            said = f"{name} is declared {rule.monotone} and is no numeric input that could be moved."
            yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=name)
            continue
        x = asked.values(name)
        grid = np.linspace(float(np.nanpercentile(x, 1)), float(np.nanpercentile(x, 99)), GRID)
        rows = asked.rows.slice(0, GRID_ROWS)
        answers = np.array(scores(asked.predict, [with_columns(rows, {name: np.full(rows.num_rows, value)}) for value in grid]))
        steps = np.diff(answers, axis=0) * (1 if rule.monotone == "increasing" else -1)
        wrong, worst = int((steps < -1e-9).sum()), float(-steps.min())
        if wrong:
            at = int(np.unravel_index(steps.argmin(), steps.shape)[0])
            said = f"{name} is declared {rule.monotone}; {wrong:,} of {steps.size:,} steps go the other way,"
            said += f" by up to {worst:.3g} near {grid[at]:.4g}."
        else:
            said = f"{name} is {rule.monotone} in all {steps.size:,} steps."
        verdict = Verdict.FAIL if wrong else Verdict.PASS
        yield Finding(
            message=said,
            verdict=verdict,
            measured=wrong / steps.size,
            allowed="no step the other way",
            n=int(steps.size),
            interval=wilson(wrong, int(steps.size)),
            where=name,
        )
