"""What a second run showed, as one fact: for the screen, for JSON, and as evidence in the trail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.pipelines.reproduce import Artefact, Grade, worst
from jupyter_mlgov.pipelines.reproduce_causes import Cause

MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """A recorded version (or a notebook's last session) and its second run.

    `limits` are reasons why nothing better than `could not tell` can be said: something of then could not be fetched. `problem` says why
    the run did not happen or did not end. `notes` are worth knowing and change nothing. `numbers` are cells' places in the notebook.
    `replayed` are the steps of a quick run, which is no evidence about the model as a whole.
    `equal`: both runs made the same model to the bit; `difference` is the largest of the scores, `auc_difference` that of their AUC.
    """

    model: str
    version: str
    notebook: str
    session: str
    commit: str = ""
    environment: str = ""
    artefacts: tuple[Artefact, ...] = ()
    first: Artefact | None = None
    causes: tuple[Cause, ...] = ()
    limits: tuple[str, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    out_of_order: tuple[str, ...] = ()
    model_digest: str = ""
    equal: bool = False
    difference: float | None = None
    auc_difference: float | None = None
    tolerance: Mapping[str, float] = field(default_factory=dict)
    replayed: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def grade(self) -> Grade:
        """The worst artefact's; where something of then is missing, or the run did not end well, at best `could not tell`."""
        found = worst(one.grade for one in self.artefacts)
        if self.limits:
            return Grade.UNKNOWN
        return Grade.UNKNOWN if self.problem and found is not Grade.DIVERGENT else found

    @property
    def exit_code(self) -> int:
        """0 identical or within tolerance, 1 divergent, 3 for what a person has to judge."""
        return {Grade.IDENTICAL: 0, Grade.WITHIN: 0, Grade.DIVERGENT: 1}.get(self.grade, 3)

    @property
    def counts(self) -> dict[str, int]:
        """Grade -> number of artefacts, the best grade first."""
        found = Counter(one.grade for one in self.artefacts)
        return {grade.value: found[grade] for grade in Grade if found[grade]}

    @property
    def why(self) -> str:
        """One sentence for the grade; empty where everything is identical."""
        if self.limits:
            return self.limits[0]
        if self.problem:
            return self.problem
        if not self.artefacts:
            return "Nothing was recorded that could be compared: tag the notebook's steps, and run it."
        if self.first is None:
            return ""
        cause = f" Likely cause: {self.causes[0].sentence}." if self.causes else ""
        return f"{self.where(self.first.cell)} is the first that differs, in {self.first.name}: {self.first.why}.{cause}"

    def where(self, cell: str) -> str:
        """`Cell [5]`, or its id where it is not in the notebook."""
        return f"Cell [{self.numbers[cell]}]" if cell in self.numbers else f"Cell {cell}"

    def as_json(self) -> dict[str, object]:
        """Everything, with the grade and how it follows."""
        told: dict[str, object] = {name: plain(getattr(self, name)) for name in self.__slots__}
        return {**told, "grade": self.grade.value, "counts": self.counts, "why": self.why, "exit_code": self.exit_code}

    def as_evidence(self) -> dict[str, object]:
        """The payload of `reproduce.done`: what `repro.rerun` reads, and every artefact that is not identical."""
        parted = [one for one in self.artefacts if one.grade is not Grade.IDENTICAL]
        return {
            "version": self.version,
            "notebook": self.notebook,
            "session": self.session,
            "commit": self.commit,
            "environment": self.environment,
            "grade": self.grade.value,
            "counts": self.counts,
            "why": self.why[:2000],
            "model_digest": "" if self.replayed else self.model_digest,
            "replayed": list(self.replayed),
            "equal": self.equal,
            "difference": self.difference,
            "auc_difference": self.auc_difference,
            "device": "cpu",
            "out_of_order": list(self.out_of_order),
            "first": self.first.cell if self.first else "",
            "causes": [plain(one) for one in self.causes[:20]],
            "parted": [plain(one) for one in parted[:MOST]],
            "tolerance": dict(self.tolerance),
            "limits": list(self.limits),
        }
