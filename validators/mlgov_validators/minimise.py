"""Does the model need each personal column it has: what is loaded and never used, and what is used without gain."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Subject, Unanswered, Verdict, validator
from mlgov_validators.patterns import says_personal

if TYPE_CHECKING:
    import numpy as np
    from ibis.expr.types import Table
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

MOST_ROWS = 20_000
FOLDS, REPEATS = 5, 3
GAIN = 0.001


@validator(
    "priv.minimise",
    title="Data minimisation",
    needs=("table", "features", "label"),
    uses=("register", "splits", "protected", "outcome", "score", "baseline", "time", "key", "legitimate"),
    stricter={"k": "higher"},
    timeout=180.0,
)
def minimisation(subject: Subject, *, seconds: float = 60.0, k: int = 5) -> list[Finding]:
    """Is every personal column in the training extract a feature, and does the model lose anything without it?

    Personal: `declared_personal` under [subject], `columns` under [personal], and columns whose name says so. Looked at: `train` under
    [subject], else the subject's table. For each personal feature a gradient-boosted model is fitted with and without it, on the same
    3 x 5 stratified folds (at most 20,000 rows, those with the smallest MD5 of their content). The loss of AUC has the corrected
    resampled standard error of Nadeau and Bengio: s * sqrt(1/15 + 1/4). A loss under one standard error and under 0.001 shows no
    need. `quasi` under [personal] names columns that together tell people apart: the smallest group of them is k.

    fail: a personal column that is in the extract and neither feature nor role (label, time, key, protected, score, baseline).
    warn: a personal feature without shown gain; a smallest group under `k`.
    inconclusive: the label has not two values; the time of `seconds` was over before a feature was measured.

    Source: GDPR Art 5(1)(c), 25(1); Nadeau & Bengio, Machine Learning 52 (2003) 239-281; 0.001 and k = 5 are house figures.

    Fix: Select columns when the data are read; drop what shows no gain, or write why it is needed (GDPR.5.1c); make coarser groups.
    """
    table = subject.split("train") if "train" in subject.split_paths else subject.table
    declared = _declared(subject)
    wanted = {*subject.roles.declared_personal, *_texts(declared.get("columns"))}
    personal = [column for column in table.columns if column in wanted or says_personal(column)]
    features = [column for column in subject.roles.features if column in table.columns]
    used = [column for column in personal if column in features]
    findings = [*_unused(subject, personal, len(table.columns)), *_groups(subject, table, _texts(declared.get("quasi")), k)]
    if used:
        findings += _gains(subject, table, features, used, seconds)
    else:
        findings.append(
            Finding(message=f"None of {len(features)} features is personal.", verdict=Verdict.PASS, measured=0.0, n=len(features))
        )
    return findings


def _declared(subject: Subject) -> Mapping[str, object]:
    try:
        return subject.declared("personal")
    except Unanswered:
        return {}


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _unused(subject: Subject, personal: list[str], number: int) -> Iterator[Finding]:
    roles = subject.roles
    parts = {
        *roles.features,
        *roles.protected,
        subject.label,
        roles.outcome,
        roles.score,
        roles.baseline,
        roles.time,
        roles.key,
        *roles.legitimate,
    }
    idle = [column for column in personal if column not in parts]
    said = f"{len(idle)} personal columns were loaded and never used" + (f": {', '.join(idle[:10])}." if idle else ".")
    verdict = Verdict.FAIL if idle else Verdict.PASS
    yield Finding(message=said, verdict=verdict, measured=float(len(idle)), allowed="0", n=number, details={"columns": idle[:100]})


def _groups(subject: Subject, table: Table, quasi: list[str], k: int) -> Iterator[Finding]:
    absent = [column for column in quasi if column not in table.columns]
    if absent:
        said = f"[personal] quasi names {', '.join(absent)}, which the table has not; no group was counted."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE)
    elif quasi:
        sizes = table.group_by(quasi).aggregate(size=table.count())
        row = subject.ask(sizes.aggregate(least=sizes.size.min(), small=(sizes.size < k).ifelse(1, 0).sum(), groups=sizes.count())).rows[0]
        least = int(str(row["least"] or 0))
        said = f"The smallest of {row['groups']:,} groups by {', '.join(quasi)} has {least} rows; {row['small']:,} have fewer than {k}."
        yield Finding(message=said, verdict=Verdict.WARN if least < k else Verdict.PASS, measured=float(least), allowed=f"at least {k}")


# -- with and without a column ----------------------------------------------------------------------------------------


def _gains(subject: Subject, table: Table, features: list[str], used: list[str], seconds: float) -> list[Finding]:
    matrix, label = _sample(subject, table, features)
    until = time.monotonic() + seconds
    whole = _aucs(matrix, label, until)
    findings: list[Finding] = []
    for column in used:
        others = [place for place, name in enumerate(features) if name != column]
        rest = _aucs(matrix[:, others], label, until) if whole is not None and others else None
        if whole is None or (rest is None and others):
            said = f"The {seconds:g} s were over before {column} was measured, so its need is not known."
            findings.append(Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, n=len(label)))
        else:
            findings.append(_gain(column, whole, rest, len(label)))
    idle = sum(one.verdict is Verdict.WARN for one in findings)
    said = f"{len(used)} personal features were looked at; {idle} were used without measurable gain."
    verdict = Verdict.PASS if any(one.verdict is not Verdict.INCONCLUSIVE for one in findings) else Verdict.INCONCLUSIVE
    return [*findings, Finding(message=said, verdict=verdict, measured=float(idle), allowed="0", n=len(used))]


def _gain(column: str, whole: Matrix, rest: Matrix | None, rows: int) -> Finding:
    losses = whole - (rest if rest is not None else 0.5)
    loss = float(losses.mean())
    error = float(losses.std(ddof=1) * (1 / len(losses) + 1 / (FOLDS - 1)) ** 0.5)
    needed = not (abs(loss) < error and abs(loss) < GAIN) and loss > 0
    said = (
        f"Without {column} the AUC falls by {loss:.4f} (standard error {error:.4f})"
        if loss > 0
        else f"Without {column} the AUC does not fall"
    )
    said += "." if needed else ": no need is shown."
    verdict = Verdict.PASS if needed else Verdict.WARN
    interval = (loss - 1.96 * error, loss + 1.96 * error)
    return Finding(
        message=said, verdict=verdict, measured=loss, allowed=f"{GAIN} or one standard error", n=rows, interval=interval, where=column
    )


def _sample(subject: Subject, table: Table, features: list[str]) -> tuple[Matrix, NDArray[np.int64]]:
    """Features as numbers (words by their place in order, missing as NaN) and the label as 0 and 1, of at most MOST_ROWS rows."""
    import ibis
    import numpy as np

    if subject.label not in table.columns:
        raise Missing(f"The table that was learned from has no column {subject.label!r}.")
    rows = table.filter(table[subject.label].notnull()).select(*features, mlgov_label=table[subject.label].cast("string"))
    content = ibis.literal("").join([rows[name].cast("string").fill_null("") + ibis.literal("\x1f") for name in rows.columns])
    found = subject.ask(rows.order_by([content.hexdigest("md5"), content]).limit(MOST_ROWS)).rows
    values = sorted({str(row["mlgov_label"]) for row in found})
    if len(values) != 2:
        raise Missing(f"The label {subject.label} has {len(values)} different values; an AUC needs two.")
    label = np.array([values.index(str(row["mlgov_label"])) for row in found])
    if min(label.sum(), len(label) - label.sum()) < FOLDS:
        raise Missing(f"The rarer value of {subject.label} has under {FOLDS} rows, too few for {FOLDS} folds.")
    return np.column_stack([_numbers([row[name] for row in found]) for name in features]), label


def _numbers(column: list[Any]) -> Matrix:
    import numpy as np

    try:
        return np.array([float("nan") if one is None else float(one) for one in column])
    except (TypeError, ValueError):
        order = {word: place for place, word in enumerate(sorted({str(one) for one in column if one is not None}))}
        return np.array([float("nan") if one is None else float(order[str(one)]) for one in column])


def _aucs(matrix: Matrix, label: NDArray[np.int64], until: float) -> Matrix | None:
    """The AUC of each fold, on folds that depend on the rows alone; None when the time is over."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import RepeatedStratifiedKFold
    from threadpoolctl import threadpool_limits

    found: list[float] = []
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    for learn, test in folds.split(matrix, label):
        if time.monotonic() > until:
            return None
        model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=0)
        # One thread: on a busy machine threads that wait for each other cost a hundred times the fit.
        with threadpool_limits(limits=1):
            model.fit(matrix[learn], label[learn])
            scores = model.predict_proba(matrix[test])[:, 1]
        found.append(float(roc_auc_score(label[test], scores)))
    return np.array(found)
