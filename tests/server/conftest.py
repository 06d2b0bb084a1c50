"""A real Jupyter server with this extension alone. A pytest run of its own: pytest-jupyter's loop and sync Playwright do not mix."""

import pytest
from pytest_jupyter.jupyter_core import *  # noqa: F403 - fixtures are found by name
from pytest_jupyter.jupyter_server import *  # noqa: F403 - fixtures are found by name


@pytest.fixture
def jp_server_config():
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlgov": True}}}


at_most_20_seconds = jp_fetch  # noqa: F405 - pytest-jupyter's, under another name


@pytest.fixture
def jp_fetch(at_most_20_seconds):
    """Each request has two minutes: the first one of a process imports what it needs, and the machine may be busy."""

    def fetch(*parts, request_timeout=120, **more):
        return at_most_20_seconds(*parts, request_timeout=request_timeout, **more)

    return fetch
