"""Is what came in a window shaped as what the model was let in on, and as much as usual?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.declared import number
from mlgov_validators.profiles import Profile, open_reference
from mlgov_validators.samples import kind_of

FEWEST = 5  # earlier windows from which a usual volume is told


@validator("monitor.schema", title="Schema of a window", needs=("table", "reference"), timeout=120.0)
def schema(subject: Subject) -> list[Finding]:
    """Has the window every column of the reference, of the same kind?

    Kinds are number, text, time and others, as the engine reads them; widths do not count (int32 and float64 are numbers). The label and
    the outcome may be missing: they mature later.

    fail: a column of the reference is not in the window; a column is of another kind. Where one is lost and one is new of the same kind,
    both are named: it may have been renamed.
    warn: a column is in the window and was not in the reference.

    Source: house.

    Fix: Mend the feed. A model that lost an input answers from a default, or not at all.
    """
    reference = open_reference(subject.reference_path) if subject.reference_path else subject.reference
    before = _kinds_then(reference) if isinstance(reference, Profile) else {name: _kind(reference, name) for name in reference.columns}
    table = subject.table
    now = {name: _kind(table, name) for name in table.columns}
    later = {subject.label, subject.roles.outcome} - {""}
    lost = [name for name in before if name not in now and name not in later]
    new = [name for name in now if name not in before and name not in later]
    findings = [_lost(name, [other for other in new if now[other] == before[name]]) for name in lost]
    findings += [
        Finding(message=f"{name} was {before[name]} and is {now[name]}.", verdict=Verdict.FAIL, allowed=before[name], where=name)
        for name in now
        if name in before and before[name] != now[name]
    ]
    findings += [Finding(message=f"{name} is new: the reference has no such column.", verdict=Verdict.WARN, where=name) for name in new]
    said = f"{len(before) - len(lost)} of {len(before)} columns of the reference are there, of the same kind."
    return findings or [Finding(message=said, verdict=Verdict.PASS, measured=0.0, allowed="every column", n=len(before))]


def _kinds_then(profile: Profile) -> dict[str, str]:
    kinds = {name: "text" if one.kind == "category" else "number" for name, one in profile.columns.items()}
    return {**kinds, **{name: "time" if "time" in why else "other" for name, why in profile.skipped.items()}}


def _kind(table: object, name: str) -> str:
    kind = kind_of(table, name)
    return {"category": "text", "number": "number"}.get(kind, "time" if "time" in kind else "other")


def _lost(name: str, likely: list[str]) -> Finding:
    more = f" New of the same kind: {', '.join(likely[:3])}; was it renamed?" if likely else ""
    return Finding(
        message=f"{name} is in the reference and not in the window.{more}", verdict=Verdict.FAIL, allowed="every column", where=name
    )


@validator(
    "monitor.volume",
    title="Volume of a window",
    needs=("table",),
    uses=("records", "register"),
    stricter={"low": "higher", "high": "lower", "alpha": "higher"},
)
def volume(subject: Subject, *, low: float = 0.5, high: float = 2.0, alpha: float = 0.001) -> list[Finding]:
    """Did as many rows come as usual?

    `[monitoring.volume]` may say `least` and `most` rows of a window. Else the rows of earlier windows of the same model are the measure
    (`monitor.ran` in the trail, each table once): at least five, their median.

    fail: fewer than `least` or more than `most`; or under `low` or over `high` times the median, where that is beyond chance (a Poisson
    count with the spread of the earlier windows, two-sided normal p under `alpha`).
    inconclusive: neither limits nor five earlier windows.

    Source: house.

    Fix: Look whether the feed stopped, came twice, or the population changed; then say new limits in a commit.
    """
    rows = int(str(subject.ask(subject.table.aggregate(k=subject.table.count())).rows[0]["k"]))
    body = ((subject.register or {}).get("monitoring") or {}).get("volume")
    least, most = (number(body, "least"), number(body, "most")) if isinstance(body, Mapping) else (None, None)
    if least is not None or most is not None:
        return [_limited(rows, least, most)]
    earlier = _earlier(subject)
    if len(earlier) < FEWEST:
        raise Missing(
            f"{rows:,} rows came, and {len(earlier)} earlier windows are too few to say what is usual ({FEWEST} are needed).",
            next="Say `least` and `most` under [monitoring.volume] in mlgov.toml.",
        )
    usual = statistics.median(earlier)
    spread = 1.4826 * statistics.median(abs(one - usual) for one in earlier)  # of a normal distribution (Hampel 1974)
    deviation = max(spread, math.sqrt(max(usual, 1.0)))
    p = math.erfc(abs(rows - usual) / deviation / math.sqrt(2))
    off = not low * usual <= rows <= high * usual and p < alpha
    said = f"{rows:,} rows came; usual is {usual:,.0f} (median of {len(earlier)} windows)."
    allowed = f"{low:g} to {high:g} times the usual"
    return [Finding(message=said, verdict=Verdict.FAIL if off else Verdict.PASS, measured=float(rows), allowed=allowed, details={"p": p})]


def _limited(rows: int, least: float | None, most: float | None) -> Finding:
    off = (least is not None and rows < least) or (most is not None and rows > most)
    allowed = " and ".join(
        ([f"at least {least:,.0f}"] if least is not None else []) + ([f"at most {most:,.0f}"] if most is not None else [])
    )
    said = f"{rows:,} rows came; {allowed} were agreed."
    return Finding(message=said, verdict=Verdict.FAIL if off else Verdict.PASS, measured=float(rows), allowed=allowed)


def _earlier(subject: Subject) -> list[int]:
    acts = subject.records.about("monitor.ran") if subject.records is not None else ()
    tables = {act.payload.get("table"): act.payload.get("rows") for act in acts if act.payload.get("table") != subject.ref.table}
    return [rows for rows in tables.values() if isinstance(rows, int) and rows > 0]
