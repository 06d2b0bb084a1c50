"""Drift of twenty columns of a million rows: memory, a stored profile and SQL, against Evidently's PSI and its default preset.

`MLGOV_BENCH_ROWS=200000 make bench` takes a fifth of the time. Evidently is run once: it takes minutes.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from typing import Any

from tests.benchmarks.measure import Figure

ROWS = int(os.environ.get("MLGOV_BENCH_ROWS", "1000000"))
COLUMNS = 20


def drift() -> list[Figure]:
    """Everything monitor.drift measures (PSI, KS, Wasserstein, Jensen-Shannon, chi-square, p-values) against one statistic of the peer."""
    import ibis

    from jupyter_mlgov.validation.warehouse import ask
    from mlgov_validators import opening
    from mlgov_validators.comparing import compare
    from mlgov_validators.profiles import make_profile

    before, now = _frames()
    names = list(before.columns)
    connection = ibis.duckdb.connect()
    for name, frame in (("before", before), ("now", now)):
        connection.con.register(name, frame)
    reference, table = connection.table("before"), connection.table("now")
    profile = make_profile(reference, ask)

    def in_sql() -> object:
        here, opening.lives_here = opening.lives_here, lambda _: False
        try:
            return compare(reference, table, names, ask, ask)
        finally:
            opening.lives_here = here

    compare(reference, table, names[:1], ask, ask)  # libraries are imported
    memory = min(_seconds(lambda: compare(reference, table, names, ask, ask)) for _ in range(3))
    stored = min(_seconds(lambda: compare(profile, table, names, ask, ask)) for _ in range(3))
    sql = _seconds(in_sql)
    psi, preset = _evidently(before, now)
    told = f"drift, {ROWS:,} x {COLUMNS}"

    def figure(how: str, ours: float, peer: float, asked: float, whose: str) -> Figure:
        words = f"peer >= {asked:g} x" if asked else "(for the scale)"
        return Figure(name=f"{told}, {how} / {whose}", ours=ours, peer=peer, unit="s", asked=words, holds=not asked or peer >= asked * ours)

    return [
        figure("memory", memory, psi, 20, "Evidently PSI"),
        figure("memory", memory, preset, 40, "Evidently preset"),
        figure("stored profile", stored, psi, 20, "Evidently PSI"),
        figure("SQL", sql, psi, 0, "Evidently PSI"),
    ]


def _frames() -> tuple[Any, Any]:
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(20261123)
    shape = (ROWS, COLUMNS)
    names = [f"x{number}" for number in range(COLUMNS)]
    return tuple(pd.DataFrame(random.normal(shift, 1, shape), columns=names) for shift in (0.0, 0.05))  # type: ignore[return-value]  # two


def _evidently(before: Any, now: Any) -> tuple[float, float]:
    """Seconds of its PSI and of its default drift preset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import Report
        from evidently.presets import DataDriftPreset

        small = before.head(1000), now.head(1000)
        Report([DataDriftPreset()]).run(small[1], small[0])  # imports what it imports late
        psi = _seconds(lambda: Report([DataDriftPreset(num_method="psi")]).run(now, before).dict())
        preset = _seconds(lambda: Report([DataDriftPreset()]).run(now, before).dict())
    return psi, preset


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


DRIFT = (drift,)
