"""What is brought to a cluster: a version that a decision let in, and what `[rollout]` of the team file says about its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from jupyter_mlgov.core.errors import BadInput, UsageError, unknown
from jupyter_mlgov.core.team import TEAM_FILE, Team
from jupyter_mlgov.pipelines.targets.job import CLAIM, SECRET
from jupyter_mlgov.pipelines.targets.quoting import slug
from jupyter_mlgov.rollout.canary.plan import read_route
from jupyter_mlgov.rollout.steps import Route

BUCKETS = 100
_PINNED = re.compile(r"[a-z0-9][\w./:-]*@sha256:[0-9a-f]{64}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[\w./-]*)?")
_FOLDER = re.compile(r"([\w-][\w.-]*)(/[\w-][\w.-]*)*")
_HEADER = re.compile(r"[a-z][a-z0-9-]{0,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`[rollout]` of the team file; `route` is that of `[canary]`.

    `split`: `entity` sends a caller always to the same version, by the number 00 to 99 in `header`; `request` lets Istio draw for each.
    `look`: `job` has a Job of the same image look (`mlgov canary look --rollout`), or an address that answers POST with a verdict; empty: a
    person goes on from each share. `every`: minutes between a Job's looks. `limit_*`: the guards' limits, a share of answers and seconds.
    `namespace`, `secret` and `claim` are names in the cluster: the secret holds the variables of the pod, the claim (ReadWriteMany) the
    workspace's record, in its folder `record`.
    """

    image: str = ""
    namespace: str = "models"
    host: str = ""
    replicas: int = 2
    route: Route = field(default_factory=Route)
    split: str = "entity"
    header: str = "x-mlgov-bucket"
    prometheus: str = "http://prometheus.monitoring:9090"
    look: str = ""
    every: float = 5.0
    secret: str = SECRET
    claim: str = CLAIM
    record: str = ""
    cpu: str = "500m"
    memory: str = "1Gi"
    limit_errors: float = 0.01
    limit_seconds: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`decision` is the trail entry that let the version into `stage`; `fingerprint` our digest of the model; `share` the most
    percent of traffic that its approvals allow.
    """

    model: str
    version: str
    stage: str
    decision: str
    fingerprint: str
    place: Place
    share: int = 100

    @property
    def name(self) -> str:
        """The DNS label (RFC 1123) of everything that belongs to the model in the cluster."""
        return f"mlgov-{slug(self.model, 40)}"

    @property
    def host(self) -> str:
        return self.place.host or self.name

    @property
    def shares(self) -> tuple[int, ...]:
        """Percent of traffic at each step, no more than the approvals allow; over that the last step is the allowed share itself."""
        allowed = tuple(step for step in self.place.route.steps if step <= self.share)
        return allowed if not self.share or allowed[-1:] == (self.share,) or self.share == BUCKETS else (*allowed, self.share)


def place_of(team: Team, **given: object) -> Place:
    """`[rollout]` of the team file, with what was `given` on the command line in its stead; the image must be pinned.

    Raises UsageError for an unknown key or an image whose name may mean another one tomorrow, BadInput for a value that cannot be.
    """
    body: dict[str, Any] = {**team.register.get("rollout", {}), **{key: value for key, value in given.items() if value}}
    known = [one.name for one in fields(Place) if one.name != "route"]
    for key in body:
        if key not in known:
            raise unknown(f"key in [rollout] of {TEAM_FILE}", key, known)
    for key, rule in _RULES.items():
        if key in body and not rule.holds(body[key]):
            raise BadInput(f"{TEAM_FILE}: {key} in [rollout] must be {rule.words}.", next=f"Mend {TEAM_FILE} and run the command again.")
    place = Place(**body, route=read_route(team.register, TEAM_FILE))
    if place.look == "job" and place.split == "request":
        raise UsageError(
            'A Job cannot judge a canary whose traffic is drawn request by request: `split = "request"` under [rollout].',
            expected="Its units are entities, and each must always meet the same version.",
            next='Set `split = "entity"`, or leave `look` away: a person then goes on from each share.',
        )
    if place.look == "job" and not isinstance(team.register.get("canary", {}).get("primary"), Mapping):
        raise UsageError(
            "Without [canary.primary] no look can show that the version is not worse, so a Job would wait at the last share for ever.",
            next="Write [canary.primary] (docs/users/canary.md), or leave `look` away: a person then goes on from each share.",
        )
    if not _PINNED.fullmatch(place.image):
        what = f'The image "{place.image}" is not pinned by a digest.' if place.image else "Which image serves the model?"
        raise UsageError(
            what,
            expected="Expected NAME@sha256:… with 64 hex characters: another name may mean another image tomorrow.",
            next=f'Write `image = "NAME@sha256:…"` under [rollout] in {TEAM_FILE}, or give it with --image.',
        )
    return place


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str] | None
    words: str
    low: float = 0
    high: float = 0
    whole: bool = False

    def holds(self, value: object) -> bool:
        if self.pattern is not None:
            return isinstance(value, str) and self.pattern.fullmatch(value) is not None
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return False
        return self.low <= value <= self.high


_AMOUNT = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?")
_RULES: Mapping[str, _Rule] = {
    "image": _Rule(re.compile(r".{0,500}"), "text"),
    "namespace": _Rule(_LABEL, "a DNS label (lower-case letters, digits and -)"),
    "host": _Rule(_HOST, "a host name in lower case"),
    "replicas": _Rule(None, "a whole number from 1 to 1000", 1, 1000, whole=True),
    "split": _Rule(re.compile("entity|request"), "entity or request"),
    "header": _Rule(_HEADER, "the name of a header in lower case"),
    "prometheus": _Rule(_URL, "an address like http://prometheus.monitoring:9090"),
    "look": _Rule(re.compile(f"job|{_URL.pattern}"), "job, or an address like https://mlgov.example.com/look"),
    "every": _Rule(None, "minutes from 0.1 to 1440", 0.1, 1440),
    "secret": _Rule(_LABEL, "the name of a Secret"),
    "claim": _Rule(_LABEL, "the name of a PersistentVolumeClaim"),
    "record": _Rule(_FOLDER, "a folder inside the claim"),
    "cpu": _Rule(_AMOUNT, "an amount like 500m or 2"),
    "memory": _Rule(_AMOUNT, "an amount like 1Gi"),
    "limit_errors": _Rule(None, "a share between 0 and 1", 0, 1),
    "limit_seconds": _Rule(None, "seconds between 0 and 3600", 0, 3600),
}
