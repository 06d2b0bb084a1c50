"""Can a person talk the model round, can a few false labels bend it, does it give away whom it learned from?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.contracts import contracts
from mlgov_validators.intervals import wilson
from mlgov_validators.probes import SEED, Probe, probe, scores
from mlgov_validators.ranking import auc
from mlgov_validators.values import same, text_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MOST_LEARNED = 5000
STEPS = (-1.0, -0.5, 0.5, 1.0)


@validator(
    "robust.adversarial",
    title="Adversarial and poisoning checks",
    needs=("table", "predict"),
    uses=("features", "register", "splits", "label"),
    stricter={"most_evasion": "lower", "most_membership": "lower", "most_influence": "lower", "flipped": "higher", "rows": "higher"},
    timeout=300.0,
)
def adversarial(
    subject: Subject,
    *,
    most_evasion: float = 0.10,
    most_membership: float = 0.60,
    most_influence: float = 0.10,
    flipped: float = 0.05,
    rows: int = 1000,
) -> list[Finding]:
    """Can a person talk the model round, can a few false labels bend it, does it give away whom it learned from?

    Evasion: each refused row of at most `rows` is tried again with its mutable inputs (`mutable`, `change` under [features] in mlgov.toml)
    moved by half and by all of the share `change` allowed: one at a time, then all together, each in the direction that helped most. It
    counts when the decision turns. This search is a lower bound: a cleverer one may turn more.
    Membership: the AUC with which the model's own error (its distance from the true outcome) tells rows of `train` from rows of
    `test`. 0.5 gives nothing away.
    Label flips: a logistic model of the numeric inputs, not the model itself, is fitted on `train` twice, the second time with the share
    `flipped` of labels turned (fixed seed); how many of its decisions on `test` change.

    fail: a mutable input is not in the table.
    warn: more than `most_evasion` of refusals can be turned; membership AUC over `most_membership`; more than `most_influence` of the
    stand-in's decisions change.
    inconclusive: nobody said which inputs a person can change, or at which score a decision turns; no row is refused; no `train` and `test`
    tables with outcomes were kept.

    Source: the figures are house; Regulation (EU) 2024/1689 Art 15(5) names evasion, poisoning and confidentiality attacks. Membership
    by error: Yeom, Giacomelli, Fredrikson & Jha 2018.

    Fix: Verify or freeze the input that is named, limit how often a person can ask, regularise, and watch for it.
    """
    asked = probe(subject, rows)
    return [*_evasion(subject, asked, most_evasion), *_from_splits(subject, asked, most_membership, most_influence, flipped)]


def _evasion(subject: Subject, asked: Probe, most: float) -> list[Finding]:
    import numpy as np

    free = {name: rule.change for name, rule in contracts(subject).items() if rule.mutable}
    if not free:
        said = "Nobody said which inputs a person can change (`mutable = true` under [features] in mlgov.toml)."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE)]
    gone = [name for name in free if name not in asked.numbers]
    if gone:
        said = f"{gone[0]} is declared mutable and is no numeric input in the table."
        return [Finding(message=said, verdict=Verdict.FAIL, where=gone[0])]
    if asked.cut is None:
        return [
            Finding(
                message="Nobody said at which score a decision turns (`cutoff`), so nothing can be evaded.", verdict=Verdict.INCONCLUSIVE
            )
        ]
    refused = asked.score < asked.cut
    n = int(refused.sum())
    if n == 0:
        return [Finding(message=f"The model refuses none of {len(asked.score):,} rows: nothing to evade.", verdict=Verdict.INCONCLUSIVE)]
    turned, best, by = np.zeros(len(refused), dtype=bool), {}, {}
    for name, change in free.items():
        x = asked.values(name)
        tried = np.array(scores(asked.predict, [asked.changed({name: x + step * change * np.abs(x)}) for step in STEPS]))
        best[name] = x + np.array(STEPS)[tried.argmax(axis=0)] * change * np.abs(x)
        alone = refused & (tried.max(axis=0) >= asked.cut)
        by[name] = int(alone.sum())
        turned |= alone
    (together,) = scores(asked.predict, [asked.changed(best)])
    turned |= refused & (together >= asked.cut)
    k, first = int(turned.sum()), max(by, key=lambda name: by[name])
    said = (
        f"{k:,} of {n:,} refusals ({k / n:.1%}) turn to approval when {len(free)} mutable inputs are edited within their bounds;"
        f" {first} alone turns {by[first]:,}."
    )
    verdict = Verdict.WARN if k > most * n else Verdict.PASS
    return [
        Finding(
            message=said, verdict=verdict, measured=k / n, allowed=f"at most {most:.0%}", n=n, interval=wilson(k, n), where=first,
            details={"alone": by},
        )
    ]  # fmt: skip


def _from_splits(subject: Subject, asked: Probe, most_membership: float, most_influence: float, flipped: float) -> list[Finding]:
    if not {"train", "test"} <= set(subject.split_paths) or not subject.label:
        said = "No `train` and `test` tables with outcomes were kept: membership and label flips were not tried."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE)]
    sides = [_side(subject, name) for name in ("train", "test")]
    return [_membership(asked, sides, most_membership), _influence(subject, sides, most_influence, flipped)]


def _side(subject: Subject, name: Any) -> tuple[Any, NDArray[np.bool_]]:  # pyarrow ships no types
    """At most 5,000 rows of a split that have an outcome, evenly spaced, and which outcomes are favourable."""
    import numpy as np

    arrow = subject.split(name).to_pyarrow()
    if subject.label not in arrow.column_names:
        raise Missing(f"The {name} table has no column {subject.label}.", next="Keep the outcome in it.")
    texts = [text_of(value) for value in arrow.column(subject.label).to_pylist()]
    known = [place for place, text in enumerate(texts) if text is not None]
    if not known:
        raise Missing(f"The {name} table has no outcome.", next="Keep the outcome in it.")
    if len(known) > MOST_LEARNED:
        known = [known[place * len(known) // MOST_LEARNED] for place in range(MOST_LEARNED)]
    wanted = subject.roles.favourable or "1"
    return arrow.take(known), np.array([same(texts[place] or "", wanted) for place in known])


def _membership(asked: Probe, sides: list[tuple[Any, NDArray[np.bool_]]], most: float) -> Finding:
    import numpy as np

    predict = asked.predict
    answers = [scores(predict, [rows])[0] for rows, _ in sides]
    errors = [np.abs(good - score) for (_, good), score in zip(sides, answers, strict=True)]
    member = np.repeat([True, False], [len(errors[0]), len(errors[1])])
    area = auc(-np.concatenate(errors), member)
    interval = area.interval()
    verdict = Verdict.WARN if area.value > most else Verdict.PASS
    said = (
        f"The model's error tells training rows from test rows with AUC {area.value:.3f} (0.5 gives nothing away, {most:g} is the limit)."
    )
    return Finding(message=said, verdict=verdict, measured=area.value, allowed=f"at most {most:g}", n=len(member), interval=interval)


def _influence(subject: Subject, sides: list[tuple[Any, NDArray[np.bool_]]], most: float, flipped: float) -> Finding:
    """How many decisions of a stand-in change when labels are turned."""
    import numpy as np

    (train, good), (test, _) = sides
    names = _inputs(subject, train, test)
    counts = int(good.sum()), int((~good).sum())
    if not names or min(counts) < 10:
        said = f"The stand-in needs numeric inputs and ten outcomes of each kind; it has {len(names)}, {counts[0]} and {counts[1]}."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE)
    x, other = (_matrix(rows, names) for rows in (train, test))
    centre, scale = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    x, other = (x - centre) / scale, (other - centre) / scale
    bent = good.copy()
    chosen = np.random.default_rng(SEED).choice(len(good), max(1, round(flipped * len(good))), replace=False)
    bent[chosen] = ~bent[chosen]
    from sklearn.linear_model import LogisticRegression

    decisions = [LogisticRegression(max_iter=500).fit(x, label).predict(other) for label in (good, bent)]
    k, n = int((decisions[0] != decisions[1]).sum()), len(other)
    said = f"With {flipped:.0%} of training labels turned, a logistic stand-in for the model decides {k:,} of {n:,} test rows otherwise."
    verdict = Verdict.WARN if k > most * n else Verdict.PASS
    return Finding(message=said, verdict=verdict, measured=k / n, allowed=f"at most {most:.0%}", n=n, interval=wilson(k, n))


def _inputs(subject: Subject, train: Any, test: Any) -> list[str]:  # pyarrow ships no types
    import pyarrow as pa

    roles = subject.roles
    left = {subject.label, roles.outcome, roles.score, roles.baseline, roles.key, roles.time}
    names = [name for name in (roles.features or train.column_names) if name in train.column_names and name in test.column_names]
    kinds = (pa.types.is_floating, pa.types.is_integer)
    return [name for name in names if name not in left and any(kind(train.schema.field(name).type) for kind in kinds)]


def _matrix(rows: Any, names: list[str]) -> Numbers:  # pyarrow ships no types
    """The columns as doubles; what has no finite value gets 0."""
    import numpy as np

    columns = [np.asarray(rows.column(name).cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64) for name in names]
    return np.nan_to_num(np.column_stack(columns), nan=0.0, posinf=0.0, neginf=0.0)
