"""Two environments side by side: what differs, and whether numbers can differ because of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.lineage.facts import Environment, Machine
from jupyter_mlgov.lineage.machine import UNKNOWN

# Distributions whose version can change a number. Others change logs, colours and speed.
NUMERICAL = frozenset(
    {
        *("numpy", "scipy", "pandas", "polars", "pyarrow", "duckdb", "ibis-framework", "deltalake", "feast"),
        *("scikit-learn", "statsmodels", "xgboost", "lightgbm", "catboost", "fairlearn", "shap", "imbalanced-learn", "category-encoders"),
        *("torch", "tensorflow", "jax", "jaxlib", "transformers", "sentence-transformers", "nvidia-cublas-cu12", "nvidia-cudnn-cu12"),
        *("numba", "numexpr", "bottleneck", "threadpoolctl", "joblib", "skops", "sympy", "mkl", "openblas", "intel-openmp"),
    }
)

Kind = Literal["python", "platform", "package", "files", "blas", "cpu", "image", "setting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`what` is `one` here and `other` there. `known` is false where one side does not say: that is no match and no mismatch."""

    kind: Kind
    what: str
    one: str
    other: str
    matters: bool
    known: bool = True

    def __str__(self) -> str:
        return f"{self.what}: {self.one or 'not there'} → {self.other or 'not there'}"


def compare(one: Environment, other: Environment) -> tuple[Difference, ...]:
    """Every difference, what matters first. An environment read from a lock says only its packages; the rest is not held against it."""
    found = [*_python(one, other), *_packages(one, other), *_machine(one, other)]
    return tuple(sorted(found, key=lambda each: (not each.matters, each.known, each.kind, each.what)))


def _python(one: Environment, other: Environment) -> Iterator[Difference]:
    if one.python and other.python and one.python != other.python:
        minor = one.python.split(".")[:2] != other.python.split(".")[:2]
        yield Difference(kind="python", what="Python", one=one.python, other=other.python, matters=minor)
    if one.platform and other.platform and one.platform != other.platform:
        yield Difference(kind="platform", what="platform", one=one.platform, other=other.platform, matters=True)


def _packages(one: Environment, other: Environment) -> Iterator[Difference]:
    for name in sorted({*one.packages, *other.packages}):
        mine, theirs = one.packages.get(name, ""), other.packages.get(name, "")
        numerical = name in NUMERICAL
        if mine != theirs:
            yield Difference(kind="package", what=name, one=mine, other=theirs, matters=numerical)
        elif name in one.records and name in other.records and one.records[name] != other.records[name]:
            # The same version with other files: another build, or somebody changed it.
            short = one.records[name][:15], other.records[name][:15]
            yield Difference(kind="files", what=f"{name} {mine} (its files)", one=short[0], other=short[1], matters=numerical)


def _machine(one: Environment, other: Environment) -> Iterator[Difference]:
    if one.machine is None or other.machine is None:
        if one.python and other.python:  # neither is a lock file: a record without its machine leaves the question open
            yield Difference(kind="cpu", what="machine", one=_said(one), other=_said(other), matters=True, known=False)
        return
    mine, theirs = one.machine, other.machine
    yield from _told("blas", "linear algebra", _blas(mine), _blas(theirs), matters=True)
    yield from _told("cpu", "vector features", " ".join(mine.features), " ".join(theirs.features), matters=True)
    yield from _told("cpu", "processor", mine.cpu, theirs.cpu, matters=False)
    yield from _told("image", "container image", mine.image, theirs.image, matters=False)
    yield from _settings(mine.settings, theirs.settings)


def _told(kind: Kind, what: str, one: str, other: str, *, matters: bool) -> Iterator[Difference]:
    known = UNKNOWN not in (one, other)
    if one != other or not known:
        yield Difference(kind=kind, what=what, one=one, other=other, matters=matters, known=known)


def _blas(machine: Machine) -> str:
    return "; ".join(machine.blas) or UNKNOWN


def _settings(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*one, *other}):
        if one.get(name) != other.get(name):
            yield Difference(kind="setting", what=name, one=one.get(name, ""), other=other.get(name, ""), matters=True)


def _said(environment: Environment) -> str:
    return environment.machine.cpu if environment.machine else UNKNOWN
