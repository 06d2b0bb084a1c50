"""The regulator's bundle: the audit bundle as it is, beside every document and machine-readable form, under one signed manifest."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.statements import envelope, statement
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.reports.reading import CAVEAT

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.writing import Work

DOSSIER = "urn:jupyter-mlgov:dossier:v1"
MANIFEST, AUDIT = "manifest.dsse.json", "audit.mlgov.zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)
# name -> (document or matrix, form)
FILES = {
    "dossier.html": ("", "html"),
    "dossier.pdf": ("", "pdf"),
    "dossier.docx": ("", "docx"),
    "dossier.json": ("", "json"),
    "matrix.html": ("matrix", "html"),
    "matrix.csv": ("matrix", "csv"),
    "matrix-back.csv": ("matrix-back", "csv"),
    "matrix.json": ("matrix", "json"),
    "bom.cdx.json": ("", "cyclonedx"),
    "report.sarif": ("", "sarif"),
    "model-card.md": ("", "md"),
    "decision.dsse.json": ("", "intoto"),
}
_README = """What a regulator needs to judge one version of a model.

dossier.*            validation report, development document, Annex IV file, GDPR record, DPIA and FRIA, as one document
matrix*              each regulation paragraph with its control, requirement, validator, evidence, cell and data, both ways
bom.cdx.json         CycloneDX ML-BOM with attestations
report.sarif         the checks, SARIF 2.1.0
model-card.md        model card
decision.dsse.json   the last decision on this version as a signed in-toto statement, where there was one
audit.mlgov.zip      the log's whole story of the model; check it offline: mlgov audit verify audit.mlgov.zip
manifest.dsse.json   the digest of every file, signed with the key of the log

Not in here: {missing}.

{caveat}
"""


def hand_over(work: Work, write: Callable[[Work], bytes]) -> bytes:
    """The bundle as zip bytes. What cannot be had (a missing extra, no decision yet) is left out, and README.txt says what and why."""
    from jupyter_mlgov.workspace.trail import bundle, signer

    files: dict[str, bytes] = {AUDIT: bundle(work.workspace, work.facts.model)}
    missing: list[str] = []
    for name, (kind, style) in FILES.items():
        try:
            files[name] = write(replace(work, order=replace(work.order, audience="regulator", kind=kind, style=style, colour=False)))
        except NotReady as problem:
            missing.append(f"{name} ({problem})")
    files["README.txt"] = _README.format(missing="; ".join(missing) or "nothing is missing", caveat=CAVEAT).encode()
    predicate = {"model": work.facts.model, "version": work.facts.version, "leftOut": missing}
    told = statement([(name, Digest.of_bytes(content)) for name, content in sorted(files.items())], DOSSIER, predicate)
    files[MANIFEST] = canonical_json(envelope(told, signer(work.workspace)))
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return held.getvalue()
