"""Generators of random numbers as plain state, so that a step goes on where the one before it stopped."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

from jupyter_mlgov.pipelines.unfit import Unfit

_BITS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


class SharedState:
    """The generators that all of a process shares (`random`, `numpy.random`), as one value: how they stood when a step ended."""

    def __init__(self, states: dict[str, Any] | None = None) -> None:
        self.states = _shared() if states is None else states

    def restore(self) -> None:
        """Put the generators of this process where they stood."""
        if "random" in self.states:
            version, inner, gauss = self.states["random"]
            random.setstate((version, tuple(inner), gauss))
        if "numpy" in self.states:
            import numpy as np

            np.random.set_state(_numpy_state(self.states["numpy"]))


def _shared() -> dict[str, Any]:
    version, inner, gauss = random.getstate()
    found: dict[str, Any] = {"random": [version, list(inner), gauss]}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        found["numpy"] = _listed(numpy.random.get_state(legacy=False))
    return found


def state_of(value: Any) -> bytes:
    """The state of a generator as JSON. Raises Unfit for one whose bits come from a source that is not known here."""
    if isinstance(value, SharedState):
        document: dict[str, Any] = {"kind": "shared", "state": value.states}
    elif isinstance(value, random.Random):
        version, inner, gauss = value.getstate()
        document = {"kind": "random", "state": [version, list(inner), gauss]}
    else:
        legacy = type(value).__name__ == "RandomState"
        state = value.get_state(legacy=False) if legacy else value.bit_generator.state
        if state.get("bit_generator") not in _BITS:
            raise Unfit(f"the generator {state.get('bit_generator')} has no state that is known here")
        document = {"kind": "numpy", "legacy": legacy, "state": _listed(state)}
    return json.dumps(document, sort_keys=True).encode()


def generator_of(content: bytes) -> object:
    """The generator that state_of() was given."""
    document = json.loads(content)
    if document["kind"] == "shared":
        return SharedState(document["state"])
    if document["kind"] == "random":
        version, inner, gauss = document["state"]
        found = random.Random()  # noqa: S311  # the notebook's own, put back where it stood
        found.setstate((version, tuple(inner), gauss))
        return found
    import numpy as np

    state = _numpy_state(document["state"])
    if state["bit_generator"] not in _BITS:
        raise ValueError(f"unknown generator {state['bit_generator']!r}")
    if document["legacy"]:
        old = np.random.RandomState()
        old.set_state(state)
        return old
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)


def _listed(value: Any) -> Any:
    """Arrays as lists with their type."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return {"array": value.tolist(), "dtype": str(value.dtype)} if getattr(value, "ndim", 0) else value.item()
    return value


def _numpy_state(value: Any) -> Any:
    if isinstance(value, dict) and "array" in value:
        import numpy as np

        return np.array(value["array"], dtype=value["dtype"])
    return {key: _numpy_state(item) for key, item in value.items()} if isinstance(value, dict) else value
