"""The routes: read the request, ask the desk in a thread, answer in JSON. Who is not signed in sees nothing, by any method."""

from __future__ import annotations

from http import HTTPStatus

from jupyter_server.base.handlers import JupyterHandler

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.monitoring.portfolio.store import SORTS as PORTFOLIO_SORTS
from jupyter_mlgov.reports.views import ModelPage, NotebookView, Presence, SuggestedStep, TrailPage, TrailVerified
from jupyter_mlgov.server.base import ACTIONS, PATH, Asks, GovernanceHandler, Operation, Refused, operation
from jupyter_mlgov.server.events import EventsHandler
from jupyter_mlgov.server.gate_handlers import ROUTES as EXPORT_ROUTES
from jupyter_mlgov.server.review_handlers import ROUTES as REVIEW_ROUTES
from jupyter_mlgov.validation.records import Form
from jupyter_mlgov.validation.results import Report
from jupyter_mlgov.workspace.answers import Asked
from jupyter_mlgov.workspace.portfolio_desk import PortfolioPage, PortfolioView
from jupyter_mlgov.workspace.register import SORTS

CONTROL = Asks(name="control", says="Id of a control, such as SR26-2.V.2.", required=True, most=200)
BEFORE = Asks(name="before", says="Entries with a smaller number only; 0 or nothing: the newest.", kind=int, most=2**31)
ANY_PATH = Asks(name="path", says="Path of a notebook whose workspace is meant; nothing: the server's own folder.")
WORDS = Asks(name="words", says="Words that a row must hold.", most=200)
SORT = Asks(name="sort", says="Column to sort by.", choices=SORTS)
PORTFOLIO_SORT = Asks(name="sort", says="Column to sort by.", choices=PORTFOLIO_SORTS)
AS_OF = Asks(name="as_of", says="A day that is over (UTC), such as 2026-06-30, or a time with its zone; nothing: now.", most=40)
ORDER = Asks(name="order", says="up or down.", choices=("up", "down"))
OFFSET = Asks(name="offset", says="How many rows to pass over.", kind=int, most=2**31)
LIMIT = Asks(name="limit", says="How many, at most 200.", kind=int, most=200)


class StatusHandler(GovernanceHandler):
    """GET status: which version answers, to whom, and what that person may do."""

    @operation(Operation(action="read", says="Which version answers, to whom, and what that person may do.", answers=Presence))
    async def get(self) -> None:
        user, person = self.current_user, self.person
        rights = tuple([action for action in ACTIONS if await self.may(action)])
        name = user.display_name or user.username
        found = Presence(version=__version__, user=user.username, name=name, proven=person is not None, rights=rights)
        await self.answer(lambda: plain(found))


class NotebookHandler(GovernanceHandler):
    """GET notebook?path=…: where the notebook stands (reports/views.py: NotebookView)."""

    @operation(Operation(action="read", says="Where a notebook stands.", answers=NotebookView, query=(PATH,)))
    async def get(self) -> None:
        path = self.asked("path")
        await self.answer(lambda: self.desk.notebook(path))


class ReportHandler(GovernanceHandler):
    """GET report?path=…: the notebook's last report (docs/formats/report.md)."""

    @operation(Operation(action="read", says="The last report of a notebook.", answers=Report, query=(PATH,)))
    async def get(self) -> None:
        path = self.asked("path")
        await self.answer(lambda: self.desk.report(path))


class GraphHandler(GovernanceHandler):
    """GET graph?path=…: the notebook's lineage as one SVG (`{"svg": …}`)."""

    @operation(Operation(action="read", says="What ran on what, as one SVG.", answers={"svg": str}, query=(PATH,)))
    async def get(self) -> None:
        path = self.asked("path")
        await self.answer(lambda: self.desk.graph(path))


class SuggestionsHandler(GovernanceHandler):
    """GET suggestions?path=…: a step for each untagged cell of the saved notebook."""

    @operation(Operation(action="read", says="A step for each untagged cell, with why.", answers=tuple[SuggestedStep, ...], query=(PATH,)))
    async def get(self) -> None:
        path = self.asked("path")
        await self.answer(lambda: self.desk.suggestions(path))


class TrailHandler(GovernanceHandler):
    """GET trail?path=…&before=…&limit=…: entries of the trail as sentences, the newest first."""

    @operation(Operation(action="read", says="Entries of the trail, the newest first.", answers=TrailPage, query=(PATH, BEFORE, LIMIT)))
    async def get(self) -> None:
        path, before, limit = self.asked("path"), self.counted(BEFORE, 0), self.counted(LIMIT, 50)
        await self.answer(lambda: self.desk.trail(path, before, limit))


class VerifyHandler(GovernanceHandler):
    """GET verify?path=…: the trail against itself, its signatures and its anchors."""

    @operation(Operation(action="read", says="Whether the trail is whole, and what was not proven.", answers=TrailVerified, query=(PATH,)))
    async def get(self) -> None:
        path = self.asked("path")
        await self.answer(lambda: self.desk.verify(path))


class AnswersHandler(GovernanceHandler):
    """GET answers?path=…&control=…: what a control asks people. POST the same with {"answers": {…}}: the acting person's signed answers."""

    @operation(Operation(action="read", says="What a control asks people.", answers=Asked, query=(PATH, CONTROL)))
    async def get(self) -> None:
        path, control = self.asked("path"), self.asked("control")
        await self.answer(lambda: self.desk.questions(path, control))

    @operation(
        Operation(
            action="run",
            or_else=("review",),  # what somebody must say who did not work on the model is for reviewers, who may not run it
            says="Record the acting person's answers.",
            answers=Form,
            query=(PATH, CONTROL),
            body={"answers": dict[str, str]},
        )
    )
    async def post(self) -> None:
        path, control, person = self.asked("path"), self.asked("control"), self.person
        answers = self.json_object().get("answers")
        if not isinstance(answers, dict) or not all(isinstance(text, str) for text in answers.values()):
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                message="The body holds no answers.",
                expected='Expected {"answers": {"question": "text"}}.',
                next="Answer in the panel, or type `mlgov answer`.",
            )
        await self.answer(lambda: self.desk.give(path, control, answers, person))


class ModelsHandler(GovernanceHandler):
    """GET models?path=…&words=…&sort=…&order=…&offset=…&limit=…: a page of the workspace's models."""

    @operation(
        Operation(
            action="read",
            says="A page of the models of a workspace: that of a notebook, or of the server's own folder.",
            answers=ModelPage,
            query=(ANY_PATH, WORDS, SORT, ORDER, OFFSET, LIMIT),
        )
    )
    async def get(self) -> None:
        path, words, descending = self.asked("path"), self.asked("words"), self.chosen(ORDER, "up") == "down"
        sort, offset, limit = self.chosen(SORT, "model"), self.counted(OFFSET, 0), self.counted(LIMIT, 100)
        await self.answer(lambda: self.desk.models(path, words=words, sort=sort, descending=descending, offset=offset, limit=limit))


class PortfolioHandler(GovernanceHandler):
    """GET portfolio?path=…&as_of=…: figures, where to look first, findings, reviews and what comes into force, at a moment."""

    @operation(
        Operation(
            action="read",
            says="The portfolio of a workspace, now or as it stood at a moment before.",
            answers=PortfolioView,
            query=(ANY_PATH, AS_OF),
        )
    )
    async def get(self) -> None:
        path, as_of = self.asked("path"), self.asked("as_of")
        await self.answer(lambda: self.desk.portfolio(path, as_of))


class PortfolioModelsHandler(GovernanceHandler):
    """GET portfolio/models?path=…&as_of=…&words=…&sort=…&order=…&offset=…&limit=…: a page of the inventory at a moment."""

    @operation(
        Operation(
            action="read",
            says="A page of the inventory, now or as it stood at a moment before.",
            answers=PortfolioPage,
            query=(ANY_PATH, AS_OF, WORDS, PORTFOLIO_SORT, ORDER, OFFSET, LIMIT),
        )
    )
    async def get(self) -> None:
        path, as_of, words = self.asked("path"), self.asked("as_of"), self.asked("words")
        sort, descending = self.chosen(PORTFOLIO_SORT, "attention"), self.chosen(ORDER, "up") == "down"
        offset, limit = self.counted(OFFSET, 0), self.counted(LIMIT, 50)
        await self.answer(
            lambda: self.desk.portfolio_page(path, as_of, words=words, sort=sort, descending=descending, offset=offset, limit=limit)
        )


class OpenApiHandler(GovernanceHandler):
    """GET openapi.json: this table as an OpenAPI 3.1 document."""

    @operation(Operation(action="read", says="This document.", answers={"openapi": str}))
    async def get(self) -> None:
        base = f"{self.base_url}mlgov/api"

        def document() -> object:
            from jupyter_mlgov.server.openapi import document as written

            return written([(path, handler) for path, handler in ROUTES if issubclass(handler, GovernanceHandler)], base)

        await self.answer(document)


ROUTES: tuple[tuple[str, type[JupyterHandler]], ...] = (
    ("status", StatusHandler),
    ("notebook", NotebookHandler),
    ("report", ReportHandler),
    ("graph", GraphHandler),
    ("suggestions", SuggestionsHandler),
    ("trail", TrailHandler),
    ("verify", VerifyHandler),
    ("answers", AnswersHandler),
    *REVIEW_ROUTES,
    *EXPORT_ROUTES,
    ("models", ModelsHandler),
    ("portfolio", PortfolioHandler),
    ("portfolio/models", PortfolioModelsHandler),
    ("openapi.json", OpenApiHandler),
    ("events", EventsHandler),
)
