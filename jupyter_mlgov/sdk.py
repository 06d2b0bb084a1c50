"""All that a plug-in may import. `__all__` is a promise: what stands there keeps its name and meaning."""

from __future__ import annotations

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, MlgovError
from jupyter_mlgov.core.team import Roles, Scope
from jupyter_mlgov.core.verdicts import Severity, Verdict, worst
from jupyter_mlgov.lineage.facts import CellRun, CodeState, Environment, FileRef, Fingerprint, Lineage, ObjectRef, Outcome, Session, Step
from jupyter_mlgov.lineage.staleness import Rerun, RerunPlan, cells_to_rerun
from jupyter_mlgov.validation.checks import Check, validator
from jupyter_mlgov.validation.reading import open_table
from jupyter_mlgov.validation.records import Act, Chain, Form, Records
from jupyter_mlgov.validation.results import CheckResult, Estimate, Finding, SubjectRef
from jupyter_mlgov.validation.subjects import Missing, Predict, Subject, Text, Unanswered
from jupyter_mlgov.validation.tables import table_subject
from jupyter_mlgov.validation.warehouse import Answer, Warehouse

__all__ = [
    "Act",
    "Actor",
    "Answer",
    "BadInput",
    "CellRun",
    "Chain",
    "Check",
    "CheckResult",
    "CodeState",
    "Digest",
    "Environment",
    "Estimate",
    "FileRef",
    "Finding",
    "Fingerprint",
    "Form",
    "Lineage",
    "Missing",
    "MlgovError",
    "ObjectRef",
    "Outcome",
    "Predict",
    "Records",
    "Rerun",
    "RerunPlan",
    "Roles",
    "Scope",
    "Session",
    "Severity",
    "Step",
    "Subject",
    "SubjectRef",
    "Text",
    "Unanswered",
    "Verdict",
    "Warehouse",
    "cells_to_rerun",
    "fingerprint",
    "open_table",
    "table_subject",
    "validator",
    "worst",
]


def fingerprint(content: object, *, ordered: bool = True, schema: object = None) -> Fingerprint:
    """Digest of all the content of a table, array, sparse matrix, fitted model, file or folder (a Path).

    With `ordered=False` a table's rows may come in any order. `schema` (a pyarrow.Schema, or column -> type) gives a CSV file its types.
    Raises BadInput with the reason where there is no stable content to name: `unstable: ...`, or what to do first.
    """
    from jupyter_mlgov.lineage.fingerprint import measured
    from jupyter_mlgov.lineage.typenames import Unfit

    try:
        found = measured(content, ordered=ordered, schema=schema)
    except Unfit as error:
        raise BadInput(f"No fingerprint: {error}.", expected="See docs/formats/fingerprint.md for what has one.") from None
    if found is None:
        name = f"{type(content).__module__}.{type(content).__qualname__}"
        raise BadInput(
            f"No fingerprint: unstable: a {name[:120]} has no content that is the same in every process.",
            expected="A table, array, sparse matrix, fitted scikit-learn model, or the Path of a file or folder.",
            next="Wrap the name of a file in pathlib.Path." if isinstance(content, str) else "",
        )
    return found
