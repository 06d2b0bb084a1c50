"""A server that knows two people: Ann, who makes models, and Rae, who reviews them. It can be restarted on the same port."""

from __future__ import annotations

import subprocess
from pathlib import Path

from conftest import Lab, empty_home, free_port, lab_command, wait_until_up

AUTHOR, REVIEWER = "ann-token", "rae-token"
# Two people with a token each; only Rae may review, only Ann may run. What a hub does with its own identity provider and authorizer.
CONFIG = f"""
from jupyter_server.auth import Authorizer
from jupyter_server.auth.identity import IdentityProvider, User

PEOPLE = {{{AUTHOR!r}: User(username="ann", name="Ann"), {REVIEWER!r}: User(username="demo-reviewer", name="Rae")}}
RIGHTS = {{"ann": ("read", "run", "admin"), "demo-reviewer": ("read", "review")}}

class People(IdentityProvider):
    # No token of the server's own: JupyterLab would put it into every page, and everybody would act with it.
    auth_enabled = True

    async def get_user_token(self, handler):
        return PEOPLE.get(handler.get_argument("token", ""))

    async def get_user(self, handler):
        user = await super().get_user(handler)
        return user if user and user.username in RIGHTS else None

class Rights(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "mlgov" or action in RIGHTS[user.username]

c.ServerApp.identity_provider_class = People
c.ServerApp.authorizer_class = Rights
"""


class House:
    """The server, the folder it serves, and a page's address for each person. Its kernels are Ann's."""

    def __init__(self, home: Path, root: Path) -> None:
        self.home, self.root, self.port, self.log = home, root, free_port(), home / "lab.log"
        self.env = empty_home(home) | {"MLGOV_ACTOR": "ann"}
        (home / "config").mkdir()
        (home / "config" / "jupyter_server_config.py").write_text(CONFIG)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, token: str) -> Lab:
        return Lab(url=self.url, token=token, root=self.root, home=self.home)

    def start(self) -> None:
        with self.log.open("ab") as stream:
            command = lab_command(self.port, "", self.root)
            self.process = subprocess.Popen(command, env=self.env, cwd=self.root, stdout=stream, stderr=subprocess.STDOUT)
        wait_until_up(self.url, self.process, self.log)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
