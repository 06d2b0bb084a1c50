"""A step's notebook of `mlgov export --to papermill --per-step`, run by papermill itself: it hands values on in a folder beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady, UsageError
from jupyter_mlgov.core.team import read_team
from jupyter_mlgov.integrations.papermill.client import Stepping
from jupyter_mlgov.integrations.papermill.places import Place
from jupyter_mlgov.pipelines.crossing import Crossed, find_steps, read_manifest, write_manifest
from jupyter_mlgov.pipelines.documents import notebook_of
from jupyter_mlgov.pipelines.handover import Handover
from jupyter_mlgov.pipelines.rules import rules_of
from jupyter_mlgov.pipelines.runnable import parameters_of

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedStep:
    """The run of one exported step: `finish` writes step.json when all went well."""

    stepping: Stepping
    place: Place
    environment: Mapping[str, str]
    folder: Path
    about: Mapping[str, object]

    def finish(self) -> None:
        """Say that the step's folder is complete."""
        report = json.loads(Path(self.stepping.report).read_text("utf-8"))
        more = {"made": report["made"], "memory_bytes": report["memory"]}
        write_manifest(self.folder, {**self.about, **more}, [Crossed(**one) for one in report["values"]])


def exported_step(nb: NotebookNode, source: Path | None, place: Place, scratch: Path) -> ExportedStep | None:
    """What the notebook's own metadata say of its step; None for any other notebook. Raises NotReady for a step that left no values."""
    told: Any = nb.metadata.get("mlgov", {})
    step = told.get("step") if isinstance(told, Mapping) else None
    if not isinstance(step, Mapping) or source is None or place.workspace is None:
        return None
    values = source.parent / str(step["values"])
    there = find_steps([values])
    missing = sorted({maker for maker in step["takes"].values() if maker not in there})
    if missing:
        raise NotReady(
            f"Step {step['name']} needs the values of {', '.join(missing)}, and {values} has none.", next="Run the notebooks in order."
        )
    known = _known(nb, source, tuple(step["parameters"]))
    for maker in sorted(set(step["takes"].values())):
        _same_parameters(there[maker], known)
    name, folder = str(told["exported_from"]), values / str(step["name"])
    handover = Handover(
        step=str(step["name"]),
        takes={variable: str(there[maker]) for variable, maker in step["takes"].items()},
        gives=tuple(step["gives"]),
        made=tuple(step["made"]),
        folder=str(folder),
        allow_pickle=rules_of(read_team(place.workspace)).allow_pickle,
    )
    token = f"papermill-{Digest.of_text(name).hex[:12]}"
    return ExportedStep(
        stepping=Stepping(handover=handover, report=str(scratch / "report.json")),
        place=Place(name=name, told=name, workspace=place.workspace),
        environment={"MLGOV_PIPELINE": token, "MLGOV_STEP": handover.step, "MLGOV_WORKSPACE": str(place.workspace)},
        folder=folder,
        about={"step": handover.step, "notebook": name, "code": told.get("cells"), "parameters": known},
    )


def _known(nb: NotebookNode, source: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The step's parameters, and others that were given, as they are in this run, spelled; secrets are left out."""
    declared = parameters_of(notebook_of(nb, source))
    given = nb.metadata.get("papermill", {}).get("parameters", {})
    return {
        one.name: repr(given.get(one.name, one.default)) for one in declared if (one.name in names or one.name in given) and not one.secret
    }


def _same_parameters(folder: Path, known: Mapping[str, str]) -> None:
    for name, text in read_manifest(folder).get("parameters", {}).items():
        if name in known and known[name] != text:
            raise UsageError(
                f"{folder} was made with {name} = {text}, and this step is to run with {name} = {known[name]}.",
                next="Run the earlier steps with the same parameters.",
            )
