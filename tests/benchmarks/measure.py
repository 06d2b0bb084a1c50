"""How a figure is taken: in turns with its peer, the median of several runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`ours` against `peer`, both medians in `unit`; `limit` is the ratio or the absolute value the issue asks for."""

    name: str
    ours: float
    peer: float
    unit: str
    asked: str
    holds: bool

    def __str__(self) -> str:
        share = self.ours / self.peer if self.peer else None
        ratio = "–" if share is None else f"{share:.3f}" if share >= 0.01 else f"{share:.2g}"
        figures = f"{self.ours:9.3f} {self.unit:<2} / {self.peer:9.3f} {self.unit:<2} = {ratio:>7}"
        return f"{'✓' if self.holds else '✕'} {self.name:<58} {figures}   asked: {self.asked}"


def command(words: Sequence[str], env: dict[str, str] | None = None) -> Callable[[], float]:
    """A whole process, in seconds."""

    def run() -> float:
        start = time.perf_counter()
        done = subprocess.run(words, capture_output=True, check=False, env={**os.environ, **(env or {})})
        seconds = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
        return seconds

    return run


def in_turns(ours: Callable[[], float], peer: Callable[[], float], runs: int = 5) -> tuple[float, float]:
    """Medians of `runs` pairs after one warm-up of each; A B A B, so that a drifting machine harms both."""
    ours(), peer()
    pairs = [(ours(), peer()) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)
