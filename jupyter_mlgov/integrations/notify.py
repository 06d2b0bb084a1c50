"""The door to apprise: mail, Slack, Teams, webhooks that the operator names in MLGOV_NOTIFY. Addresses are secrets and are never shown."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import NotReady, SystemUnreachable, UsageError

if TYPE_CHECKING:
    from jupyter_mlgov.audit.journal import Parcel

# Services whose host apprise itself knows: their addresses hold tokens, and lead nowhere else.
SERVICES = frozenset({"slack", "discord", "pagerduty", "opsgenie", "tgram", "webexteams", "signl4", "splunk", "twilio"})
_KEEPS = "Add it to MLGOV_NOTIFY_ALLOW, as scheme://host:port, if it is meant."
Resolve = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One address to tell. `name` is its scheme and host with a number, so that it can stand in the trail without its secret."""

    name: str
    url: str


def places(setting: str) -> tuple[Place, ...]:
    """The addresses of a setting, separated by blanks or commas before a scheme. Raises UsageError for what apprise does not know."""
    found: list[Place] = []
    for url in filter(None, (one.strip() for one in re.split(r"[\s,]+(?=[A-Za-z0-9]+://)", setting.strip()))):
        target = _target(url)
        shown = _shown(target)
        number = sum(place.name.rpartition("#")[0] == shown for place in found) + 1
        found.append(Place(name=f"{shown}#{number}", url=url))
    return tuple(found)


def _target(url: str) -> Any:  # apprise's plug-ins share no type
    with warnings.catch_warnings():  # it imports modules that newer Pythons drop; that is its own affair
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import apprise
        except ImportError:
            raise NotReady("apprise is not installed, so nobody can be told.", next='Type `pip install "jupyter-mlgov[notify]"`.') from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its messages hold addresses
        target = apprise.Apprise.instantiate(url, asset=apprise.AppriseAsset(secure_logging=True), suppress_exceptions=True)
    if target is None:
        raise UsageError(
            f"An address in MLGOV_NOTIFY ({url.partition('://')[0][:20]}://…) is none that apprise knows.",
            expected="Expected for instance mailto://, slack://, workflows:// or json://.",
        )
    if not hasattr(target, "redirects"):
        raise NotReady("This apprise cannot be kept from following redirects.", next='Type `pip install -U "apprise>=2.2"`.')
    target.redirects = False  # a redirect could lead a webhook into the house
    return target


def _shown(target: Any) -> str:
    scheme = str(target.url(privacy=True)).partition("://")[0]
    return scheme if scheme in SERVICES else f"{scheme}://{_host(target)}"


def _host(target: Any) -> str:
    return str(getattr(target, "smtp_host", None) or target.host or "").strip("[]").lower()


def check(place: Place, allow: str, resolve: Resolve | None = None) -> None:
    """Raise UsageError unless `place` may be told: a known service, a listed host, or one all of whose addresses are public.

    With a list, hosts that are not on it are refused. Loopback, private and link-local addresses are refused unless listed.
    """
    target = _target(place.url)
    scheme, host = place.name.partition("://")[0].partition("#")[0], _host(target)
    listed = [one for one in re.split(r"[\s,]+", allow.strip()) if one]
    names = {f"{scheme}://{host}", f"{scheme}://{host}:{target.port}", host} if host else {f"{scheme}://"}
    if names & {one.lower().rstrip("/") if not one.endswith("://") else one.lower() for one in listed}:
        return
    if scheme in SERVICES:
        return
    if listed or not host:
        raise UsageError(f"{place.name} is not among the places that may be told.", next=_KEEPS)
    try:
        found = [ipaddress.ip_address(one) for one in (resolve or _addresses)(host)]
    except (OSError, ValueError):
        raise SystemUnreachable(f"{host} has no address.", next="See MLGOV_NOTIFY.") from None
    if not found or any(not one.is_global or one.is_multicast for one in found):
        raise UsageError(f"{place.name} leads to an address inside the house, and is not listed.", next=_KEEPS)


def _addresses(host: str) -> list[str]:
    return [str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def deliver(parcel: Parcel, setting: str, allow: str) -> dict[str, object]:
    """Tell one place. Raises SystemUnreachable when it did not take it, UsageError where it may not be told."""
    wanted = str(parcel.payload.get("place"))
    place = next((one for one in places(setting) if one.name == wanted), None)
    if place is None:
        raise SystemUnreachable(f"{wanted} is no longer among MLGOV_NOTIFY.", next="Put it back, or the message stays here.")
    check(place, allow)
    target = _target(place.url)
    title, body = (str(parcel.payload.get(name) or "") for name in ("title", "body"))
    try:
        taken = bool(target.notify(title=title, body=body, notify_type="warning"))
    except Exception as error:  # noqa: BLE001  # a plug-in of a foreign library may raise anything; its text may hold the address
        raise SystemUnreachable(f"{place.name} could not be told ({type(error).__name__}).", next="It is tried again.") from None
    if not taken:
        raise SystemUnreachable(f"{place.name} did not take it.", next="It is tried again: `mlgov review watch`.")
    return {"place": place.name}
