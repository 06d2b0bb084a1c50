"""The client that tells the kernel which cell runs, and says clearly how a run ended."""

from __future__ import annotations

import ast
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.integrations.papermill.places import Place
from jupyter_mlgov.integrations.papermill.results import RunResult
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.pipelines.documents import INJECTED, KALE_PARAMETERS, PARAMETERS
from jupyter_mlgov.pipelines.handover import Handover

if TYPE_CHECKING:
    from jupyter_client.manager import KernelManager
    from nbformat import NotebookNode

    from jupyter_mlgov.integrations.papermill.manager import GovernedManager

# Not `%load_ext`: the notebook's own `%load_ext jupyter_mlgov` would then print that it is loaded already. The recorder is opened
# here, so that a workspace that cannot be written is known before anything runs, and no cell's time limit pays for opening it.
_LOAD = "__import__('jupyter_mlgov.kernel', fromlist=['load']).load(get_ipython()).recorder and None"
_LOADED = "'mlgov' in get_ipython().magics_manager.magics['line']"


_TAKE_UP = "__import__('jupyter_mlgov.pipelines.handover', fromlist=['take_up']).take_up(get_ipython().user_ns, {request!r})"
_LEAVE = "__import__('jupyter_mlgov.pipelines.handover', fromlist=['leave']).leave(get_ipython().user_ns, {request!r}, {report!r})"

_ROOTS = "__import__('jupyter_mlgov.pipelines.handover', fromlist=['roots']).roots(get_ipython().user_ns, {names!r})"


_SOCKET_PATH = 100  # bytes; Linux takes 107, macOS 103


def _sockets_fit(connection_file: Path) -> bool:
    return os.name == "posix" and len(os.fsencode(connection_file.with_suffix(""))) + len("-ipc-5") <= _SOCKET_PATH


class NotHandedOver(NotReady):
    """A step could not take up the values it needs, or leave those it gives. The sentence says which and why."""


class KernelKilled(DeadKernelError):  # type: ignore[misc]  # nbclient's errors are untyped here
    """The kernel went away in the middle of a cell; papermill answers it with exit code 138."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepping:
    """What makes a run the run of one step: what it hands over, and the file `report` in which its kernel tells of it.

    `recorded` is False for a rehearsal, which is no run of the model and stands in no trail. `limit`: seconds for all cells, 0 for no end.
    `snapshots`: behind the cell of this number the roots of these names go into `seen`.
    """

    handover: Handover
    report: str
    recorded: bool = True
    limit: int = 0
    snapshots: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    seen: dict[int, dict[str, str | None]] = field(default_factory=dict)


class PoliteManager(AsyncKernelManager):  # type: ignore[misc]  # jupyter_client's types are not followed here
    """A kernel that is `idle` is asked to go, without the interrupt that begins each shutdown in jupyter_client.

    It would meet the end of the last message now and then, and stand as an ERROR over a run that is good. A busy one is interrupted.
    """

    idle = False

    async def _async_interrupt_kernel(self) -> None:
        if not (self.idle and self.shutting_down):
            await super()._async_interrupt_kernel()


class GovernedClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill ships no types
    """papermill's client; each execution carries the cell's metadata, as JupyterLab's does."""

    def __init__(
        self,
        manager: GovernedManager,
        *,
        place: Place,
        where: dict[int, int],
        scratch: Path,
        stepping: Stepping | None = None,
        secrets: Mapping[str, object] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(manager, **{"kernel_manager_class": PoliteManager, **options})
        self.scratch = scratch
        self.place = place
        self.where = where
        self.stepping = stepping
        self.secrets = secrets or {}
        self.secret_behind = _declaring(self.nb)
        self.exits = False
        self.result = RunResult(outcome=Outcome.RUNNING)

    def create_kernel_manager(self) -> KernelManager:
        """A kernel of this machine is reached by sockets in `scratch`, which no other account opens and no other run can take.

        A TCP port is picked first and opened a second later; of a hundred jobs that start at one time, some pick the same.
        """
        manager = super().create_kernel_manager()
        path = self.scratch / "kernel.json"
        if _sockets_fit(path) and "kernel_provisioner" not in (manager.kernel_spec.metadata or {}):
            manager.transport, manager.connection_file = "ipc", str(path)
        return manager

    def papermill_execute_cells(self) -> None:
        """Load the recorder, then run the cells in order. Sets `result`; raises when the kernel died or a cell took too long.

        A step takes up its values before its first own cell and leaves others behind the last. Raises NotHandedOver.
        """
        if self.stepping is None or self.stepping.recorded:
            self._load_recorder()
        self.nb_man.ready()
        self.result = RunResult(outcome=Outcome.OK)
        waiting = self.stepping is not None
        ends = monotonic() + self.stepping.limit if self.stepping is not None and self.stepping.limit else math.inf
        for index, cell in enumerate(self.nb.cells):
            if waiting and cell.metadata.get("mlgov", {}).get("own"):
                waiting = False
                self._hand_over(_TAKE_UP)
            if ends < math.inf:
                self.timeout = max(1, math.ceil(ends - monotonic()))
            if not self._execute(cell, index):
                break
            if self.secrets and index == self.secret_behind:
                self._tell_secrets()
            if self.stepping is not None and index in self.where:
                self._see(self.where[index], self.stepping)
        else:
            if self.stepping is not None:
                self._hand_over(_LEAVE)
        self.kc.session.metadata = {}
        self.km.idle = True

    def _see(self, number: int, stepping: Stepping) -> None:
        if number not in stepping.snapshots:
            return
        told = {"told": _ROOTS.format(names=list(stepping.snapshots[number]))}
        content = self.wait_for_reply(self.kc.execute("", silent=True, store_history=False, user_expressions=told))["content"]
        answer = content["user_expressions"]["told"]
        if answer["status"] != "ok":
            raise NotHandedOver(f"{answer.get('ename')}: {answer.get('evalue')}")
        stepping.seen[number] = json.loads(ast.literal_eval(answer["data"]["text/plain"]))

    def _tell_secrets(self) -> None:
        """Give the kernel the values that no file may hold. The message between us is encrypted where the kernel can."""
        code = f"get_ipython().user_ns.update({dict(self.secrets)!r})"
        message = self.kc.execute("", silent=True, store_history=False, user_expressions={"told": code})
        self.wait_for_reply(message)

    def _hand_over(self, code: str) -> None:
        """Run `code` beside the cells. Raises NotHandedOver with what it says is wrong, KernelKilled when the kernel dies of it."""
        if self.stepping is None:
            return
        request = self.stepping.handover.as_json()
        told = {"told": code.format(request=request, report=self.stepping.report)}
        message = self.kc.execute("", silent=True, store_history=False, user_expressions=told)
        try:
            content = self.wait_for_reply(message)["content"]
        except DeadKernelError:
            sentence = f"The kernel of step {self.stepping.handover.step} was killed while its values were handed over."
            self.result = RunResult(outcome=Outcome.KILLED, error=sentence)
            raise KernelKilled(sentence) from None
        answer = content.get("user_expressions", {}).get("told", {})
        said = answer.get("data", {}).get("text/plain", "")
        problem = str(ast.literal_eval(said)) if answer.get("status") == "ok" and said else f"{answer.get('ename')}: {answer.get('evalue')}"
        if problem:
            self.result = RunResult(outcome=Outcome.FAILED, error=problem)
            raise NotHandedOver(problem)

    def _load_recorder(self) -> None:
        """Raises NotReady when the kernel cannot record: a governed run without a record would be a silent green."""
        self._announce({}, "")
        message = self.kc.execute(_LOAD, silent=True, store_history=False, user_expressions={"loaded": _LOADED})
        content = self.wait_for_reply(message)["content"]
        loaded = content.get("user_expressions", {}).get("loaded", {}).get("data", {}).get("text/plain")
        if content["status"] == "ok" and loaded == "True":
            return
        why = f"{content.get('ename', 'no magics')}: {content.get('evalue', 'its jupyter_mlgov did not start')}"
        raise NotReady(
            f'The kernel "{self.kernel_name}" cannot record this run ({why}). Nothing has run.',
            next="Mend that, or install jupyter-mlgov in that kernel's environment; plain papermill runs without a record.",
        )

    def _announce(self, metadata: Mapping[str, object], cell_id: str) -> None:
        """Send `metadata` with the next execution, as JupyterLab does."""
        about = {"cellId": cell_id, "mlgov_notebook": self.place.told, "mlgov_host": "papermill"}
        self.kc.session.metadata = {**metadata, **about}

    def _execute(self, cell: NotebookNode, index: int) -> bool:
        """Run one cell. False when it ended the run."""
        self._announce(cell.metadata, cell.get("id", ""))
        try:
            self.nb_man.cell_start(cell, index)
            self.execute_cell(cell, index)
        except CellExecutionError as error:
            self._ended(cell, index, _raised(error))
            return False
        except DeadKernelError:
            raise self._killed(cell, index) from None
        except CellTimeoutError:
            self._ended(cell, index, f"ran longer than {self.timeout} s and was stopped")
            raise
        except BaseException as error:  # Ctrl-C, a broken connection: the cell did not complete, whatever it was
            self._ended(cell, index, f"was interrupted by {type(error).__name__}")
            raise
        finally:
            self.nb_man.cell_complete(cell, cell_index=index)
        if self.exits:  # the kernel goes when it has answered: what came after would be told to have been killed
            self._ended(cell, index, _QUIT)
            return False
        return True

    async def _check_raise_for_error(self, cell: NotebookNode, cell_index: int, exec_reply: dict[str, Any] | None) -> None:
        """nbclient's look at each answer; IPython's `exit()` and `quit()` come as a payload of it."""
        payloads = (exec_reply or {}).get("content", {}).get("payload") or ()
        self.exits = any(one.get("source") == "ask_exit" and not one.get("keepkernel") for one in payloads)
        await super()._check_raise_for_error(cell, cell_index, exec_reply)

    def _killed(self, cell: NotebookNode, index: int) -> KernelKilled:
        sentence = self._ended(cell, index, "did not end: the kernel was killed (out of memory, a signal, or a crash)", Outcome.KILLED)
        return KernelKilled(sentence)

    def _ended(self, cell: NotebookNode, index: int, how: str, outcome: Outcome = Outcome.FAILED) -> str:
        """Mark the cell and remember the sentence. An early `sys.exit()` or `exit()` fails the run only if it kept cells from running."""
        self.nb_man.cell_exception(cell, cell_index=index)
        left = sum(one.cell_type == "code" and bool(one.source.strip()) for one in self.nb.cells[index + 1 :])
        name = f"Cell [{self.where[index]}]" if index in self.where else "The cell with the given parameters"
        skipped = f" {left} code cell{'s' if left > 1 else ''} after it did not run." if left else ""
        sentence = f"{name} of {self.place.name} {how}.{skipped}"
        if left or how not in (_EXITED, _QUIT):
            self.result = RunResult(outcome=outcome, failed_cell=cell.get("id", ""), error=sentence)
        return sentence


def _declaring(nb: NotebookNode) -> int:
    """The place of the cell behind which secrets are told: the given values, else the parameters; -1 where there are neither."""
    places = {tag: place for place, cell in enumerate(nb.cells) for tag in cell.metadata.get("tags", []) if cell.cell_type == "code"}
    return next((places[tag] for tag in (INJECTED, PARAMETERS, KALE_PARAMETERS) if tag in places), -1)


_EXITED = "ended the notebook with sys.exit()"
_QUIT = "ended the notebook with exit()"


def _raised(error: CellExecutionError) -> str:
    if error.ename == "SystemExit" and error.evalue in ("", "0", "None"):
        return _EXITED
    lines = str(error.evalue).strip().splitlines()
    what = f"{error.ename}: {lines[0][:300]}" if lines else error.ename
    return f"raised {what}"
