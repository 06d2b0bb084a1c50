"""All that a plug-in may import. `__all__` is a promise: what stands there keeps its name and meaning."""

from __future__ import annotations

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, MlgovError
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.core.verdicts import Severity, Verdict, worst
from jupyter_mlgov.lineage.facts import CellRun, CodeState, Environment, FileRef, Fingerprint, Lineage, ObjectRef, Outcome, Session, Step
from jupyter_mlgov.validation.checks import Check, validator
from jupyter_mlgov.validation.reading import open_table
from jupyter_mlgov.validation.results import CheckResult, Estimate, Finding, SubjectRef
from jupyter_mlgov.validation.subjects import Missing, Subject, Text
from jupyter_mlgov.validation.tables import table_subject
from jupyter_mlgov.validation.warehouse import Answer, Warehouse

__all__ = [
    "Answer",
    "BadInput",
    "CellRun",
    "Check",
    "CheckResult",
    "CodeState",
    "Digest",
    "Environment",
    "Estimate",
    "FileRef",
    "Finding",
    "Fingerprint",
    "Lineage",
    "Missing",
    "MlgovError",
    "ObjectRef",
    "Outcome",
    "Roles",
    "Session",
    "Severity",
    "Step",
    "Subject",
    "SubjectRef",
    "Text",
    "Verdict",
    "Warehouse",
    "fingerprint",
    "open_table",
    "table_subject",
    "validator",
    "worst",
]


def fingerprint(content: object) -> Fingerprint | None:
    """Digest of all the content of a table, array, model or file; None where the kind is not known."""
    from jupyter_mlgov.lineage.fingerprint import fingerprint as of

    return of(content)
