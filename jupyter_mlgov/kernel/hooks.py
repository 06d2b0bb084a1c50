"""The one recorder's hooks in IPython: the same for JupyterLab, papermill and a plain shell."""

from __future__ import annotations

import ast
import atexit
import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_mlgov.core.errors import MlgovError, NotReady, StorageProblem
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.lineage.facts import Outcome

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from jupyter_mlgov.lineage.recorder import Recorder
    from jupyter_mlgov.workspace import Workspace

PLAIN = "ipython"


class KernelSession:
    """One shell's recording: knows the notebook, opens the workspace at the first cell, tells the recorder what happens."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._workspace: Workspace | None = None
        self._recorder: Recorder | None = None
        self._notebook = ""
        self._info: ExecutionInfo | None = None
        self._syntax_error = False
        self._unrecorded: list[str] = []
        self._retry_at = 0.0
        self._pid = os.getpid()

    # -- what the magics use ------------------------------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace:
        """The workspace of the notebook's folder; made there, with one printed line, where there is none. Raises MlgovError."""
        if self._workspace is None:
            self._workspace = self._open_workspace()
        if self._recorder is not None:
            self._recorder.flush()
        return self._workspace

    @property
    def notebook(self) -> str:
        """The notebook's name in its workspace; `ipython` where there is no notebook file."""
        if not self._notebook:
            self._notebook = self._name(self.workspace)
        return self._notebook

    @property
    def recorder(self) -> Recorder:
        """The recorder, opened when first needed. Raises MlgovError when the workspace cannot be opened."""
        if self._recorder is None:
            self._recorder = self.workspace.recorder(self.notebook, self._host())
        return self._recorder

    def step(self, label: str, cell_source: str) -> None:
        """Run `cell_source` in the notebook as the step `label` (`%%mlgov step train`). Raises BadTag before anything runs."""
        from jupyter_mlgov.lineage.tags import parse_tag

        step = parse_tag(f"mlgov:{label}", "`%%mlgov step`")
        shell = self._shell
        code = str(shell.transform_cell(cell_source))  # type: ignore[no-untyped-call]  # IPython's, without annotations
        name = shell.compile.cache(code, shell.execution_count, raw_code=cell_source)
        try:
            tree = cast("ast.Module", shell.compile.ast_parse(code, filename=name))
        except SyntaxError:
            self._syntax_error = True
            raise
        if self._recorder is not None and step is not None:
            self._recorder.step(step, code, shell.user_ns)
        shown = [tree.body.pop()] if tree.body and isinstance(tree.body[-1], ast.Expr) else []
        exec(compile(tree, name, "exec"), shell.user_global_ns, shell.user_ns)  # noqa: S102  # running the user's cell is what a cell magic is for
        for last in shown:
            exec(compile(ast.Interactive(body=[last]), name, "single"), shell.user_global_ns, shell.user_ns)  # noqa: S102  # as above; `single` shows the value

    # -- hooks --------------------------------------------------------------------------------------------------------

    def attach(self) -> None:
        self._shell.events.register("pre_execute", self._settle)
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        atexit.register(self._at_exit)

    def detach(self) -> None:
        self._shell.events.unregister("pre_execute", self._settle)
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)
        atexit.unregister(self._at_exit)
        self._close("recording was switched off")

    def _at_exit(self) -> None:
        # A forked child inherits this; the session is not its to end.
        if os.getpid() == self._pid:
            self._close("closed")

    def _close(self, outcome: str) -> None:
        if self._recorder is not None:
            self._recorder.close(outcome)
            self._recorder = None
            self._tell()
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def _tell(self) -> None:
        """Have MLflow told of the session that ends. What fails here is posted again by the next validate, run or promote."""
        with contextlib.suppress(Exception):
            if self._workspace is not None and self._notebook:
                self._workspace.project(self._notebook)
                self._workspace.deliver_later()

    def _settle(self) -> None:
        """Comes before each piece of code, also a silent one that is no cell: it may change a table that is being measured."""
        if self._recorder is not None and self._info is None:
            self._recorder.before_code()

    def _before(self, info: ExecutionInfo) -> None:
        if self._info is not None:
            return  # a cell that runs cells (`%run` of a notebook): it is one cell to the reader
        self._syntax_error = False
        metadata = self._metadata()
        cell_id = str(info.cell_id or metadata.get("cellId") or "")
        recorder = self._ready(cell_id)
        if recorder is None:
            return
        self._info = info
        tags, deleted = metadata.get("tags"), metadata.get("deletedCells")
        code = info.transformed_cell
        recorder.begin(
            cell_id=cell_id,
            source=info.raw_cell or "",
            code=code if isinstance(code, str) else None,
            tags=[str(tag) for tag in tags] if isinstance(tags, list) else [],
            namespace=self._shell.user_ns,
            deleted=[str(cell) for cell in deleted] if isinstance(deleted, list) else [],
        )

    def _after(self, result: ExecutionResult) -> None:
        # The cell that loads us ends without having begun. IPython makes a new `info` where a cell broke its runner: compare the text.
        if self._info is None or self._recorder is None or getattr(result.info, "raw_cell", None) != self._info.raw_cell:
            return
        self._info = None
        error = result.error_before_exec or result.error_in_exec
        self._recorder.end(outcome=self._outcome(result), namespace=self._shell.user_ns, error=_told(error) if error is not None else "")

    def _outcome(self, result: ExecutionResult) -> Outcome:
        if result.success:
            return Outcome.OK
        return Outcome.SYNTAX if result.error_before_exec is not None or self._syntax_error else Outcome.FAILED

    def _ready(self, cell_id: str) -> Recorder | None:
        """The recorder, or None with one warning while the workspace cannot be opened."""
        if self._recorder is None and time.monotonic() < self._retry_at:
            self._unrecorded.append(cell_id)
            return None
        begun = time.monotonic()
        try:
            recorder = self.recorder
        except Exception as error:  # noqa: BLE001  # whatever keeps us from opening it, the user's cell must run
            self._refused(error, cell_id, begun)
            return None
        if self._unrecorded:
            missed, self._unrecorded = self._unrecorded, []
            ids = ", ".join(filter(None, missed[:20]))
            recorder.gap(f"{len(missed)} cell runs before the workspace could be opened were not recorded ({ids or 'no cell ids'})")
        return recorder

    def _refused(self, error: Exception, cell_id: str, begun: float) -> None:
        from jupyter_mlgov.lineage.recorder import say

        now = time.monotonic()
        self._retry_at = now + (now - begun)
        if not self._unrecorded:
            reason = str(error) if isinstance(error, MlgovError) else f"{type(error).__name__} while opening the workspace."
            say(f"The cell runs, but nothing is recorded: {reason}")
        self._unrecorded.append(cell_id)

    # -- where we are -------------------------------------------------------------------------------------------------

    def _metadata(self) -> Mapping[str, Any]:
        """What the front end sent with the cell: JupyterLab and the papermill engine send the cell's own metadata."""
        kernel = getattr(self._shell, "kernel", None)
        try:
            found = kernel.get_parent().get("metadata") if kernel is not None else None
        except Exception:  # noqa: BLE001  # kernels other than ipykernel answer in their own ways; no tags is what is known then
            return {}
        return found if isinstance(found, dict) else {}

    def _host(self) -> str:
        if self._metadata().get("mlgov_host") == "papermill":
            return "papermill"
        return "jupyterlab" if getattr(self._shell, "kernel", None) is not None else "ipython"

    def _path(self) -> str:
        """The notebook's path as the front end tells it, or an empty text."""
        told = self._metadata().get("mlgov_notebook")
        candidates = (told, os.environ.get("JPY_SESSION_NAME"), self._shell.user_ns.get("__vsc_ipynb_file__"))
        return next((path for path in candidates if isinstance(path, str) and path.endswith(".ipynb")), "")

    def _open_workspace(self) -> Workspace:
        from jupyter_mlgov.lineage.recorder import say
        from jupyter_mlgov.workspace.composition import Workspace, open_workspace

        settings = Settings.from_environment(os.environ)
        path = Path(self._path())
        folder = path.parent if path.is_absolute() and path.parent.is_dir() else Path.cwd()
        try:
            return open_workspace(None, settings, folder)
        except NotReady:
            if settings.workspace:
                raise
        workspace = Workspace.create(folder, settings)
        say(f"made a workspace in {workspace.root / '.mlgov'}; what runs here is recorded in it.")
        return workspace

    def _name(self, workspace: Workspace) -> str:
        path = self._path()
        if not path:
            return PLAIN
        if not Path(path).is_absolute():
            return Path(path).as_posix()
        try:
            return workspace.name_of(Path(path))
        except MlgovError as error:
            raise StorageProblem(f"This notebook cannot be recorded here: {error.what}", next=error.next) from None


def _told(error: BaseException) -> str:
    """Type and text of an exception; one whose `str` is broken is known by its type."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  # a user's exception class may raise here
        return type(error).__name__
