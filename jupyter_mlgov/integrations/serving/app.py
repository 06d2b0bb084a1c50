"""The Open Inference Protocol (V2) over HTTP: health, metadata, infer, explain; every problem is a sentence with its status."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.integrations.serving.bodies import Refused, body_of
from jupyter_mlgov.integrations.serving.metrics import Metrics
from jupyter_mlgov.rollout.serving.protocol import BadRequest, InferRequest, Tensor, answer, parse
from jupyter_mlgov.rollout.serving.reasons import header
from jupyter_mlgov.rollout.serving.service import Answered, Service, Unavailable

BINARY = "inference-header-content-length"
JSON = "application/json"


class Desk:
    """The routes over the services. `most` bytes are taken as a request's body, no byte more."""

    def __init__(self, services: Mapping[str, Service], metrics: Metrics, *, most: int = 8 * 2**20) -> None:
        self.services, self.metrics, self.most = services, metrics, most
        self.stopping = False

    # -- health and metadata ------------------------------------------------------------------------------------------

    async def live(self, _: Request) -> Response:
        """The process runs and its loop turns; nothing about models."""
        return _json({"live": True})

    async def ready(self, _: Request) -> Response:
        """Every model here may get traffic, or why not."""
        said = {name: service.unready() for name, service in self.services.items()}
        wrong = {name: why for name, why in said.items() if why}
        if self.stopping:
            return _json({"ready": False, "error": "This replica is stopping."}, 503)
        return _json({"ready": False, "error": "; ".join(wrong.values())} if wrong else {"ready": True}, 503 if wrong else 200)

    async def model_ready(self, request: Request) -> Response:
        """This model may get traffic, or why not."""
        service, version = self._named(request)
        said = "This replica is stopping." if self.stopping else service.unready()
        champion = service.lineup.champion
        if version and (champion is None or champion.vouched.version != version):
            said = said or f"Version {version} does not answer here."
        body = {"name": service.terms.model, "ready": not said, **({"error": said} if said else {})}
        return _json(body, 503 if said else 200)

    async def server(self, _: Request) -> Response:
        """The protocol's server metadata."""
        return _json({"name": "jupyter-mlgov", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def model(self, request: Request) -> Response:
        """The protocol's model metadata: inputs column by column, in the model's own order."""
        service, version = self._named(request)
        lineup = service.lineup
        source = lineup.champion or lineup.baseline
        if source is None:
            raise Refused(503, service.refusal())
        if version and source.vouched.version != version:
            raise Refused(404, f"{service.terms.model} has no version {version[:40]!r} here; version {source.vouched.version} answers.")
        inputs = [{"name": one.name, "datatype": one.datatype, "shape": [-1]} for one in source.predictor.contract.columns]
        outputs = [{"name": "score", "datatype": "FP64", "shape": [-1]}]
        if service.terms.cutoff is not None:
            outputs.append({"name": "decision", "datatype": "BYTES", "shape": [-1]})
        if service.terms.rules.reasons:
            outputs.append({"name": "reasons", "datatype": "BYTES", "shape": [-1, service.terms.rules.reasons]})
        versions = sorted(
            {arm.vouched.version for arm in (lineup.champion, lineup.challenger) if arm is not None} or {source.vouched.version}
        )
        body = {"name": service.terms.model, "versions": versions, "platform": "mlgov_sklearn", "inputs": inputs, "outputs": outputs}
        return _json(body)

    async def status(self, _: Request) -> Response:
        """Where each model stands here: for people, and for a rollback that wants to see its end."""
        return _json({name: standing(service) for name, service in self.services.items()})

    async def page(self, _: Request) -> Response:
        """Prometheus' page."""
        content, kind = self.metrics.page(self.services)
        return Response(content, media_type=None, headers={"content-type": kind})

    # -- answers ------------------------------------------------------------------------------------------------------

    async def infer(self, request: Request) -> Response:
        """Scores, what was decided, and the strongest reasons."""
        service, version = self._named(request)
        found = await self._answered(service, request, version)
        body, tail = _answer(service, found)
        return _sent(body, tail, _headers(found))

    async def explain(self, request: Request) -> Response:
        """The points of every factor of every row, and what they add up to."""
        service, version = self._named(request)
        start = time.perf_counter()
        found = await self._answered(service, request, version)
        computed = found.computed
        if computed.points is None:
            raise Refused(501, f"Nobody can explain this version: {computed.silent}.")
        body, _ = _answer(service, found)
        words = service.terms.words
        body["explanations"] = [
            {
                "base": computed.base,
                "points": dict(zip(computed.factors, row, strict=True)),
                "reasons": [{"factor": one.factor, "points": one.points, "reason": one.words} for one in reasons],
            }
            for row, reasons in zip(computed.points.tolist(), found.reasons, strict=True)
        ]
        body["words"] = {name: words[name] for name in computed.factors if name in words}
        self.metrics.explain.labels(service.terms.model).observe(time.perf_counter() - start)
        return _sent(body, b"", _headers(found))

    def _named(self, request: Request) -> tuple[Service, str]:
        name = request.path_params["model"]
        service = self.services.get(name)
        if service is None:
            import difflib

            near = difflib.get_close_matches(name[:200], self.services, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Refused(404, f"No model {name[:60]!r} is served here.{hint} Known: {', '.join(self.services)}.")
        return service, request.path_params.get("version", "")

    async def _answered(self, service: Service, request: Request, version: str) -> Answered:
        asked, headers = await self._asked(request), request.headers
        bucket = headers.get(service.terms.bucket, "") if service.terms.bucket else ""
        return await service.answer(asked, entity=headers.get("mlgov-entity", "")[:256], version=version, bucket=bucket)

    async def _asked(self, request: Request) -> InferRequest:
        raw = await body_of(request, self.most)
        size = request.headers.get(BINARY)
        tail = b""
        if size is not None:
            if not (size.isascii() and size.isdigit()) or len(size) > 12 or int(size) > len(raw):
                raise Refused(400, f"The header {BINARY} must be the length of the JSON at the front of the body.")
            raw, tail = raw[: int(size)], raw[int(size) :]
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refused(400, f"The body is no JSON: {str(error)[:160]}.") from None
        return parse(document, tail)


def standing(service: Service) -> dict[str, Any]:
    """One model here, as facts."""
    lineup, log = service.lineup, service.log
    arms = {"champion": lineup.champion, "challenger": lineup.challenger, "baseline": lineup.baseline}
    return {
        "ready": not service.unready(),
        "why": service.unready(),
        "killed": lineup.killed,
        "arms": {
            name: {"version": arm.vouched.version, "looked": list(arm.vouched.looked)} for name, arm in arms.items() if arm is not None
        },
        "canary": {"id": lineup.canary, "share": lineup.share, "shadow": lineup.shadow, "step": lineup.step} if lineup.canary else None,
        "breaker": {"position": service.breaker.position.value, "why": service.breaker.why},
        "log": {"waiting": log.waiting, "written": log.written, "problem": log.problem} if log is not None else None,
        "inside": service.inside,
        "since": dict(service.since),
    }


def _answer(service: Service, found: Answered) -> tuple[dict[str, Any], bytes]:
    n, scores = found.rows.n, found.computed.scores
    tensors = [Tensor(name="score", datatype="FP64", shape=(n,), values=scores)]
    if found.adverse is not None:
        words = ["adverse" if one else "favourable" for one in found.adverse]
        tensors.append(Tensor(name="decision", datatype="BYTES", shape=(n,), values=words))
    most = service.terms.rules.reasons
    if most and found.computed.points is not None:
        texts = [[one.words for one in row] + [""] * (most - len(row)) for row in found.reasons]
        tensors.append(Tensor(name="reasons", datatype="BYTES", shape=(n, most), values=[text for row in texts for text in row]))
    vouched = found.source.vouched
    parameters = {
        "mlgov_decision": vouched.decision,
        "mlgov_fingerprint": vouched.fingerprint,
        "mlgov_served_by": found.arm,
        "mlgov_cached": found.cached,
        "mlgov_request": found.identity,
    }
    if found.computed.points is None and found.computed.silent:
        parameters["mlgov_no_reasons"] = found.computed.silent
    return answer(tuple(tensors), found.request, model=service.terms.model, version=vouched.version, parameters=parameters)


def _headers(found: Answered) -> dict[str, str]:
    vouched = found.source.vouched
    told = {
        "mlgov-version": vouched.version,
        "mlgov-decision": vouched.decision,
        "mlgov-fingerprint": vouched.fingerprint,
        "mlgov-served-by": found.arm + (", cached" if found.cached else ""),
        "mlgov-request": "".join(sign if " " <= sign <= "~" else "?" for sign in found.identity),
    }
    if found.computed.points is not None and found.reasons:
        told["mlgov-reasons"] = header(found.reasons[0])
    return told


def _sent(body: dict[str, Any], tail: bytes, headers: dict[str, str]) -> Response:
    said = orjson.dumps(body)
    if tail:
        headers[BINARY] = str(len(said))
        return Response(said + tail, media_type="application/octet-stream", headers=headers)
    return Response(said, media_type=JSON, headers=headers)


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type=JSON)


def application(desk: Desk, *, begin: Callable[[], Awaitable[None]], end: Callable[[], Awaitable[None]]) -> Starlette:
    """The ASGI application. `begin` and `end` run in its event loop, before the first request and after the last."""

    def told(status: int, sentence: str, request: Request) -> Response:
        model = request.path_params.get("model", "")
        desk.metrics.refused.labels(model if model in desk.services else "", str(status)).inc()
        return _json({"error": sentence}, status)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)  # noqa: S101 # Starlette hands over what it was asked to
        return told(error.status, error.sentence, request)

    async def bad(request: Request, error: Exception) -> Response:
        return told(400, str(error), request)

    async def unavailable(request: Request, error: Exception) -> Response:
        return told(503, str(error), request)

    async def gone(request: Request, _: Exception) -> Response:
        return told(400, "The client went away.", request)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await begin()
        try:
            yield
        finally:
            desk.stopping = True
            await end()

    one = "/v2/models/{model}"
    both = (one, one + "/versions/{version}")
    routes = [  # in the order of how often they are asked
        *(Route(f"{path}/infer", desk.infer, methods=["POST"]) for path in both),
        Route("/v2", desk.server),
        Route("/v2/health/live", desk.live),
        Route("/v2/health/ready", desk.ready),
        *(Route(path, desk.model) for path in both),
        *(Route(f"{path}/ready", desk.model_ready) for path in both),
        *(Route(f"{path}/explain", desk.explain, methods=["POST"]) for path in both),
        Route("/metrics", desk.page),
        Route("/mlgov/status", desk.status),
    ]
    handlers: dict[Any, Any] = {
        Refused: refused,
        BadRequest: bad,
        Unavailable: unavailable,
        MlgovError: unavailable,
        ClientDisconnect: gone,
    }
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
