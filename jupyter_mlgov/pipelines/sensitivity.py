"""Which steps rest on a parameter, told from the dataflow: those that read it, and all that take what those make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.steps import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """`reads` are steps that read the parameter, `steps` all that may change with it, in the order in which they run."""

    parameter: Parameter
    reads: tuple[str, ...]
    steps: tuple[str, ...]

    @property
    def sentence(self) -> str:
        one = self.parameter
        default = "secret" if one.secret else repr(one.default) if one.literal else "computed"
        said = f"{one.name}: {one.expected}, default {default}. "
        return said + (
            f"Read by {', '.join(self.reads)}; may change {', '.join(self.steps)}." if self.steps else "Changes nothing: no step reads it."
        )

    def as_json(self) -> dict[str, object]:
        one = self.parameter
        return {
            "name": one.name,
            "expected": one.expected,
            "unit": one.declares.unit,
            "secret": one.secret,
            "default": None if one.secret or not one.literal else repr(one.default),
            "reads": list(self.reads),
            "steps": list(self.steps),
        }


def reaches(graph: Graph, parameters: Sequence[Parameter]) -> tuple[Reach, ...]:
    """One a parameter. A step that is not among `steps` gives the same whatever the parameter is, as far as the source tells."""
    found = []
    for one in parameters:
        reads = [step.name for step in graph.steps if one.name in step.parameters]
        touched = set(reads)
        for step in graph.steps:  # in the order in which they run
            if touched & set(step.after):
                touched.add(step.name)
        found.append(Reach(parameter=one, reads=tuple(reads), steps=tuple(step.name for step in graph.steps if step.name in touched)))
    return tuple(found)
