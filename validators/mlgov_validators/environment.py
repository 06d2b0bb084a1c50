"""Is every package the model's code used pinned in the lock?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from jupyter_mlgov.sdk import Finding, Missing, Subject, Unanswered, Verdict, validator

_PIN = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==\s*([^\s;\\#]+)")


@validator("env.pin", title="Environment pinning", version="1.2", needs=("lineage", "environment"), uses=("lock", "register", "files"))
def pinning(subject: Subject) -> list[Finding]:
    """Does the lock pin each distribution that was in use, at the version that ran?

    In use: every distribution any tagged cell had imported when it ended. The lock is the file named in mlgov.toml.

    What serves the model can be named in mlgov.toml: its lock, and the digest of its image beside the one that was validated.

        [dependencies]
        serving = "serve.lock"
        serving_python = "3.11"
        image = "sha256:…"  validated_image = "sha256:…"

    fail: a distribution in use is not in the lock, or at another version; no lock at all, for then every import is unpinned; serving
    has another version of a distribution in use, or lacks it, or another Python (as far as `serving_python` says it); the image is another
    one than was validated.
    warn: all pinned, but some in use without a hash, named: the same version can be other bytes.
    inconclusive: the record names no distribution in use; the lock of what serves cannot be read, or one of the two digests is missing.

    Source: house, 0 unpinned imports; SLSA.

    Fix: Write the lock from the environment that ran, with hashes (`pip-compile --generate-hashes` or `uv pip compile
    --generate-hashes`), install from it, run again.
    """
    used = sorted({normalised(name) for run in (subject.lineage.runs if subject.lineage else ()) for name in run.distributions})
    if not used:
        raise Missing("The record names no package in use.", next="Run a tagged cell with the recorder on, then validate again.")
    if subject.lock is None:
        said = f"There is no lock file, so all {len(used)} packages in use are unpinned."
        return [Finding(message=said, verdict=Verdict.FAIL, measured=float(len(used)), allowed="0 unpinned", n=len(used))]
    lock = {normalised(name): version for name, version in subject.lock.items()}
    installed = {normalised(name): version for name, version in (subject.environment.packages if subject.environment else {}).items()}
    wrong = [finding for name in used if (finding := _differs(name, lock.get(name), installed.get(name)))]
    bare = {normalised(name) for name in subject.lock_unhashed}
    bare = set() if subject.lock_hashed else bare & set(used) if bare else set(used)
    return [*(wrong or [_pinned(len(used), sorted(bare))]), *_served(subject, used, installed)]


def _served(subject: Subject, used: list[str], ran: Mapping[str, str]) -> Iterator[Finding]:
    """Where what serves the model differs from what it was trained in; nothing where nobody said what serves it."""
    try:
        rules = subject.declared("dependencies")
    except Unanswered:
        return
    if name := str(rules.get("serving", "")):
        try:
            lines = ((subject.folder or Path()) / name).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            said = f"The lock of what serves the model cannot be read ({type(error).__name__})."
            yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where="serving")
            return
        serving = {normalised(found[1]): found[2] for line in lines if (found := _PIN.match(line))}
        for package in used:
            there = serving.get(package)
            if there != ran.get(package):
                said = f"serving has {package} {there or 'not at all'}, training had {ran.get(package, 'an unknown version')}."
                yield Finding(message=said, verdict=Verdict.FAIL, allowed="0 differences", where=package)
        said = f"{len(used)} packages in use were compared with what serves the model."
        yield Finding(message=said, verdict=Verdict.PASS, n=len(used), where="serving")
    if wanted := str(rules.get("serving_python", "")):
        ran_on = subject.environment.python if subject.environment else ""
        same = f"{ran_on}.".startswith(f"{wanted}.")
        said = f"serving has Python {wanted}, training had {ran_on or 'an unknown version'}."
        yield Finding(message=said, verdict=Verdict.PASS if same else Verdict.FAIL, allowed="0 differences", where="python")
    images = [str(rules.get(key, "")) for key in ("image", "validated_image")]
    if all(images):
        same = images[0] == images[1]
        said = (
            "The image that serves is the one that was validated." if same else "The image that serves is not the one that was validated."
        )
        yield Finding(message=said, verdict=Verdict.PASS if same else Verdict.FAIL, where="image")
    elif any(images):
        said = "Of the image only one digest is known: that which serves, or that which was validated."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where="image")


def normalised(name: str) -> str:
    """A distribution's name as the packaging specification compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _differs(name: str, pinned: str | None, ran: str | None) -> Finding | None:
    if pinned is None:
        said = f"{name} {ran or ''}".strip() + " was in use and is not in the lock."
    elif ran is None:
        said = f"{name} was in use, but the record does not say at which version; the lock has {pinned}."
    elif pinned != ran:
        said = f"{name} ran at {ran}; the lock has {pinned}."
    else:
        return None
    verdict = Verdict.INCONCLUSIVE if pinned is not None and ran is None else Verdict.FAIL
    return Finding(message=said, verdict=verdict, allowed="the version in the lock", where=name, details={"lock": pinned, "ran": ran})


def _pinned(number: int, bare: list[str]) -> Finding:
    """All are pinned; `bare` are those in use whose pin has no hash."""
    said = f"All {number} packages in use are in the lock at the version that ran"
    if not bare:
        return Finding(message=f"{said}, with hashes.", verdict=Verdict.PASS, measured=0.0, allowed="0 unpinned", n=number)
    shown = ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
    said += f", but {len(bare)} of them without hashes ({shown}): the same version can be other bytes."
    return Finding(
        message=said, verdict=Verdict.WARN, measured=float(len(bare)), allowed="0 without a hash", n=number, details={"without_hash": bare}
    )
