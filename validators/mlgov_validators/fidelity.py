"""Do the stored attributions name the inputs that move the score? Inputs are taken away, and put back, in their order and by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Predict, Verdict
from mlgov_validators.probes import SEED, scores, with_columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

CHANCES = 20


def fidelity(predict: Predict, rows: Any, own: Numbers, middle: Numbers, phi: Numbers, names: list[str]) -> list[Finding]:
    """Deletion and insertion (Petsiuk, Das & Saenko 2018; Samek et al. 2017) of `rows`, by |phi| against `CHANCES` orders by chance.

    `own` are the rows' inputs (rows x names), `middle` what an input is set to when it is taken away. The measure is the mean distance
    of the score from the whole row's over all steps: taking the heaviest away first should move it far, putting it back first should
    leave it near.
    """
    import numpy as np

    random = np.random.default_rng(SEED)
    by_weight = np.argsort(-np.abs(phi), axis=1, kind="stable")
    orders = [by_weight, *(random.permuted(np.tile(np.arange(len(names)), (len(own), 1)), axis=1) for _ in range(CHANCES))]
    found: list[Finding] = []
    for what in ("deletion", "insertion"):
        moved = [float(one) for one in _moved(predict, rows, own, middle, orders, names, back=what == "insertion")]
        chance = float(np.mean(moved[1:]))
        good = moved[0] >= chance if what == "deletion" else moved[0] <= chance
        way = "taken away" if what == "deletion" else "put back"
        said = f"With the heaviest inputs {way} first the score is {moved[0]:.3g} from the whole row's on average, by chance {chance:.3g}"
        said += "." if good else ": the attributions do not name the inputs that move it."
        allowed = f"at {'least' if what == 'deletion' else 'most'} what chance gives"
        verdict = Verdict.PASS if good else Verdict.WARN
        found.append(
            Finding(
                message=said, verdict=verdict, measured=moved[0], allowed=allowed, n=len(own), where=what, details={"by_chance": moved[1:]}
            )
        )
    return found


def _moved(
    predict: Predict, rows: Any, own: Numbers, middle: Numbers, orders: list[NDArray[np.int64]], names: list[str], *, back: bool
) -> Numbers:
    """For each order the mean |score - whole| over rows and over the steps that leave something away (one call of the model)."""
    import numpy as np

    n, d = own.shape
    steps = np.empty((len(orders), d, n, d))
    for number, order in enumerate(orders):
        current = np.tile(middle, (n, 1)) if back else own.copy()
        for step in range(d):
            at = order[:, step]
            if back:
                steps[number, step] = current
            current[np.arange(n), at] = own[np.arange(n), at] if back else middle[at]
            if not back:
                steps[number, step] = current
    flat = steps.reshape(-1, d)
    whole = rows.take(np.tile(np.arange(n), len(orders) * d))
    first, answer = scores(predict, [rows, with_columns(whole, {name: flat[:, at] for at, name in enumerate(names)})])
    apart: Numbers = np.abs(answer.reshape(len(orders), d, n) - first).mean(axis=(1, 2))
    return apart
