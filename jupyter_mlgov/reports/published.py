"""What stands in the published JSON around a report: the names and types that schema.py writes down and read.py checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.validation.results import CheckResult, PolicyRef, RequirementResult, SubjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedReport:
    """The report's fields with the name of this form, the report's digest, and what follows from the results for quick readers."""

    schema: str
    digest: Digest
    counts: Mapping[str, int]
    blocking: tuple[str, ...]
    subject: SubjectRef
    policies: tuple[PolicyRef, ...]
    results: tuple[CheckResult, ...]
    requirements: tuple[RequirementResult, ...]
    note: str
    thresholds: Digest | None
    looks: int
