"""Who acts: the surest source first, and each says what it is."""

from __future__ import annotations

import os
import pwd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.actors import Actor, Identity
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.integrations.identity import SystemIdentity

HUB = {"JUPYTERHUB_USER": "ana"}


def somebody(
    declared: str = "", *, git: tuple[str, str] | None = None, environ: dict[str, str] | None = None, user: str = "os-ana"
) -> Actor:
    identity: Identity = SystemIdentity(declared, git_identity=lambda: git, environ=environ or {}, os_user=lambda: user)
    return identity.actor()


@pytest.mark.parametrize(
    ("declared", "environ", "git", "expected"),
    [
        ("eve", HUB, ("Ana", "ana@example.org"), Actor(id="eve", source="declared")),
        ("", HUB, ("Ana", "ana@example.org"), Actor(id="ana", source="jupyter")),
        ("", {}, ("Ana", "ana@example.org"), Actor(id="ana@example.org", source="git", name="Ana")),
        ("", {}, ("", "ana@example.org"), Actor(id="ana@example.org", source="git")),
        ("", {}, None, Actor(id="os-ana", source="os")),
        ("  ", {"JUPYTERHUB_USER": " "}, ("Ana", " "), Actor(id="os-ana", source="os")),
    ],
)
def test_the_order_is_declared_hub_git_system(declared: str, environ: dict[str, str], git: tuple[str, str] | None, expected: Actor) -> None:
    assert somebody(declared, git=git, environ=environ) == expected


def test_a_declared_name_reads_as_not_proven() -> None:
    assert str(somebody("Ana Ruiz <ana@example.org>")) == "Ana Ruiz (declared, not proven)"
    assert somebody("Ana Ruiz <ana@example.org>").id == "ana@example.org"


@given(text=st.text(st.characters()))
def test_any_declared_text_makes_an_actor_of_one_line_that_can_be_recorded(text: str) -> None:
    actor = somebody(text)
    assert actor.id
    assert (actor.id + actor.name).isprintable()
    assert len(actor.id) <= 200
    canonical_json(plain(actor))


def test_the_system_user_is_the_processes_and_not_what_the_surroundings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "eve")
    assert SystemIdentity(environ={}).actor() == Actor(id=pwd.getpwuid(os.getuid()).pw_name, source="os")


def test_a_user_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert SystemIdentity(environ={}).actor() == Actor(id="uid-4000000", source="os")


def test_a_system_that_names_nobody_still_answers() -> None:
    assert somebody(user="") == Actor(id="unknown", source="os")


def test_git_is_asked_once() -> None:
    asked = []
    identity = SystemIdentity(environ={}, git_identity=lambda: asked.append(1) or ("Ana", "ana@example.org"))
    assert identity.actor() == identity.actor()
    assert asked == [1]
