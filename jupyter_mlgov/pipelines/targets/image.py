"""The `image` target: a build folder whose Dockerfile installs exactly the lock on a base pinned by digest, and runs as nobody."""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.pipelines.target import Files, FileTarget
from jupyter_mlgov.pipelines.targets.job import WORK, Job, job_of, pinned_base
from jupyter_mlgov.pipelines.targets.placing import in_the_way, signed
from jupyter_mlgov.pipelines.targets.script import script_text

LIMIT = 64 * 1024 * 1024
USER = "10001:0"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[A-Za-z0-9,._ -]+\])?===?[A-Za-z0-9.+!_-]+(?:\s*;[^#]*)?")

_DOCKERFILE = """\
FROM {base}
{labels}ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/var/lib/mlgov PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
ENV MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=1 DVC_NO_ANALYTICS=1
COPY requirements.lock /opt/requirements.lock
RUN python -m pip install --no-cache-dir --no-deps --requirement /opt/requirements.lock
RUN python -m pip check
RUN mkdir -p {work}/.mlgov /var/lib/mlgov && chmod -R g=u {work} /var/lib/mlgov
COPY --chown={user} job/ {work}/
WORKDIR {work}
USER {user}
ENTRYPOINT []
CMD ["sh", "/job/.job.sh"]
"""


def files(job: Job, folder: Path) -> Files:
    """NAME.image/: Dockerfile, requirements.lock, and job/ with the notebook and its files.

    Raises UsageError for a base that is not pinned, NotReady without a lock, BadInput for a lock that pins not everything, for data
    outside the workspace, or more of it than an image should hold.
    """
    base = pinned_base(job, "image")
    lock = _lock(job)
    place = folder / f"{job.name}.image"
    dockerfile = place / "Dockerfile"
    _check_outside(job)
    body = _DOCKERFILE.format(base=base, labels=_labels(job), work=WORK, user=USER)
    found: Files = {
        dockerfile: signed(job.notebook, job.digests, "image", dockerfile, body),
        place / ".dockerignore": b"*\n!requirements.lock\n!job\n",
        place / "requirements.lock": lock,
        place / "job" / ".job.sh": ("#!/bin/sh\n" + script_text(job, ".job.sh")).encode(),
        **{place / "job" / name: content for name, content in _content(job).items()},
    }
    if not dockerfile.exists():
        for path in found:
            if path.exists():
                raise in_the_way(path, "is there without a Dockerfile of ours")
    return found


def _labels(job: Job) -> str:
    lines = [f"LABEL org.jupyter-mlgov.{name}={_quoted(digest)}" for name, digest in job.digests.told().items()]
    about = {"name": job.model, "source": job.notebook}
    lines += [f"LABEL org.jupyter-mlgov.{name}={_quoted(text)}" for name, text in about.items()]
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    """A double-quoted word of a Dockerfile, in which `$` would begin a variable and `\\` an escape."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def _lock(job: Job) -> bytes:
    if not job.lock:
        raise NotReady(
            "The image is built from the lock, and there is none.",
            next="Write one (`python -m pip freeze > requirements.lock`) and name it under [environment] in mlgov.toml.",
        )
    content = (job.root / job.lock).read_bytes()
    check_lock(content.decode("utf-8", "replace"), job.lock)
    return content


def check_lock(text: str, path: str) -> None:
    """Raises BadInput for a line that pins nothing, and where jupyter-mlgov itself is not pinned: without it no job is governed."""
    names = set()
    for number, line in enumerate(_logical(text), 1):
        pin = _PIN.fullmatch(line)
        if pin is None:
            raise BadInput(
                f'{path}, entry {number}: "{line[:80]}" is not pinned.',
                expected="Expected NAME==VERSION on each line, with or without --hash.",
                next="Write the lock again (`python -m pip freeze`) and export again.",
            )
        names.add(re.sub(r"[-_.]+", "-", pin["name"]).lower())
    if "jupyter-mlgov" not in names:
        raise BadInput(
            f"{path} does not pin jupyter-mlgov, so the image could run nothing under governance.",
            next=f"Add `jupyter-mlgov==VERSION` to {path}, or write it in the environment that has it (`python -m pip freeze`).",
        )


def _logical(text: str) -> list[str]:
    """Requirements without comments, continuation and hashes."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = [re.sub(r"(^|\s)#.*$", "", line) for line in joined.splitlines()]
    return [stripped for line in lines if (stripped := re.sub(r"\s--hash=\S+", "", line).strip())]


def _check_outside(job: Job) -> None:
    if job.outside:
        raise BadInput(
            f"The notebook reads {', '.join(map(repr, job.outside))}, outside the workspace, where no image can take it from.",
            next="Put it into the workspace, or read it from where the data live.",
        )


def _content(job: Job) -> dict[str, bytes]:
    names = list(dict.fromkeys([job.notebook, *job.files, *job.data]))
    missing = [name for name in names if not (job.root / name).is_file()]
    if missing:
        raise BadInput(f"{', '.join(map(repr, missing))} is not in the workspace now.", next="Fetch it (`dvc pull`), then export again.")
    size = sum((job.root / name).stat().st_size for name in names)
    if size > LIMIT:
        raise BadInput(
            f"The job's files are {size // 1024 // 1024} MB; an image takes {LIMIT // 1024 // 1024} MB of them at most.",
            next="Have the notebook read its data from where they live (Delta, a warehouse, an object store).",
        )
    return {name: (job.root / name).read_bytes() for name in names}


def faults(text: str) -> tuple[str, ...]:
    """What a reviewer of Dockerfiles would refuse, by our own rules; empty for a clean one."""
    lines = [line for line in re.sub(r"\\\n", " ", text).splitlines() if line and not line.startswith("#")]
    words = [line.split(None, 1) for line in lines]
    found = []
    if not words or words[0][0] != "FROM":
        found.append("the first instruction is not FROM")
    bases = [rest for word, rest in words if word == "FROM"]
    found += [f"base image without digest: {rest}" for rest in bases if not re.search(r"@sha256:[0-9a-f]{64}(?: AS \w+)?$", rest)]
    users = [rest for word, rest in words if word == "USER"]
    if not users or users[-1].partition(":")[0] in ("root", "0"):
        found.append("the job runs as root")
    found += [f"ADD fetches or unpacks: {rest}" for word, rest in words if word == "ADD"]
    told = [rest for word, rest in words if word in ("ENV", "ARG")]
    found += [f"a secret may stand in it: {rest}" for rest in told if re.search(r"(?i)password|token|secret|api_?key", rest)]
    runs = [rest for word, rest in words if word == "RUN"]
    found += [f"fetches from the network: {rest}" for rest in runs if re.search(r"\b(curl|wget|git clone)\b", rest)]
    locked = re.compile(r"(?=.*--no-deps\b)(?=.*--requirement \S+\.lock\b)")
    installs = [rest for rest in runs if re.search(r"\bpip3? install\b", rest)]
    found += [f"installs what no lock names: {rest}" for rest in installs if not locked.match(rest)]
    return tuple(found)


TARGET = FileTarget("image", lambda plan, folder: files(job_of(plan), folder), lambda _: False)
