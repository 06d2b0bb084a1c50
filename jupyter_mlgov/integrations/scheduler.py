"""The door to jupyter-scheduler: an execution manager whose jobs are governed, and fail when a cell fails or a gate stays shut.

In `jupyter_server_config.py`:

    c.Scheduler.execution_manager_class = "jupyter_mlgov.integrations.scheduler.GovernedExecutionManager"
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_scheduler.executors import DefaultExecutionManager

from jupyter_mlgov.core.errors import BadInput, MlgovError
from jupyter_mlgov.pipelines.documents import load, notebook_of
from jupyter_mlgov.pipelines.targets.scheduler import NOTEBOOK, STAGE

_MLGOV = (sys.executable, "-m", "jupyter_mlgov.cli")


class NotCompleted(MlgovError):
    """A governed job that ended otherwise than well: its message is the status message of the job."""

    exit_code = 1


class GovernedExecutionManager(DefaultExecutionManager):  # type: ignore[misc]  # jupyter-scheduler ships no types
    """Runs the notebook of a job with `mlgov run`, judges it, and asks for its stage.

    The job is COMPLETED only where every cell ran and the stage was granted. Otherwise it is FAILED with the reason, and the executed
    notebook is there all the same. The notebook is the one that the job definition names (`mlgov export --to scheduler`), else the file
    of that name in the server's root; it must still be the one that was scheduled.
    """

    def execute(self) -> None:
        job = self.model
        root = Path(self.root_dir).resolve()
        name = self._notebook(root)
        executed = Path(self.staging_paths["input"]).with_name("mlgov-executed.ipynb")
        given = [word for key, value in (job.parameters or {}).items() for word in ("-p", f"{key}={value}")]
        about = ["--notebook", name, "--workspace", str(root)]
        try:
            _run(
                [*_MLGOV, "run", str(root / name), "--workspace", str(root), "--output", str(executed), *given], "The notebook did not run"
            )
        finally:
            self._keep(executed)
        judged = _code([*_MLGOV, "validate", *about])
        stage = _tagged(job.tags, STAGE)
        if stage:
            _run([*_MLGOV, "promote", stage, *about], f"The gate to {stage} stayed shut")
        if judged:
            raise NotCompleted("The report is not clear.", next=f"`mlgov validate --notebook {name}`.")

    @staticmethod
    def validate(_manager: object, input_path: str) -> bool:
        """Whether the notebook says which kernel runs it. jupyter-scheduler calls it on the class and passes the class along."""
        try:
            return bool(notebook_of(load(Path(input_path)), Path(input_path)).kernel)
        except BadInput:
            return False

    def _notebook(self, root: Path) -> str:
        """The notebook's name below the root. Raises BadInput where it is gone or is not the one that was scheduled any more."""
        staged = Path(self.staging_paths["input"])
        name = _tagged(self.model.tags, NOTEBOOK) or self.model.input_filename
        path = root / name
        if not path.resolve().is_relative_to(root):
            raise BadInput(f"{name} lies outside the server's root {root}.", next="Export the job again: `mlgov export --to scheduler`.")
        if _runs(path) != _runs(staged):
            raise BadInput(f"{name} was changed since it was scheduled.", next="Schedule it again, or put the scheduled text back.")
        return name

    def _keep(self, executed: Path) -> None:
        """Put the executed notebook where jupyter-scheduler looks for the job's outputs, however the run ended."""
        if not executed.is_file():
            return
        for style in self.model.output_formats or ():
            place = Path(self.staging_paths[style])
            if style == "ipynb":
                shutil.copyfile(executed, place)
            else:
                command = [sys.executable, "-m", "nbconvert", "--to", style, "--stdout", str(executed)]
                done = subprocess.run(command, capture_output=True, check=False)
                if done.returncode == 0:
                    place.write_bytes(done.stdout)
        executed.unlink()


def _tagged(tags: Sequence[str] | None, prefix: str) -> str:
    return next((tag[len(prefix) :] for tag in tags or () if tag.startswith(prefix)), "")


def _runs(path: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    """What of a notebook decides how it runs: type, source and tags of its cells. Outputs do not count."""
    return [(cell.type, cell.source, cell.tags) for cell in notebook_of(load(path), path).cells]


def _run(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=_die_with_parent())
    print(done.stdout, done.stderr, sep="\n", flush=True)  # noqa: T201  # the server's log
    if done.returncode:
        told = " ".join(filter(None, (done.stdout.strip(), done.stderr.strip())))
        raise NotCompleted(f"{what} (exit code {done.returncode}). {told[:2000]}")


def _code(command: Sequence[str]) -> int:
    return subprocess.run(command, capture_output=True, check=False, preexec_fn=_die_with_parent()).returncode


def _die_with_parent() -> Callable[[], object] | None:
    """Stopping a job kills this process alone; on Linux, what it started goes with it."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


__all__ = ["GovernedExecutionManager", "NotCompleted"]
