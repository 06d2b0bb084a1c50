"""A decision as a signed statement that other tools read: in-toto Statement v1 in a DSSE envelope."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.audit.notes import Signer
from jupyter_mlgov.audit.offline import pae
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
DECISION = "urn:jupyter-mlgov:decision:v1"
BUNDLE = "urn:jupyter-mlgov:bundle:v1"


def statement(subjects: Sequence[tuple[str, Digest]], predicate_type: str, predicate: Mapping[str, object]) -> dict[str, object]:
    """An in-toto Statement v1 about the named digests."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest.hex}} for name, digest in subjects],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def decision_statement(entry: AuditEntry, log: str, model_digest: Digest | None = None) -> dict[str, object]:
    """What entry `promotion.decided` says, about the model it decided on (where its digest is known) and about the entry itself."""
    subjects = [(f"{log}/{entry.seq}", entry.digest)]
    if model_digest is not None:
        subjects.insert(0, (f"{entry.subject}@{entry.payload.get('version', '')}", model_digest))
    predicate = {"log": log, "entry": entry.seq, "entryDigest": entry.digest, "decision": dict(entry.payload)}
    return statement(subjects, DECISION, predicate)


def envelope(content: Mapping[str, object], signer: Signer) -> dict[str, object]:
    """`content` as canonical JSON in a DSSE envelope, signed by one key."""
    payload = canonical_json(content)
    signature = signer.sign(pae(PAYLOAD_TYPE, payload))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": signer.key.id, "sig": base64.b64encode(signature).decode()}],
    }
