"""Did the canary hold, were limits set before the start, do rollback and kill switch work?

What happened is read from acts of the trail (acts.ACTS).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlgov.sdk import Act, Finding, Missing, Subject, Unanswered, Verdict, validator
from mlgov_validators.acts import days_since, last, records_of
from mlgov_validators.declared import number, word


@validator("deploy.canary", title="Canary statistics", version="1.1", needs=("records",), stricter={"alpha": "higher", "srm": "higher"})
def canary(subject: Subject, *, alpha: float = 0.01, srm: float = 0.001) -> list[Finding]:
    """Did the canary split traffic as planned, harm nobody, and end no worse than what it replaces?

    Reads the last `canary.judged`: `srm_p` (chi-square of the split), `harm_p` (always-valid p of the worst guardrail, after Holm),
    `noninferior` and `final` of the group-sequential end. The statistics themselves are those of the rollout room; their units are
    customers, each counted once. Beside them stands the rate of adverse decisions a request (`requests`), with a standard error
    clustered by customer (linearisation, Cochran 1977 sec. 6.3) and Kish's design effect (1965); it decides nothing, for looking
    again and again is not in it.

    fail: the split is not as planned (p under `srm`), a guardrail is harmed (p under `alpha`), or the end is not non-inferior.
    warn: the rates a request are three clustered standard errors apart or more. inconclusive: no canary ran, it has not ended, or a
    number is missing.

    Source: Johari et al. 2017 and 2022 (mSPRT); O'Brien and Fleming 1979; Lan and DeMets 1983; alpha and srm are house.

    Fix: Roll back, find out why, and start a new canary.
    """
    act = last(subject, "canary.judged")
    if act is None:
        raise Missing("No canary ran.", next="Start one before production.")
    split, harm = number(act.payload, "srm_p"), number(act.payload, "harm_p")
    if split is None or harm is None or not (0 <= split <= 1 and 0 <= harm <= 1):
        raise Missing("The canary's record has no p-value for its split and its guardrails.")
    guard = word(act.payload, "guardrail") or "the worst guardrail"
    return [
        Finding(
            message=f"Split as planned: p = {split:.2g}.",
            verdict=_under(split, srm),
            measured=split,
            allowed=f"at least {srm:g}",
            where="split",
        ),
        Finding(
            message=f"Harm to {guard}: p = {harm:.2g}.",
            verdict=_under(harm, alpha),
            measured=harm,
            allowed=f"at least {alpha:g}",
            where=guard,
        ),
        *_requests(act.payload),
        _ended(act.payload),
    ]


FAR = 3.0  # clustered standard errors


def _requests(payload: Mapping[str, object]) -> Iterator[Finding]:
    """The rate of adverse decisions a request; nothing where the record tells none."""
    told = payload.get("requests")
    if not isinstance(told, Mapping) or not told:
        return
    rates, clusters, counted = told.get("rates"), told.get("clusters"), told.get("counted")
    error, effect = number(told, "standard_error"), number(told, "design_effect")
    if error is None or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in (rates, clusters, counted)):
        yield Finding(message="What is recorded of requests cannot be read.", verdict=Verdict.INCONCLUSIVE, where="requests")
        return
    (before, now), people, asked = (float(x) for x in rates), sum(clusters), sum(counted)  # type: ignore[union-attr,arg-type]  # seen above
    gap = now - before
    far = abs(gap) >= FAR * error and gap != 0
    said = (
        f"Adverse decisions a request: {now:.2%} against {before:.2%}, {gap:+.2%} with a standard error of {error:.2%} "
        "clustered by customer "
        f"({asked:,} requests of {people:,} customers{f'; design effect {effect:.2f}' if effect is not None else ''})."
    )
    yield Finding(
        message=said + (f" That is {FAR:g} standard errors or more; the tests above count customers." if far else ""),
        verdict=Verdict.WARN if far else Verdict.PASS,
        measured=gap,
        interval=(gap - 1.959964 * error, gap + 1.959964 * error),
        n=asked,
        allowed=f"within {FAR:g} standard errors",
        where="requests",
        details={"standard_error": error, "design_effect": effect, "customers": people, "requests": asked},
    )


def _under(value: float, limit: float) -> Verdict:
    return Verdict.FAIL if value < limit else Verdict.PASS


def _ended(payload: Mapping[str, object]) -> Finding:
    if payload.get("final") is not True:
        return Finding(
            message="The canary has not ended, so it does not say yet that the model is no worse.",
            verdict=Verdict.INCONCLUSIVE,
            where="end",
        )
    good = payload.get("noninferior") is True
    said = "At its end the model is no worse." if good else "At its end the model was not shown to be no worse."
    return Finding(message=said, verdict=Verdict.PASS if good else Verdict.FAIL, where="end")


@validator("deploy.limits", title="Pre-set deployment limits", version="1.1", needs=("records",), uses=("register",))
def limits(subject: Subject) -> list[Finding]:
    """Were limits set before the start, left alone since, and never breached?

    `[limits]` of mlgov.toml holds them; `limits.set` in the trail signs them; `rollout.started` is the start; `limits.breached` a breach.

    `breaker.switched` is a limit of serving that broke (errors, latency, outputs): the baseline answers while the breaker is open.

    fail: a start without limits, limits set after it, a breach, or a breaker that stands open. warn: a breaker that opened since the last
    start and closed again. inconclusive: limits are written and nobody signed them.
    Unchecked: no limits are written and nothing was started.

    Which limits they are (price collars, value, volume and messages of RTS 6 Art 15, Art 8(a)-(d)) is for the person who signs them; what
    breaches them is told by whoever serves the model.

    Source: RTS 6 Art 8 and 15; SR 26-2 sec V.1.

    Fix: Stop; set and sign the limits; ask for a new approval.
    """
    records = records_of(subject)
    signed, started, breaches = records.about("limits.set"), records.about("rollout.started"), records.about("limits.breached")
    declared = (subject.register or {}).get("limits")
    if not signed and not started:
        if not declared:
            raise Unanswered("No limits are set and nothing was started.", next="Write [limits] in mlgov.toml before the start.")
        raise Missing("[limits] are written and nobody signed them in the trail.", next="Sign them before the start.")
    return [*_before(signed, started), *(_breach(act) for act in breaches), *_breaker(started, records.about("breaker.switched"))]


def _before(signed: tuple[Act, ...], started: tuple[Act, ...]) -> Iterator[Finding]:
    for start in started:
        before = [act for act in signed if act.time < start.time]
        said = f"Limits were set by {before[-1].actor} before the start." if before else "It was started without limits."
        yield Finding(message=said, verdict=Verdict.PASS if before else Verdict.FAIL, where="start")
    last = started[-1].time if started else None
    for act in signed:
        if last and act.time > last:
            minutes = (act.time - last).total_seconds() / 60
            yield Finding(message=f"Limits were edited {minutes:.0f} minutes after the start.", verdict=Verdict.FAIL, where="edit")
    if not started:
        yield Finding(message=f"Limits were set by {signed[-1].actor}; nothing was started yet.", verdict=Verdict.PASS, where="start")


def _breach(act: Act) -> Finding:
    said = f"The limit {word(act.payload, 'limit')} was breached: {word(act.payload, 'value')}, allowed {word(act.payload, 'allowed')}."
    return Finding(message=said, verdict=Verdict.FAIL, where=word(act.payload, "limit"))


def _breaker(started: tuple[Act, ...], switches: tuple[Act, ...]) -> Iterator[Finding]:
    """Where the breaker stands now; or, closed, that it opened since the last start."""
    since = [act for act in switches if not started or act.time >= started[-1].time]
    opened = [act for act in since if word(act.payload, "now") == "open"]
    if not opened:
        return
    why, baseline = word(opened[-1].payload, "why"), word(opened[-1].payload, "baseline")
    if word(since[-1].payload, "now") == "closed":
        version = word(opened[-1].payload, "version")
        said = f"The breaker of version {version} opened {len(opened)} times since the start and is closed; last: {why}."
        yield Finding(message=said, verdict=Verdict.WARN, where="breaker")
        return
    instead = f"version {baseline} answers in its place" if baseline else "nobody answers in its place"
    said = f"The breaker of version {word(opened[-1].payload, 'version')} is {word(since[-1].payload, 'now')}, and {instead}: {why}."
    yield Finding(message=said, verdict=Verdict.FAIL, where="breaker")


@validator("deploy.rollback", title="Rollback drill", needs=("records",), stricter={"days": "lower", "target": "lower"})
def rollback(subject: Subject, *, days: int = 90, target: float = 900.0) -> list[Finding]:
    """Was the way back tried lately, was it fast, and did the version before give exactly its old answers?

    Reads the last `rollback.drilled`, or rollback in earnest: `seconds` from order to an older version that answers, and what was looked
    at `before` the move, among it whether the older version gives its golden predictions.

    fail: it was refused or failed, took over 24 hours, gave other answers, or is older than `days`. warn: over `target` seconds.
    inconclusive: nothing was ever tried, it does not say how long it took, or nobody could compare the answers.

    Source: 24 hours is the seed requirement; 15 minutes, 90 days and exact parity are house.

    Fix: Run the rollback drill again (`mlgov rollback --drill`).
    """
    acts = records_of(subject).about("rollback.drilled", "rollback.done", "rollback.failed", "rollback.refused")
    if not acts:
        raise Missing("No rollback drill ran.", next="Run one.")
    act = acts[-1]
    if word(act.payload, "outcome") not in ("drilled", "done"):
        said = word(act.payload, "problem") or "the trail does not say why"
        return [Finding(message=f"The last way back did not work: {said}.", verdict=Verdict.FAIL, where="way back")]
    seconds = number(act.payload, "seconds")
    if seconds is None:
        raise Missing("The drill does not say how long it took.", next="Run one.")
    verdict = Verdict.FAIL if seconds > 86400 else Verdict.WARN if seconds > target else Verdict.PASS
    old = days_since(subject, act)
    return [
        Finding(
            message=f"Back in {seconds:.0f} s.", verdict=verdict, measured=seconds, allowed=f"{target:.0f} s, at most 24 h", where="time"
        ),
        _parity(act.payload),
        _fresh(old, days),
    ]


def _parity(payload: Mapping[str, object]) -> Finding:
    """Does the older version give exactly its old answers? What nobody could compare is no yes."""
    looked = payload.get("before")
    asked = (
        [one for one in looked if isinstance(one, Mapping) and one.get("name") == "golden predictions"] if isinstance(looked, list) else []
    )
    answer = word(asked[-1], "answer") if asked else ""
    if answer == "ok":
        return Finding(message="The older version gave exactly its old answers.", verdict=Verdict.PASS, where="parity")
    if answer == "failed":
        return Finding(message="The older version did not give exactly its old answers.", verdict=Verdict.FAIL, where="parity")
    said = word(asked[-1], "said") if asked else "no golden predictions are on record"
    return Finding(message=f"Nobody could compare the older version's answers: {said}.", verdict=Verdict.INCONCLUSIVE, where="parity")


def _fresh(age: float, most: int) -> Finding:
    said = f"The last drill was {age:.0f} days ago."
    return Finding(message=said, verdict=Verdict.FAIL if age > most else Verdict.PASS, measured=age, allowed=f"{most} days", where="age")


@validator("deploy.killswitch", title="Kill switch drill", needs=("records",), stricter={"days": "lower", "alert": "lower"})
def killswitch(subject: Subject, *, days: int = 90, alert: float = 5.0) -> list[Finding]:
    """When the switch was tried, were all open orders cancelled and acknowledged, and did it work out of band?

    Reads the last `killswitch.drilled`: `open` and `cancelled` (counts), `alert_seconds`, `out_of_band`.

    fail: an order stayed live, the alert took longer than `alert` seconds, no out-of-band access, or the drill is older than `days`
    (the law says a year). inconclusive: no drill ran, no order was open in it, or counts are missing.

    That it can cancel by algorithm, trader, desk, client and venue is for people to show (the questions of the RTS 6 pack).

    Source: RTS 6 Art 12; 5 seconds is Art 16(5), for alerts and not for the cancel; 90 days is house.

    Fix: Mend the route of what stayed live, then repeat the drill with open orders.
    """
    act = last(subject, "killswitch.drilled")
    opened, cancelled = (number(act.payload, key) if act else None for key in ("open", "cancelled"))
    if act is None or not opened or cancelled is None or not 0 <= cancelled <= opened:
        raise Missing("No kill switch drill with open orders is on record.", next="Run one with open orders.")
    left, took = opened - cancelled, number(act.payload, "alert_seconds")
    band = act.payload.get("out_of_band") is True
    said = f"{cancelled:.0f} of {opened:.0f} open orders were cancelled" + (f"; {left:.0f} stayed live." if left else ".")
    return [
        Finding(
            message=said,
            verdict=Verdict.FAIL if left else Verdict.PASS,
            measured=cancelled / opened,
            allowed="1.00",
            n=int(opened),
            where="orders",
        ),
        Finding(
            message="Nobody measured the alert." if took is None else f"The alert took {took:g} s.",
            verdict=Verdict.INCONCLUSIVE if took is None else Verdict.FAIL if took > alert else Verdict.PASS,
            measured=took,
            allowed=f"{alert:g} s",
            where="alert",
        ),
        Finding(
            message=f"Out-of-band access {'worked' if band else 'was not shown'}.",
            verdict=Verdict.PASS if band else Verdict.FAIL,
            where="access",
        ),
        _fresh(days_since(subject, act), days),
    ]
