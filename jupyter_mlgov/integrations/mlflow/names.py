"""What MLflow takes as a name: ours are made to fit, or refused with a sentence before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput

# Limits of MLflow 3.17 (mlflow/utils/validation.py).
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
KEY_LENGTH = 250

_FOREIGN = re.compile(r"[^\w.\- ]")
_ALIAS = re.compile(r"[\w-]{1,255}")
_VERSION_ALIAS = re.compile(r"v\d+", re.IGNORECASE)


def model_name(name: str) -> str:
    """`name` if a registry can hold it. Raises BadInput where MLflow would refuse it or a filter could be misled by it."""
    bad = sorted({sign for sign in name if sign in "/:'\"\\`%" or not sign.isprintable()})
    if bad or not name.strip() or name != name.strip() or len(name) > KEY_LENGTH:
        what = f"it holds {' '.join(repr(sign) for sign in bad)}" if bad else "it is empty, too long, or has a space at an end"
        raise BadInput(
            f"MLflow cannot register a model by the name {name[:80]!r}: {what}.",
            expected=f"A name of 1 to {KEY_LENGTH} characters without / : ' \" \\ ` %.",
            next="Set `name` under [model] in mlgov.toml.",
        )
    return name


def alias(stage: str) -> str:
    """`stage` if MLflow can hold it as an alias. Raises BadInput otherwise."""
    if not _ALIAS.fullmatch(stage) or _VERSION_ALIAS.fullmatch(stage) or stage.lower() == "latest":
        raise BadInput(
            f"MLflow cannot hold the stage {stage[:80]!r} as an alias.",
            expected="Letters, digits, - and _; not `latest`, not `v` and a number.",
            next="Rename it under [promotion] stages in mlgov.toml.",
        )
    return stage


def keys(names: Iterable[str]) -> dict[str, str]:
    """Our name -> a distinct name that MLflow takes for a parameter or metric."""
    taken: dict[str, str] = {}
    for name in names:
        fit = _FOREIGN.sub("_", name) or "_"
        fit = f"_{fit}" if fit.strip(".") == "" else fit
        if len(fit) > KEY_LENGTH - 20 or fit != name or fit in taken.values():
            fit = f"{fit[: KEY_LENGTH - 40]}-{Digest.of_text(name).hex[:8]}"
        taken[name] = fit
    return taken


def cut(text: str, limit: int) -> str:
    """`text` within `limit` characters; a cut one ends with `…`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
