"""The facts of lineage: steps, cell runs, fingerprints, sessions, environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from jupyter_mlgov.core.digests import Digest

KINDS = ("data", "features", "train", "evaluate", "register", "report")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A named piece of work, parsed from a tag: `mlgov:train` or `mlgov:train:champion`. `str(parse(tag)) == tag`."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"mlgov:{self.kind}:{self.name}" if self.name else f"mlgov:{self.kind}"

    @property
    def label(self) -> str:
        """`train`, or `train:champion`."""
        return str(self)[len("mlgov:") :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """A digest of all the content of a table, array, model or file. `method` names kind and version of the rule.

    `columns` maps a column to its own root (tables only); `rows` is -1 where there are none to count.
    """

    method: str
    root: Digest
    columns: Mapping[str, Digest] = field(default_factory=dict)
    schema: Mapping[str, str] = field(default_factory=dict)
    rows: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """A file that a cell read or wrote; `path` is relative to the workspace where it lies inside."""

    path: str
    digest: Digest | None
    size: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRef:
    """Data in a system that keeps versions of its own: what to ask it for to see the same again.

    `system` is `delta`, `snowflake` or `feast`; `name` a table, query or feature set there; `version` what that system calls it
    (a number, a query id); `digest` covers what `version` stood for, None where it could not be taken; `facts` are small and
    hold no row and no secret.
    """

    system: str
    name: str
    version: str
    digest: Digest | None = None
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """A named table, array or model at a step's boundary. `stored` is its content in the object store, if kept."""

    name: str
    kind: Literal["table", "array", "model"]
    fingerprint: Fingerprint | None
    stored: Digest | None = None
    note: str = ""


class Outcome(StrEnum):
    """How a cell run ended. `running` in the record of a dead session means: killed mid-cell."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    SYNTAX = "syntax error"
    KILLED = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a cell run took from outside the notebook: reasons why running it again may give something else. Names, never values.

    `connections` are `host:port`, `programs` names without arguments, `variables` of the environment (`*`: all were listed),
    `remote` URLs that were read or written, `clocks` the functions that told the time, `unseeded` generators of chance.
    """

    connections: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    clocks: tuple[str, ...] = ()
    unseeded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.connections, self.programs, self.variables, self.remote, self.clocks, self.unseeded))


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """One execution of one cell, with what it read and made. `order` counts cell runs of the session from 1.

    `writes` are names bound, deleted or changed in place; `imports` are those of them that an import bound.

    `changed` are those of `writes` whose object was seen to change in place at run time, by another name or inside a call.
    `meaning` is a digest of the source without comments and layout. `deleted` are cells that left the notebook since the run before.
    `distributions` names the installed packages in use when a tagged cell ended; `gaps` says what could not be recorded.
    """

    id: str
    session: str
    notebook: str
    cell_id: str
    order: int
    started: datetime
    source_digest: Digest
    step: Step | None = None
    tags: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    files_read: tuple[FileRef, ...] = ()
    files_written: tuple[FileRef, ...] = ()
    inputs: tuple[ObjectRef, ...] = ()
    outputs: tuple[ObjectRef, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    duration_ms: float = 0.0
    outcome: Outcome = Outcome.RUNNING
    error: str = ""
    distributions: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    surroundings: Surroundings = field(default_factory=Surroundings)
    sources_read: tuple[SourceRef, ...] = ()
    sources_written: tuple[SourceRef, ...] = ()
    meaning: str = ""
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What numbers depend on below Python. `unknown` is said where it could not be told.

    `blas` names linear algebra libraries with the kernel they chose, `features` the processor's vector instructions, `image` the digest of
    the container image (empty outside one), `settings` variables that change results (threads, hash seed).
    """

    cpu: str
    features: tuple[str, ...]
    blas: tuple[str, ...]
    image: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where code ran: Python, platform, and every installed distribution with its version.

    `records` are digests of each distribution's RECORD, the list of its files; `machine` is None where it was not looked at.
    """

    python: str
    platform: str
    packages: Mapping[str, str]
    records: Mapping[str, Digest] = field(default_factory=dict)
    machine: Machine | None = None

    @property
    def digest(self) -> Digest:
        """Of Python, platform and versions: the same on machines that install the same."""
        return Digest.of_json({"python": self.python, "platform": self.platform, "packages": dict(self.packages)})


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeState:
    """The git commit code came from. `commit` is empty outside a repository; `dirty` names changed files.

    `diff` is the digest of all that is not committed, None where nothing is or it could not be taken; `left_out` names new files
    that are too large to be part of it.
    `problem` says why git could not tell, in a sentence: unknown is not the same as none.
    """

    commit: str = ""
    dirty: tuple[str, ...] = ()
    problem: str = ""
    diff: Digest | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One kernel's life on one notebook. `host` says who runs the cells.

    `pipeline` is the token of the pipeline run whose `step` this kernel runs; sessions with one token are one run of the notebook.
    """

    id: str
    notebook: str
    host: Literal["jupyterlab", "papermill", "ipython"]
    started: datetime
    environment: Environment
    code: CodeState = field(default_factory=CodeState)
    pipeline: str = ""
    step: str = ""


class StepState(StrEnum):
    """How a step stands: what the panel, `%mlgov` and the gates read."""

    NEVER_RAN = "never ran"
    RUNNING = "running"
    FRESH = "fresh"
    STALE = "stale"
    FAILED = "failed"
    KILLED = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus:
    """A step of a notebook with its state and, where it is not fresh, the reason in a sentence."""

    step: Step
    cells: tuple[str, ...]
    state: StepState
    why: str = ""
    order: int = 0
    duration_ms: float = 0.0
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The folded record of one notebook's last session: what a verdict about its model rests on."""

    notebook: str
    session: Session | None
    runs: tuple[CellRun, ...]
    steps: tuple[StepStatus, ...]

    @property
    def parameters(self) -> dict[str, object]:
        return {name: value for run in self.runs for name, value in run.parameters.items()}

    @property
    def metrics(self) -> dict[str, float]:
        return {name: value for run in self.runs for name, value in run.metrics.items()}

    @property
    def slice(self) -> Digest | None:
        """Digest of what the tagged cells that ran say (comments and layout aside) and of the parameters; None when none ran.

        Raises NotCanonical for a parameter that has no canonical form.
        """
        last = {run.cell_id: run.meaning or run.source_digest for run in self.runs if run.step is not None and run.outcome is Outcome.OK}
        return Digest.of_json({"cells": last, "parameters": self.parameters}) if last else None

    @property
    def data(self) -> dict[str, str]:
        """Files that tagged cells read and no cell wrote: path -> digest, or `unread` where it could not be taken."""
        written = {ref.path for run in self.runs for ref in run.files_written}
        return {ref.path: ref.digest or "unread" for run in self.runs if run.step for ref in run.files_read if ref.path not in written}

    @property
    def modules(self) -> dict[str, str]:
        """Python files of the workspace that any cell imported or ran and no cell wrote: path -> digest, or `unread`."""
        written = {ref.path for run in self.runs for ref in run.files_written}
        read = [ref for run in self.runs for ref in run.files_read if ref.path.endswith(".py") and not ref.path.startswith("/")]
        return {ref.path: ref.digest or "unread" for ref in read if ref.path not in written}

    def last_output(self, name: str) -> ObjectRef | None:
        """The newest recorded state of the named table or model."""
        found = [ref for run in self.runs for ref in run.outputs if ref.name == name]
        return found[-1] if found else None

    @property
    def model(self) -> ObjectRef | None:
        """The newest model that came out of a train step."""
        trained = [run for run in self.runs if run.step is not None and run.step.kind == "train"]
        found = [ref for run in trained for ref in run.outputs if ref.kind == "model"]
        return found[-1] if found else None
