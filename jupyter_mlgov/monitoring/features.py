"""Do online and offline features agree, and are they fresh: values of the same keys compared, and ages; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_mlgov.core.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One feature over the keys that were sampled. `differ`, `online_only` and `offline_only` count keys; `worst` shows some of them."""

    feature: str
    keys: int
    equal: int
    both_missing: int
    differ: int
    online_only: int
    offline_only: int
    worst: tuple[str, ...] = ()

    @property
    def wrong(self) -> int:
        return self.differ + self.online_only + self.offline_only

    def verdict(self, most: float, least: int) -> Verdict:
        """Fail over the share `most`; inconclusive under `least` keys that have a value on a side."""
        known = self.keys - self.both_missing
        if known < least:
            return Verdict.INCONCLUSIVE
        return Verdict.FAIL if self.wrong > most * known else Verdict.PASS

    @property
    def sentence(self) -> str:
        known = self.keys - self.both_missing
        said = f"{self.feature}: {self.equal:,} of {known:,} keys are equal online and offline"
        parts = [f"{self.differ:,} differ"] if self.differ else []
        parts += [f"{self.offline_only:,} are missing online"] if self.offline_only else []
        parts += [f"{self.online_only:,} are missing offline"] if self.online_only else []
        parts += [f"{self.both_missing:,} of the sample have no value on either side"] if self.both_missing else []
        return "; ".join([said, *parts]) + (f" (for instance {', '.join(self.worst)})." if self.worst else ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """How old the newest value of a view is at `now`, online and offline, and what is allowed."""

    view: str
    online: datetime | None
    offline: datetime | None
    now: datetime
    allowed: timedelta

    @property
    def verdict(self) -> Verdict:
        if self.online is None:
            return Verdict.INCONCLUSIVE
        return Verdict.FAIL if self.now - self.online > self.allowed else Verdict.PASS

    @property
    def sentence(self) -> str:
        if self.online is None:
            return f"{self.view}: nothing was ever materialised online, or the store does not say when."
        hours = (self.now - self.online).total_seconds() / 3600
        behind = (self.offline - self.online).total_seconds() / 3600 if self.offline else None
        said = f"{self.view}: online values are up to {hours:.1f} hours old; {self.allowed.total_seconds() / 3600:g} are allowed"
        return said + (f", and {behind:.1f} hours behind the offline store." if behind is not None and behind > 0 else ".")


def compared(feature: str, online: Mapping[str, object], offline: Mapping[str, object], tolerance: float) -> Compared:
    """Values by key. Numbers are equal within `tolerance` (relative, absolute near 0); null and NaN are missing; all else must be equal."""
    equal = both = differ = first = second = 0
    shown: list[tuple[float, str]] = []
    keys = sorted(online.keys() | offline.keys())
    for key in keys:
        a, b = _value(online.get(key)), _value(offline.get(key))
        if a is None and b is None:
            both += 1
        elif a is None:
            second += 1
        elif b is None:
            first += 1
        elif _same(a, b, tolerance):
            equal += 1
        else:
            differ += 1
            shown.append((_apart(a, b), f"{_short(a)} online, {_short(b)} offline"))
    worst = tuple(text for _, text in sorted(shown, key=lambda pair: -pair[0])[:3])
    return Compared(
        feature=feature, keys=len(keys), equal=equal, both_missing=both, differ=differ, online_only=first, offline_only=second, worst=worst
    )


def _value(value: object) -> object:
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _same(a: object, b: object, tolerance: float) -> bool:
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return bool(a == b) or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(a, Sequence) and isinstance(b, Sequence) and not isinstance(a, (str, bytes)) and not isinstance(b, (str, bytes)):
        return len(a) == len(b) and all(_same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def _apart(a: object, b: object) -> float:
    return abs(a - b) if isinstance(a, (int, float)) and isinstance(b, (int, float)) else math.inf


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else ascii(value)[:40]
