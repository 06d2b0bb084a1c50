"""What a notebook is as steps: facts, read by every target."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlgov.lineage.facts import Step

RANDOM = "random numbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A cell, or some statements of one, as a step runs it.

    `own`: it is the step's own work; else it sets the scene (imports, functions, constants) and may run in other steps too.
    `parameters`: it is the cell behind which given values are put. `repeated`: an earlier step runs it as well.
    """

    cell: str
    index: int
    source: str
    own: bool = False
    parameters: bool = False
    repeated: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step as a job: `pieces` run in order, `takes` (variable -> the step that made it) come from the steps `after`.

    `name` is the step's name in every target: letters, digits and `-`. `gives` are variables that a later step takes. `made` are all
    variables its own cells bind. `parameters` are those it reads, itself or through the scene. `data` are files below the workspace that
    it read when it was recorded and no step wrote; `reads` and `writes` are files that steps hand on or leave.
    """

    name: str
    step: Step
    cells: tuple[str, ...]
    numbers: tuple[int, ...]
    pieces: tuple[Piece, ...]
    takes: Mapping[str, str] = field(default_factory=dict)
    gives: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """`train`, or `train:champion`: the tag without its prefix."""
        return self.step.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a notebook cannot be cut into steps, and what to do about it."""

    what: str
    next: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.next}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The steps in an order in which they can run, with what was decided for the reader to see (`notes`), or why it cannot be done."""

    steps: tuple[PlannedStep, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def names_of(steps: Sequence[Step]) -> dict[Step, str]:
    """`train`, `train-champion`, `data-load-data`: one name a step, all different, that every target can hold."""
    found: dict[Step, str] = {}
    for step in steps:
        base = re.sub(r"[^a-z0-9]+", "-", step.label.lower()).strip("-")[:50].strip("-") or "step"
        name, number = base, 2
        while name in found.values():
            name, number = f"{base}-{number}", number + 1
        found[step] = name
    return found
