"""Special categories (GDPR Art 9(1)) and criminal data (Art 10): which columns hold them, on what ground, for what use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Subject, Unanswered, Verdict, validator
from mlgov_validators.special_places import in_notes, in_texts, inferred
from mlgov_validators.special_words import NAMES, VALUES

if TYPE_CHECKING:
    from ibis.expr.types import Table

_ICD = re.compile(r"[A-TV-Z][0-9]{2}(?:\.[0-9A-Z]{1,4})?")
_GROUND = re.compile(r"\b9\s*\(2\)\s*\([a-j]\)")
_GROUND_10 = re.compile(r"\b(?:Art(?:icle)?\.?\s*)?10\b|law|statute|official authority", re.IGNORECASE)
MOST_VALUES = 200
CONDITIONS = ("a", "b", "c", "d", "e", "f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What [personal] of mlgov.toml says about special columns."""

    grounds: Mapping[str, object]
    conditions: Mapping[str, object]
    inferred: Mapping[str, object]
    other: Mapping[str, object]


@validator(
    "priv.special",
    title="Special-category and criminal data",
    version="1.1",
    needs=("table",),
    uses=("features", "protected", "register", "texts", "lineage"),
    stricter={"testing_conditions": "higher"},
)
def special_categories(subject: Subject, *, testing_conditions: bool = True) -> list[Finding]:
    """Is a column of a special category used, and is there a ground for it?

    A column is special by a word in its name (a dictionary of nine categories in several languages), by its values (up to 200
    different ones: names of religions, origins, parties, orientations; ICD-10 codes), or because [personal] `inferred` says that it
    tells one (CJEU C-184/20). A feature that gives a special column away as strongly as proxy.detect calls failing (AUC 0.75, V 0.4) is
    named for it. Free text is searched for a category beside a value (`religion: catholic`, `diagnosis F32.1`): notes in the table,
    outputs, source, names of files. `not_special` takes a column out, with the reason. In mlgov.toml:

        [personal.grounds]
        diagnosis = "9(2)(a), consent form C-12"
        [personal.conditions.race]     # AI Act Art 4a(1)(a)-(f), for a column used for bias testing alone
        a = "…"

    fail: a special column among the features without a ground (Art 9(2)(a)-(j), or Art 10); a special column named as protected, so
    used for bias testing, without a ground and without all six conditions (where `testing_conditions` asks for them: Regulation B
    does not, and asks only that no prohibited basis is a feature).
    warn: a special column that lies in the table and is neither feature nor protected; a feature that gives one away and of which
    nothing is declared; free text that tells a category of somebody.
    inconclusive: features are not declared, and the table holds a special column that is not protected.

    Source: GDPR Art 9(1), 9(2), 10; AI Act Art 4a (Reg (EU) 2026/1744 Art 1(6)); dictionary: house.

    Fix: Take the column out of the features, or write its ground and the reference of the DPIA. For bias testing alone, write the six
    conditions and keep the column away from those who build the model.
    """
    declared = _declared(subject)
    table = subject.table
    found = {column: category for column in table.columns if (category := _category(subject, table, column, declared))}
    findings = [_judged(subject, column, category, declared, testing_conditions) for column, category in sorted(found.items())]
    said = f"{len(table.columns)} columns and {len(subject.texts)} texts were looked at; {len(found)} columns are special."
    quiet = {name for name, why in declared.other.items() if str(why).strip()}
    notes = [name for name in table.columns if name not in found and name not in quiet and table[name].type().is_string()]
    findings += [*inferred(subject, found, {*declared.inferred, *quiet}), *in_notes(subject, table, notes), *in_texts(subject)]
    return [*findings, Finding(message=said, verdict=Verdict.PASS, measured=float(len(found)), n=len(table.columns))]


def _declared(subject: Subject) -> Declared:
    try:
        body = subject.declared("personal")
    except Unanswered:
        body = {}
    parts = {
        name: value if isinstance(value := body.get(name), Mapping) else {} for name in ("grounds", "conditions", "inferred", "not_special")
    }
    return Declared(grounds=parts["grounds"], conditions=parts["conditions"], inferred=parts["inferred"], other=parts["not_special"])


def _category(subject: Subject, table: Table, column: str, declared: Declared) -> str:
    if column in declared.inferred:
        return str(declared.inferred[column])
    if str(declared.other.get(column, "")).strip():
        return ""
    name = re.sub(r"[\W_]+", " ", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", column))
    named = next((category for category, pattern in NAMES.items() if pattern.search(name)), "")
    return named or (_by_values(subject, table, column) if table[column].type().is_string() else "")


def _by_values(subject: Subject, table: Table, column: str) -> str:
    """The category most of a column's different values belong to; two or more must."""
    different = table.select(mlgov_value=table[column]).filter(table[column].notnull()).distinct().limit(MOST_VALUES + 1)
    values = [str(row["mlgov_value"]).strip() for row in subject.ask(different).rows]
    if not 2 <= len(values) <= MOST_VALUES:
        return ""
    if sum(bool(_ICD.fullmatch(value)) for value in values) * 2 > len(values):
        return "health"
    for category, known in VALUES.items():
        if sum(value.lower() in known for value in values) * 2 > len(values):
            return category
    return ""


def _judged(subject: Subject, column: str, category: str, declared: Declared, testing_conditions: bool) -> Finding:  # a pack's parameter
    ground = _ground(str(declared.grounds.get(column, "")), category)
    lacks = _lacking(declared.conditions.get(column))
    used = "a feature" if column in subject.roles.features else "used for bias testing" if column in subject.roles.protected else ""
    what = f"{column} is data on {category}"
    details = {"column": column, "category": category, "use": used or "none"}
    if used and ground:
        return Finding(message=f"{what} and is {used}; its ground is recorded.", verdict=Verdict.PASS, where=column, details=details)
    article = "Article 10" if category == "criminal convictions" else "Article 9(2)"
    if used == "a feature":
        said = f"{what} and is used as a feature; no {article} ground is recorded."
        return Finding(message=said, verdict=Verdict.FAIL, measured=1.0, allowed="0 without a ground", where=column, details=details)
    if used and not testing_conditions:
        said = f"{what} and is {used} alone; it is not among the features."
        return Finding(message=said, verdict=Verdict.PASS, where=column, details=details)
    if used:
        if not lacks:
            said = f"{what}, {used} alone, with the six conditions of Article 4a recorded."
            return Finding(message=said, verdict=Verdict.PASS, where=column, details=details)
        said = f"{what} and is {used}; of the six conditions of Article 4a(1), {', '.join(f'({one})' for one in lacks)} are not recorded."
        return Finding(message=said, verdict=Verdict.FAIL, measured=float(len(lacks)), allowed="0", where=column, details=details)
    if not subject.roles.features:
        said = f"{what}, and nobody declared which columns are features, so it cannot be told whether it is used."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, details=details)
    said = f"{what} and lies in the table, though it is neither a feature nor used for bias testing."
    return Finding(message=said, verdict=Verdict.WARN, where=column, details=details)


def _ground(text: str, category: str) -> bool:
    pattern = _GROUND_10 if category == "criminal convictions" else _GROUND
    return bool(pattern.search(text))


def _lacking(record: object) -> list[str]:
    """Which of the six conditions have no words of their own."""
    given = record if isinstance(record, Mapping) else {}
    return [name for name in CONDITIONS if len(str(given.get(name, "")).strip()) < 10]
