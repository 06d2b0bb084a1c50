"""What a notebook needs to run as a job elsewhere: its parameters, its files, its team file and its lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.team import TEAM_FILE, Team
from jupyter_mlgov.lineage.facts import Lineage, Step
from jupyter_mlgov.lineage.tags import step_of
from jupyter_mlgov.pipelines.cutting import graph_of
from jupyter_mlgov.pipelines.documents import Notebook, load, notebook_of
from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.runnable import check_runnable, parameters_of
from jupyter_mlgov.pipelines.secrets import check_no_value
from jupyter_mlgov.pipelines.steps import Graph, PlannedStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What the job was made from. An empty one was not known then: no model recorded, no lock file and no run."""

    notebook: str
    policy: str
    model: str = ""
    environment: str = ""

    def told(self) -> dict[str, str]:
        """All four by name; `unknown` where there was none."""
        return {name: str(getattr(self, name) or "unknown") for name in ("model", "notebook", "policy", "environment")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What the exporting person says about the place where the job will run. Each target says what it cannot do without.

    `image` and `base` are pinned by digest, `schedule` is five cron fields; `per_step` asks for a notebook for each step.
    """

    image: str = ""
    base: str = ""
    schedule: str = ""
    stage: str = ""
    per_step: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A notebook as a job. All paths are POSIX and below `root`.

    `data` are files that the last recorded run read; `outside` are files it read that no clone will have; `recorded` says whether
    there was such a run. `graph` are the steps, or why there are none. `model` is the team's name for it; `stage` what the job asks for.
    `live` are sources outside of files that the last recorded run read (warehouses, hosts, URLs): equal inputs may give other data.
    `spills` are files outside the workspace that it wrote.
    """

    root: Path
    name: str
    notebook: Notebook
    document: Mapping[str, object]
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    team: Digest
    data: tuple[str, ...]
    outside: tuple[str, ...]
    files: tuple[str, ...]
    recorded: bool
    graph: Graph = field(default_factory=Graph)
    digests: Digests = field(default_factory=lambda: Digests(notebook="", policy=""))
    deployment: Deployment = field(default_factory=Deployment)
    model: str = "model"
    stage: str = ""
    lock: str = ""
    live: tuple[str, ...] = ()
    spills: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def folder(self) -> PurePosixPath:
        return PurePosixPath(self.name).parent


def plan(root: Path, name: str, team: Team, lineage: Lineage, deployment: Deployment | None = None) -> Plan:
    """Raises BadInput for a notebook that cannot run as a job: no kernel, no tagged step, a wrong tag, two `parameters` cells."""
    path = root / PurePosixPath(name)
    document = load(path)
    content = path.read_bytes()
    notebook = notebook_of(document, path)
    check_runnable(notebook, {notebook.kernel: notebook.language} if notebook.kernel else {})
    steps = tuple(step for cell in notebook.cells if (step := step_of(cell.tags, f"cell [{cell.index}]")) is not None)
    if not steps:
        raise no_steps(name)
    data, outside = _reads(lineage, name)
    check_no_value(parameters_of(notebook), name)
    return Plan(
        root=root,
        name=name,
        notebook=notebook,
        document=document,
        parameters=parameters_of(notebook),
        steps=steps,
        team=team.digest,
        data=tuple(sorted({*data, *team.track})),
        outside=outside,
        files=tuple(filter(None, (_team_file(root, name), team.lock if team.lock and (root / team.lock).is_file() else ""))),
        recorded=lineage.session is not None,
        graph=with_files(graph_of(notebook, parameters_of(notebook)), lineage),
        digests=_digests(root, content, team, lineage),
        deployment=deployment or Deployment(),
        model=team.model,
        stage=_stage(team, deployment),
        lock=team.lock if team.lock and (root / team.lock).is_file() else "",
        live=_live(lineage),
        spills=spills(lineage),
    )


def _live(lineage: Lineage) -> tuple[str, ...]:
    told = {f"{ref.system}:{ref.name}" for run in lineage.runs for ref in run.sources_read}
    told |= {name for run in lineage.runs for name in (*run.surroundings.connections, *run.surroundings.remote, *run.surroundings.clocks)}
    return tuple(sorted(told | {name for run in lineage.runs for name in run.surroundings.unseeded}))


def _digests(root: Path, content: bytes, team: Team, lineage: Lineage) -> Digests:
    model = lineage.model
    lock = root / team.lock if team.lock else root
    known = Digest.of_file(lock) if lock.is_file() else lineage.session.environment.digest if lineage.session is not None else ""
    fingerprint = model.fingerprint if model is not None else None
    return Digests(
        notebook=Digest.of_bytes(content), policy=team.digest, model=fingerprint.root if fingerprint is not None else "", environment=known
    )


def _stage(team: Team, deployment: Deployment | None) -> str:
    """The stage the job asks for: the one named, else the first that has a gate. Raises UsageError for one the team does not know."""
    named = deployment.stage if deployment is not None else ""
    if named:
        team.gate(named)
    return named or (team.stages[1] if len(team.stages) > 1 else "")


def with_files(graph: Graph, lineage: Lineage) -> Graph:
    """The graph with the files that each step read and wrote when it was last recorded; who reads a file comes after who wrote it."""
    runs = {step.name: [run for run in lineage.runs if run.cell_id in step.cells] for step in graph.steps}
    wrote = {name: {ref.path for run in found for ref in run.files_written if not _elsewhere(ref.path)} for name, found in runs.items()}
    read = {name: {ref.path for run in found for ref in run.files_read if not _elsewhere(ref.path)} for name, found in runs.items()}
    anywhere = set().union(*wrote.values()) if wrote else set()
    steps: list[PlannedStep] = []
    for place, step in enumerate(graph.steps):
        before = [one.name for one in graph.steps[:place] if wrote[one.name] & read[step.name]]
        steps.append(
            replace(
                step,
                after=tuple(one.name for one in graph.steps[:place] if one.name in step.after or one.name in before),
                data=tuple(sorted(path for path in read[step.name] - anywhere if not path.startswith(".mlgov/"))),
                reads=tuple(sorted(read[step.name] & anywhere - wrote[step.name])),
                writes=tuple(sorted(wrote[step.name])),
            )
        )
    return replace(graph, steps=tuple(steps))


def graph_or_refuse(notebook: Notebook, parameters: Sequence[Parameter], name: str) -> Graph:
    """The step graph. Raises BadInput for a notebook without tagged steps, or one that cannot be cut, with every reason."""
    graph = graph_of(notebook, parameters)
    if graph.refusals:
        told = " ".join(str(one) for one in graph.refusals)
        raise BadInput(f"{name} cannot be cut into steps. {told}", next="The whole notebook can still run as one job: `mlgov run`.")
    if not graph.steps:
        raise no_steps(name)
    return graph


def no_steps(name: str) -> BadInput:
    """The sentence for a notebook without tags."""
    return BadInput(
        f"{name} has no tagged steps, so there is no pipeline in it to export.",
        expected="Expected cells tagged like `mlgov:data` and `mlgov:train`.",
        next=f"See what each cell looks like: `mlgov suggest {name}`; or tag one: `mlgov tag {name} CELL train`.",
    )


def _reads(lineage: Lineage, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(files below the workspace, files elsewhere) that the steps read and did not make themselves."""
    written = {ref.path for run in lineage.runs for ref in run.files_written}
    read = {ref.path for run in lineage.runs for ref in run.files_read} - written - {name}
    inside = {path for path in read if not _elsewhere(path) and not path.startswith(".mlgov/")}
    by_steps = {ref.path for run in lineage.runs if run.step is not None for ref in run.files_read}
    return tuple(sorted(inside)), tuple(sorted(path for path in read & by_steps if _elsewhere(path)))


def spills(lineage: Lineage) -> tuple[str, ...]:
    """Files outside the workspace that the recorded run wrote; the recorder leaves temporary files and hidden folders out."""
    return tuple(sorted({ref.path for run in lineage.runs for ref in run.files_written if _elsewhere(ref.path)}))


def _elsewhere(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "://" in path


def _team_file(root: Path, name: str) -> str:
    """The nearest team file from the notebook's folder up to the root."""
    folder = PurePosixPath(name).parent
    for place in (folder, *folder.parents):
        if (root / place / TEAM_FILE).is_file():
            return (place / TEAM_FILE).as_posix()
    return ""
