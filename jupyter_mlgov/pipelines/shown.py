"""An export as text before it is made: the steps with what crosses, and every file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jupyter_mlgov.pipelines.export import Draft
from jupyter_mlgov.pipelines.steps import PlannedStep


def draft_text(made: Draft) -> str:
    """What would be made, for a person to read."""
    return "\n".join([*_steps(made), "", *_files(made)])


def draft_facts(made: Draft) -> dict[str, object]:
    """The same as JSON."""
    graph = made.plan.graph
    return {
        "notebook": made.plan.name,
        "digests": made.plan.digests.told(),
        "steps": [_facts(one) for one in graph.steps],
        "notes": list(graph.notes),
        "writes_outside": list(made.plan.spills),
        "refusals": [str(one) for one in graph.refusals],
        "files": {name: [str(path) for path in files] for name, files in made.files.items()},
        "proof_needed_for": list(made.by_step),
    }


def _facts(step: PlannedStep) -> dict[str, object]:
    return {
        "name": step.name,
        "tag": str(step.step),
        "cells": list(step.numbers),
        "after": list(step.after),
        "takes": dict(step.takes),
        "gives": list(step.gives),
        "parameters": list(step.parameters),
        "data": list(step.data),
        "reads": list(step.reads),
        "writes": list(step.writes),
    }


def _steps(made: Draft) -> Iterator[str]:
    graph = made.plan.graph
    yield f"{made.plan.name} as steps:" if graph.steps else f"{made.plan.name} cannot be cut into steps:"
    for one in graph.steps:
        cells = ", ".join(f"[{number}]" for number in one.numbers)
        yield f"  {one.name}  cell {cells}" + (f"  after {', '.join(one.after)}" if one.after else "")
        takes = ", ".join(f"{name} of {maker}" for name, maker in one.takes.items())
        for what, said in (
            ("takes", takes),
            ("gives", ", ".join(one.gives)),
            ("reads", ", ".join((*one.data, *one.reads))),
            ("writes", ", ".join(one.writes)),
            ("parameters", ", ".join(one.parameters)),
        ):
            if said:
                yield f"      {what} {said}"
    yield from (f"  note: {note}" for note in graph.notes)
    yield from (f"  note: it writes {path}, outside the workspace" for path in made.plan.spills)
    yield from (f"  {one}" for one in graph.refusals)


def _files(made: Draft) -> Iterator[str]:
    for name, files in made.files.items():
        proof = ", after a proof that its steps equal the notebook" if name in made.by_step else ""
        yield f"{name} would write{proof}:"
        yield from (f"  {_near(path, made.plan.root)}" for path in files)


def _near(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
