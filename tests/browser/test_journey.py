"""The five minutes of docs/users/panel.md, from a clean folder: an author and a reviewer, two browsers, one server that knows both."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from conftest import Lab, empty_home, free_port, lab_command, wait_until_up
from driving import all_ran, contrasts, open_notebook, panel, run_all, save, show_panel, step, tab

from jupyter_mlgov.core.settings import Settings

pytestmark = pytest.mark.slow

AUTHOR, REVIEWER = "ann-token", "rae-token"
# Two people with a token each; only Rae may review. What a hub does with its own identity provider and authorizer.
CONFIG = f"""
from jupyter_server.auth import Authorizer
from jupyter_server.auth.identity import IdentityProvider, User

PEOPLE = {{{AUTHOR!r}: "ann", {REVIEWER!r}: "rae"}}

class People(IdentityProvider):
    # No token of the server's own: JupyterLab would put it into every page, and everybody would act with it.
    auth_enabled = True

    async def get_user_token(self, handler):
        name = PEOPLE.get(handler.get_argument("token", ""))
        return User(username=name, name=name.title()) if name else None

    async def get_user(self, handler):
        user = await super().get_user(handler)
        return user if user and user.username in PEOPLE.values() else None

class Rights(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "mlgov" or action != "review" or user.username == "rae"

c.ServerApp.identity_provider_class = People
c.ServerApp.authorizer_class = Rights
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The demo's folder, and a server for Ann and Rae whose kernels are Ann's."""
    from jupyter_mlgov.workspace.demo import prepare

    home, root = tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("journey")
    prepare(root / "credit", Settings(), print).close()
    port, log = free_port(), home / "lab.log"
    env = empty_home(home) | {"MLGOV_ACTOR": "ann"}
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.py").write_text(CONFIG)
    with log.open("wb") as stream:
        process = subprocess.Popen(lab_command(port, "", root), env=env, cwd=root, stdout=stream, stderr=subprocess.STDOUT)
    try:
        wait_until_up(f"http://127.0.0.1:{port}", process, log)
        yield Lab(url=f"http://127.0.0.1:{port}", token=AUTHOR, root=root, home=home)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def rae(browser, seen, house):
    """Rae's own browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    seen.watch(page)
    yield page
    context.close()


def test_five_minutes_from_a_clean_folder_to_an_approved_report(house, page, rae, shots, seen):
    # JupyterLab's own: a comm that Ann's page opened is unknown to the page that joins her kernel later.
    seen.provoked.append("Comm not found for comm id")
    # Ann: Run All; the panel draws the steps, the notebook's last cell validates, Why says what stands in the way.
    page.set_default_timeout(60_000)
    open_notebook(page, house, "credit/credit_approval.ipynb")
    show_panel(page)
    run_all(page)
    all_ran(page)
    for label in ("data", "features", "train", "evaluate"):
        expect(step(page, label)).to_have_attribute("data-state", "fresh", timeout=60_000)
    fail = tab(page, "Checks").locator('[data-validator="fair.air"][data-verdict="fail"]')
    expect(fail).to_be_visible(timeout=60_000)
    # Each check opens to what was measured: published numbers (oracles LA1).
    fail.locator("summary").click()
    expect(fail.locator(".jp-mlgov-detail")).to_contain_text("1,527")
    expect(fail.locator(".jp-mlgov-detail svg").first).to_be_visible()
    page.screenshot(path=shots / "journey-checks.png")
    expect(tab(page, "Why").get_by_test_id("mlgov-reason").first).to_be_visible()
    page.screenshot(path=shots / "journey-why.png")
    save(page)
    # Ann may not review here, and is told so.
    expect(tab(page, "Review").get_by_test_id("mlgov-may-not-review")).to_be_visible()

    # Rae reads the same report and refuses it; Ann sees it at once, without asking.
    open_notebook(rae, replace(house, token=REVIEWER), "credit/credit_approval.ipynb")
    show_panel(rae)
    review = tab(rae, "Review")
    expect(review).to_contain_text("as Rae")
    review.get_by_role("textbox").fill("Not while fair.air fails.")
    rae.screenshot(path=shots / "journey-review.png")
    contrasts(rae)
    review.get_by_role("button", name="Refuse").click()
    expect(review.get_by_test_id("mlgov-review")).to_contain_text("Rae refused")
    expect(tab(page, "Review").get_by_test_id("mlgov-review")).to_contain_text("Not while fair.air fails.", timeout=15_000)

    # An edit upstream: what rests on it turns stale, the gate stays shut.
    features = page.locator('.jp-Cell[data-mlgov-badge="✓ features"]')
    features.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nfeatures = features.copy()")
    save(page)
    tab(page, "Steps")
    expect(step(page, "train")).to_have_attribute("data-state", "stale")
    expect(panel(page).get_by_test_id("mlgov-gate")).to_contain_text("gate shut")
    expect(tab(page, "Checks")).to_contain_text("stale")
    tab(page, "Steps")
    panel(page).get_by_role("button", name="Run them").click()
    for label in ("features", "train", "evaluate"):
        expect(step(page, label)).to_have_attribute("data-state", "fresh", timeout=120_000)

    # The trail tells it all, and is whole.
    trail = tab(page, "Trail")
    expect(trail).to_contain_text("Rae gave refuse on report")
    trail.get_by_role("button", name="Verify the trail").click()
    expect(trail.get_by_test_id("mlgov-verify")).to_contain_text("✓", timeout=60_000)
    page.screenshot(path=shots / "journey-trail.png")
