"""`mlgov.toml`: what the team decides in git (model, roles of columns, policies, gates, reviewers)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.gating import GateRule, ReviewClock, check_gates, read_clock, read_gates, read_groups, rule_of
from jupyter_mlgov.core.gating import texts as _texts

TEAM_FILE = "mlgov.toml"
LISTS = ("protected", "legitimate", "features", "declared_personal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which column of the subject's table plays which part. Empty means: nobody said."""

    table: str = "scored"
    outcome: str = ""
    favourable: str = ""
    protected: tuple[str, ...] = ()
    score: str = ""
    label: str = ""
    baseline: str = ""
    champion: str = ""
    cutoff: str = ""
    legitimate: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    grade: str = ""
    exceeded: str = ""
    declared_personal: tuple[str, ...] = ()
    time: str = ""
    key: str = ""
    reference: str = ""
    train: str = ""
    test: str = ""

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of every table a verdict may look at: these are kept."""
        return tuple(dict.fromkeys(filter(None, (self.table, self.reference, self.train, self.test))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a pack's `applies_if` asks about. Empty means that nobody said, and then a control applies."""

    materiality: str = ""
    use: tuple[str, ...] = ()
    jurisdiction: tuple[str, ...] = ()

    def known(self, name: str) -> tuple[str, ...]:
        """The values of one scope fact; empty where nobody said."""
        return {"materiality": (self.materiality,) if self.materiality else (), "use": self.use, "jurisdiction": self.jurisdiction}[name]


# Tables of the team file that are read where they are needed, mostly by validators; docs/users/team-file.md says which by whom.
SECTIONS = (
    "inventory",
    "documents",
    "monitoring",
    "limits",
    "retention",
    "vendors",
    "dependencies",
    "oversight",
    "load",
    "personal",
    "proxies",
    "features",
    "scenarios",
    "findings",
    "changes",
    "reproduce",
    "pipelines",
    "serving",
    "canary",
    "rollout",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The team file as a fact. Its digest stands in each decision."""

    model: str = "model"
    notebook: str = ""
    tier: int = 1
    roles: Roles = field(default_factory=Roles)
    policies: tuple[str, ...] = ("us-fair-lending", "sr-26-2")
    parameters: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    stages: tuple[str, ...] = ("development", "staging", "production")
    approvals: Mapping[str, int] = field(default_factory=dict)
    reviewers: tuple[str, ...] = ()
    gates: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clock: ReviewClock = field(default_factory=ReviewClock)
    lock: str = "requirements.lock"
    track: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)
    also: tuple[str, ...] = ()
    register: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def digest(self) -> Digest:
        return Digest.of_json(plain(self))

    def gate(self, stage: str) -> GateRule:
        """The gate into `stage`. Raises UsageError naming the known stages; the first stage has no gate."""
        if stage not in self.stages[1:]:
            raise unknown("stage", stage, self.stages[1:], next="See `mlgov status`.")
        return rule_of(stage, policies=self.policies, approvals=self.approvals.get(stage, 1), gates=self.gates, tier=self.tier)

    def approvers(self, rule: GateRule) -> tuple[str, ...]:
        """Whose approval counts at a gate: those of its role; among the reviewers where both are named. Empty: anybody."""
        if not rule.role:
            return self.reviewers
        role = self.groups.get(rule.role, ())
        named = {name.strip().casefold() for name in self.reviewers}
        both = tuple(name for name in role if not named or name.strip().casefold() in named)
        return both or (f"nobody (no {rule.role} is among the reviewers)",)


_KEYS: dict[str, dict[str, str]] = {
    "model": {"name": "model", "notebook": "notebook", "tier": "tier"},
    "policy": {"packs": "policies", "parameters": "parameters", "also": "also"},
    "promotion": {
        "stages": "stages",
        "approvals": "approvals",
        "reviewers": "reviewers",
        "gates": "gates",
        "roles": "groups",
        "clock": "clock",
    },
    "environment": {"lock": "lock"},
    "data": {"track": "track"},
}


_TABLES: dict[str, Callable[[object, str], object]] = {"gates": read_gates, "roles": read_groups, "clock": read_clock}


def parse_team(text: str, *, path: str = TEAM_FILE) -> Team:
    """Read the text of a team file. Raises BadInput for bad TOML or types, UsageError for an unknown key."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not valid TOML: {error}.", next=f"Mend that line of {path} and run the command again.") from None
    values: dict[str, Any] = {}
    register: dict[str, Mapping[str, object]] = {}
    for section, body in document.items():
        if section == "subject":
            values["roles"] = read_roles(body, path)
            continue
        if section not in (*_KEYS, *SECTIONS):
            raise unknown(f"section in {path}", section, [*_KEYS, *SECTIONS, "subject"])
        _expect(isinstance(body, dict), path, f"[{section}] must be a table")
        if section in SECTIONS:
            register[section] = _plain(body, section, path)
            continue
        if section == "model":
            values["scope"] = _scope(body, path)
        for key, value in body.items():
            if section == "model" and key in _SCOPE:
                continue
            if key not in _KEYS[section]:
                raise unknown(f"key in [{section}] of {path}", key, [*_KEYS[section], *(_SCOPE if section == "model" else ())])
            values[_KEYS[section][key]] = _typed(section, key, value, path)
    team = Team(**values, register=register)
    check_gates(team.gates, team.groups, team.stages, team.policies, path)
    return team


def read_team(folder: Path) -> Team:
    """The team file of `folder`, or the defaults when there is none."""
    path = folder / TEAM_FILE
    if not path.exists():
        return Team()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{TEAM_FILE} cannot be read: {error}.") from None
    return parse_team(text)


def _typed(section: str, key: str, value: object, path: str) -> object:
    where = f"{key} in [{section}]"
    if key == "tier":
        _expect(isinstance(value, int) and value in (1, 2, 3), path, f"{where} must be 1, 2 or 3")
    elif key == "approvals":
        _expect(
            isinstance(value, dict) and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value.values()),
            path,
            f"{where} must be a table of stage = number",
        )
    elif key == "parameters":
        _expect(
            isinstance(value, dict) and all(isinstance(n, dict) for n in value.values()), path, f"{where} must hold one table a validator"
        )
    elif section == "promotion" and key in _TABLES:
        return _TABLES[key](value, path)
    elif key in ("packs", "stages", "reviewers", "track", "also"):
        return _texts(value, where, path)
    else:
        _expect(isinstance(value, str), path, f"{where} must be text")
    return value


def read_roles(body: object, path: str = TEAM_FILE) -> Roles:
    """The `[subject]` table of a team file as roles. Raises BadInput for a wrong type, UsageError for an unknown key."""
    if not isinstance(body, dict):
        raise BadInput(f"{path}: [subject] must be a table.")
    known = [*Roles.__dataclass_fields__]
    values: dict[str, Any] = {}
    for key, value in body.items():
        if key not in known:
            raise unknown(f"key in [subject] of {path}", key, known)
        if key in LISTS:
            values[key] = _texts([value] if isinstance(value, str) else value, f"{key} in [subject]", path)
        elif key in ("favourable", "cutoff"):
            _expect(isinstance(value, (str, int, float, bool)), path, f"{key} in [subject] must be one value")
            values[key] = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
        else:
            _expect(isinstance(value, str), path, f"{key} in [subject] must be text")
            values[key] = value
    return Roles(**values)


_SCOPE = ("materiality", "use", "jurisdiction")


def _scope(body: Mapping[str, object], path: str) -> Scope:
    """`materiality`, `use` and `jurisdiction` of [model]; the last two may be one text or a list."""
    lists = {key: body[key] for key in ("use", "jurisdiction") if key in body}
    taken = {
        key: _texts([value] if isinstance(value, str) else value, f"{key} in [model]", path) for key, value in lists.items() if value != ""
    }
    materiality = body.get("materiality", "")
    if not isinstance(materiality, str):
        raise BadInput(f"{path}: materiality in [model] must be text.", next=f"Mend {path} and run the command again.")
    return Scope(materiality=materiality, **taken)


def _plain(body: Mapping[str, object], section: str, path: str) -> dict[str, object]:
    """The table with dates as text (2026-11-24), so that it can be recorded and digested; other TOML values are JSON's."""

    def value(given: object) -> object:
        if isinstance(given, dict):
            return {str(key): value(item) for key, item in given.items()}
        if isinstance(given, list):
            return [value(item) for item in given]
        if isinstance(given, (date, time)):
            return given.isoformat()
        _expect(not isinstance(given, float) or math.isfinite(given), path, f"a number in [{section}] must be finite")
        return given

    return {key: value(item) for key, item in body.items()}


def _expect(holds: bool, path: str, rule: str) -> None:
    if not holds:
        raise BadInput(f"{path}: {rule}.", next=f"Mend {path} and run the command again.")
