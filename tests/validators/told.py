"""What people and the trail told about a subject, as a case file has it: `register`, `forms`, `scope`, `features`, `files`,
`now`, and the trail's `acts`, `authors`, `chain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.team import Scope
from jupyter_mlgov.sdk import Check, Subject, Verdict
from jupyter_mlgov.testing import ANA
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import Registry
from jupyter_mlgov.validation.records import Act, Chain, Form, Records

from .conftest import THEN, lineage, whole_record


def verdict(check: Check, subject: Subject) -> Verdict | None:
    """What `check` says of `subject`; None where it says nothing because people have to say something first."""
    report = validate(subject, (), Registry.of(check))
    return report.results[0].verdict if report.results else None


def told(subject: Subject, case: Mapping[str, Any]) -> Subject:
    """`subject` with what the case tells; a case that tells nothing gives it back as it is."""
    more: dict[str, Any] = {}
    if "register" in case:
        more["register"] = case["register"]
    if "forms" in case:
        more["forms"] = tuple(Form(control=control, answers=answers, actor=ANA, time=THEN) for control, answers in case["forms"].items())
    if "scope" in case:
        more["scope"] = Scope(**{name: tuple(value) for name, value in case["scope"].items()})
    if "days_later" in case:
        more["records"] = Records(now=THEN + timedelta(days=case["days_later"]), model="m")
    if "now" in case:
        authors = tuple(Actor(id=name, source="git") for name in case.get("authors", ()))
        acts = tuple(_act(one) for one in case.get("acts", ()))
        more["records"] = Records(now=datetime.fromisoformat(case["now"]), model="m", acts=acts, authors=authors)
    if "answered" in case:
        more["forms"] = tuple(
            Form(control=one["control"], answers=one["answers"], actor=Actor(id=one["by"], source="git"), time=THEN)
            for one in case["answered"]
        )
    if "chain" in case:
        anchored = case["chain"].get("anchored")
        more["chain"] = Chain(**{**case["chain"], "anchored": datetime.fromisoformat(anchored) if anchored else None})
    if "metrics" in case:
        runs = whole_record()
        more["lineage"] = lineage((*runs[:-1], replace(runs[-1], metrics=case["metrics"])))
    if "files" in case:
        more["folder"] = folder = Path(mkdtemp(prefix="mlgov-case-"))
        for name, content in case["files"].items():
            (folder / name).write_bytes(bytes.fromhex(content["hex"]) if isinstance(content, dict) else content.encode())
    if case.get("with_record"):
        more["lineage"] = lineage()
    return replace(subject, **more)


def _act(one: Mapping[str, Any]) -> Act:
    return Act(
        action=one["action"],
        subject="m",
        actor=Actor(id=one["actor"], source=one["source"]),
        time=datetime.fromisoformat(one["at"]),
        payload=one["payload"],
        entry=Digest(one["entry"]) if "entry" in one else None,
    )
