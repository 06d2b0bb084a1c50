"""May this run use these data: the purpose each data set was collected for, and the lawful basis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from jupyter_mlgov.sdk import Finding, Missing, Subject, Unanswered, Verdict, validator

# GDPR Art 6(1)(a)-(f), and whether the basis needs a reference of its own: the consent, the assessment of interests.
BASES = {
    "consent": True,
    "contract": False,
    "legal obligation": True,
    "vital interests": False,
    "public task": True,
    "legitimate interests": True,
}


@validator("priv.purpose", title="Lawful basis and purpose", needs=("lineage",), uses=("register",))
def purpose(subject: Subject) -> list[Finding]:
    """Is the purpose of this run one that every data set it read was collected for, and has each a lawful basis?

    In mlgov.toml:

        [personal]
        purpose = "credit scoring"
        [personal.datasets."loans.parquet"]      # the path as the record has it, or its last part
        purposes = ["credit scoring"]
        basis = "contract"                       # consent, contract, legal obligation, vital interests, public task, legitimate interests
        reference = "LIA-7"                      # asked for with consent, legal obligation, public task, legitimate interests
        # compatible = { "fraud detection" = "assessment CA-3" }    Art 6(4)
        # personal = false and why = "…"         for data about nobody

    fail: a data set without an entry, without a basis or the reference it needs, or collected for other purposes without an
    assessment of compatibility; no purpose of the run.
    inconclusive: no [personal] in mlgov.toml, or no data set was recorded.

    The source of a data set and the version of its notice can be written beside these; nobody judges them here.

    Source: GDPR Art 5(1)(a)-(b), 6(1), 6(4).

    Fix: Change the purpose, get an assessment of compatibility (Art 6(4)), or use another source; write the basis down.
    """
    inputs = sorted(subject.lineage.data) if subject.lineage else []
    if not inputs:
        raise Missing(
            "No data set was recorded, so there is none whose purpose could be looked at.", next="Tag the cell that reads it `mlgov:data`."
        )
    declared = subject.declared("personal")
    run = str(declared.get("purpose", "")).strip()
    sets = declared.get("datasets")
    known: Mapping[str, object] = sets if isinstance(sets, Mapping) else {}
    if not run:
        raise Unanswered("[personal] of mlgov.toml names no purpose of this run.", next='Write `purpose = "…"` under [personal].')
    problems = [finding for path in inputs for finding in _set(path, run, known)]
    said = f"{len(inputs)} data sets were looked at for the purpose {run!r}."
    return [*problems, Finding(message=said, verdict=Verdict.PASS, measured=float(len(problems)), allowed="0", n=len(inputs))]


def _set(path: str, run: str, known: Mapping[str, object]) -> Iterator[Finding]:
    entry = known.get(path, known.get(PurePosixPath(path).name))
    if not isinstance(entry, Mapping):
        yield _wrong(path, f"{path} has no entry under [personal.datasets]: its purpose and its basis are not known.")
        return
    if entry.get("personal") is False:
        if not str(entry.get("why", "")).strip():
            yield _wrong(path, f"{path} is said to hold no personal data, and not why.")
        return
    basis = str(entry.get("basis", "")).strip().lower()
    if basis not in BASES:
        yield _wrong(path, f"{path} names {f'the basis {basis!r}' if basis else 'no basis'}. Article 6(1) knows: {', '.join(BASES)}.")
    elif BASES[basis] and not str(entry.get("reference", "")).strip():
        yield _wrong(path, f"{path} rests on {basis} and names no reference to it.")
    purposes = entry.get("purposes")
    allowed = [str(one).strip() for one in purposes] if isinstance(purposes, list) else []
    compatible = entry.get("compatible")
    if not allowed:
        yield _wrong(path, f"{path} does not say for which purposes it was collected.")
    elif run not in allowed and not (isinstance(compatible, Mapping) and str(compatible.get(run, "")).strip()):
        yield _wrong(path, f"{path} was collected for {', '.join(allowed)}; this run declares {run}.")


def _wrong(path: str, said: str) -> Finding:
    return Finding(message=said, verdict=Verdict.FAIL, allowed="purpose and basis", where=path, details={"dataset": path})
