"""The Open Inference Protocol (V2): requests as tensors, answers as JSON with tensors, and the binary tensor extension.

https://github.com/open-inference/open-inference-protocol (required API) and Triton's "binary tensor data" extension.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

# datatype of the protocol -> numpy's name, little endian as the extension asks. BYTES is text.
DATATYPES = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
    "BYTES": "",
}
_EXPECTED = "A request of the Open Inference Protocol: GET /v2/models/MODEL shows its inputs."
_LONGEST_NAME = 256


class BadRequest(BadInput):
    """A request that cannot be answered as it is; the sentence says why. HTTP 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One named tensor. `values` is flat, in row-major order: a list (None: missing) or a numpy array; text for BYTES."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Any

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InferRequest:
    """A request, decoded. `outputs` empty: every output; `binary`: names of the outputs wanted as bytes (`*`: all)."""

    id: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[str, ...] = ()
    binary: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        """A parameter as text; empty where it is not there."""
        value = self.parameters.get(name)
        return "" if value is None or isinstance(value, (dict, list)) else str(value)


def parse(document: object, tail: bytes = b"", *, most_rows: int = 10_000) -> InferRequest:
    """The decoded JSON of a request, with the bytes that follow it (binary extension). Raises BadRequest."""
    if not isinstance(document, Mapping):
        raise _bad("The request is no JSON object.")
    given = document.get("inputs")
    if not isinstance(given, list) or not given:
        raise _bad("The request has no inputs.")
    if len(given) > 10_000:
        raise _bad("The request has more than 10,000 inputs.")
    parameters = _parameters(document)
    reader = _Tail(tail)
    inputs = tuple(_tensor(item, reader, most_rows) for item in given)
    reader.ended()
    names = [tensor.name for tensor in inputs]
    if len(set(names)) != len(names):
        raise _bad(f"The input {_shown(next(name for name in names if names.count(name) > 1))} stands twice.")
    outputs, binary = _outputs(document.get("outputs"))
    if parameters.get("binary_data_output") is True and not outputs:
        binary = frozenset("*")
    identity = document.get("id", "")
    if not isinstance(identity, str) or len(identity) > _LONGEST_NAME:
        raise _bad("`id` must be a text of at most 256 characters.")
    return InferRequest(id=identity, parameters=parameters, inputs=inputs, outputs=outputs, binary=binary)


def _bad(what: str) -> BadRequest:
    return BadRequest(what, expected=_EXPECTED)


def _shown(name: object) -> str:
    text = str(name)
    return repr(text if len(text) <= 60 else text[:59] + "…")


def _parameters(holder: Mapping[str, object]) -> Mapping[str, object]:
    found = holder.get("parameters", {})
    if not isinstance(found, Mapping):
        raise _bad("`parameters` must be an object.")
    return found


def _outputs(given: object) -> tuple[tuple[str, ...], frozenset[str]]:
    if given is None:
        return (), frozenset()
    if not isinstance(given, list):
        raise _bad("`outputs` must be a list.")
    names, binary = [], set()
    for item in given[:1000]:
        if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
            raise _bad("Each of `outputs` must be an object with a name.")
        names.append(str(item["name"]))
        if _parameters(item).get("binary_data") is True:
            binary.add(names[-1])
    return tuple(names), frozenset(binary)


@dataclass(slots=True)
class _Tail:
    """The bytes behind the JSON, handed out in the order of the inputs that ask for them."""

    content: bytes
    at: int = 0

    def take(self, size: object, name: str) -> bytes:
        if not isinstance(size, int) or isinstance(size, bool) or size < 0 or self.at + size > len(self.content):
            raise _bad(f"The input {_shown(name)} asks for bytes that the request does not hold.")
        part = self.content[self.at : self.at + size]
        self.at += size
        return part

    def ended(self) -> None:
        if self.at != len(self.content):
            raise _bad(f"{len(self.content) - self.at} bytes behind the JSON belong to no input.")


def _tensor(item: object, tail: _Tail, most_rows: int) -> Tensor:
    if not isinstance(item, Mapping):
        raise _bad("Each of `inputs` must be an object.")
    name, datatype, shape = item.get("name"), item.get("datatype"), item.get("shape")
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME:
        raise _bad("Each input needs a name of at most 256 characters.")
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise _bad(f"The input {_shown(name)} has datatype {_shown(datatype)}; known are {', '.join(DATATYPES)}.")
    if not isinstance(shape, list) or not shape or any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in shape):
        raise _bad(f"The input {_shown(name)} needs a shape: a list of whole numbers.")
    if shape[0] > most_rows:
        raise _bad(f"The input {_shown(name)} has {shape[0]:,} rows; at most {most_rows:,} are taken at once.")
    count = math.prod(shape)
    parameters = _parameters(item)
    if "binary_data_size" in parameters:
        values: Any = _decoded(tail.take(parameters["binary_data_size"], name), datatype, count, name)
    else:
        values = _flat(item.get("data"), name)
        if len(values) != count:
            raise _bad(f"The input {_shown(name)} has {len(values)} values, and its shape {shape} asks for {count}.")
        _typed(values, datatype, name)
    return Tensor(name=name, datatype=datatype, shape=tuple(shape), values=values)


def _flat(data: object, name: str) -> list[object]:
    """Nested or flat data, as one flat list."""
    if not isinstance(data, list):
        raise _bad(f"The input {_shown(name)} has no data.")
    if data and isinstance(data[0], list):
        level: list[object] = data
        for _ in range(8):
            if not any(isinstance(item, list) for item in level):
                return level
            if not all(isinstance(item, list) for item in level):
                break
            level = [value for item in level for value in item]  # type: ignore[attr-defined]  # all are lists, as was just asked
        raise _bad(f"The data of the input {_shown(name)} is nested unevenly or too deeply.")
    return data


_FLOATS = frozenset({"FP16", "FP32", "FP64"})


def _typed(values: list[object], datatype: str, name: str) -> None:
    """JSON values against the datatype; null is a missing value in every type, and is judged later by the column."""
    if datatype in _FLOATS:
        kind: tuple[type, ...] = (float, int)
    else:
        kind = (bool,) if datatype == "BOOL" else (str,) if datatype == "BYTES" else (int,)
    for value in values:
        if value is None:
            continue
        if not isinstance(value, kind) or (isinstance(value, bool) and datatype != "BOOL"):
            raise _bad(f"The input {_shown(name)} has datatype {datatype} and holds {_shown(value)}.")
    if datatype[0] in "UI":
        low, high = (
            (0, 2 ** int(datatype[4:]) - 1) if datatype[0] == "U" else (-(2 ** (int(datatype[3:]) - 1)), 2 ** (int(datatype[3:]) - 1) - 1)
        )
        if any(value is not None and not low <= value <= high for value in values):  # type: ignore[operator]  # all are whole numbers here
            raise _bad(f"The input {_shown(name)} holds a number that {datatype} cannot hold.")


def _decoded(raw: bytes, datatype: str, count: int, name: str) -> NDArray[Any] | list[str]:
    import numpy as np

    if datatype == "BYTES":
        found = list(_texts(raw, name))
        if len(found) != count:
            raise _bad(f"The input {_shown(name)} has {len(found)} texts, and its shape asks for {count}.")
        return found
    kind = np.dtype(DATATYPES[datatype])
    if len(raw) != count * kind.itemsize:
        raise _bad(f"The input {_shown(name)} has {len(raw)} bytes, and its shape asks for {count * kind.itemsize}.")
    values = np.frombuffer(raw, kind)
    if datatype == "BOOL" and len(raw) and max(raw) > 1:
        raise _bad(f"The input {_shown(name)} has datatype BOOL and holds a byte over 1.")
    return values


def _texts(raw: bytes, name: str) -> Iterator[str]:
    """Each text is its length in four bytes, then its UTF-8."""
    at = 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 4], "little")
        part = raw[at + 4 : at + 4 + size]
        if at + 4 > len(raw) or len(part) != size:
            raise _bad(f"The bytes of the input {_shown(name)} end in the middle of a text.")
        try:
            yield part.decode("utf-8")
        except UnicodeDecodeError:
            raise _bad(f"The input {_shown(name)} holds a text that is not UTF-8.") from None
        at += 4 + size


def encoded(tensor: Tensor) -> bytes:
    """The values of an output as bytes, as the extension lays them out."""
    import numpy as np

    if tensor.datatype == "BYTES":
        parts = [str(value).encode("utf-8") for value in tensor.values]
        return b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    return np.asarray(tensor.values, DATATYPES[tensor.datatype]).tobytes()


def answer(
    tensors: tuple[Tensor, ...], request: InferRequest, *, model: str, version: str, parameters: Mapping[str, object]
) -> tuple[dict[str, object], bytes]:
    """(the JSON object of the response, the bytes that follow it). Raises BadRequest for an output that the model has not got."""
    import difflib

    known = {tensor.name: tensor for tensor in tensors}
    for name in request.outputs:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {nearest[0]}?" if nearest else ""
            raise BadRequest(f"{model} has no output {_shown(name)}.{hint}", expected=f"Known: {', '.join(known)}.")
    chosen = [known[name] for name in request.outputs] if request.outputs else list(tensors)
    outputs, tail = [], []
    for tensor in chosen:
        said: dict[str, object] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if tensor.name in request.binary or "*" in request.binary:
            tail.append(encoded(tensor))
            said["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            said["data"] = tensor.values if isinstance(tensor.values, list) else tensor.values.tolist()
        outputs.append(said)
    body: dict[str, object] = {"model_name": model, "model_version": version, "parameters": dict(parameters), "outputs": outputs}
    if request.id:
        body["id"] = request.id
    return body, b"".join(tail)
