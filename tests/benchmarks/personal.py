"""priv.pii's look at a column of text, in strings a second, against presidio's analyzer on the same strings."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

from tests.benchmarks.measure import Figure, in_turns

ROWS, PEER_ROWS, RUNS = 100_000, 400, 5


def personal_data() -> list[Figure]:
    """A column of 100,000 different texts with 5 % and 50 % personal data; presidio (no language model) on the first 400 of them.

    By processor time of all threads, in turns: what else the machine does harms neither. By the clock two threads do better than this.
    """
    import pyarrow as pa

    from jupyter_mlgov.sdk import open_table
    from jupyter_mlgov.validation.warehouse import ask
    from mlgov_validators.columns import texts
    from tests.validators.labelled import made, presidio

    warnings.simplefilter("ignore")
    recognize = presidio()
    found = []
    for share, times in ((0.05, 200), (0.5, 30)):
        notes = [text for text, _ in made(ROWS, share)]
        table = open_table(pa.table({"note": notes}), ())
        ours, peer = in_turns(
            _seconds(lambda table=table: list(texts(ask, table, "note", ROWS))),  # type: ignore[misc]  # bound at once
            _seconds(lambda notes=notes: [recognize(text) for text in notes[:PEER_ROWS]]),  # type: ignore[misc]  # as above
            RUNS,
        )
        ours, peer = ROWS / ours, PEER_ROWS / peer
        name = f"priv.pii / presidio, a column with {share:.0%} personal data"
        found.append(Figure(name=name, ours=ours, peer=peer, unit="/s", asked=f"> {times} x", holds=ours / peer > times))
    return found


def _seconds(act: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        start = time.process_time()
        act()
        return time.process_time() - start

    return run


if __name__ == "__main__":
    for figure in personal_data():
        print(figure)
