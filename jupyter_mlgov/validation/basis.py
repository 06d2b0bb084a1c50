"""What an answer rests on, part by part: equal parts mean an equal answer, and a part that changed is what made it stale."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.lineage.facts import CellRun, Lineage, Session
from jupyter_mlgov.validation.checks import Check
from jupyter_mlgov.validation.needs import ROLES, named
from jupyter_mlgov.validation.results import CheckResult, Unchecked
from jupyter_mlgov.validation.subjects import Subject

Basis = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer that was given before, and what it rested on."""

    result: CheckResult | Unchecked
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """Whether a check's answer was taken from the store, and why, in a sentence."""

    validator: str
    reused: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The answers on record, newest first for each validator."""

    kept: Mapping[str, tuple[Kept, ...]] = field(default_factory=dict)

    def answer(self, check: Check, basis: Basis | None) -> tuple[CheckResult | Unchecked | None, Reuse]:
        """The answer that rests on exactly `basis`; else None and what is different."""
        found = self.kept.get(check.id, ())
        if basis is None:
            return None, Reuse(
                validator=check.id, reused=False, why="run: a part of the subject has no digest, so nothing says it is unchanged"
            )
        if not found:
            return None, Reuse(validator=check.id, reused=False, why="run: it has not been answered for this notebook before")
        for one in found:
            if dict(one.basis) == dict(basis) and not _broke(one.result):
                return one.result, Reuse(validator=check.id, reused=True, why="reused: nothing it rests on changed")
        return None, Reuse(validator=check.id, reused=False, why=f"run again: {_changed(found[0], basis)}")


def _broke(told: CheckResult | Unchecked) -> bool:
    return isinstance(told, CheckResult) and told.verdict is Verdict.ERROR


def _changed(last: Kept, basis: Basis) -> str:
    if dict(last.basis) == dict(basis):
        return "it broke the last time"
    parts = [name for name in sorted({*last.basis, *basis}) if last.basis.get(name) != basis.get(name)]
    return f"{', '.join(parts)} changed"


def basis(check: Check, subject: Subject, values: Mapping[str, object]) -> dict[str, str] | None:
    """Part -> digest, for all that `check` declares; None where a part has none, and then nothing is reused."""
    parts: dict[str, str | None] = {
        "the validator": Digest.of_json([check.id, check.version, code_of(check)]),
        "its parameters": Digest.of_json({name: str(value) for name, value in values.items()}),
        "the tier": str(subject.tier),
        "the kind of subject": subject.ref.kind,
        "the declared personal columns": Digest.of_json(list(subject.roles.declared_personal)),
    }
    declared = (*check.needs, *check.uses)
    for need in declared:
        parts.update(_part(need, subject, whole="table" in declared))
    if any(value is None for value in parts.values()):
        return None
    return {name: str(value) for name, value in parts.items()}


def _part(need: str, subject: Subject, *, whole: bool) -> dict[str, str | None]:
    if need == "table":
        return {"the table": subject.ref.table}
    if need == "files":
        return {"the files of the workspace": "none named" if not _names_files(subject) else None}
    if need in ROLES:
        return _columns(need, subject, whole=whole)
    if need == "reference":
        return {"the reference table": _root(subject, subject.roles.reference)}
    if need == "splits":
        return {f"the {part} table": _root(subject, getattr(subject.roles, part)) for part in ("train", "test")}
    return {_NAMES[need]: _record(need, subject)}


_NAMES = {
    "predict": "the model",
    "lineage": "the record of what ran",
    "hidden": "the hidden state of the session",
    "environment": "the environment",
    "texts": "the notebook's text",
    "lock": "the lock file",
    "forms": "people's answers",
    "records": "the acts in the trail, or the day",
    "chain": "the state of the trail, or the hour",
    "register": "mlgov.toml",
}


# What validators that declare `files` may open: paths under these keys, and files of these kinds that cells read or wrote.
_FILE_KEYS = {"dependencies": ("serving", "artifacts", "advisories"), "retention": ("register",)}
_OPENED = frozenset(
    [
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
    ]
)


def _names_files(subject: Subject) -> bool:
    """May a validator open a file of the workspace? Its content has no digest here, so nothing that rests on it is reused."""
    register = subject.register or {}
    runs = subject.lineage.runs if subject.lineage else ()
    touched = {Path(ref.path).suffix.lower() for run in runs for ref in (*run.files_read, *run.files_written)}
    return bool(touched & _OPENED) or any(register.get(section, {}).get(key) for section, keys in _FILE_KEYS.items() for key in keys)


def _record(need: str, subject: Subject) -> str | None:
    if need == "predict":
        return subject.ref.model or "none"
    if need == "environment":
        return subject.ref.environment or "none"
    if need == "lineage":
        return Digest.of_json(_lineage(subject.lineage)) if subject.lineage else "none"
    if need == "records":
        return _records(subject)
    given: dict[str, object] = {
        "texts": subject.texts,
        "hidden": subject.hidden,
        "lock": [subject.lock, subject.lock_hashed, subject.lock_unhashed],
        "forms": subject.forms,
        "chain": subject.chain,
        "register": [subject.register, subject.scope],
    }
    return Digest.of_json(plain(given[need]))


def _records(subject: Subject) -> str:
    if subject.records is None:
        return "none"
    acts = [act.entry or plain(act) for act in subject.records.acts]
    return Digest.of_json([acts, plain(subject.records.authors), subject.records.now.date().isoformat()])


def _columns(need: str, subject: Subject, *, whole: bool) -> dict[str, str | None]:
    names = named(need, subject)
    favourable = subject.roles.favourable if need == "outcome" else ""
    parts: dict[str, str | None] = {f"the role {need}": Digest.of_json([names, favourable])}
    if not whole:
        parts.update({f"the column {name}": _column(subject, name) for name in names})
    return parts


def _column(subject: Subject, name: str) -> str | None:
    ref = subject.lineage.last_output(subject.roles.table) if subject.lineage else None
    if ref is None or ref.fingerprint is None:
        return subject.ref.table
    return ref.fingerprint.columns.get(name, ref.fingerprint.root)


def _root(subject: Subject, name: str) -> str | None:
    if not name:
        return "none"
    ref = subject.lineage.last_output(name) if subject.lineage else None
    return ref.fingerprint.root if ref and ref.fingerprint else None


def _lineage(lineage: Lineage) -> object:
    """The record without times, ids and durations: a second run of the same cells on the same data is the same record."""
    session = lineage.session
    return {
        "runs": [_run(run) for run in lineage.runs],
        "code": _code(session) if session else None,
        "environment": session.environment.digest if session else None,
    }


_CHANCE = {"id", "session", "started", "duration_ms", "order"}


def _run(run: CellRun) -> dict[str, object]:
    facts = {name: plain(getattr(run, name)) for name in CellRun.__dataclass_fields__ if name not in _CHANCE}
    if facts.get("meaning"):
        facts.pop("source_digest")  # a formatting change is no change
    return facts


def _code(session: Session) -> object:
    """Whether there was a commit and what was not in it; which commit it was is recorded, and the cells themselves say what ran."""
    code = session.code
    return [bool(code.commit), list(code.dirty), list(code.left_out), code.problem]


@functools.cache
def _package(folder: Path) -> str:
    files = sorted(folder.rglob("*.py"))
    return Digest.of_json([[path.relative_to(folder).as_posix(), Digest.of_file(path)] for path in files])


def code_of(check: Check) -> str:
    """Digest of the sources that the validator came in: its package, or its one module. Empty where there is no file."""
    module = sys.modules.get(check.measure.__module__)
    root = sys.modules.get(check.measure.__module__.partition(".")[0])
    file = getattr(module, "__file__", None)
    try:
        if root is not None and getattr(root, "__path__", None) and getattr(root, "__file__", None):
            return _package(Path(str(root.__file__)).parent)
        return Digest.of_file(Path(file)) if file else ""
    except OSError:
        return ""
