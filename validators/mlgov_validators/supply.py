"""What the model came from outside with: files that run code when they are loaded, signatures, known holes in packages."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlgov.sdk import Finding, Subject, Unanswered, Verdict, validator
from mlgov_validators.filled import moment
from mlgov_validators.issues import shown
from mlgov_validators.pickles import opcodes

MODEL_FILES = (
    ".pkl",
    ".pickle",
    ".joblib",
    ".pt",
    ".pth",
    ".bin",
    ".ckpt",
    ".h5",
    ".keras",
    ".onnx",
    ".safetensors",
    ".skops",
    ".npz",
    ".npy",
    ".dill",
)
SAFE = (".onnx", ".safetensors", ".skops")
LARGEST = 500_000_000
OLDEST = 7  # days of a snapshot of advisories, a house figure


@validator(
    "code.supply",
    title="Supply chain",
    version="1.1",
    uses=("lineage", "environment", "register", "files", "records"),
    stricter={"signed": "higher"},
)
def supply_chain(subject: Subject, *, signed: bool = False) -> list[Finding]:
    """Can a model file run code when it is loaded, is it signed, and has a package in use a known hole?

    Model files are those the notebook read or wrote and those under `artifacts` of [dependencies] in mlgov.toml. A pickle, also inside a
    zip (torch, npz), is read opcode by opcode and never loaded: an import that runs code or leads to what does, or whose name is put
    together while loading, is harmful; one that is not on a list of what models are made of is said. A signature is an OpenSSF model
    signature beside the file (`FILE.sig`, `model.sig`); it is looked for, not verified here. Advisories are a snapshot in OSV form:

        [dependencies]
        artifacts = ["model.onnx"]
        advisories = "osv.json"     # {"date": "2026-11-20", "advisories": [OSV entries]}

    fail: a harmful import; a package in use with a hole that is known to be exploited; with `signed = true`, a file without signature.
    warn: any other pickle; an import that is not on the list; a file without signature; a package in use with any other known hole.
    inconclusive: a file that is not there, too large, or cannot be read to its end; no snapshot of advisories, or one older than 7 days.

    Licences and the provenance of packages (SLSA) are not judged: the record of an environment holds names and versions. `mlgov` checks a
    signature when a model is loaded or served.

    Source: OpenSSF model signing, OSV schema, SLSA; the list of modules and the 7 days are house figures.

    Fix: Store the model as skops, ONNX or safetensors and sign it (`model_signing sign`); update the package, or the snapshot.
    """
    rules = _rules(subject)
    findings = [finding for name in _names(subject, rules) for finding in _file(subject, name, signed)]
    if not findings:
        findings.append(Finding(message="The notebook read and wrote no model file.", verdict=Verdict.PASS, measured=0.0, n=0))
    return [*findings, *_advisories(subject, rules)]


def _rules(subject: Subject) -> Mapping[str, object]:
    try:
        return subject.declared("dependencies")
    except Unanswered:
        return {}


def _names(subject: Subject, rules: Mapping[str, object]) -> list[str]:
    runs = subject.lineage.runs if subject.lineage else ()
    seen = {ref.path for run in runs for ref in (*run.files_read, *run.files_written) if Path(ref.path).suffix.lower() in MODEL_FILES}
    listed = rules.get("artifacts")
    return sorted(seen | {str(one) for one in listed} if isinstance(listed, list) else seen)


def _file(subject: Subject, name: str, signed: bool) -> Iterator[Finding]:
    if subject.folder is None:
        yield _of(name, "was not looked at: the workspace's folder is not known.", Verdict.INCONCLUSIVE)
        return
    path = subject.folder / name
    try:
        if path.stat().st_size > LARGEST:
            yield _of(name, f"is larger than {LARGEST // 1_000_000} MB and was not looked at.", Verdict.INCONCLUSIVE)
            return
        content = path.read_bytes()
    except OSError as error:
        yield _of(name, f"cannot be read ({type(error).__name__}), so it was not looked at.", Verdict.INCONCLUSIVE)
        return
    yield from _content(name, content)
    if not (path.with_name(f"{path.name}.sig").is_file() or path.with_name("model.sig").is_file()):
        yield _of(name, "is unsigned.", Verdict.FAIL if signed else Verdict.WARN)


def _content(name: str, content: bytes, depth: int = 0) -> Iterator[Finding]:
    if content[:2] == b"PK":
        yield from _zip(name, content, depth)
    elif content[:6] == b"\x93NUMPY":
        if b"'O'" in content[:256] or b"|O" in content[:256]:
            yield _of(name, "holds an array of objects: it is a pickle inside.", Verdict.WARN)
    elif content[:1] == b"\x80" or Path(name).suffix.lower() in (".pkl", ".pickle", ".joblib", ".dill"):
        yield from _pickle(name, content)
    elif depth == 0 and Path(name).suffix.lower() not in SAFE:
        yield _of(name, "is of a format that is not read here.", Verdict.INCONCLUSIVE)
    elif depth == 0:
        yield _of(name, "is of a format that holds no code.", Verdict.PASS)


def _pickle(name: str, content: bytes) -> Iterator[Finding]:
    found = opcodes(content)
    if found.harmful:
        said = ", ".join(shown(one.replace(" ", "."), 40) for one in found.harmful[:5])
        yield _of(name, f"imports {said} when it is loaded.", Verdict.FAIL, measured=float(len(found.harmful)))
    if found.problem:
        yield _of(name, f"was not read to its end: {found.problem}.", Verdict.INCONCLUSIVE)
    if found.unknown:
        said = ", ".join(shown(one.replace(" ", "."), 40) for one in found.unknown[:5])
        yield _of(name, f"imports {said}, which is on no list of what models are made of.", Verdict.WARN)
    yield _of(name, "is a pickle: it can run code when it is loaded.", Verdict.WARN)


def _zip(name: str, content: bytes, depth: int) -> Iterator[Finding]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if depth > 2 or len(members) > 10_000 or sum(one.file_size for one in members) > LARGEST:
                yield _of(name, "unpacks to more than is looked at.", Verdict.INCONCLUSIVE)
                return
            found = [finding for one in members for finding in _content(f"{name}:{one.filename}", archive.read(one), depth + 1)]
    except Exception as error:  # noqa: BLE001  # whatever a damaged or encrypted archive raises
        yield _of(name, f"cannot be unpacked ({type(error).__name__}).", Verdict.INCONCLUSIVE)
        return
    yield from found or [_of(name, f"is an archive of {len(members)} parts without a pickle.", Verdict.PASS)]


def _of(name: str, said: str, verdict: Verdict, measured: float | None = None) -> Finding:
    return Finding(
        message=f"{shown(name, 80)} {said}", verdict=verdict, measured=measured, allowed="0 harmful imports", where=shown(name, 80)
    )


# -- advisories -------------------------------------------------------------------------------------------------------


def _advisories(subject: Subject, rules: Mapping[str, object]) -> Iterator[Finding]:
    name = str(rules.get("advisories", ""))
    packages = dict(subject.environment.packages) if subject.environment else {}
    if not name or subject.folder is None or not packages:
        if packages:
            said = "No snapshot of advisories was given ([dependencies] advisories), so no package was looked up."
            fix = "Keep a snapshot in the workspace and name it: `advisories = FILE` under [dependencies] in mlgov.toml."
        else:
            said, fix = "The environment is not known, so no package was looked up.", "Run the notebook with the recorder."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, fix=fix)
        return
    try:
        body: Any = json.loads((subject.folder / name).read_text("utf-8"))
        dated, entries = moment(body["date"]), list(body["advisories"])
        hits = [hit for entry in entries for hit in _affected(entry, packages)]
    except Exception as error:  # noqa: BLE001  # a snapshot of another form is no snapshot
        yield Finding(message=f"The snapshot of advisories cannot be read ({type(error).__name__}).", verdict=Verdict.INCONCLUSIVE)
        return
    now = subject.records.now if subject.records else None
    if dated is None or now is None or (now - dated).days > OLDEST:
        age = f"{(now - dated).days} days old" if dated and now else "of unknown age"
        yield Finding(message=f"The snapshot of advisories is {age}; {OLDEST} days are allowed.", verdict=Verdict.INCONCLUSIVE)
    for advisory, package, version, exploited in hits:
        more = ", and is known to be exploited" if exploited else ""
        said = f"{package} {version} has the known hole {shown(advisory, 40)}{more}."
        yield Finding(message=said, verdict=Verdict.FAIL if exploited else Verdict.WARN, where=package)
    said = (
        f"{len(packages)} packages were looked up in {len(entries)} advisories of {dated:%Y-%m-%d}."
        if dated
        else "Packages were looked up."
    )
    yield Finding(message=said, verdict=Verdict.PASS, measured=float(len(hits)), n=len(packages))


def _affected(entry: Mapping[str, Any], packages: Mapping[str, str]) -> Iterator[tuple[str, str, str, bool]]:
    """(id, package, version, exploited) for each installed version that an OSV entry lists or has in a range."""
    import re

    from packaging.version import Version

    installed = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in packages.items()}
    for affected in entry["affected"]:
        name = re.sub(r"[-_.]+", "-", str(affected["package"]["name"])).lower()
        version = installed.get(name)
        if version is None:
            continue
        inside = version in affected.get("versions", ())
        for events in (one["events"] for one in affected.get("ranges", ()) if one.get("type") != "GIT"):
            open_ = False
            for event in events:
                if "introduced" in event and (event["introduced"] == "0" or Version(version) >= Version(event["introduced"])):
                    open_ = True
                if "fixed" in event and Version(version) >= Version(event["fixed"]):
                    open_ = False
                if "last_affected" in event and Version(version) > Version(event["last_affected"]):
                    open_ = False
            inside = inside or open_
        if inside:
            yield str(entry["id"]), name, version, bool((entry.get("database_specific") or {}).get("known_exploited"))
