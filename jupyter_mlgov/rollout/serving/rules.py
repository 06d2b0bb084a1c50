"""`[serving]` of mlgov.toml: what stands in for the model, how long it may take, what is cached and what is written down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.rollout.serving.breaker import BreakerRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingRules:
    """How a model is served.

    `baseline`: a version of the same model, or `MODEL@STAGE`, that answers when the breaker is open. `switch`: a version that was let in
    answers `at once`, or as a `canary` moves it. `deadline`: seconds after which an answer no longer counts. `cache`: answers kept by
    content. `log`: form of the prediction log; `batch` and `seconds`: when it is written; `most`: predictions that may wait for the disk.
    `unlogged`: what happens when no more can wait. `entity`: the parameter or column that says who a request is about. `personal`:
    declared personal columns are left out of the log, or written under a key. `groups`: columns the log keeps for guards by group.
    `blind`: seconds without sight of the trail after which nothing is answered.
    """

    baseline: str = ""
    switch: Literal["at once", "canary"] = "at once"
    deadline: float = 5.0
    cache: int = 10_000
    reasons: int = 4
    log: Literal["parquet", "delta", "none"] = "parquet"
    batch: int = 1000
    seconds: float = 5.0
    most: int = 100_000
    unlogged: Literal["refuse", "answer"] = "refuse"
    entity: str = ""
    personal: Literal["drop", "key"] = "drop"
    groups: tuple[str, ...] = ()
    blind: float = 30.0
    breaker: BreakerRules = field(default_factory=BreakerRules)


_CHOICES = {
    "switch": ("at once", "canary"),
    "log": ("parquet", "delta", "none"),
    "unlogged": ("refuse", "answer"),
    "personal": ("drop", "key"),
}
_BREAKER = ("window", "least", "share", "slow", "rest", "probes")


def read_rules(register: Mapping[str, Mapping[str, object]], path: str = "mlgov.toml") -> ServingRules:
    """The `[serving]` table. Raises UsageError for an unknown key, BadInput for a value that cannot be."""
    table = register.get("serving", {})
    known = [name for name in ServingRules.__dataclass_fields__ if name != "breaker"]
    values: dict[str, Any] = {}
    breaker: dict[str, Any] = {}
    for key, value in table.items():
        if key in _BREAKER:
            breaker[key] = _number(key, value, path, whole=key in ("window", "least", "probes"))
        elif key not in known:
            raise unknown(f"key in [serving] of {path}", key, [*known, *_BREAKER])
        elif key in _CHOICES:
            if value not in _CHOICES[key]:
                raise _bad(path, f"{key} in [serving] must be one of {', '.join(_CHOICES[key])}")
            values[key] = value
        elif key == "groups":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise _bad(path, "groups in [serving] must be a list of columns")
            values[key] = tuple(value)
        elif key in ("baseline", "entity"):
            if not isinstance(value, str):
                raise _bad(path, f"{key} in [serving] must be text")
            values[key] = value
        else:
            values[key] = _number(key, value, path, whole=key in ("cache", "reasons", "batch", "most"))
    if not 0 < breaker.get("share", 0.5) <= 1:
        raise _bad(path, "share in [serving] must be over 0 and at most 1")
    return ServingRules(**values, breaker=BreakerRules(**breaker))


def _number(key: str, value: object, path: str, *, whole: bool) -> float:
    least = 0 if key in ("cache", "reasons") else 1 if whole else 0.001
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not math.isfinite(value) or value < least:
        raise _bad(path, f"{key} in [serving] must be a {'whole ' if whole else ''}number of at least {least:g}")
    return value


def _bad(path: str, rule: str) -> BadInput:
    return BadInput(f"{path}: {rule}.", next=f"Mend {path} and run the command again.")
