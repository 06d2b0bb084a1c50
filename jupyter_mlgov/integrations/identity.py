"""Who is acting, from the surest source at hand: JupyterHub, git, the operating system, or somebody's own word."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Callable, Mapping

from jupyter_mlgov.core.actors import Actor

LIMIT = 200


class Known:
    """The Identity port for one who was identified elsewhere, by a server that people sign in to."""

    def __init__(self, person: Actor) -> None:
        self._person = Actor(id=_clean(person.id), source=person.source, name=_clean(person.name))

    def actor(self) -> Actor:
        return self._person


class SystemIdentity:
    """The Identity port. A proven token comes first; then a declared name, marked as such; the hub's user, an unproven token, marked
    likewise, git's email, the system's user.

    Whoever can set an environment variable or git's settings can act under that name: `source` says how far to trust it.
    Asked once; a kernel has one user.
    """

    def __init__(
        self,
        declared: str = "",
        *,
        git_identity: Callable[[], tuple[str, str] | None] = lambda: None,
        environ: Mapping[str, str] | None = None,
        os_user: Callable[[], str] | None = None,
        token: Callable[[], Actor | None] = lambda: None,
    ) -> None:
        self._declared = declared
        self._git_identity = git_identity
        self._environ = os.environ if environ is None else environ
        self._os_user = os_user or _system_user
        self._token = token
        self._actor: Actor | None = None

    def actor(self) -> Actor:
        if self._actor is None:
            self._actor = self._find()
        return self._actor

    def _find(self) -> Actor:
        token = self._token()
        if token is not None and token.source == "oidc" and _clean(token.id):
            return Actor(id=_clean(token.id), source="oidc", name=_clean(token.name))
        declared = _clean(self._declared)
        if declared:
            name, address = _name_and_id(declared)
            return Actor(id=address, source="declared", name=name)
        hub = _clean(self._environ.get("JUPYTERHUB_USER", ""))
        if hub:
            return Actor(id=hub, source="jupyter")
        if token is not None and _clean(token.id):
            return Actor(id=_clean(token.id), source="declared", name=_clean(token.name))
        name, email = self._git_identity() or ("", "")
        if _clean(email):
            return Actor(id=_clean(email), source="git", name=_clean(name))
        return Actor(id=_clean(self._os_user()) or "unknown", source="os")


def _name_and_id(text: str) -> tuple[str, str]:
    """`Ana Ruiz <ana@example.org>` is a name and an id; anything else is an id."""
    found = re.fullmatch(r"([^<>]*[^<>\s])\s*<([^<>\s]+)>", text)
    return (found[1], found[2]) if found else ("", text)


def _clean(text: str) -> str:
    """One line without control characters or lone surrogates, so that a name can stand in any log."""
    kept = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(kept.split())[:LIMIT]


def _system_user() -> str:
    """The user the process runs as, not what LOGNAME or USER say; the bare number where it has no name (containers)."""
    if not hasattr(os, "getuid"):
        return getpass.getuser()
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
