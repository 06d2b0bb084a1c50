"""The routes of going on: ask for a stage, and write the notebook out as a job, after showing what that would make."""

from __future__ import annotations

from jupyter_server.base.handlers import JupyterHandler

from jupyter_mlgov.promotion.facts import Decision
from jupyter_mlgov.server.base import PATH, Asks, GovernanceHandler, Operation, operation
from jupyter_mlgov.workspace import export_desk
from jupyter_mlgov.workspace.export_desk import ExportDone, ExportPlan

TO = Asks(name="to", says="Export targets, with commas between: papermill,dvc.", required=True, most=400)

PROMOTE = Operation(
    action="run",
    says="Ask for a stage, as the signed-in person. The gate decides; its answer enters the trail.",
    answers=Decision,
    query=(PATH,),
    body={"stage": str},
    more={"limits": tuple[str, ...]},
)
PLAN = Operation(
    action="run",
    says="What an export would make: the steps, what crosses, every file. Nothing is written.",
    answers=ExportPlan,
    query=(PATH, TO),
)
EXPORT = Operation(
    action="run",
    says="Write the notebook as a job, after a proof that its steps give what the notebook gives.",
    answers=ExportDone,
    query=(PATH,),
    body={"to": tuple[str, ...]},
)


class PromoteHandler(GovernanceHandler):
    """POST promote?path=…: the gate's decision, and the alias where it opens."""

    @operation(PROMOTE)
    async def post(self) -> None:
        from jupyter_mlgov.promotion.conditions import parse_limit

        path, person, said = self.asked("path"), self.person, self.said(PROMOTE)
        stage, texts = said["stage"], said.get("limits", ())
        await self.answer(
            lambda: self.desk.ask(path, lambda room, name: room.promote(stage, name, tuple(parse_limit(one) for one in texts)), person)
        )


class ExportHandler(GovernanceHandler):
    """GET export?path=…&to=…: what would be made. POST the same with {"to": […]}: make it."""

    @operation(PLAN)
    async def get(self) -> None:
        path, targets = self.asked("path"), tuple(filter(None, (one.strip() for one in self.asked("to").split(","))))
        await self.answer(lambda: self.desk.ask(path, lambda room, name: export_desk.planned(room, name, targets)))

    @operation(EXPORT)
    async def post(self) -> None:
        path, person, targets = self.asked("path"), self.person, tuple(self.said(EXPORT)["to"])
        await self.answer(lambda: self.desk.ask(path, lambda room, name: export_desk.made(room, name, targets), person))


ROUTES: tuple[tuple[str, type[JupyterHandler]], ...] = (
    ("promote", PromoteHandler),
    ("export", ExportHandler),
)
