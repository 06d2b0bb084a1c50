"""A request against what the model reads: each column by name, of its type, with nothing missing that must be there."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.rollout.serving.protocol import BadRequest, InferRequest, Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["number", "text", "flag", "any"]
_DATATYPE: dict[Kind, str] = {"number": "FP64", "text": "BYTES", "flag": "BOOL", "any": "BYTES"}
# A tensor of this name (any case) may hold all columns at once, [rows, columns], in the order of the model's metadata.
WHOLE = ("input", "input-0", "input_0", "inputs", "predict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What the model reads under one name. `known` not empty: the only values that it takes; `missing`: a gap is allowed."""

    name: str
    kind: Kind = "any"
    missing: bool = False
    known: tuple[str, ...] = ()

    @property
    def datatype(self) -> str:
        return _DATATYPE[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The columns of a model, in its own order. `also` may come along and is not shown to the model: keys, groups, times."""

    columns: tuple[Column, ...]
    also: tuple[str, ...] = ()
    names: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(column.name for column in self.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Checked rows: one array a column, numbers as float64, text as objects. `also` holds what came along."""

    n: int
    columns: Mapping[str, NDArray[Any]]
    also: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    missing: tuple[bool, ...] = ()

    def digest(self) -> Digest:
        """The name of the content that the model sees: equal rows, equal name."""
        import hashlib

        hasher = hashlib.sha256(str(self.n).encode("ascii"))
        for name, values in self.columns.items():
            raw = values.tobytes() if values.dtype != object else "\x1f".join(map(repr, values)).encode("utf-8", "surrogatepass")
            hasher.update(f"\x1e{len(name)} {name} {values.dtype.str} {len(raw)} ".encode("utf-8", "surrogatepass"))
            hasher.update(raw)
        return str.__new__(Digest, "sha256:" + hasher.hexdigest())  # a digest by its making


def read(request: InferRequest, contract: Contract) -> Rows:
    """The rows of a request. Raises BadRequest naming the column, and the nearest known one."""
    tensors = {tensor.name: tensor for tensor in request.inputs}
    if len(tensors) == 1 and request.inputs[0].name.lower() in WHOLE and request.inputs[0].name not in contract.names:
        return _from_whole(request.inputs[0], contract)
    known = (*contract.names, *contract.also)
    for name in tensors:
        if name not in known:
            raise BadRequest(f"The model reads no column {_shown(name)}.{_nearest(name, known)}", expected=_reads(contract))
    lacking = [name for name in contract.names if name not in tensors]
    if lacking:
        raise BadRequest(f"The request has no column {_shown(lacking[0])}{_more(lacking)}.", expected=_reads(contract))
    n = request.inputs[0].rows
    for name, tensor in tensors.items():
        if tensor.rows != n or len(tensor.values) != n:
            shape = list(tensor.shape)
            raise BadRequest(f"The column {_shown(name)} has shape {shape}; expected [{n}] or [{n}, 1], as many rows as the first input.")
    if n == 0:
        raise BadRequest("The request has no rows.", expected="Expected at least one.")
    return _checked({column.name: tensors[column.name] for column in contract.columns}, contract, n, _along(tensors, contract))


def _along(tensors: Mapping[str, Tensor], contract: Contract) -> dict[str, tuple[object, ...]]:
    own = frozenset(contract.names)
    return {name: tuple(_plain(value) for value in tensors[name].values) for name in contract.also if name in tensors and name not in own}


def _plain(value: object) -> object:
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def _checked(tensors: Mapping[str, Tensor], contract: Contract, n: int, also: Mapping[str, tuple[object, ...]]) -> Rows:
    quick = _numbers(tensors, contract)
    if quick is not None:
        shared = {name: tuple(quick[name].tolist()) for name in contract.also if name in quick}
        return Rows(n=n, columns=quick, also={**shared, **also}, missing=(False,) * n)
    columns, gaps = {}, [False] * n
    for column in contract.columns:
        values, absent = _column(column, tensors[column.name].values, tensors[column.name].datatype)
        columns[column.name] = values
        for place in absent:
            gaps[place] = True
    # What comes along and is a column of the model too (a group, say) is read from there.
    shared = {name: tuple(_plain(value) for value in tensors[name].values) for name in contract.also if name in columns}
    return Rows(n=n, columns=columns, also={**shared, **also}, missing=tuple(gaps))


def _numbers(tensors: Mapping[str, Tensor], contract: Contract) -> dict[str, NDArray[Any]] | None:
    """Every column out of one array, where all are finite numbers given as lists; None: each is looked at by itself, and said by name."""
    import numpy as np

    given = []
    for column in contract.columns:
        tensor = tensors[column.name]
        if column.kind != "number" or tensor.datatype == "BYTES" or not isinstance(tensor.values, list):
            return None
        given.append(tensor.values)
    numbers = np.array(given, np.float64)
    if not np.isfinite(numbers).all():
        return None
    return dict(zip(contract.names, numbers, strict=True))


def _from_whole(tensor: Tensor, contract: Contract) -> Rows:
    wide = len(contract.columns)
    if len(tensor.shape) != 2 or tensor.shape[1] != wide:
        raise BadRequest(
            f"The input {_shown(tensor.name)} has shape {list(tensor.shape)}; expected [rows, {wide}].", expected=_reads(contract)
        )
    if tensor.rows == 0:
        raise BadRequest("The request has no rows.", expected="Expected at least one.")
    parts = {
        column.name: Tensor(name=column.name, datatype=tensor.datatype, shape=(tensor.rows,), values=tensor.values[place::wide])
        for place, column in enumerate(contract.columns)
    }
    return _checked(parts, contract, tensor.rows, {})


def _column(column: Column, values: Any, datatype: str) -> tuple[NDArray[Any], tuple[int, ...]]:
    """(values as the model takes them, places of missing ones). Raises BadRequest."""
    import numpy as np

    if column.kind in ("number", "flag"):
        if datatype == "BYTES":
            raise BadRequest(f"The column {_shown(column.name)} is a {column.kind}, and the request gives it as text.")
        if isinstance(values, list):
            values = [math.nan if value is None else value for value in values]
        numbers = np.asarray(values, np.float64)
        if not np.isfinite(numbers).all():
            if np.isinf(numbers).any():
                raise BadRequest(f"The column {_shown(column.name)} holds an infinite number.")
            absent = tuple(int(place) for place in np.flatnonzero(np.isnan(numbers)))
            _gap(column, absent)
            return numbers, absent
        if column.kind == "flag" and not np.isin(numbers, (0.0, 1.0)).all():
            raise BadRequest(f"The column {_shown(column.name)} is a flag, and the request gives it a number that is neither 0 nor 1.")
        return numbers, ()
    if column.kind == "text" and datatype != "BYTES":
        raise BadRequest(f"The column {_shown(column.name)} is text, and the request gives it as {datatype}.")
    absent = tuple(place for place, value in enumerate(values) if value is None or value != value)  # NaN alone is not itself
    _gap(column, absent)
    found = np.empty(len(values), object)
    found[:] = [None if place in absent else value for place, value in enumerate(values)] if absent else list(values)
    if column.known:
        strange = next((value for value in found if value is not None and str(value) not in column.known), None)
        if strange is not None:
            hint = _nearest(str(strange), column.known)
            raise BadRequest(
                f"The column {_shown(column.name)} holds {_shown(strange)}, which the model never saw.{hint}",
                expected=f"Known: {', '.join(column.known[:20])}.",
            )
    return found, absent


def _gap(column: Column, absent: tuple[int, ...]) -> None:
    if absent and not column.missing:
        raise BadRequest(f"The column {_shown(column.name)} is missing in row {absent[0]}, and the model takes no gaps there.")


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 60 else text[:59] + "…")


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name[:200], known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} others)" if len(names) > 1 else ""


def _reads(contract: Contract) -> str:
    names = contract.names
    return f"It reads {', '.join(names[:30])}{' …' if len(names) > 30 else ''}."
