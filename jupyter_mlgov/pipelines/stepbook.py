"""One step as a notebook of its own: the scene it needs, and its cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.fold import REPEATED
from jupyter_mlgov.pipelines.documents import KALE_PARAMETERS, PARAMETERS, Notebook, stable_id
from jupyter_mlgov.pipelines.steps import Piece, PlannedStep


def step_document(notebook: Notebook, document: Mapping[str, object], step: PlannedStep) -> dict[str, object]:
    """The notebook (format 4.5) that runs `step`. Cells keep their ids; each tells its number in the original.

    What an earlier step runs too carries the tag `mlgov-repeated`, so that the record counts it once.
    """
    metadata = cast("Mapping[str, Mapping[str, object]]", document.get("metadata", {}))
    spec = {"name": notebook.kernel, "display_name": notebook.kernel, "language": "python", **metadata.get("kernelspec", {})}
    return {
        "cells": [_cell(piece, place) for place, piece in enumerate(step.pieces)],
        "metadata": {
            "kernelspec": spec,
            "language_info": {"name": "python"},
            "mlgov": {"step": step.name, "exported_from": notebook.path.name},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(piece: Piece, place: int) -> dict[str, object]:
    tags = [tag for tag in piece.tags if tag not in (REPEATED, KALE_PARAMETERS)]
    if piece.parameters and PARAMETERS not in tags:
        tags.append(PARAMETERS)
    if not piece.own:
        tags = [tag for tag in tags if tag == PARAMETERS]
    if piece.repeated:
        tags.append(REPEATED)
    part = not piece.own and piece.repeated and not piece.parameters
    return {
        "cell_type": "code",
        "id": stable_id(place, piece.cell, piece.source) if part else piece.cell,
        "execution_count": None,
        "outputs": [],
        "metadata": {"tags": tags, "mlgov": {"own": piece.own, "index": piece.index}},
        "source": piece.source.splitlines(keepends=True),
    }


def step_digest(step: PlannedStep, values: Mapping[str, object]) -> Digest:
    """What a step's result rests on beside the values it takes: its code and its parameters (secrets are not among `values`)."""
    used = {name: value for name, value in values.items() if name in step.parameters}
    return Digest.of_json(
        {"pieces": [[piece.own, piece.source] for piece in step.pieces if not piece.parameters], "parameters": _plain(used)}
    )


def _plain(values: Mapping[str, object]) -> dict[str, str]:
    return {name: repr(value) for name, value in values.items()}
