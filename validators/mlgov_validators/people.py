"""Do the people who oversee the model change anything, and is what comes from others understood?"""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mlgov.sdk import Finding, Subject, Verdict, validator
from mlgov_validators.declared import absent, number, parts, word
from mlgov_validators.intervals import wilson

_PACK = ("documents", "own_outcomes", "change_notices", "exit_plan", "licence", "provenance")


@validator(
    "human.oversight",
    title="Human review effectiveness",
    version="1.1",
    needs=("register",),
    stricter={"caught": "higher", "seconds": "higher"},
)
def oversight(subject: Subject, *, low: float = 0.01, high: float = 0.30, seconds: float = 10.0, caught: float = 0.80) -> list[Finding]:
    """Do reviewers override in a believable share of cases, take their time, and catch errors that were planted?

    `[oversight]`: `reviewed`, `overridden` (counts), `median_seconds`, `planted`, `caught` (counts), `stop_tested` (a date); and of the
    overridden, `to_favourable` and `to_unfavourable` (counts). The interval is Wilson's at 95 %.

    fail: under `caught` of the planted errors were caught, or none were planted. warn: the override rate is under `low` or over `high`,
    or the median review is under `seconds`, or ten overrides and more all went one way. inconclusive: no case was reviewed, or counts
    contradict each other. Unchecked: no [oversight].

    Source: house figures for AI Act Art 14(4)(b) and (e) and GDPR Art 22(3); Wilson 1927.

    Fix: Training, a first opinion without the score, less workload; then plant errors again.
    """
    body = subject.declared("oversight")
    reviewed, overridden = number(body, "reviewed"), number(body, "overridden")
    if not reviewed or overridden is None or not 0 <= overridden <= reviewed:
        return [Finding(message="No reviewed cases are told, or their counts contradict each other.", verdict=Verdict.INCONCLUSIVE)]
    return [
        _overrides(int(overridden), int(reviewed), low, high),
        _ways(body, int(overridden)),
        _time(number(body, "median_seconds"), seconds),
        _seeded(body, caught),
        _stop(body),
    ]


def _overrides(k: int, n: int, low: float, high: float) -> Finding:
    rate = k / n
    said = f"Reviewers changed {k:,} of {n:,} decisions ({rate:.1%})."
    verdict = Verdict.PASS if low <= rate <= high else Verdict.WARN
    return Finding(
        message=said, verdict=verdict, measured=rate, allowed=f"{low:.0%} to {high:.0%}", n=n, interval=wilson(k, n), where="overrides"
    )


def _ways(body: Mapping[str, object], overridden: int) -> Finding:
    """Do people change decisions both ways? Those who only ever refuse, or only ever let pass, follow a rule of their own."""
    up, down = number(body, "to_favourable"), number(body, "to_unfavourable")
    if up is None or down is None:
        said = "It is not told which way decisions were changed (`to_favourable`, `to_unfavourable`)."
        return Finding(message=said, verdict=Verdict.NOT_APPLICABLE, where="ways")
    if min(up, down) < 0 or up + down != overridden:
        said = f"{up:.0f} and {down:.0f} changes do not add up to the {overridden} that are told."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where="ways")
    one_way = min(up, down) == 0 and overridden >= 10
    said = f"{up:.0f} decisions were changed to favourable, {down:.0f} to unfavourable." + (" All went one way." if one_way else "")
    share = up / overridden if overridden else None
    verdict = Verdict.WARN if one_way else Verdict.PASS
    interval = wilson(int(up), overridden)
    return Finding(message=said, verdict=verdict, measured=share, allowed="both ways", n=overridden, interval=interval, where="ways")


def _time(median: float | None, least: float) -> Finding:
    if median is None:
        return Finding(message="Nobody measured how long a review takes.", verdict=Verdict.INCONCLUSIVE, where="time")
    verdict = Verdict.PASS if median >= least else Verdict.WARN
    return Finding(
        message=f"The median review takes {median:g} s.", verdict=verdict, measured=median, allowed=f"at least {least:g} s", where="time"
    )


def _seeded(body: Mapping[str, object], least: float) -> Finding:
    planted, caught = number(body, "planted"), number(body, "caught")
    if not planted or caught is None or not 0 <= caught <= planted:
        return Finding(message="No errors were planted, so nothing shows that one would be caught.", verdict=Verdict.FAIL, where="seeded")
    rate = caught / planted
    said = f"{caught:.0f} of {planted:.0f} planted errors were caught."
    verdict = Verdict.PASS if rate >= least else Verdict.FAIL
    interval = wilson(int(caught), int(planted))
    return Finding(
        message=said, verdict=verdict, measured=rate, allowed=f"at least {least:.0%}", n=int(planted), interval=interval, where="seeded"
    )


def _stop(body: Mapping[str, object]) -> Finding:
    tested = word(body, "stop_tested")
    if not tested:
        return Finding(message="The stop function was never tried.", verdict=Verdict.FAIL, where="stop")
    return Finding(message=f"The stop function was tried on {tested}.", verdict=Verdict.PASS, where="stop")


@validator("vendor.thirdparty", title="Third-party model and data", needs=("register",))
def third_party(subject: Subject) -> list[Finding]:
    """Is there a whole pack for everything that comes from others: documents, own outcomes, notices, exit, licence, provenance?

    `[vendors.NAME]`: `documents`, `own_outcomes`, `change_notices`, `exit_plan`, `licence`, `provenance`, each a sentence or a place.
    A team that uses nothing of others writes `[vendors.none]` with `confirmed_by`.

    fail: something is missing at tier 1 or 2. warn: at tier 3. inconclusive: never. Unchecked: there is no [vendors].

    Source: SR 26-2 sec VII; SS1/23 principle 2.6; DORA (recalled, to be checked).

    Fix: Obtain the pack; run perf.backtest on your own outcomes.
    """
    found = parts(subject, "vendors")
    grave = Verdict.FAIL if subject.tier in (1, 2) else Verdict.WARN
    if [name for name, _ in found] == ["none"]:
        who = word(found[0][1], "confirmed_by")
        said = f"{who} confirmed that nothing of others is used." if who else "Nobody stands for the word that nothing of others is used."
        return [Finding(message=said, verdict=Verdict.PASS if who else grave)]
    return [_vendor(name, body, grave) for name, body in found if name != "none"]


def _vendor(name: str, body: Mapping[str, object], grave: Verdict) -> Finding:
    missing = absent(body, _PACK)
    have = len(_PACK) - len(missing)
    said = f"{name}: {have} of {len(_PACK)} parts of the pack" + (f"; missing: {', '.join(missing)}." if missing else ".")
    return Finding(
        message=said, verdict=grave if missing else Verdict.PASS, measured=have / len(_PACK), allowed="1.00", n=len(_PACK), where=name
    )
