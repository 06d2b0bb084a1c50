"""Does a second run give the same, is the trail whole, and does it have every step?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlgov.sdk import Chain, Finding, Missing, Records, Subject, Unanswered, Verdict, validator
from mlgov_validators.acts import records_of
from mlgov_validators.declared import number, word


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
    found = records_of(subject).about("reproduce.done")
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


@validator(
    "audit.completeness",
    title="Audit-trail completeness",
    version="1.1",
    needs=("records", "chain", "lineage"),
    stricter={"reconciled": "higher"},
)
def whole(subject: Subject, *, reconciled: float = 0.999) -> list[Finding]:
    """Does the trail have every step: no gap in its numbers, nothing the recorder missed, and an entry behind each change of stage?

    What can be held against the trail is counted: runs of tagged cells, moves of a stage, and what the registry showed the last time it
    was asked. At least the share `reconciled` of it must have its entry. A gap that the recorder explains (it says what it missed, and
    why) is a warning above that share; a move without a decision and a registry that shows another version are explained by nothing.

    fail: a share under `reconciled`; the chain has a gap; an alias moved (`promotion.applied`) without a granted decision before it; the
    last time the registry was held against the trail (`registry.reconciled`) it showed another version.
    warn: the recorder says it missed something in a tagged cell, and the share is kept; stages changed, and the registry was not held
    against the trail since. inconclusive: nothing of this model was recorded.

    Source: Del. Reg. 2017/565 Art 72(1)(a); 99.9 % is house. Reconciling with git, serving and identity logs is not done here.

    Fix: Close the bypass and write a correcting entry; never edit one.
    """
    lineage, chain = subject.lineage, subject.chain
    if chain is None or lineage is None or not lineage.runs:
        raise Missing("Nothing of this model was recorded.")
    findings = [Finding(message=chain.problem or "The trail does not verify.", verdict=Verdict.FAIL)] if not chain.ok else []
    missed = [(run.cell_id, gap) for run in lineage.runs if run.step for gap in run.gaps]
    decided = [act for act in records_of(subject).about("promotion.decided") if word(act.payload, "answer") == "granted"]
    for act in records_of(subject).about("promotion.applied"):
        if not any(one.entry == act.payload.get("decision") for one in decided):
            said = f"The alias {word(act.payload, 'stage')} moved with no granted decision behind it."
            findings.append(Finding(message=said, verdict=Verdict.FAIL, where=word(act.payload, "stage")))
    findings += _reconciled(records_of(subject))
    steps = sum(run.step is not None for run in lineage.runs)
    share = _share(subject, steps, sum(one.verdict is Verdict.FAIL for one in findings) + len(missed), reconciled)
    kept = Verdict.WARN if share.verdict is Verdict.PASS else Verdict.FAIL
    findings += [Finding(message=f"The recorder missed something: {gap}", verdict=kept, where=cell) for cell, gap in missed]
    return [share, *findings]


def _share(subject: Subject, steps: int, gaps: int, least: float) -> Finding:
    """How much of what can be held against the trail has its entry. A gap in nothing counted here (the chain) counts as one more."""
    held = records_of(subject).about("registry.reconciled")
    seen = number(held[-1].payload, "compared") if held else None
    counted = max(steps + len(records_of(subject).about("promotion.applied")) + int(seen or 0), gaps)
    if not counted:
        said = "No cell is tagged and no stage moved: there is nothing to hold against the trail."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE)
    share = (counted - gaps) / counted
    said = f"{counted - gaps:,} of {counted:,} runs of tagged cells, moves of a stage and versions in the registry have their entry."
    verdict = Verdict.PASS if share >= least else Verdict.FAIL
    return Finding(message=said, verdict=verdict, measured=share, allowed=f"at least {least:.1%}", n=counted)


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
