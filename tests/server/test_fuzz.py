"""The OpenAPI document is the table of routes, and no request made from it, valid or not, is answered by a 500."""

import asyncio
import json

import pytest

from jupyter_mlgov.server.base import GovernanceHandler
from jupyter_mlgov.server.handlers import ROUTES
from jupyter_mlgov.server.openapi import operations

EXAMPLES = 6


@pytest.fixture
def workspace(jp_root_dir):
    import nbformat

    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.workspace import Workspace

    (jp_root_dir / "model.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("a = 1")])))
    Workspace.create(jp_root_dir, Settings(actor="ann")).close()
    return jp_root_dir


async def document(jp_fetch):
    return json.loads((await jp_fetch("mlgov", "api", "openapi.json")).body)


async def test_the_document_has_every_route_and_resolves(jp_fetch, workspace):
    found = await document(jp_fetch)
    described = {(path, method) for path, methods in found["paths"].items() for method in methods}
    assert described == {
        (f"/{path}", method) for path, handler in ROUTES if issubclass(handler, GovernanceHandler) for method in operations(handler)
    }
    text = json.dumps(found)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(found["components"]["schemas"])
    assert "#/$defs/" not in text


async def test_no_request_made_from_the_document_is_a_500(jp_fetch, jp_http_port, jp_auth_header, workspace):
    """By schemathesis, with good and bad values; answers must also fit the schema and the statuses that the document promises."""
    found = await document(jp_fetch)
    base = f"http://127.0.0.1:{jp_http_port}" + found["servers"][0]["url"]
    probed = await asyncio.to_thread(fuzz, found, base, jp_auth_header)
    assert len(probed) == sum(len(methods) for methods in found["paths"].values())
    assert min(probed.values()) >= 3, probed


def fuzz(found, base, headers):
    """Call every operation with values that fit its schema and with values that do not; returns how often each was called."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

    schema = schemathesis.openapi.from_dict(found)
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    probed = {}

    def probe(operation, mode):
        @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def call(case):
            if case.query and "path" in case.query and len(str(case.query["path"])) % 2:
                case.query["path"] = "model.ipynb"
            response = case.call(base_url=base, headers=headers, timeout=120)
            case.validate_response(response, checks=checks)
            probed[operation.label] = probed.get(operation.label, 0) + 1

        call()

    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.POSITIVE or operation.query or operation.body:
                probe(operation, mode)
    return probed
