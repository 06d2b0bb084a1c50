"""The routes: read the request, ask the desk in a thread, answer in JSON. Who is not signed in sees nothing, by any method."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from http.client import responses
from typing import Any, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, StorageProblem, SystemUnreachable, UsageError
from jupyter_mlgov.server.paths import BadPath, NoNotebook
from jupyter_mlgov.server.queries import Desk

# The first kind that fits gives the status. A wrong team file or notebook is the user's to mend (422), never our 500.
STATUS: tuple[tuple[type[MlgovError], HTTPStatus], ...] = (
    (BadPath, HTTPStatus.BAD_REQUEST),
    (NoNotebook, HTTPStatus.NOT_FOUND),
    (NotReady, HTTPStatus.NOT_FOUND),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StorageProblem, HTTPStatus.SERVICE_UNAVAILABLE),
    (SystemUnreachable, HTTPStatus.SERVICE_UNAVAILABLE),
)


class Refused(web.HTTPError):
    """A problem with its three sentences, on its way to the browser."""

    def __init__(self, status: int, *, message: str, expected: str = "", next: str = "") -> None:
        super().__init__(status)
        self.body = {"message": message, "expected": expected, "next": next}


class GovernanceHandler(APIHandler):
    """Common to all routes: signed-in users with the right to read `mlgov`, errors as {"message", "expected", "next"}."""

    auth_resource = "mlgov"

    async def prepare(self) -> None:  # type: ignore[override] # tornado promises None; jupyter_server's own hint is looser
        """Refuse before any method runs. That holds for OPTIONS too: these routes serve their own origin alone."""
        await super().prepare()
        if not self.current_user:
            raise web.HTTPError(HTTPStatus.FORBIDDEN)

    async def answer(self, ask: Callable[[], object]) -> None:
        """Run the blocking `ask` in a thread and send what it returns."""
        try:
            found = await asyncio.to_thread(ask)
        except MlgovError as problem:
            status = next((code for kind, code in STATUS if isinstance(problem, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
            raise Refused(status, message=problem.what, expected=problem.expected, next=problem.next) from problem
        self.set_header("Cache-Control", "no-store")
        await self.finish(json.dumps(found, allow_nan=False))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Each error has the same three keys, so that the panel can show it."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        body = {"message": responses.get(status_code, "Unknown error"), "expected": "", "next": ""}
        if isinstance(error, Refused):
            body = error.body
        elif status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            body["next"] = "The server's log has the details; `mlgov status` in a shell may say more."
        self.finish(json.dumps(body))

    @property
    def desk(self) -> Desk:
        return cast("Desk", self.settings["mlgov_desk"])

    def path_argument(self) -> str:
        """The `path` of the query as it came: tornado's own reader would swallow NUL and outer blanks."""
        raw = self.request.query_arguments.get("path", [b""])[-1]
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                message="The path is not UTF-8 text.",
                expected="Expected the path of a notebook, percent-encoded as UTF-8.",
                next="Open the notebook from the file browser and try again.",
            ) from None


class StatusHandler(GovernanceHandler):
    """GET status: which version answers, and to whom."""

    @web.authenticated
    @authorized(action="read", resource="mlgov")  # type: ignore[untyped-decorator] # jupyter_server's decorator has no types
    async def get(self) -> None:
        user = self.current_user
        await self.finish(json.dumps({"version": __version__, "user": user.username, "name": user.display_name or user.username}))


class NotebookHandler(GovernanceHandler):
    """GET notebook?path=…: where the notebook stands (reports/views.py: NotebookView)."""

    @web.authenticated
    @authorized(action="read", resource="mlgov")  # type: ignore[untyped-decorator] # jupyter_server's decorator has no types
    async def get(self) -> None:
        path = self.path_argument()
        await self.answer(lambda: self.desk.notebook(path))


class ReportHandler(GovernanceHandler):
    """GET report?path=…: the notebook's last report (docs/formats/report.md)."""

    @web.authenticated
    @authorized(action="read", resource="mlgov")  # type: ignore[untyped-decorator] # jupyter_server's decorator has no types
    async def get(self) -> None:
        path = self.path_argument()
        await self.answer(lambda: self.desk.report(path))


class GraphHandler(GovernanceHandler):
    """GET graph?path=…: the notebook's lineage as one SVG (`{"svg": …}`)."""

    @web.authenticated
    @authorized(action="read", resource="mlgov")  # type: ignore[untyped-decorator] # jupyter_server's decorator has no types
    async def get(self) -> None:
        path = self.path_argument()
        await self.answer(lambda: self.desk.graph(path))


class AnswersHandler(GovernanceHandler):
    """GET answers?path=…&control=…: what a control asks people. POST the same with {"answers": {…}}: the acting person's signed answers."""

    @web.authenticated
    @authorized(action="read", resource="mlgov")  # type: ignore[untyped-decorator] # jupyter_server's decorator has no types
    async def get(self) -> None:
        path, control = self.path_argument(), self.get_query_argument("control", "")
        await self.answer(lambda: self.desk.questions(path, control))

    @web.authenticated
    @authorized(action="write", resource="mlgov")  # type: ignore[untyped-decorator] # as above
    async def post(self) -> None:
        path, control = self.path_argument(), self.get_query_argument("control", "")
        body = self.get_json_body()
        answers = body.get("answers") if isinstance(body, dict) else None
        if not isinstance(answers, dict) or not all(isinstance(text, str) for text in answers.values()):
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                message="The body holds no answers.",
                expected='Expected {"answers": {"question": "text"}}.',
                next="Answer in the panel, or type `mlgov answer`.",
            )
        await self.answer(lambda: self.desk.give(path, control, answers))


ROUTES: tuple[tuple[str, type[GovernanceHandler]], ...] = (
    ("status", StatusHandler),
    ("notebook", NotebookHandler),
    ("report", ReportHandler),
    ("graph", GraphHandler),
    ("answers", AnswersHandler),
)
