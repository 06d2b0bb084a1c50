"""An answer given in the panel is the signed-in person's, not the workspace's."""

import json

import pytest
from jupyter_server.auth.identity import IdentityProvider, User

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.subjects import forms
from tests.answering import CONTROL, NOTEBOOK, WORDS, answerable


class Rae(IdentityProvider):
    """Everybody who comes is Rae."""

    def get_user(self, handler):
        return User(username="rae@bank.example", name="Rae")

    def is_token_authenticated(self, handler):
        return True


@pytest.mark.parametrize("signed_in", [True, False])
async def test_an_answer_is_signed_by_who_is_signed_in(jp_fetch, jp_serverapp, jp_root_dir, signed_in):
    """Whoever comes with Jupyter's own token alone is nobody in particular: then the workspace says who acts."""
    answerable(jp_root_dir).close()
    if signed_in:
        jp_serverapp.web_app.settings["identity_provider"] = Rae(parent=jp_serverapp)
    params = {"path": NOTEBOOK, "control": CONTROL}
    given = await jp_fetch("mlgov", "api", "answers", params=params, method="POST", body=json.dumps({"answers": WORDS}))
    body = json.loads(given.body)
    assert (body["actor"]["source"] == "jupyter") is signed_in
    assert (body["actor"]["id"] == "rae@bank.example") is signed_in
    (form,) = forms(Workspace(jp_root_dir, Settings()), "credit")
    assert (form.actor.id, dict(form.answers)) == (body["actor"]["id"], WORDS)
    shown = json.loads((await jp_fetch("mlgov", "api", "answers", params=params)).body)
    assert shown["answered"]["answers"] == WORDS
