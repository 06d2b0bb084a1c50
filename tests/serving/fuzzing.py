"""Requests that are nearly right: valid ones with parts replaced, dropped, doubled, cut or poisoned. Seeded."""

from __future__ import annotations

import copy
import json
import math
import random
from typing import Any

from tests.serving.world import NAMES, asked

JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    2**70,
    1e308,
    -1e-320,
    1.5,
    "",
    "x",
    "\x00",
    "é" * 300,
    "../../etc/passwd",
    "<script>",
    "'; DROP TABLE log; --",
    [],
    {},
    [[]],
    [[1], [1, 2]],
    [None],
    ["a"],
    {"a": 1},
    [1.0] * 50,
    "FP64",
    "BYTES",
    "INT8",
)


def request(rng: random.Random) -> tuple[bytes, dict[str, str]]:
    """(body, headers). About one in thirty is still valid."""
    body: Any = asked(rows=rng.randint(1, 3), entity=rng.choice(["", "c1"]))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        body = mutated(body, rng)
    raw = json.dumps(body).encode("utf-8", "surrogatepass")
    headers: dict[str, str] = {}
    kind = rng.random()
    if kind < 0.05:
        raw = raw[: rng.randrange(len(raw) + 1)]
    elif kind < 0.1:
        place = rng.randrange(len(raw))
        raw = raw[:place] + bytes([rng.randrange(256)]) + raw[place + 1 :]
    elif kind < 0.15:
        headers["Inference-Header-Content-Length"] = str(rng.choice([0, 1, len(raw), len(raw) + 1, -1, "x", 10**15]))
        raw += rng.randbytes(rng.choice([0, 3, 8, 32]))
    elif kind < 0.17:
        raw = raw.replace(b"0.25", rng.choice([b"NaN", b"Infinity", b"1e999", b"-", b"0x1"]))
    return raw, headers


def mutated(body: Any, rng: random.Random) -> Any:
    """One part replaced, dropped or doubled."""
    body = copy.deepcopy(body)
    places = list(_places(body))
    if not places:
        return rng.choice(JUNK)
    holder, key = rng.choice(places)
    what = rng.random()
    if what < 0.6:
        holder[key] = rng.choice(JUNK)
    elif what < 0.8:
        del holder[key]
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[str(rng.choice(("name", "shape", "data", "parameters", "x")))] = rng.choice(JUNK)
    return body


def _places(value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for key in range(len(value)):
            yield value, key
            yield from _places(value[key])


def wrong(status: int, answer: Any, raw: bytes, model: Any) -> str:
    """What is wrong with this answer to that request; empty: nothing. A 200 must be the model's own score of what was sent."""
    import pandas as pd

    if status in (400, 413, 415):
        return "" if isinstance(answer, dict) and isinstance(answer.get("error"), str) and answer["error"] else "no sentence"
    if status != 200:
        return f"status {status}"
    try:
        sent = json.loads(raw[: raw.rindex(b"}") + 1])
        columns = {one["name"]: one["data"] for one in sent["inputs"]}
        if set(columns) != set(NAMES):
            return ""  # one tensor with all columns, or the key beside them
        frame = pd.DataFrame({name: pd.Series(_flat(columns[name]), dtype=float) for name in NAMES})
        own = model.predict_proba(frame)[:, 1].tolist()
    except (ValueError, KeyError, TypeError) as error:
        return f"answered what cannot be read: {type(error).__name__}"
    given = next((one["data"] for one in answer["outputs"] if one["name"] == "score"), own)
    return (
        ""
        if len(given) == len(own) and all(math.isclose(a, b, rel_tol=1e-12) for a, b in zip(given, own, strict=True))
        else "another score"
    )


def _flat(data: Any) -> list[Any]:
    return [item for part in data for item in (_flat(part) if isinstance(part, list) else [part])] if isinstance(data, list) else [data]
