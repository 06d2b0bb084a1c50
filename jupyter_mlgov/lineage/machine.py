"""What numbers depend on below Python: the processor and its features, the linear algebra library, the container image."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from importlib import util
from pathlib import Path

from jupyter_mlgov.lineage.facts import Machine

IMAGE_VARIABLE = "MLGOV_IMAGE_DIGEST"
# Settings that change results and are never secret.
SETTINGS = (
    *("PYTHONHASHSEED", "TZ", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "MKL_NUM_THREADS", "MKL_CBWR"),
    *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG"),
)
_FEATURES = re.compile(r"(sse4_2|avx\w*|fma|f16c|amx_\w+|asimd\w*|sve\w*|neon|fphp)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE_ID = re.compile(r'^imageid="(?:sha256:)?([0-9a-f]{64})"', re.MULTILINE)
UNKNOWN = "unknown"


def machine(environ: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Machine:
    """This machine. What cannot be told is `unknown`, never left out: an unknown is not a match."""
    cpu, features = _cpu(root)
    return Machine(
        cpu=cpu,
        features=features,
        blas=loaded_blas() or (_built_blas(),),
        image=image(environ, root),
        settings={name: environ[name][:200] for name in SETTINGS if name in environ},
    )


def _cpu(root: Path) -> tuple[str, tuple[str, ...]]:
    """Model and vector features, from /proc/cpuinfo; elsewhere the architecture, its features unknown."""
    text = _read(root / "proc" / "cpuinfo").partition("\n\n")[0]
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    flags = told.get("flags", told.get("Features", "")).split()
    found = tuple(sorted({flag for flag in flags if _FEATURES.fullmatch(flag)}))
    return told.get("model name") or platform.processor() or platform.machine() or UNKNOWN, found or (UNKNOWN,)


def loaded_blas() -> tuple[str, ...]:
    """The linear algebra and OpenMP libraries in this process, with the kernel they chose; empty before NumPy is loaded."""
    if "numpy" not in sys.modules:
        return ()
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ()
    found = []
    for pool in threadpool_info():
        words = (pool.get("internal_api"), pool.get("version"), pool.get("architecture"), pool.get("threading_layer"))
        found.append(" ".join([*(str(word) for word in words if word), f"threads={pool.get('num_threads')}"]))
    return tuple(sorted(set(found)))


def _built_blas() -> str:
    """What NumPy was built with, read from its files: it is not imported for this."""
    spec = None if "numpy" in sys.modules else util.find_spec("numpy")
    origin = spec.origin if spec else getattr(sys.modules.get("numpy"), "__file__", None)
    if not origin:
        return UNKNOWN
    text = _read(Path(origin).with_name("__config__.py"))
    block = re.search(r'"blas": \{(.*?)\}', text, re.DOTALL)
    told = dict(re.findall(r'"(name|version)": r?"([^"]*)"', block.group(1))) if block else {}
    return f"{told['name']} {told.get('version', '')}".strip() if told.get("name") else UNKNOWN


def image(environ: Mapping[str, str], root: Path) -> str:
    """The digest of the container image: told by MLGOV_IMAGE_DIGEST or /etc/mlgov/image-digest, or by podman.

    Empty outside a container; `unknown` in one that does not tell, and for a text that is no digest.
    """
    told = environ.get(IMAGE_VARIABLE, "").strip() or _read(root / "etc" / "mlgov" / "image-digest").strip()
    if told:
        found = _DIGEST.search(told)
        return found.group() if found else UNKNOWN
    podman = root / "run" / ".containerenv"
    named = _IMAGE_ID.search(_read(podman))
    if named:
        return f"sha256:{named.group(1)}"
    inside = podman.exists() or (root / ".dockerenv").exists() or "KUBERNETES_SERVICE_HOST" in environ
    return UNKNOWN if inside else ""


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
