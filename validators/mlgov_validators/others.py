"""Do others decide as the model does: the simple model and the challenger beside it, and the people after it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.declared import word
from mlgov_validators.error_rates import cutoff
from mlgov_validators.intervals import wilson


@validator(
    "monitor.disagreement",
    title="Disagreement with challenger and baseline",
    needs=("table", "score"),
    uses=("baseline", "champion"),
    stricter={"warn": "lower", "fail": "lower", "max_missing": "lower", "min_n": "higher"},
)
def disagreement(subject: Subject, *, warn: float = 0.10, fail: float = 0.20, max_missing: float = 0.05, min_n: int = 50) -> list[Finding]:
    """In what share of rows would the baseline, or the model beside it, have decided otherwise?

    The scores in the columns `baseline` and `champion` of [subject] are cut where the model's is (`cutoff`). Rows without one of the two
    scores are left out and counted. It is a count where the data live; the interval is Wilson's.

    fail: the share is at least `fail`, its interval wholly over `warn`. warn: at least `warn`.
    inconclusive: fewer than `min_n` rows with both scores, or more than the share `max_missing` without; no cutoff; neither column named.

    Disagreement is no error: it says where one of two models must be wrong, before any outcome is known.

    Source: house figures.

    Fix: Look at the rows where they differ; they are the first to have their outcomes collected.
    """
    cut = cutoff(subject)
    if cut is None:
        raise Missing("Nobody named a cutoff, so nothing says what either would decide.", next="Declare `cutoff` under [subject].")
    names = tuple(dict.fromkeys(filter(None, (subject.roles.baseline, subject.roles.champion))))
    if not names:
        raise Missing("No score stands beside the model's.", next="Declare `baseline` or `champion` under [subject] in mlgov.toml.")
    return [_differing(subject, name, cut, warn, fail, max_missing, min_n) for name in names]


def _differing(subject: Subject, name: str, cut: float, warn: float, fail: float, most: float, min_n: int) -> Finding:
    table = subject.table
    if name not in table.columns:
        return Finding(message=f"{name} is not in the window.", verdict=Verdict.INCONCLUSIVE, where=name)
    x = table.select(a=table[subject.roles.score].cast("float64"), b=table[name].cast("float64"))
    gone = x.a.isnull() | x.a.isnan() | x.b.isnull() | x.b.isnan()
    other = ((x.a >= cut) != (x.b >= cut)) & ~gone
    answer = subject.ask(x.agg(rows=x.count(), gone=gone.cast("int64").sum(), k=other.fill_null(False).cast("int64").sum()))
    row = answer.rows[0]
    rows, left, k = (int(str(row[part] or 0)) for part in ("rows", "gone", "k"))
    n = rows - left
    if n < max(1, min_n) or left > most * rows:
        said = f"{n:,} of {rows:,} rows have both scores; {min_n} are needed, and at most {most:.0%} without."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, n=n, where=name)
    share, interval = k / n, wilson(k, n)
    sure = interval is not None and interval[0] > warn
    verdict = Verdict.FAIL if share >= fail and sure else Verdict.WARN if share >= warn else Verdict.PASS
    shown = f" (95% CI {interval[0]:.1%}-{interval[1]:.1%})" if interval else ""
    said = f"{name} would have decided {k:,} of {n:,} rows otherwise at {cut:g}: {share:.1%}{shown}."
    details = {"left_out": left, "sql": answer.sql, "p": _over(k, n, warn)}
    return Finding(
        message=said, verdict=verdict, measured=share, allowed=f"under {fail:.0%}", n=n, interval=interval, where=name, details=details
    )


def _over(k: int, n: int, share: float) -> float:
    """P of k or more of n, were the true share `share` (binomial)."""
    from scipy.stats import binom

    return float(binom.sf(k - 1, n, share))


@validator(
    "monitor.overrides",
    title="Override rates of a window",
    needs=("table",),
    uses=("register", "protected"),
    stricter={"low": "higher", "high": "lower", "gap": "lower", "min_n": "higher"},
)
def overrides(subject: Subject, *, low: float = 0.01, high: float = 0.30, gap: float = 0.10, min_n: int = 50) -> list[Finding]:
    """In what share of the decisions of this window did a person overrule the model, and of which group more often?

    `[monitoring.overrides]` names the column: `column = "overridden"`, a truth value or 0 and 1; null where nobody looked. Intervals are
    Wilson's.

    fail: the rate is over `high` with its whole interval, or under `low` with its whole interval: the model is not trusted, or nobody
    looks. warn: outside with its interval across; two groups of a protected column whose rates differ by `gap` or more, their intervals
    apart.
    inconclusive: no column is named or it is not in the window; values that are neither; fewer than `min_n` reviewed decisions.

    Source: house figures for AI Act Art 14(4)(b); Wilson 1927.

    Fix: Read a sample of the overruled cases with those who overruled: is it the model, the cutoff, or the training of people?
    """
    body = ((subject.register or {}).get("monitoring") or {}).get("overrides")
    name = word(body, "column") if isinstance(body, Mapping) else ""
    table = subject.table
    if not name:
        raise Missing("Nobody said which column holds overrides.", next='Say `column = "NAME"` under [monitoring.overrides] in mlgov.toml.')
    if name not in table.columns:
        raise Missing(f"{name}, the column of overrides, is not in the window.")
    if not (table[name].type().is_boolean() or table[name].type().is_numeric()):
        raise Missing(f"{name} is {str(table[name].type())[:40]}: neither a truth value nor 0 and 1.")
    k, n, odd = _counted(subject, name)
    if odd:
        raise Missing(f"{odd:,} values of {name} are neither 0 nor 1.")
    if n < max(1, min_n):
        raise Missing(f"{n:,} decisions of this window were reviewed; {min_n} are needed.")
    return [_rate(k, n, low, high, name), *_groups(subject, name, gap)]


def _counted(subject: Subject, name: str) -> tuple[int, int, int]:
    table = subject.table
    x = table.select(v=table[name].cast("int64") if table[name].type().is_boolean() else table[name])
    row = subject.ask(x.agg(n=x.v.count(), k=(x.v == 1).cast("int64").sum(), odd=((x.v != 0) & (x.v != 1)).cast("int64").sum())).rows[0]
    n, k, odd = (int(str(row[part] or 0)) for part in ("n", "k", "odd"))
    return k, n, odd


def _rate(k: int, n: int, low: float, high: float, where: str) -> Finding:
    rate, interval = k / n, wilson(k, n) or (0.0, 1.0)
    outside = not low <= rate <= high
    sure = interval[0] > high or interval[1] < low
    verdict = Verdict.FAIL if sure else Verdict.WARN if outside else Verdict.PASS
    said = f"People overruled {k:,} of {n:,} reviewed decisions: {rate:.1%} (95% CI {interval[0]:.1%}-{interval[1]:.1%})."
    return Finding(message=said, verdict=verdict, measured=rate, allowed=f"{low:.0%} to {high:.0%}", n=n, interval=interval, where=where)


def _groups(subject: Subject, name: str, gap: float) -> Iterator[Finding]:
    for protected in subject.roles.protected:
        table = subject.table
        if protected not in table.columns:
            continue
        x = table.select(g=table[protected].cast("string"), v=table[name].cast("int64")).filter(lambda t: t.v.notnull() & t.g.notnull())
        rows = subject.ask(x.group_by("g").agg(n=lambda t: t.count(), k=lambda t: t.v.sum()).order_by("g").limit(50)).rows
        cells = [(str(row["g"]), int(str(row["k"])), int(str(row["n"]))) for row in rows if int(str(row["n"])) >= 30]
        if len(cells) < 2:
            continue
        least, most = (pick(cells, key=lambda cell: cell[1] / cell[2]) for pick in (min, max))
        first, second = wilson(least[1], least[2]) or (0.0, 1.0), wilson(most[1], most[2]) or (0.0, 1.0)
        apart = most[1] / most[2] - least[1] / least[2]
        if apart >= gap and first[1] < second[0]:
            said = (
                f"{protected} = {most[0]} is overruled in {most[1] / most[2]:.1%}, {protected} = {least[0]} in {least[1] / least[2]:.1%}."
            )
            yield Finding(message=said, verdict=Verdict.WARN, measured=apart, allowed=f"under {gap:.0%}", where=protected)
