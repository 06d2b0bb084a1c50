"""Does the model hold still: trained again with other seeds, and its inputs' weights on other draws of the rows?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Subject, Verdict
from mlgov_validators.probes import SEED, Probe, scores
from mlgov_validators.ranking import auc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SEEDED = re.compile(r"score_seed_\w+")
DRAWS = 200


def over_seeds(subject: Subject, least: int, most: float) -> Iterator[Finding]:
    """AUC and ranks of the scores in `score_seed_*`: those of models trained again with other seeds, on the same rows."""
    import numpy as np

    from mlgov_validators.scores import scored

    columns = tuple(sorted(name for name in subject.table.columns if SEEDED.fullmatch(name)))
    if not columns:
        said = (
            "Seeds of the training run were not varied: the table has no column `score_seed_1` … with the scores of models trained again."
        )
        yield Finding(message=said, verdict=Verdict.NOT_APPLICABLE, where="seeds")
        return
    if len(columns) < least:
        said = f"{len(columns)} columns `score_seed_*` are in the table; {least} are needed to tell how far seeds move the model."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where="seeds", n=len(columns))
        return
    data = scored(subject, columns)
    if min(data.events) < 1:
        yield Finding(message="The outcome has one value only, so no seed has an AUC.", verdict=Verdict.INCONCLUSIVE, where="seeds")
        return
    areas = [auc(score, data.positive).value for score in data.scores]
    spread = float(np.std(areas, ddof=1))
    alike = [value for first, second in combinations(data.scores, 2) if (value := spearman(first, second)) is not None]
    rank = f"; ranks agree by Spearman {min(alike):.3f} or more" if alike else ""
    said = f"Trained with {len(columns)} seeds the AUC is {min(areas):.4f} to {max(areas):.4f} (SD {spread:.4f}, {most:g} allowed){rank}."
    details = {"auc": areas, "spearman_min": min(alike, default=None), "sql": data.sql}
    verdict = Verdict.WARN if spread > most else Verdict.PASS
    yield Finding(
        message=said, verdict=verdict, measured=spread, allowed=f"SD at most {most:g}", n=data.used, where="seeds", details=details
    )


def weights_over_draws(asked: Probe, draws: int = DRAWS) -> Finding:
    """Each input's weight (mean change of the score when it is shuffled), with its standard deviation over bootstrap draws of the rows."""
    import numpy as np

    random = np.random.default_rng(SEED)
    order = random.permutation(len(asked.score))
    shuffled = scores(asked.predict, [asked.changed({name: asked.values(name)[order]}) for name in asked.numbers])
    moved = np.abs(np.array(shuffled) - asked.score)
    times = random.multinomial(moved.shape[1], [1 / moved.shape[1]] * moved.shape[1], size=draws)
    drawn = moved @ times.T / moved.shape[1]
    weight, spread = moved.mean(axis=1), drawn.std(axis=1, ddof=1)
    ranked = sorted(range(len(weight)), key=lambda at: (-weight[at], asked.numbers[at]))
    first = ranked[0]
    kept = float((drawn.argmax(axis=0) == first).mean())
    shown = ", ".join(f"{asked.numbers[at]} {weight[at]:.3g} (SD {spread[at]:.2g})" for at in ranked[:3])
    said = f"Weights of the inputs over {draws} draws of the rows: {shown}; {asked.numbers[first]} comes first in {kept:.0%}."
    details = {asked.numbers[at]: {"weight": float(weight[at]), "sd": float(spread[at])} for at in ranked}
    return Finding(message=said, verdict=Verdict.PASS, measured=kept, n=len(asked.score), where="weights", details={"weights": details})


def spearman(first: Numbers, second: Numbers) -> float | None:
    """Rank correlation of two rows of numbers; None where one of them has no order or a value is missing."""
    import numpy as np
    from scipy.stats import rankdata

    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    one, other = rankdata(first), rankdata(second)
    if one.std() == 0 or other.std() == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])
