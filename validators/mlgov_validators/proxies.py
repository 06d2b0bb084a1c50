"""Features that stand in for a protected attribute: alone, together, and by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Subject, Verdict, validator
from mlgov_validators.design import Classes, Feature, Inputs, Quantity, inputs
from mlgov_validators.logistic import fit_ridge
from mlgov_validators.proxied import guessed
from mlgov_validators.ranking import auc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Codes = NDArray[np.int64]

SEED = 20261123
NAMES = re.compile(
    r"zip|post_?code|plz|postal|surname|last_?name|family_?name|first_?name|given_?name|forename|nationality|citizen|birth_?place|country"
    r"|language|locale|accent|ethnic|religio|race|gender|(^|_)sex($|_)|census_?tract|neighbou?rhood",
    re.IGNORECASE,
)
MOST_ROWS = 100_000
JOINT_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How well one feature tells one protected attribute: AUC (a number) or Cramer's V, with its interval where there is one."""

    measure: str
    value: float
    interval: tuple[float, float] | None
    n: int
    details: Mapping[str, object]


@validator(
    "proxy.detect",
    title="Proxy features",
    version="1.3",
    needs=("scored", "protected", "features"),
    uses=("score", "outcome", "predict", "register"),
    stricter={"auc_warn": "lower", "auc_fail": "lower", "v_warn": "lower", "v_fail": "lower"},
)
def proxies(
    subject: Subject, *, auc_warn: float = 0.65, auc_fail: float = 0.75, v_warn: float = 0.2, v_fail: float = 0.4, min_n: int = 30
) -> list[Finding]:
    """Does a feature stand in for a protected attribute?

    Each declared feature (`features`) against each protected column. A number: AUC of telling a group from the rest, the largest over
    groups and either way round, with DeLong's interval; eta squared and, for links that are not monotone, Cramer's V over ten bands
    with Bergsma's correction (2013) beside it. A text: Cramer's V. All features together: AUC of a cross-validated logistic model (5
    folds, up to 20,000 rows). Of more than 100,000 rows a seeded draw of so many is looked at. Importance in the model: mean change of
    its score when the feature is shuffled, or where the model itself is not there, the size of the coefficient in a linear fit of
    `score`. How far importance and link go together: Spearman's rank correlation. For a flagged feature: a permutation test within
    outcome strata. Names that often stand for origin or sex (zip, surname, nationality, language, ...) are reported whatever their
    link.
    A protected column that is a guess itself (BISG and the like) is declared in `[proxies.COLUMN]` of mlgov.toml: its `source`, its
    `error` (the share of cases it is wrong in) and where that number is from (`error_source`).

    fail: AUC at or over `auc_fail` or V at or over `v_fail`, and the feature in the top quarter of importance.
    warn: AUC at or over `auc_warn` or V at or over `v_warn`; all together at or over `auc_warn`; a name on the list. A flagged feature
    never passes; a declared guess, with its error.
    inconclusive: a protected column whose name or fractions say that it is a guess and that nobody declared, or without its error; a link
    that strong and no way to tell the importance; fewer than two groups of `min_n` rows; no rows with values.

    Source: house figures. Reg B as amended 2026 keeps proxies "designed or applied with the intention"; intent is for people to judge.

    Fix: Write the business justification, show AUC and AIR without the feature, or code it more coarsely.
    """
    roles = subject.roles
    beside = [*roles.protected, *([roles.outcome] if roles.outcome else [])]
    data = inputs(subject, list(dict.fromkeys(beside)), roles.score).drawn(MOST_ROWS)
    importance = _importance(subject, data)
    findings: list[Finding] = [*guessed(subject)]
    for column in roles.protected:
        groups = data.beside[column]
        details = {"column": column, "rows": data.rows, "sql": data.sql}
        if _large(groups, min_n) < 2:
            said = f"{column} has fewer than two groups of {min_n} rows: nothing can be told apart."
            findings.append(Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, details=details))
            continue
        links = {feature.name: link(feature, groups, min_n) for feature in data.features}
        strata = data.beside.get(roles.outcome)
        for feature in data.features:
            found = links[feature.name]
            findings.append(_judged(feature, groups, found, importance, strata, (auc_warn, auc_fail, v_warn, v_fail), details))
        findings.append(_together(data, groups, importance, links, auc_warn, min_n, details))
    return findings


def _large(groups: Classes, min_n: int) -> int:
    """How many groups have at least `min_n` rows."""
    import numpy as np

    return int((np.bincount(groups.codes[groups.known], minlength=1) >= max(1, min_n)).sum())


def link(feature: Feature, groups: Classes, min_n: int) -> Link | None:
    """The strongest link of a feature with a group of at least `min_n` rows; None where no row has both."""
    both = feature.known & groups.known
    if not both.any():
        return None
    if isinstance(feature, Quantity):
        return _number_link(feature.values[both], groups.codes[both], len(groups.texts), min_n)
    v, corrected = cramer(feature.codes[both], groups.codes[both])
    return Link(measure="V", value=v, interval=None, n=int(both.sum()), details={"cramer_v_corrected": corrected})


def _number_link(values: Numbers, inside: Codes, groups: int, min_n: int) -> Link | None:

    best: tuple[float, tuple[float, float] | None] | None = None
    for place in range(groups):
        positive = inside == place
        if min(int(positive.sum()), int((~positive).sum())) < min_n:
            continue
        area = auc(values, positive)
        area = area if area.value >= 0.5 else auc(-values, positive)
        if best is None or area.value > best[0]:
            best = area.value, area.interval()
    if best is None:
        return None
    corrected = cramer(_bands(values), inside)[1]
    details = {"eta_squared": eta_squared(values, inside), "cramer_v_of_bands": corrected}
    return Link(measure="AUC", value=best[0], interval=best[1], n=len(values), details=details)


def _bands(values: Numbers) -> Codes:
    """Ten bands with edges at the tenths; equal values are never parted."""
    import numpy as np

    edges = np.unique(np.quantile(values, np.linspace(0, 1, 11)))
    return np.searchsorted(edges[1:-1], values)


def cramer(one: Codes, other: Codes) -> tuple[float, float]:
    """Cramer's V of two classings (1946), and with Bergsma's correction for bias (2013)."""
    import numpy as np

    first, second = (np.unique(codes, return_inverse=True)[1] for codes in (one, other))
    rows, columns = int(first.max()) + 1, int(second.max()) + 1
    table = np.bincount(first * columns + second, minlength=rows * columns).reshape(rows, columns)
    n = int(table.sum())
    if min(rows, columns) < 2:
        return 0.0, 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    phi = float(((table - expected) ** 2 / expected).sum()) / n
    v = (phi / (min(rows, columns) - 1)) ** 0.5
    less = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1)) if n > 1 else 0.0
    smaller = min(rows - (rows - 1) ** 2 / max(1, n - 1), columns - (columns - 1) ** 2 / max(1, n - 1)) - 1
    return v, (less / smaller) ** 0.5 if smaller > 0 else 0.0


def eta_squared(values: Numbers, codes: Codes) -> float | None:
    """Share of a number's variance that lies between groups; None where it does not vary."""
    import numpy as np

    place = np.unique(codes, return_inverse=True)[1]
    whole = float(((values - values.mean()) ** 2).sum())
    n = np.bincount(place)
    means = np.bincount(place, values) / n
    return float((n * (means - values.mean()) ** 2).sum()) / whole if whole > 0 else None


def _importance(subject: Subject, data: Inputs) -> dict[str, float]:
    """Feature -> weight in the model; empty where neither the model nor its score can be looked at."""
    if subject.predict is not None and subject.local:
        return _shuffled(subject, subject.predict)
    return _fitted(data, data.score.values) if data.score else {}


def _shuffled(subject: Subject, predict: Callable[[object], Numbers]) -> dict[str, float]:
    import numpy as np
    import pyarrow as pa

    names = subject.roles.features
    table = subject.columns(*names).select(*names).limit(5000).to_pyarrow()
    before = np.asarray(predict(table), dtype=float)
    order = np.random.default_rng(SEED).permutation(table.num_rows)
    found: dict[str, float] = {}
    for place, name in enumerate(names):
        shuffled = table.set_column(place, name, table.column(name).take(pa.array(order)))
        found[name] = float(np.abs(np.asarray(predict(shuffled), dtype=float) - before).mean())
    return found if all(np.isfinite(value) for value in found.values()) else {}


def _fitted(data: Inputs, score: Numbers) -> dict[str, float]:
    import numpy as np

    rows = np.isfinite(score)
    if rows.sum() < 30 or score[rows].std() == 0:
        return {}
    blocks = [feature.block(rows) for feature in data.features]
    weights = np.linalg.lstsq(np.column_stack([np.ones(int(rows.sum())), *blocks]), score[rows], rcond=None)[0][1:]
    found: dict[str, float] = {}
    for feature, block in zip(data.features, blocks, strict=True):
        part, weights = weights[: block.shape[1]], weights[block.shape[1] :]
        found[feature.name] = float((block @ part).std())
    return found


def _judged(
    feature: Feature,
    groups: Classes,
    found: Link | None,
    importance: Mapping[str, float],
    strata: Classes | None,
    limits: tuple[float, float, float, float],
    details: Mapping[str, object],
) -> Finding:
    where, allowed = feature.name, f"AUC under {limits[0]:g}, V under {limits[2]:g}"
    if found is None:
        said = f"{feature.name} has too few values beside {groups.name} to tell."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, allowed=allowed, where=where, details=details)
    warn, fail = limits[:2] if found.measure == "AUC" else limits[2:]
    bands = found.details.get("cramer_v_of_bands")
    value_bands = bands if isinstance(bands, float) else 0.0
    flagged = found.value >= warn or value_bands >= limits[2]
    strong = found.value >= fail or value_bands >= limits[3]
    ranked = sorted(importance, key=lambda name: -importance[name])
    rank = ranked.index(feature.name) + 1 if feature.name in ranked else None
    top = rank is not None and rank <= -(-len(ranked) // 4)
    named = bool(NAMES.search(feature.name))
    place = f"number {rank} of {len(ranked)} in the model" if rank else "of unknown weight in the model"
    said = f"{feature.name} alone predicts {groups.name} with {found.measure} {found.value:.2f} and is {place}."
    if strong and rank is None:
        verdict, why = Verdict.INCONCLUSIVE, "Name the `score`, so that its weight can be told."
    elif strong and top:
        verdict, why = Verdict.FAIL, "Say why it is needed, or drop it."
    elif flagged or named:
        verdict, why = Verdict.WARN, "Say why it is needed, or drop it." if flagged else "Its name often stands for origin or sex."
    else:
        verdict, why = Verdict.PASS, ""
    more = {"within_outcome_p": within_strata(feature, groups, strata)} if flagged else {}
    return Finding(
        message=f"{said} {why}".strip(),
        verdict=verdict,
        measured=found.value,
        allowed=allowed,
        n=found.n,
        interval=found.interval,
        where=where,
        details={**details, "feature": feature.name, "measure": found.measure, "rank": rank, "importance": importance.get(feature.name)}
        | {"named": named, **found.details, **more},
    )


def within_strata(feature: Feature, groups: Classes, strata: Classes | None, draws: int = 200) -> float | None:
    """P of a link this strong when groups are shuffled within each outcome (seeded); None without outcomes or values."""
    import numpy as np

    if strata is None:
        return None
    rows = np.flatnonzero(groups.known & strata.known & feature.known)
    if len(rows) < 2:
        return None
    generator = np.random.default_rng(SEED)
    rows = generator.choice(rows, min(len(rows), JOINT_ROWS), replace=False)
    classes = _bands(feature.values[rows]) if isinstance(feature, Quantity) else feature.codes[rows]
    inside, outcome = groups.codes[rows], strata.codes[rows]
    seen = cramer(classes, inside)[0]
    at_least = 0
    for _ in range(draws):
        shuffled = inside.copy()
        for one in np.unique(outcome):
            part = np.flatnonzero(outcome == one)
            shuffled[part] = inside[generator.permutation(part)]
        at_least += cramer(classes, shuffled)[0] >= seen
    return (1 + at_least) / (1 + draws)


def _together(
    data: Inputs,
    groups: Classes,
    importance: Mapping[str, float],
    links: Mapping[str, Link | None],
    warn: float,
    min_n: int,
    details: Mapping[str, object],
) -> Finding:
    """All features as one predictor of the largest group against the rest."""
    import numpy as np

    generator = np.random.default_rng(SEED)
    rows = np.flatnonzero(groups.codes >= 0)
    rows = np.sort(generator.choice(rows, min(len(rows), JOINT_ROWS), replace=False))
    codes = groups.codes[rows]
    largest = int(np.bincount(codes).argmax())
    positive = codes == largest
    label = f"{groups.name} = {groups.texts[largest]}"
    if min(int(positive.sum()), int((~positive).sum())) < min_n:
        said = f"Too few rows to predict {label} from all features together."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=groups.name, details=details)
    columns = np.column_stack([feature.block(rows) for feature in data.features])
    area = auc(_cross_fitted(columns, positive), positive)
    overlap = _overlap(importance, links)
    shown = (
        ""
        if overlap is None
        else f" Rank correlation of the features' weight in the model and their link with {groups.name}: {overlap:+.2f}."
    )
    over = area.value >= warn
    return Finding(
        message=f"All {len(data.features)} features together predict {label} with AUC {area.value:.2f}.{shown}",
        verdict=Verdict.WARN if over else Verdict.PASS,
        measured=area.value,
        allowed=f"AUC under {warn:g}",
        n=len(rows),
        interval=area.interval(),
        where=groups.name,
        details={**details, "group": label, "overlap_spearman": overlap, "folds": 5},
    )


def _cross_fitted(columns: Numbers, positive: NDArray[np.bool_], folds: int = 5) -> Numbers:
    """Scores of each row by a logistic model that has not seen it; folds are seeded and hold each class in equal parts."""
    import numpy as np

    fold = np.zeros(len(positive), dtype=int)
    order = np.random.default_rng(SEED).permutation(len(positive))
    for one in (True, False):
        part = order[positive[order] == one]
        fold[part] = np.arange(len(part)) % folds
    score = np.zeros(len(positive))
    for place in range(folds):
        away = fold == place
        weights = fit_ridge(columns[~away], positive[~away], 1.0)
        score[away] = columns[away] @ weights[1:] + weights[0]
    return score


def _overlap(importance: Mapping[str, float], links: Mapping[str, Link | None]) -> float | None:
    """Spearman's correlation of weight in the model and strength of the link; None for fewer than three features."""
    pairs = [
        (importance[name], found.value if found.measure == "V" else 2 * found.value - 1)
        for name, found in links.items()
        if found and name in importance
    ]
    if len(pairs) < 3:
        return None
    import numpy as np
    from scipy.stats import rankdata

    first, second = (rankdata([pair[place] for pair in pairs]) for place in (0, 1))
    if first.std() == 0 or second.std() == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])
