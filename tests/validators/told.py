"""What people and the trail told about a subject, as a case file has it: `register`, `forms`, `scope`, `features`, `files`, `now`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from jupyter_mlgov.core.team import Scope
from jupyter_mlgov.sdk import Check, Subject, Verdict
from jupyter_mlgov.testing import ANA
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import Registry
from jupyter_mlgov.validation.records import Form, Records

from .conftest import THEN, lineage


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
        more["records"] = Records(now=datetime.fromisoformat(case["now"]), model="m")
    if "files" in case:
        more["folder"] = folder = Path(mkdtemp(prefix="mlgov-case-"))
        for name, content in case["files"].items():
            (folder / name).write_bytes(bytes.fromhex(content["hex"]) if isinstance(content, dict) else content.encode())
    if case.get("with_record"):
        more["lineage"] = lineage()
    return replace(subject, **more)
