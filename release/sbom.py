"""`make sbom`: what this release is made of, as a CycloneDX document that its own strict validator takes."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from closure import OURS, closure

VERSION = "1.6"


def sbom(moment: datetime) -> bytes:
    """The document. Equal environments and moments give equal bytes."""
    found = closure()
    parts = {name: _component(name) for name in found}
    graph = [{"ref": _ref(name), "dependsOn": [_ref(below) for below in belows]} for name, belows in found.items()]
    body: dict[str, object] = {
        "metadata": {
            "timestamp": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {**parts[OURS], "type": "application"},
        },
        "components": [part for name, part in parts.items() if name != OURS],
        "dependencies": graph,
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    whole = {"bomFormat": "CycloneDX", "specVersion": VERSION, "serialNumber": f"urn:uuid:{serial}", "version": 1, **body}
    return json.dumps(whole, indent=1, ensure_ascii=False).encode() + b"\n"


def _ref(name: str) -> str:
    return f"pkg:pypi/{name}@{importlib.metadata.version(name)}"


def _component(name: str) -> dict[str, object]:
    metadata = importlib.metadata.metadata(name)
    part: dict[str, object] = {
        "type": "library",
        "bom-ref": _ref(name),
        "name": name,
        "version": importlib.metadata.version(name),
        "purl": _ref(name),
    }
    if metadata.get("License-Expression"):
        part["licenses"] = [{"expression": metadata["License-Expression"]}]
    return part


def main(to: Path) -> int:
    """Write the document, validated first. `SOURCE_DATE_EPOCH` is its moment where it is set (reproducible-builds.org)."""
    from jupyter_mlgov.integrations.cyclonedx import check_bom

    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    content = sbom(datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC))
    version = check_bom(content)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(content)
    sys.stdout.write(f"{to}: CycloneDX {version}, {len(closure()) - 1} components, valid by its strict schema\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
