"""The routes of reviewing: what lies on the desk, the packet, and each act on a case or a waiver, as the signed-in person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_server.base.handlers import JupyterHandler

from jupyter_mlgov.promotion.facts import Review
from jupyter_mlgov.server.base import PATH, Asks, GovernanceHandler, Operation, operation
from jupyter_mlgov.server.queries import Word
from jupyter_mlgov.workspace import review_desk, reviewing, waiving
from jupyter_mlgov.workspace.impact import Impact, impact
from jupyter_mlgov.workspace.review_desk import PacketView, Reran, ReviewDesk

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

NUMBER = Asks(name="review", says="Number of a review.", kind=int, required=True, most=2**31)

DESK = Operation(action="read", says="Cases, waivers and people's questions about a notebook.", answers=ReviewDesk, query=(PATH,))
PACKET = Operation(
    action="read", says="The sealed packet of a review, each thing in it held against its digest.", answers=PacketView, query=(PATH, NUMBER)
)
IMPACT = Operation(action="read", says="What changed since the last report, and which answers fall with it.", answers=Impact, query=(PATH,))
ASK = Operation(
    action="run", says="Put the last report into the queue for a stage.", answers=ReviewDesk, query=(PATH,), body={"stage": str}
)
CLAIM = Operation(
    action="review",
    says="Take a review, or let it go.",
    answers=ReviewDesk,
    query=(PATH,),
    body={"review": int, "act": ("claim", "release")},
)
QUESTION = Operation(action="review", says="Ask about a review.", answers=ReviewDesk, query=(PATH,), body={"review": int, "text": str})
ANSWER = Operation(
    action="run", says="Answer what was asked about a review.", answers=ReviewDesk, query=(PATH,), body={"review": int, "text": str}
)
RERUN = Operation(
    action="review",
    says="Measure everything of a review again, as the signed-in person.",
    answers=Reran,
    query=(PATH,),
    body={"review": int},
)
REVIEW = Operation(
    action="review",
    says="Approve or refuse the report that was read. 409 where a newer one stands.",
    answers=Review,
    query=(PATH,),
    body={"verdict": ("approve", "refuse"), "report": str, "comment": str, "attests_unchecked": bool},
    more={"conditions": tuple[str, ...], "until": str, "review": int},
)
WAIVE = Operation(
    action="run",
    says="Ask to lift a check or a control for a while. It lifts nothing before others said yes.",
    answers=ReviewDesk,
    query=(PATH,),
    body={"waives": str, "reason": str, "limit": str, "until": str, "scope": ("version", "model")},
)
WAIVER = Operation(
    action="review",
    says="Say yes or no to a waiver that somebody else asked for.",
    answers=ReviewDesk,
    query=(PATH,),
    body={"waiver": int, "verdict": ("approve", "refuse"), "comment": str},
)
WITHDRAW = Operation(action="run", says="Take back a waiver that one asked for.", answers=ReviewDesk, query=(PATH,), body={"waiver": int})


class DeskHandler(GovernanceHandler):
    """GET reviews?path=…: what lies on the desk of whoever is signed in (workspace/review_desk.py)."""

    @operation(DESK)
    async def get(self) -> None:
        path, person = self.asked("path"), self.person
        await self.answer(lambda: self.desk.ask(path, review_desk.desk, person))


class PacketHandler(GovernanceHandler):
    """GET packet?path=…&review=…: what a review is about, as it was sealed."""

    @operation(PACKET)
    async def get(self) -> None:
        path, number = self.asked("path"), self.counted(NUMBER, 0)
        await self.answer(lambda: self.desk.ask(path, lambda room, name: review_desk.opened(room, name, number)))


class ImpactHandler(GovernanceHandler):
    """GET impact?path=…: what changed since the last report, what falls with it and what holds."""

    @operation(IMPACT)
    async def get(self) -> None:
        path = self.asked("path")
        await self.answer(lambda: self.desk.ask(path, impact))


class ActHandler(GovernanceHandler):
    """What the acts share: done as the signed-in person, answered with the desk as it is afterwards."""

    async def act(self, deed: Callable[[Workspace, str], object]) -> None:
        path, person = self.asked("path"), self.person

        def done(room: Workspace, name: str) -> ReviewDesk:
            deed(room, name)
            return review_desk.desk(room, name)

        await self.answer(lambda: self.desk.ask(path, done, person))


class AskHandler(ActHandler):
    """POST review/ask?path=…: ask for a review; the clock starts."""

    @operation(ASK)
    async def post(self) -> None:
        stage = self.said(ASK)["stage"]
        await self.act(lambda room, name: reviewing.ask(room, name, stage))


class ClaimHandler(ActHandler):
    """POST review/claim?path=…: take a case, or let it go."""

    @operation(CLAIM)
    async def post(self) -> None:
        said = self.said(CLAIM)
        number, take = said["review"], reviewing.claim if said["act"] == "claim" else reviewing.release
        await self.act(lambda room, name: take(room, review_desk.about(room, name, number).case.number))


class QuestionHandler(ActHandler):
    """POST review/question?path=…: a reviewer asks."""

    @operation(QUESTION)
    async def post(self) -> None:
        said = self.said(QUESTION)
        number, text = said["review"], said["text"]
        await self.act(lambda room, name: reviewing.say(room, review_desk.about(room, name, number).case.number, "question", text))


class ReplyHandler(ActHandler):
    """POST review/answer?path=…: somebody who runs the notebook answers."""

    @operation(ANSWER)
    async def post(self) -> None:
        said = self.said(ANSWER)
        number, text = said["review"], said["text"]
        await self.act(lambda room, name: reviewing.say(room, review_desk.about(room, name, number).case.number, "answer", text))


class RerunHandler(GovernanceHandler):
    """POST review/rerun?path=…: a reviewer measures everything again."""

    @operation(RERUN)
    async def post(self) -> None:
        path, number, person = self.asked("path"), self.said(RERUN)["review"], self.person
        await self.answer(lambda: self.desk.ask(path, lambda room, name: review_desk.rerun(room, name, number), person))


class ReviewHandler(GovernanceHandler):
    """POST review?path=…: the signed-in person's word on the report whose digest they read."""

    @operation(REVIEW)
    async def post(self) -> None:
        path, person, said = self.asked("path"), self.person, self.said(REVIEW)
        word = Word(
            verdict=said["verdict"],
            report=said["report"],
            comment=said["comment"],
            attests=said["attests_unchecked"],
            conditions=tuple(said.get("conditions", ())),
            until=said.get("until", ""),
            number=said.get("review"),
        )
        await self.answer(lambda: self.desk.review(path, word, person))


class WaiveHandler(ActHandler):
    """POST waiver?path=…: ask to lift something for a while."""

    @operation(WAIVE)
    async def post(self) -> None:
        wish = waiving.Wish(**self.said(WAIVE))
        await self.act(lambda room, name: waiving.ask(room, name, wish))


class WaiverHandler(ActHandler):
    """POST waiver/answer?path=…: say yes or no to somebody's waiver."""

    @operation(WAIVER)
    async def post(self) -> None:
        said = self.said(WAIVER)
        number, verdict, comment = said["waiver"], said["verdict"], said["comment"]
        await self.act(lambda room, name: waiving.answer(room, name, number, verdict, comment))


class WithdrawHandler(ActHandler):
    """POST waiver/withdraw?path=…: take back one's own waiver."""

    @operation(WITHDRAW)
    async def post(self) -> None:
        number = self.said(WITHDRAW)["waiver"]
        await self.act(lambda room, name: waiving.withdraw(room, name, number))


ROUTES: tuple[tuple[str, type[JupyterHandler]], ...] = (
    ("reviews", DeskHandler),
    ("packet", PacketHandler),
    ("impact", ImpactHandler),
    ("review", ReviewHandler),
    ("review/ask", AskHandler),
    ("review/claim", ClaimHandler),
    ("review/question", QuestionHandler),
    ("review/answer", ReplyHandler),
    ("review/rerun", RerunHandler),
    ("waiver", WaiveHandler),
    ("waiver/answer", WaiverHandler),
    ("waiver/withdraw", WithdrawHandler),
)
