"""Does the model still give the reasons it gave when it was let in?"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.divergence import filled, psi, psi_p
from mlgov_validators.profiles import Profile, open_reference
from mlgov_validators.samples import Ask, ask_here

if TYPE_CHECKING:
    from ibis.expr.types import Table

REASON = re.compile(r"reason_\d+")
MOST = 1000


@validator(
    "monitor.reasons",
    title="Explanation drift",
    needs=("table", "reference"),
    stricter={"warn": "lower", "fail": "lower", "alpha": "higher", "min_n": "higher"},
)
def reasons(subject: Subject, *, warn: float = 0.10, fail: float = 0.25, alpha: float = 0.01, min_n: int = 50) -> list[Finding]:
    """Are the reasons that people are given still those of the validation?

    The columns `reason_1`, `reason_2` … of both sides are read together: how often each reason is given, at whatever rank. PSI over the
    reasons; its p from PSI / (1/n + 1/m) ~ chi-square with B - 1 degrees of freedom, n and m the rows with a reason, so that several
    reasons of one row do not count as several rows. A reason the reference has under five rows of counts with "other".

    fail: PSI at least `fail` with p under `alpha`. warn: at least `warn`, likewise; a reason that is given in 1 % of rows and more and that
    the reference never had.
    inconclusive: no such column on either side; fewer than `min_n` rows with a reason; PSI at least `warn` that chance could make.
    Attributions (columns `phi_INPUT`) are numbers, so monitor.drift compares each.

    Source: PSI 0.10 and 0.25 by convention, Yurdakul 2018 for its distribution; 1 % is house.

    Fix: An input that moved, or a feed that sends a default, speaks up in the reasons first: look there.
    """
    reference = open_reference(subject.reference_path) if subject.reference_path else subject.reference
    table = subject.table
    then_names, now_names = _names(reference.columns), _names(table.columns)
    if not then_names or not now_names:
        side = "the reference" if not then_names else "the window"
        raise Missing(f"There is no column reason_1 in {side}, so reasons cannot be compared.", next="Keep the reasons beside the scores.")
    then, n = _of_profile(reference, then_names) if isinstance(reference, Profile) else _of_table(reference, then_names, ask_here(subject))
    now, m = _of_table(table, now_names, subject.ask)
    if min(n, m) < min_n:
        raise Missing(f"{n:,} rows of the reference and {m:,} of the window have a reason; {min_n} of each are needed.")
    known = {name for name, k in then.items() if k >= 5 and name != _OTHER}
    labels = sorted(known)
    first = (*(then[name] for name in labels), sum(k for name, k in then.items() if name not in known))
    second = (*(now[name] for name in labels), sum(k for name, k in now.items() if name not in known))
    return [_judged(labels, first, second, n, m, warn, fail, alpha), *_new(now, known, m)]


_OTHER = "\0other"


def _names(columns: object) -> list[str]:
    return sorted(name for name in columns if REASON.fullmatch(name))  # type: ignore[attr-defined]  # of a table or a mapping


def _of_profile(profile: Profile, names: list[str]) -> tuple[Counter[str], int]:
    found: Counter[str] = Counter()
    for name in names:
        one = profile.columns[name]
        found.update(dict(zip(one.grid.labels, one.side.counts, strict=False)))
        found[_OTHER] += sum(one.side.counts[len(one.grid.labels) :])
    return found, max(profile.columns[name].side.known for name in names)


def _of_table(table: Table, names: list[str], ask: Ask) -> tuple[Counter[str], int]:
    found: Counter[str] = Counter()
    rows = 0
    for name in names:
        x = table.select(r=table[name].cast("string")).filter(lambda t: t.r.notnull() & (t.r.strip() != ""))
        cells = ask(x.group_by("r").agg(k=lambda t: t.count()).limit(MOST + 1)).rows
        if len(cells) > MOST:
            raise Missing(f"{name} has more than {MOST:,} different values, so they are no reasons.")
        counts = {str(cell["r"]): int(str(cell["k"])) for cell in cells}
        found.update(counts)
        rows = max(rows, sum(counts.values()))
    return found, rows


def _judged(
    labels: list[str], first: tuple[int, ...], second: tuple[int, ...], n: int, m: int, warn: float, fail: float, alpha: float
) -> Finding:
    value = psi(first, second)
    p = None if value is None else psi_p(value, n, m, filled(first, second))
    if value is None or p is None:
        said = "One reason alone is given on both sides: nothing moved."
        return Finding(message=said, verdict=Verdict.PASS, measured=0.0, n=m)
    sure = p < alpha
    verdict = Verdict.PASS if value < warn else Verdict.INCONCLUSIVE if not sure else Verdict.FAIL if value >= fail else Verdict.WARN
    total, before = sum(second), sum(first)
    moves = {name: b / total - a / before for name, a, b in zip((*labels, "other"), first, second, strict=True)}
    name, change = max(moves.items(), key=lambda pair: abs(pair[1]))
    said = f"Reasons: PSI {value:.3f} over {len(labels)} reasons (limit {fail:g}, p {p:.3g}). {name[:60]}: {100 * change:+.0f} points."
    details = {"p": p, "reasons": [one[:60] for one in labels], "reference": list(first), "window": list(second)}
    return Finding(message=said, verdict=verdict, measured=value, allowed=f"under {fail:g}", n=m, details=details)


def _new(now: Counter[str], known: set[str], rows: int) -> list[Finding]:
    odd = {name: k for name, k in now.items() if name not in known and k >= max(5, 0.01 * rows)}
    return [
        Finding(
            message=f"{name[:80]!r} is given in {k:,} of {rows:,} rows and is no reason of the reference.", verdict=Verdict.WARN, n=rows
        )
        for name, k in sorted(odd.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    ]
