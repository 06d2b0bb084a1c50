"""A real Jupyter server with this extension alone. A pytest run of its own: pytest-jupyter's loop and sync Playwright do not mix."""

import pytest
from pytest_jupyter.jupyter_core import *  # noqa: F403 - fixtures are found by name
from pytest_jupyter.jupyter_server import *  # noqa: F403 - fixtures are found by name


@pytest.fixture
def jp_server_config():
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlgov": True}}}
