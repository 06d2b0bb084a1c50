"""What a notebook's text tells, read from 200 cells, against plain `ast.parse` and `compile` of the same cells."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable

from tests.benchmarks.measure import Figure, in_turns

CELLS = 200
STEP = """import numpy as np
df['c{0}'] = df['c{1}'].fillna({0}) + np.sqrt(df['c{2}'].abs())
def make_{0}(frame, k={0}):
    return frame.assign(z=lambda d: d['c{0}'] * k)
part = make_{0}(df[df['c{0}'] > {0}])
model_{0} = fit(part, [x for x in range({0}) if x % 2], alpha={0} / 7)
print(f"{{len(part)}} rows", model_{0})"""


def cells() -> list[str]:
    """Cells of seven lines as data scientists write them: a table grows by columns, a function a cell, a model a cell."""
    first = "import pandas as pd\ndf = pd.DataFrame({'c0': [1.0, None]})"
    return [first, *(STEP.format(number, number - 1, number // 2) for number in range(1, CELLS))]


def dataflow() -> list[Figure]:
    """Names read and written cell by cell, as the recorder asks; and two notebooks followed, as `mlgov stale` does."""
    from jupyter_mlgov.lineage.dataflow import names
    from jupyter_mlgov.lineage.effects import effects
    from jupyter_mlgov.lineage.staleness import cells_to_rerun

    sources = cells()
    edited = [(str(place), text) for place, text in enumerate([*sources[:100], sources[100] + "\nextra = 1", *sources[101:]])]

    def compiled() -> None:
        for text in sources:
            compile(ast.parse(text), "cell", "exec")

    def read() -> None:
        for text in sources:
            names(text)

    def followed() -> None:
        effects.cache_clear()
        cells_to_rerun([(str(place), text) for place, text in enumerate(sources)], edited)

    told = [
        ("the names of 200 cells / parse and compile", read, 6.0),
        ("200 cells edited in one, what to run again / the same", followed, 60.0),
    ]
    return [_figure(name, _timed(ours), _timed(compiled), limit) for name, ours, limit in told]


def _figure(name: str, ours: Callable[[], float], peer: Callable[[], float], limit: float) -> Figure:
    mine, theirs = in_turns(ours, peer)
    return Figure(name=name, ours=mine, peer=theirs, unit="s", asked=f"< {limit:g} x", holds=mine < limit * theirs)


def _timed(act: Callable[[], None]) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        act()
        return time.perf_counter() - start

    return run
