"""What every document is written from: one version of one model, as the trail and the workspace tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.promotion.counting import approving, last_words
from jupyter_mlgov.promotion.facts import Decision, Reason, Review
from jupyter_mlgov.promotion.waivers import Waiver
from jupyter_mlgov.validation.policy import Policy
from jupyter_mlgov.validation.records import Act, Chain, Form
from jupyter_mlgov.validation.results import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFacts:
    """One version of a model. `version` is the registry's number, empty where none was registered.

    `acts` is everything the trail says about the model and its notebook but cell runs, oldest first; `runs` maps a cell run to the
    digest of its entry; `judged` is the digest of the entry that holds `report`. `stage` is where this version is by decision.
    `latest` says whether this is the newest version; `stale` says what changed since the report, and `size` counts the log's entries.
    """

    model: str
    version: str
    stage: str
    team: Team
    lineage: Lineage
    report: Report | None
    made: datetime
    by: Actor
    policies: tuple[Policy, ...] = ()
    forms: tuple[Form, ...] = ()
    acts: tuple[Act, ...] = ()
    reviews: tuple[Review, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    decision: Decision | None = None
    why: tuple[Reason, ...] = ()
    stale: tuple[str, ...] = ()
    authors: tuple[Actor, ...] = ()
    runs: Mapping[str, str] = field(default_factory=dict)
    judged: str = ""
    judged_at: datetime | None = None
    chain: Chain | None = None
    size: int = 0
    latest: bool = True

    @property
    def name(self) -> str:
        """`credit-approval@3`, or the bare name where no version was registered."""
        return f"{self.model}@{self.version}" if self.version else self.model

    @property
    def digest(self) -> str:
        """The digest of the model itself, empty where none was recorded."""
        ref = self.lineage.model
        return ref.fingerprint.root if ref is not None and ref.fingerprint is not None else ""

    @property
    def opinion(self) -> str:
        """What independent people said last about this very report, in a line; an author's word is none, and neither is a lapsed one."""
        if self.report is None:
            return "nobody gave one"
        refused = [one for one in last_words(self.reviews, self.report.digest) if one.verdict == "refuse"]
        if refused:
            return f"refused by {refused[-1].actor}"
        counted = approving(self.reviews, self.report.digest, self.authors, self.team.reviewers, self.made)
        if not counted:
            return "nobody gave one that counts" if self.reviews else "nobody gave one"
        limited = " with limits" if any(one.limits or one.until for one in counted) else ""
        return f"approved{limited} by {', '.join(str(one.actor) for one in counted)}"
