"""Did the canary hold, were limits set before the start, do rollback and kill switch work, does a second run give the same?

What happened is read from acts of the trail. `ACTS` names each with the keys of its payload; the rooms that write them are others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlgov.sdk import Act, Chain, Finding, Missing, Records, Subject, Unanswered, Verdict, validator
from mlgov_validators.declared import number, word

ACTS: dict[str, tuple[str, ...]] = {
    "canary.judged": ("srm_p", "traffic", "harm_p", "guardrail", "noninferior", "final"),
    "limits.set": ("limits",),
    "limits.breached": ("limit", "value", "allowed"),
    "rollout.started": ("version",),
    "rollback.drilled": ("seconds", "outcome", "to", "before"),
    "rollback.done": ("seconds", "outcome", "to", "before"),
    "rollback.failed": ("problem",),
    "rollback.refused": ("problem",),
    "registry.reconciled": ("drifted", "compared"),
    "killswitch.drilled": ("open", "cancelled", "alert_seconds", "out_of_band"),
    "reproduce.done": ("grade", "why", "model_digest", "equal", "difference", "auc_difference", "device", "out_of_order", "parted"),
    "endpoint.serving": ("endpoint",),
}


def _last(subject: Subject, action: str) -> Act | None:
    found = _records(subject).about(action)
    return found[-1] if found else None


def _records(subject: Subject) -> Records:
    if subject.records is None:
        raise Missing("There is no trail to read.", next="Validate in a workspace (`mlgov init`).")
    return subject.records


def _age(subject: Subject, act: Act) -> float:
    return (_records(subject).now - act.time).total_seconds() / 86400


@validator("deploy.canary", title="Canary statistics", needs=("records",), stricter={"alpha": "higher", "srm": "higher"})
def canary(subject: Subject, *, alpha: float = 0.01, srm: float = 0.001) -> list[Finding]:
    """Did the canary split traffic as planned, harm nobody, and end no worse than what it replaces?

    Reads the last `canary.judged`: `srm_p` (chi-square of the split), `harm_p` (always-valid p of the worst guardrail, after Holm),
    `noninferior` and `final` of the group-sequential end. The statistics themselves are those of the rollout room.

    fail: the split is not as planned (p under `srm`), a guardrail is harmed (p under `alpha`), or the end is not non-inferior.
    inconclusive: no canary ran, it has not ended, or a number is missing.

    Source: Johari et al. 2017 and 2022 (mSPRT); O'Brien and Fleming 1979; Lan and DeMets 1983; alpha and srm are house.

    Fix: Roll back, find out why, and start a new canary.
    """
    act = _last(subject, "canary.judged")
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
        _ended(act.payload),
    ]


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


@validator("deploy.limits", title="Pre-set deployment limits", needs=("records",), uses=("register",))
def limits(subject: Subject) -> list[Finding]:
    """Were limits set before the start, left alone since, and never breached?

    `[limits]` of mlgov.toml holds them; `limits.set` in the trail signs them; `rollout.started` is the start; `limits.breached` a breach.

    fail: a start without limits, limits set after it, or a breach. warn: none. inconclusive: limits are written and nobody signed them.
    Unchecked: no limits are written and nothing was started.

    Which limits they are (price collars, value, volume and messages of RTS 6 Art 15, Art 8(a)-(d)) is for the person who signs them; what
    breaches them is told by whoever serves the model.

    Source: RTS 6 Art 8 and 15; SR 26-2 sec V.1.

    Fix: Stop; set and sign the limits; ask for a new approval.
    """
    records = _records(subject)
    signed, started, breaches = records.about("limits.set"), records.about("rollout.started"), records.about("limits.breached")
    declared = (subject.register or {}).get("limits")
    if not signed and not started:
        if not declared:
            raise Unanswered("No limits are set and nothing was started.", next="Write [limits] in mlgov.toml before the start.")
        raise Missing("[limits] are written and nobody signed them in the trail.", next="Sign them before the start.")
    return [*_before(signed, started), *(_breach(act) for act in breaches)]


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
    acts = _records(subject).about("rollback.drilled", "rollback.done", "rollback.failed", "rollback.refused")
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
    age = _age(subject, act)
    return [
        Finding(
            message=f"Back in {seconds:.0f} s.", verdict=verdict, measured=seconds, allowed=f"{target:.0f} s, at most 24 h", where="time"
        ),
        _parity(act.payload),
        _fresh(age, days),
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
    act = _last(subject, "killswitch.drilled")
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
        _fresh(_age(subject, act), days),
    ]


@validator(
    "repro.rerun",
    title="Reproducibility",
    version="1.1",
    needs=("records", "lineage"),
    uses=("hidden",),
    stricter={"scores": "lower", "auc": "lower"},
)
def rerun(subject: Subject, *, scores: float = 1e-8, auc: float = 1e-4) -> list[Finding]:
    """Does a second run in a fresh kernel give the same model, scores and metrics, and does the session hold nothing hidden?

    Reads the last `reproduce.done` about this very model (`model_digest`): `equal` (digest of the model), `difference` (largest of the
    scores), `auc_difference`, `device`, `out_of_order` (cells), and the `grade` of the whole with its reason `why`. Where the model is
    equal, every other artefact must be identical or within the tolerance of mlgov.toml; on a GPU 1e-5 is allowed for scores.
    Hidden state is judged as `mlgov stale` does, even where nobody ran it again: the record of the session against the saved notebook.

    fail: neither the digest nor scores and AUC agree, the model is equal and another artefact diverged, or cells ran out of order; a cell
    is stale, was edited after it ran, or rests on one that ran in another order; a name lives on whose cell was deleted.
    warn: cells ran before a cell above them, and it made no difference.
    inconclusive: the run has no number, could not be made or compared, or shows only the same distribution.
    Unchecked: nobody ran this model again, and nothing hidden was seen.

    Source: house figures.

    Fix: Set seeds, use deterministic flags or one thread, restart and run all.
    """
    hidden = list(_hidden(subject))
    found = _records(subject).about("reproduce.done")
    digest = _model_digest(subject)
    mine = [act for act in found if word(act.payload, "model_digest") == digest and digest]
    if not mine and any(finding.verdict is Verdict.FAIL for finding in hidden):
        return hidden
    if not mine:
        said = "The last second run was of another model." if found else "Nobody ran this model again in a fresh kernel."
        raise Unanswered(said, next="`mlgov reproduce MODEL@VERSION`.")
    payload = mine[-1].payload
    disorder = payload.get("out_of_order")
    cells = [str(cell) for cell in disorder] if isinstance(disorder, list) else []
    order = f"Cells {', '.join(cells)} ran out of order." if cells else "The cells ran in order."
    return [
        _same(payload, scores, auc),
        *_others(payload),
        Finding(message=order, verdict=Verdict.FAIL if cells else Verdict.PASS, where="order"),
        *hidden,
    ]


def _model_digest(subject: Subject) -> str:
    model = subject.lineage.model if subject.lineage is not None else None
    return model.fingerprint.root if model is not None and model.fingerprint is not None else ""


def _others(payload: Mapping[str, object]) -> list[Finding]:
    """The other artefacts. Where the model itself differs, _same() is about that, and they follow from it."""
    grade, why = word(payload, "grade"), word(payload, "why")
    if grade in ("identical", "within tolerance"):
        return [Finding(message=f"Every artefact of the second run is {grade}.", verdict=Verdict.PASS, where="artefacts")]
    if grade == "divergent":
        return [Finding(message=why, verdict=Verdict.FAIL, where="artefacts")] if payload.get("equal") is True else []
    said = why or "Some artefact of the second run has only the same distribution, or nobody could compare it."
    return [Finding(message=said, verdict=Verdict.INCONCLUSIVE, where="artefacts")]


def _hidden(subject: Subject) -> Iterator[Finding]:
    """What the kernel holds that a run from the top would not give, cell by cell."""
    state = subject.hidden
    if state is None or not state.recorded:
        return
    for one in state.rerun:
        said = f"Cell {one.cell} must run again: {one.why}."
        yield Finding(message=said, verdict=Verdict.FAIL, where=one.cell, details={"because": one.because.value})
    for name, cell in state.lingering:
        said = f"`{name}` lives on, and cell {cell} that made it is no longer in the notebook."
        yield Finding(message=said, verdict=Verdict.FAIL, where=cell, details={"because": "deleted"})
    again = {one.cell for one in state.rerun}
    if idle := [cell for cell in state.disorder if cell not in again]:
        said = f"Cells {', '.join(idle)} ran before a cell above them; what they made does not depend on it."
        yield Finding(message=said, verdict=Verdict.WARN, where="order")


def _same(payload: Mapping[str, object], scores: float, auc: float) -> Finding:
    if payload.get("equal") is True:
        return Finding(message="The second run gave the same model to the bit.", verdict=Verdict.PASS, measured=0.0, where="model")
    apart, moved = number(payload, "difference"), number(payload, "auc_difference")
    if apart is None or moved is None:
        return Finding(
            message="The second run gave another model, and nobody compared scores and AUC.", verdict=Verdict.INCONCLUSIVE, where="model"
        )
    allowed = 1e-5 if word(payload, "device") == "gpu" else scores
    good = apart <= allowed and abs(moved) <= auc
    said = f"The second run differs by {apart:.2g} in its scores and by {abs(moved):.2g} in AUC."
    return Finding(
        message=said, verdict=Verdict.PASS if good else Verdict.FAIL, measured=apart, allowed=f"{allowed:g}; AUC {auc:g}", where="model"
    )


@validator(
    "audit.integrity", title="Audit-trail integrity", version="1.1", needs=("chain",), uses=("records",), stricter={"hours": "lower"}
)
def integrity(subject: Subject, *, hours: int = 24) -> list[Finding]:
    """Is the trail whole, and is there a young witness outside it?

    As `mlgov audit verify` finds it: the hash chain, signed checkpoints, their keys, and what every witness outside (`MLGOV_ANCHORS`) says
    it holds; witnesses are asked once an hour.

    fail: anything does not match. warn: it is whole, and the newest entry a witness holds is older than `hours`, or no witness holds any,
    so that cutting off its end would not be seen; no checkpoint was signed; a witness could not be asked. inconclusive: there is no trail.

    That a clock was set back stands in the trail as an entry of its own (`clock.setback`) and does not break the chain.

    Source: RFC 9162; RFC 3161; Del. Reg. 2017/565 Art 72(1); 24 hours is house.

    Fix: Freeze the workspace, compare with a witness' copy, open an incident. For a witness: `mlgov audit checkpoint --anchor`.
    """
    chain = subject.chain
    if chain is None:
        raise Missing("There is no trail to verify.")
    if not chain.ok:
        return [Finding(message=chain.problem or "The trail does not verify.", verdict=Verdict.FAIL, measured=1.0, allowed="0 breaks")]
    whole = Finding(
        message="Every entry of the trail matches its digest and its place.", verdict=Verdict.PASS, measured=0.0, allowed="0 breaks"
    )
    return [whole, *_signed(chain), *_witness(subject, chain, hours)]


def _signed(chain: Chain) -> Iterator[Finding]:
    if chain.signed:
        said = f"The first {chain.signed:,} entries are under a signed checkpoint whose key was valid."
        yield Finding(message=said, verdict=Verdict.PASS, n=chain.signed, where="signature")
    for sentence in chain.silent:
        yield Finding(message=sentence, verdict=Verdict.WARN, where="not proven")
    if not chain.signed and not chain.silent:
        yield Finding(message="No checkpoint of the trail is signed.", verdict=Verdict.WARN, where="signature")


def _witness(subject: Subject, chain: Chain, hours: int) -> Iterator[Finding]:
    now = subject.records.now if subject.records else None
    age = (now - chain.anchored).total_seconds() / 3600 if chain.anchored and now else None
    if age is None:
        said = "No outside witness holds the head of the trail."
    else:
        said = f"The newest entry that an outside witness holds is {age:.0f} hours old."
    verdict = Verdict.PASS if age is not None and age <= hours else Verdict.WARN
    yield Finding(message=said, verdict=verdict, measured=age, allowed=f"{hours} h", where="witness")


@validator("audit.completeness", title="Audit-trail completeness", needs=("records", "chain", "lineage"))
def whole(subject: Subject) -> list[Finding]:
    """Does the trail have every step: no gap in its numbers, nothing the recorder missed, and an entry behind each change of stage?

    fail: the chain has a gap; an alias moved (`promotion.applied`) without a granted decision before it; the recorder says it missed
    something in a tagged cell; the last time the registry was held against the trail (`registry.reconciled`) it showed another version.
    warn: stages changed, and the registry was not held against the trail since. inconclusive: nothing of this model was recorded.

    Source: Del. Reg. 2017/565 Art 72(1)(a); house. Reconciling with git, serving and identity logs is not done here.

    Fix: Close the bypass and write a correcting entry; never edit one.
    """
    lineage, chain = subject.lineage, subject.chain
    if chain is None or lineage is None or not lineage.runs:
        raise Missing("Nothing of this model was recorded.")
    findings = [Finding(message=chain.problem or "The trail does not verify.", verdict=Verdict.FAIL)] if not chain.ok else []
    for run in lineage.runs:
        findings += [
            Finding(message=f"The recorder missed something: {gap}", verdict=Verdict.FAIL, where=run.cell_id)
            for gap in run.gaps
            if run.step
        ]
    decided = [act for act in _records(subject).about("promotion.decided") if word(act.payload, "answer") == "granted"]
    for act in _records(subject).about("promotion.applied"):
        if not any(one.entry == act.payload.get("decision") for one in decided):
            said = f"The alias {word(act.payload, 'stage')} moved with no granted decision behind it."
            findings.append(Finding(message=said, verdict=Verdict.FAIL, where=word(act.payload, "stage")))
    findings += _reconciled(_records(subject))
    steps = sum(run.step is not None for run in lineage.runs)
    said = f"{steps} runs of tagged cells and every change of stage have their entry."
    if any(one.verdict is Verdict.FAIL for one in findings):
        return findings
    return [Finding(message=said, verdict=Verdict.PASS, measured=0.0, allowed="0 gaps", n=steps), *findings]


def _reconciled(records: Records) -> Iterator[Finding]:
    """What the registry showed when it was last held against the trail; without any change of stage there is nothing to hold."""
    moves = records.about("promotion.applied", "rollback.done", "stage.emptied")
    held = records.about("registry.reconciled")
    last = held[-1] if held else None
    drifted = last.payload.get("drifted") if last else None
    for one in drifted if isinstance(drifted, list) else []:
        if isinstance(one, Mapping) and one.get("model") == records.model:
            said = word(one, "sentence") or "the registry shows another version than the trail"
            yield Finding(message=f"The registry went around the trail: {said}", verdict=Verdict.FAIL, where=word(one, "stage"))
    if moves and (last is None or last.time < moves[-1].time):
        said = "Stages changed, and nobody held the registry against the trail since."
        yield Finding(message=said, verdict=Verdict.WARN, where="registry", fix="`mlgov audit reconcile`.")
