"""What does the model say to rows that should not reach it, and in the firm's own scenarios?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.contracts import contracts
from mlgov_validators.declared import number
from mlgov_validators.intervals import wilson
from mlgov_validators.probes import Probe, probe, raw_scores, scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

HUGE = 1e9


@validator(
    "robust.stress",
    title="Stress and edge cases",
    needs=("table", "predict"),
    version="1.1",
    uses=("features", "register"),
    stricter={"rows": "higher", "tolerance": "lower"},
    timeout=300.0,
)
def stress(subject: Subject, *, rows: int = 500, tolerance: float = 0.10) -> list[Finding]:
    """What does the model say to rows that should not reach it, and in the firm's own scenarios?

    The model itself is asked about at most `rows` rows. Each declared input in turn is missing; a numeric one is a billion, and minus a
    billion; lies outside its agreed range (`min`, `max` under [features] in mlgov.toml). Then all numeric inputs stand still at their
    first row's values, as a feed that stopped. `[scenarios.NAME]` in mlgov.toml holds the firm's own: `multiply`, `add` or `set`
    (tables of column = number) and its `tolerance`, the share of decisions that may change (`tolerance` of this check where it says
    none).

    fail: an answer that is no finite number; exactly 0 for every row where it was not before, which is a silent zero; an answer outside
    0..1 where all were inside; a scenario changes more decisions than its tolerance.
    warn: the model raises on such a row: whoever calls it must guard; it takes a value outside the agreed range like any other.
    inconclusive: the model cannot be asked at all; a scenario cannot be read, or no cutoff says when a decision changes.
    Load needs the service itself and is not measured here. Where mlgov.toml tells of a test of it, that is judged:

        [load]
        peak_messages = 900      # a second, the highest of six months;  tested_messages = 2000
        peak_trades = 40         # likewise;                             tested_trades = 80
        passed = true            # did it hold;  tested_on = 2026-11-02

    fail: tested with less than twice a peak, or it did not hold. inconclusive: a number is missing; nothing is told and `use` is
    algorithmic trading. Elsewhere it is said that load was not measured.

    Source: RTS 6 (Delegated Regulation (EU) 2017/589) Art 10 for the factor of two; the rest is house.

    Fix: Put a guard before the model that refuses what it was not built for, with a fallback.
    """
    asked = probe(subject, rows)
    findings = [*_edges(asked), *_outside(subject, asked), _stopped(asked), *_scenarios(subject, asked, tolerance)]
    return [*findings, *_load(subject)]


def _load(subject: Subject) -> Iterator[Finding]:
    """The test of load that the team tells of, against twice the peak of six months (RTS 6 Art 10)."""
    told: Mapping[str, object] = (subject.register or {}).get("load") or {}
    if not told:
        trades = "algorithmic trading" in subject.scope.use
        said = "Load was not measured: that needs the service, not the model." + (" Write [load] in mlgov.toml." if trades else "")
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE if trades else Verdict.NOT_APPLICABLE, where="load")
        return
    for what in ("messages", "trades"):
        peak, tested = number(told, f"peak_{what}"), number(told, f"tested_{what}")
        if not peak or tested is None or peak < 0:
            said = f"[load] does not say both peak_{what} and tested_{what}."
            yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where="load")
            continue
        said = f"Tested with {tested:,.0f} {what}; the peak of six months was {peak:,.0f}, and twice that is asked for."
        good = tested >= 2 * peak
        yield Finding(
            message=said, verdict=Verdict.PASS if good else Verdict.FAIL, measured=tested / peak, allowed="at least 2 peaks", where="load"
        )
    if told.get("passed") is not True:
        held = told.get("passed") is False
        said = "Under load it did not hold." if held else "[load] does not say whether it held (`passed`)."
        yield Finding(message=said, verdict=Verdict.FAIL if held else Verdict.INCONCLUSIVE, where="load")


def _edges(asked: Probe) -> Iterator[Finding]:
    """Missing and extreme values, each input by itself."""
    import numpy as np

    kinds = {"missing": np.nan, "a billion": HUGE, "minus a billion": -HUGE}
    calm = 0
    raised: dict[str, list[str]] = {}
    others = [name for name in asked.inputs if name not in asked.numbers]
    tables = {(name, word): asked.changed({name: np.full(len(asked.score), x)}) for name in asked.numbers for word, x in kinds.items()}
    tables |= {(name, "missing"): asked.without(name) for name in others}
    for (name, word), table in tables.items():
        told, verdict = _answer(asked, name, table, word)
        if verdict is Verdict.PASS:
            calm += 1
        elif verdict is Verdict.WARN:
            raised.setdefault(told, []).append(f"{name} {word}")
        else:
            yield Finding(message=told, verdict=verdict, allowed="refuse, or a score as any other", n=len(asked.score), where=name)
    for told, where in raised.items():
        shown = ", ".join(where[:4]) + (f" and {len(where) - 4} more" if len(where) > 4 else "")
        yield Finding(message=f"With {shown}: {told} Whoever calls it must guard.", verdict=Verdict.WARN, n=len(asked.score))
    if calm:
        total = len(tables)
        said = f"{calm} of {total} missing or extreme inputs get a finite score within the usual range"
        said += "." if calm == total else f"; the other {total - calm} are told apart."
        yield Finding(message=said, verdict=Verdict.PASS, measured=float(calm), n=total)


def _answer(asked: Probe, name: str, table: Any, word: str) -> tuple[str, Verdict]:  # pyarrow ships no types
    import numpy as np

    try:
        (score,) = raw_scores(asked.predict, [table])
    except Missing as refusal:
        return refusal.what.rstrip(".").replace("could not be asked", "raises") + ".", Verdict.WARN
    if not np.isfinite(score).all():
        return (
            f"With {name} {word} the model answers no finite number in {int((~np.isfinite(score)).sum()):,} of {len(score):,} rows.",
            Verdict.FAIL,
        )
    if (score == 0).all() and not (asked.score == 0).all():
        return f"With {name} {word} the model answers 0.00 instead of refusing.", Verdict.FAIL
    inside = asked.score.min() >= 0 and asked.score.max() <= 1
    if inside and (score.min() < 0 or score.max() > 1):
        return f"With {name} {word} the model answers {score.min():.3g} to {score.max():.3g}; scores lay in 0 to 1.", Verdict.FAIL
    return "", Verdict.PASS


def _outside(subject: Subject, asked: Probe) -> Iterator[Finding]:
    """Values outside the agreed range: a model without a guard takes them."""
    import numpy as np

    for name, rule in contracts(subject).items():
        if name not in asked.numbers:
            continue
        for word, limit, sign in (("under", rule.min, -1), ("over", rule.max, 1)):
            if limit is None:
                continue
            value = limit + sign * max(1.0, abs(limit))
            told, verdict = _answer(asked, name, asked.changed({name: np.full(len(asked.score), value)}), f"{value:g}")
            if verdict is Verdict.PASS:
                told, verdict = f"The model takes {name} = {value:g}, {word} the agreed {limit:g}, like any other value.", Verdict.WARN
            elif verdict is Verdict.WARN:
                told, verdict = f"The model refuses {name} = {value:g}.", Verdict.PASS
            yield Finding(message=told, verdict=verdict, allowed="refuse", n=len(asked.score), where=name)


def _stopped(asked: Probe) -> Finding:
    """Every numeric input stands still."""
    import numpy as np

    n = len(asked.score)
    columns = {name: np.full(n, asked.values(name)[0]) for name in asked.numbers}
    (score,) = scores(asked.predict, [asked.changed(columns)])
    if asked.cut is None:
        said = f"If every numeric input stood still, scores would lie in {score.min():.3f} to {score.max():.3f};"
        said += " no cutoff says which decisions change."
        return Finding(message=said, verdict=Verdict.NOT_APPLICABLE, n=n)
    k = int(asked.flips(score).sum())
    said = f"If every numeric input stood still, {k:,} of {n:,} decisions would be others. Only a check of the feed would notice."
    return Finding(message=said, verdict=Verdict.PASS, measured=k / n, n=n, interval=wilson(k, n))


def _scenarios(subject: Subject, asked: Probe, tolerance: float) -> Iterator[Finding]:
    told = (subject.register or {}).get("scenarios") or {}
    if not told:
        yield Finding(message="The firm has no scenario of its own: mlgov.toml has no [scenarios].", verdict=Verdict.NOT_APPLICABLE)
    for name, body in told.items():
        columns, allowed = _changed(name, body, asked, tolerance)
        (score,) = scores(asked.predict, [asked.changed(columns)])
        k, n = int(asked.flips(score).sum()), len(asked.score)
        rates = (asked.score >= (asked.cut or 0.0)).mean(), (score >= (asked.cut or 0.0)).mean()
        verdict = Verdict.FAIL if k > allowed * n else Verdict.PASS
        said = f"Scenario {name}: {k:,} of {n:,} decisions change ({allowed:.0%} allowed); favourable {rates[0]:.1%} become {rates[1]:.1%}."
        yield Finding(
            message=said, verdict=verdict, measured=k / n, allowed=f"at most {allowed:.0%}", n=n, interval=wilson(k, n), where=name
        )


def _changed(name: str, body: Any, asked: Probe, tolerance: float) -> tuple[dict[str, Numbers], float]:  # the team's TOML
    """The columns a scenario changes and its tolerance. Raises Missing for one that cannot be read."""
    import numpy as np

    if not isinstance(body, Mapping):
        raise Missing(f"[scenarios.{name}] in mlgov.toml is no table.", next="Mend mlgov.toml.")
    columns: dict[str, Numbers] = {}
    for how in ("multiply", "add", "set"):
        changes = body.get(how, {})
        for column, value in changes.items() if isinstance(changes, Mapping) else [(str(changes), None)]:
            if column not in asked.numbers or not isinstance(value, (int, float)) or isinstance(value, bool):
                raise Missing(
                    f"[scenarios.{name}] {how}s {str(column)[:40]} by {str(value)[:20]}.",
                    expected=f"Expected a number for one of {', '.join(asked.numbers[:8])}.",
                    next="Mend mlgov.toml.",
                )
            x = columns.get(column, asked.values(column))
            columns[column] = x * value if how == "multiply" else x + value if how == "add" else np.full(len(x), float(value))
    allowed = body.get("tolerance", tolerance)
    if not columns or not isinstance(allowed, (int, float)):
        raise Missing(
            f"[scenarios.{name}] in mlgov.toml changes nothing.", expected="Expected multiply, add or set.", next="Mend mlgov.toml."
        )
    return columns, min(float(allowed), 1.0)
