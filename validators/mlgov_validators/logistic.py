"""Logistic regression by Newton's method on plain or grouped rows: coefficients, their errors, the likelihood. No penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Logit:
    """A fit: coefficients in the order of the columns, their covariance, the log likelihood."""

    coefficients: Numbers
    covariance: Numbers
    likelihood: float

    def error(self, place: int) -> float:
        return float(self.covariance[place, place] ** 0.5)


def fit_logit(columns: Numbers, favourable: Numbers, rows: Numbers, offset: Numbers | float = 0.0) -> Logit | None:
    """Fit P(favourable) = 1 / (1 + exp(-(columns @ b + offset))) to `favourable` of `rows` in each line of `columns`.

    None where there is no finite answer: perfect separation, a column that others add up to.
    """
    import numpy as np

    b = np.zeros(columns.shape[1])
    before = -np.inf
    for _ in range(STEPS):
        p = chance(columns @ b + offset)
        weights = rows * p * (1 - p)
        information = columns.T @ (columns * weights[:, None])
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1e13:
            return None
        now = log_likelihood(p, favourable, rows)
        if abs(now - before) <= 1e-12 * (1 + abs(now)):
            covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
            # Separated outcomes push a coefficient to infinity: the likelihood stands still, its error does not.
            endless = now > -1e-6 or bool((np.sqrt(np.diag(covariance)) > 500 * np.maximum(1, np.abs(b))).any())
            return None if endless else Logit(coefficients=b, covariance=covariance, likelihood=now)
        b = b + np.linalg.solve(information, columns.T @ (favourable - rows * p))
        before = now
    return None


def chance(odds: Numbers) -> Numbers:
    """The probability of log odds, without overflow."""
    import numpy as np

    found: Numbers = 0.5 * (1 + np.tanh(odds / 2))
    return found


def log_likelihood(p: Numbers, favourable: Numbers, rows: Numbers) -> float:
    """Of `favourable` out of `rows` at probabilities `p`; a probability of 0 or 1 is taken as the nearest that is neither."""
    import numpy as np

    inside = np.clip(p, 1e-300, 1 - 1e-16)
    return float(np.sum(favourable * np.log(inside) + (rows - favourable) * np.log1p(-inside)))


def fit_ridge(columns: Numbers, positive: NDArray[np.bool_], strength: float) -> Numbers:
    """Intercept and coefficients of a logistic model with an L2 penalty, 1 / (2 * strength) of their squares; the intercept has none.

    scikit-learn's LogisticRegression(C=strength), by Newton's method. It always has a finite answer, separation or not.
    """
    import numpy as np

    design = np.column_stack([np.ones(len(columns)), columns])
    penalty = np.full(design.shape[1], 1 / strength)
    penalty[0] = 1e-9
    b, y = np.zeros(design.shape[1]), positive.astype(float)
    for _ in range(STEPS):
        p = chance(design @ b)
        gradient = design.T @ (y - p) - penalty * b
        information = design.T @ (design * (p * (1 - p))[:, None]) + np.diag(penalty)
        step = np.linalg.solve(information, gradient)
        b = b + step * min(1.0, 10 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-8:
            break
    return b
