"""One thing that is wrong with code: which rule, how grave, where, in words that hold nothing of a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.sdk import Finding, Verdict
from mlgov_validators.places import begins, place_details
from mlgov_validators.program import Place

Grade = Literal["high", "medium", "low"]
VERDICTS = {"high": Verdict.FAIL, "medium": Verdict.WARN, "low": Verdict.PASS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """`says` goes on from "Cell [7], line 2 …". `covers` are ids of other tools' rules that say the same of this line."""

    rule: str
    grade: Grade
    says: str
    place: Place
    cwe: str = ""
    fix: str = ""
    covers: tuple[str, ...] = ()


def finding(issue: Issue) -> Finding:
    """high is fail, medium warn, low is shown and passes."""
    text = issue.place.text
    named = ", ".join(filter(None, (issue.rule, issue.cwe)))
    return Finding(
        message=f"{begins(text, issue.place.line)} {issue.says} ({named}).",
        verdict=VERDICTS[issue.grade],
        where=text.where,
        fix=issue.fix,
        details={"rule": issue.rule, "grade": issue.grade, **place_details(text, issue.place.line)},
    )


def shown(text: str, most: int = 60) -> str:
    """A short piece of foreign text: one line, nothing that is not printable, cut."""
    clean = re.sub(r"\s+", " ", "".join(item if item.isprintable() else " " for item in text)).strip()
    return clean if len(clean) <= most else f"{clean[:most]}…"
