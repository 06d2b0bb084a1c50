"""What all routes share: who may come in, how large a request may be, who acts, and how a problem is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from http.client import responses
from typing import Any, Literal, TypeVar, cast, get_origin

from jupyter_server.auth.decorator import authorized
from jupyter_server.auth.identity import IdentityProvider, LegacyIdentityProvider, PasswordIdentityProvider
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async
from tornado import web

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, StorageProblem, SystemUnreachable, UsageError
from jupyter_mlgov.server.paths import BadPath, NoNotebook
from jupyter_mlgov.server.queries import Desk, Superseded

RESOURCE = "mlgov"
Action = Literal["read", "run", "review", "admin"]
ACTIONS: tuple[Action, ...] = ("read", "run", "review", "admin")
BODY_LIMIT = 1 << 20

# The first kind that fits gives the status. A wrong team file or notebook is the user's to mend (422), never our 500.
STATUS: tuple[tuple[type[MlgovError], HTTPStatus], ...] = (
    (BadPath, HTTPStatus.BAD_REQUEST),
    (NoNotebook, HTTPStatus.NOT_FOUND),
    (Superseded, HTTPStatus.CONFLICT),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """One parameter of a query. `most` is the longest text, or the largest number where `kind` is int."""

    name: str
    says: str
    kind: type[str] | type[int] = str
    required: bool = False
    most: int = 4096
    choices: tuple[str, ...] = ()


PATH = Asks(name="path", says="Path of a notebook below the folder the server was started in.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a method of a route does, needs and gives back: the source of the OpenAPI document.

    `action` is the right it needs; `or_else` are rights each of which is as good.
    `body` maps each member it must have to its kind: str, bool, int, dict[str, str], tuple[str, ...], or the words to choose from.
    `more` are members that may be left away.
    """

    action: Action
    says: str
    answers: Any
    query: tuple[Asks, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    or_else: tuple[Action, ...] = ()


_Method = TypeVar("_Method", bound=Callable[..., Awaitable[None]])


def operation(described: Operation) -> Callable[[_Method], _Method]:
    """Only who is signed in and may do `described.action` on `mlgov`, or one of `or_else`, gets to the method."""

    def guard(method: _Method) -> _Method:
        strict: Callable[..., Awaitable[None]] = authorized(action=described.action, resource=RESOURCE)(method)

        @wraps(method)
        async def asked(self: GovernanceHandler, *args: Any, **named: Any) -> None:
            as_good = [await self.may(one) for one in described.or_else]
            await (method(self, *args, **named) if any(as_good) else strict(self, *args, **named))

        guarded = web.authenticated(asked if described.or_else else strict)
        guarded.operation = described  # type: ignore[attr-defined] # read by openapi.py
        return cast("_Method", guarded)

    return guard


@web.stream_request_body
class GovernanceHandler(APIHandler):
    """Common to all routes: signed-in users with a right on `mlgov`, small bodies, errors as {"message", "expected", "next"}."""

    auth_resource = RESOURCE

    async def prepare(self) -> None:  # type: ignore[override] # tornado promises None; jupyter_server's own hint is looser
        """Refuse before any method runs and before any body is read. Also OPTIONS: these routes serve their own origin alone."""
        self._chunks: list[bytes] = []
        self._received = 0
        await super().prepare()
        if not self.current_user:
            raise web.HTTPError(HTTPStatus.FORBIDDEN)
        declared = self.request.headers.get("Content-Length", "0")
        if declared.isascii() and declared.isdigit() and int(declared) > BODY_LIMIT:
            raise self._too_big()

    def data_received(self, chunk: bytes) -> None:
        """Keep the body up to the limit and let the rest go: one of unknown length (chunked) is refused when it has come."""
        self._received += len(chunk)
        if self._received <= BODY_LIMIT:
            self._chunks.append(chunk)

    def _too_big(self) -> Refused:
        self.set_header("Connection", "close")
        return Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            message="The request is too large.",
            expected=f"Expected at most {BODY_LIMIT // 1024} KiB.",
            next="Send less; long documents belong beside the notebook, named in the answer.",
        )

    def json_object(self) -> dict[str, object]:
        """The body as a JSON object. Raises Refused: 413 for one past the limit, 400 for anything else."""
        if self._received > BODY_LIMIT:
            raise self._too_big()
        try:
            found = json.loads(b"".join(self._chunks).decode("utf-8"))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, message="The body is no JSON object.", expected="See mlgov/api/openapi.json.")
        return found

    def said(self, asked: Operation) -> dict[str, Any]:
        """The members of the body that `asked` describes, each of its kind; those that may be left away are there when they were sent.

        Raises Refused (400).
        """
        found = self.json_object()
        kinds = {**asked.body, **asked.more}
        meant = {name: found[name] for name in kinds if name in found}
        if any(name not in meant for name in asked.body) or not all(_is(value, kinds[name]) for name, value in meant.items()):
            members = ", ".join(f'"{name}": {_words(kind)}' for name, kind in asked.body.items())
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                message="The body is not what this route takes.",
                expected=f"Expected {{{members}}}.",
                next="See mlgov/api/openapi.json.",
            )
        return meant

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
        elif status_code == HTTPStatus.FORBIDDEN and self.current_user:
            body["expected"] = "Expected the right to do this on the resource mlgov."
            body["next"] = "Ask whoever runs this server."
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body))

    @property
    def desk(self) -> Desk:
        return cast("Desk", self.settings["mlgov_desk"])

    @property
    def person(self) -> Actor | None:
        """Who is signed in, where the identity provider knows persons.

        None for Jupyter's own token and password: everybody who has them is "Anonymous" with a name drawn at random, so a second
        browser would look like a second pair of eyes. The workspace then says who acts (git, the system, MLGOV_ACTOR).
        """
        if type(self.identity_provider) in (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider):
            return None
        user = self.current_user
        return Actor(id=user.username, source="jupyter", name=user.name if user.name != user.username else "")

    async def may(self, action: Action) -> bool:
        """Whether the signed-in user has a right on `mlgov`."""
        allowed = await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, RESOURCE))
        return bool(allowed)

    def asked(self, name: str) -> str:
        """A text of the query as it came: tornado's own reader would swallow NUL and outer blanks. Raises Refused (400)."""
        raw = self.request.query_arguments.get(name, [b""])[-1]
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                message=f"The {name} is not UTF-8 text.",
                expected="Expected text, percent-encoded as UTF-8; for a path that of a notebook.",
                next="Open the notebook from the file browser and try again.",
            ) from None

    def counted(self, asks: Asks, missing: int) -> int:
        """A whole number of the query, from 0 to its most. Raises Refused (400)."""
        text = self.asked(asks.name)
        if not text:
            return missing
        if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= asks.most):
            raise Refused(HTTPStatus.BAD_REQUEST, message=f"{asks.name} is no number from 0 to {asks.most}.", expected=asks.says)
        return int(text)

    def chosen(self, asks: Asks, missing: str) -> str:
        """One of a few words of the query. Raises Refused (400)."""
        text = self.asked(asks.name) or missing
        if text not in asks.choices:
            raise Refused(HTTPStatus.BAD_REQUEST, message=f"Unknown {asks.name}.", expected=f"Expected one of {', '.join(asks.choices)}.")
        return text


def _is(value: object, kind: Any) -> bool:
    if isinstance(kind, tuple):
        return isinstance(value, str) and value in kind
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    if get_origin(kind) is tuple:
        return isinstance(value, list) and all(isinstance(text, str) for text in value)
    return type(value) is kind


def _words(kind: Any) -> str:
    """A kind as people read it."""
    if isinstance(kind, tuple):
        return " or ".join(f'"{word}"' for word in kind)
    if get_origin(kind) is dict:
        return '{"name": "text"}'
    if get_origin(kind) is tuple:
        return '["text"]'
    return {str: '"text"', bool: "true or false", int: "a number"}[kind]
