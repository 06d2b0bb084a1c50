"""Policy packs: the controls of a regime, and the validators each asks for. Data, not code; dated and digested."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.validation.results import PolicyRef

# How the wording of a control, or the source of a number, was seen.
MARKS = {
    "P": "primary text seen",
    "Q": "verbatim quotes seen",
    "S": "seen in paraphrase only",
    "M": "from memory, to be checked",
    "H": "house figure",
}


OWN = "the validator's own default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A control's demand on one validator: the parameters it sets, where each number comes from, and how that source was seen (MARKS)."""

    validator: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)

    def told(self, name: str, value: object) -> str:
        """A threshold for people: its value, and where it comes from. One that the pack leaves alone is the validator's own.

        Where another pack, or the team, asks more, the value is theirs: this pack's source vouches for its own number alone.
        1.0 and 1 read alike: an answer from the record has been through canonical JSON, and the report must not tell.
        """
        value = _short(value)
        if name not in self.parameters:
            if name == "min_cell" and value:
                return f"{name} = {value} (asked of a check by another pack or by mlgov.toml, so it holds for all)"
            return f"{name} = {value} ({OWN}; its page names the source)"
        mark = MARKS[self.marks[name]] if name in self.marks else "how it was seen is not stated"
        source, asked = self.sources[name], self.parameters[name]
        seen = source if mark == MARKS["H"] and source.startswith("house") else f"{source}; {mark}"
        if not same(value, asked):
            return f"{name} = {value} (set by another pack or by mlgov.toml; asked here is {_short(asked)}: {seen})"
        return f"{name} = {value} ({seen})"


def same(one: object, other: object) -> bool:
    """JSON knows no 7.0 and no fraction: 7 and 7.0, `4/5` and 0.8 are the same demand."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    try:
        return Fraction(str(one)) == Fraction(str(other))
    except (ValueError, ZeroDivisionError):
        return str(one) == str(other)


def _short(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked where no machine can tell. `id` names the answer, also to validators that read answers."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One obligation of one framework, paraphrased and cited. `verified` says how its wording was seen (P, Q, S or M).

    `applies_from` and `applies_until` are dates (2027-12-02); empty means those of the pack. `status` says why it is no law yet.
    `applies_if` maps a scope fact (materiality, use, jurisdiction) to the values for which the control applies.
    """

    id: str
    cite: str
    url: str
    verified: str
    obligation: str
    automation: str
    severity: Severity
    gates: tuple[str, ...]
    basis: str
    evidence: str = ""
    threshold: str = ""
    requirements: tuple[Requirement, ...] = ()
    applies_from: str = ""
    applies_until: str = ""
    status: str = ""
    profile: str = ""
    applies_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A pack. Its digest covers all of its parsed content; layout and comments of the file do not count."""

    id: str
    version: str
    title: str
    framework: str
    effective: str = ""
    until: str = ""
    scope: str = ""
    applies_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    controls: tuple[Control, ...] = ()

    @property
    def digest(self) -> Digest:
        return Digest.of_json(plain(self))

    @property
    def ref(self) -> PolicyRef:
        return PolicyRef(id=self.id, version=self.version, title=self.title, digest=self.digest)

    def control(self, id: str) -> Control | None:
        return next((one for one in self.controls if one.id == id), None)

    @property
    def validators(self) -> tuple[str, ...]:
        """Every validator the pack asks for, in its own order."""
        return tuple(dict.fromkeys(ask.validator for control in self.controls for ask in control.requirements))


_TEXT, _TEXTS, _TABLE, _TABLES = "text", "a list of texts", "a table", "a list of tables"
_POLICY = {**dict.fromkeys(("id", "version", "title", "framework", "effective", "until", "scope"), _TEXT), "applies_if": _TABLE}
_CONTROL = {
    **dict.fromkeys(("id", "cite", "url", "verified", "obligation", "automation", "severity", "basis", "evidence", "threshold"), _TEXT),
    **dict.fromkeys(("applies_from", "applies_until", "status", "profile"), _TEXT),
    "applies_if": _TABLE,
    "gates": _TEXTS,
    "questions": _TABLES,
    "requirements": _TABLES,
}
_QUESTION = {"id": _TEXT, "text": _TEXT}
_REQUIREMENT = {"validator": _TEXT, "parameters": _TABLE, "sources": _TABLE, "marks": _TABLE}
_OPTIONAL = {
    *("effective", "until", "scope", "evidence", "threshold", "requirements", "parameters", "sources", "marks"),
    *("applies_from", "applies_until", "applies_if", "status", "profile", "questions"),
}
_DATES = ("effective", "until", "applies_from", "applies_until")
SCOPE = ("materiality", "use", "jurisdiction")
_WORDS = {"verified": ("P", "Q", "S", "M"), "automation": ("auto", "assisted", "human"), "severity": tuple(Severity)}


@lru_cache(maxsize=32)
def load_policy(text: str, path: str) -> Policy:
    """Read the TOML text of a pack, the same text once.

    Raises BadInput for bad TOML, a missing key or a wrong type, UsageError for an unknown key.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not valid TOML: {error}.", next=f"Mend that line of {path}.") from None
    _check(document, {"policy": _TABLE, "control": _TABLES}, path)
    place = f"[policy] of {path}"
    head = _check(document["policy"], _POLICY, place)
    head["applies_if"] = _conditions(head.get("applies_if", {}), place)
    _dates(head, place)
    controls = tuple(_control(body, path, number) for number, body in enumerate(document["control"], 1))
    _unique([control.id for control in controls], "control", path)
    return Policy(**head, controls=controls)


def _control(body: Mapping[str, object], path: str, number: int) -> Control:
    where = f"[[control]] {body.get('id', f'number {number}')!s:.60} of {path}"
    values = dict(_check(body, _CONTROL, where))
    for key, known in _WORDS.items():
        if values[key] not in known:
            raise unknown(f"{key} in {where}", str(values[key])[:60], known)
    asks = values.pop("requirements", [])
    requirements = tuple(_requirement(ask, where) for ask in asks)
    _unique([ask.validator for ask in requirements], "validator", where)
    questions = tuple(Question(**_check(one, _QUESTION, f"questions of {where}")) for one in values.pop("questions", []))
    _unique([one.id for one in questions], "question", where)
    _dates(values, where)
    values["applies_if"] = _conditions(values.get("applies_if", {}), where)
    gates = tuple(values.pop("gates"))
    severity = Severity(values.pop("severity"))
    return Control(**values, gates=gates, severity=severity, requirements=requirements, questions=questions)


def _conditions(body: Mapping[str, object], where: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, values in body.items():
        if name not in SCOPE:
            raise unknown(f"scope fact in applies_if of {where}", name, SCOPE)
        if not isinstance(values, list) or not values or not all(isinstance(one, str) for one in values):
            raise BadInput(f"{where}: applies_if.{name} must be a list of texts.", next="Mend the policy file.")
        found[name] = tuple(values)
    return found


def _dates(values: Mapping[str, object], where: str) -> None:
    for key in _DATES:
        if values.get(key):
            try:
                date.fromisoformat(str(values[key]))
            except ValueError:
                raise BadInput(f"{where}: {key} is {values[key]!r:.40}.", expected="Expected a date as 2027-12-02.") from None


def _requirement(body: Mapping[str, object], where: str) -> Requirement:
    place = f"[[control.requirements]] in {where}"
    values = _check(body, _REQUIREMENT, place)
    parameters, sources, marks = (values.get(key, {}) for key in ("parameters", "sources", "marks"))
    if silent := [name for name in parameters if not isinstance(sources.get(name), str) or not sources[name]]:
        raise BadInput(
            f"{place}: {', '.join(silent)} has no source.", expected="Each parameter says in `sources` where its number comes from."
        )
    if loose := [name for name in (*sources, *marks) if name not in parameters]:
        raise unknown(f"parameter with a source in {place}", loose[0], sorted(parameters))
    if odd := [mark for mark in marks.values() if mark not in MARKS]:
        raise unknown(f"mark in {place}", str(odd[0])[:60], tuple(MARKS))
    return Requirement(validator=values["validator"], parameters=parameters, sources=sources, marks=marks)


def _check(body: Mapping[str, object], keys: Mapping[str, str], where: str) -> dict[str, Any]:
    """`body` when it holds exactly the known keys, each of its kind."""
    for key, value in body.items():
        if key not in keys:
            raise unknown(f"key in {where}", key, sorted(keys))
        if not _is(value, keys[key]):
            raise BadInput(f"{where}: {key} is {type(value).__name__}.", expected=f"Expected {keys[key]}.", next="Mend the policy file.")
    if absent := [key for key in keys if key not in body and key not in _OPTIONAL]:
        raise BadInput(f"{where} has no {', '.join(absent)}.", next="Add it to the policy file.")
    return dict(body)


def _is(value: object, kind: str) -> bool:
    if kind == _TEXT:
        return isinstance(value, str)
    if kind == _TABLE:
        return isinstance(value, dict)
    inner = str if kind == _TEXTS else dict
    return isinstance(value, list) and all(isinstance(item, inner) for item in value)


def _unique(names: list[str], kind: str, where: str) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{where} has {kind} {', '.join(twice)} twice.", next="Keep one of them.")
