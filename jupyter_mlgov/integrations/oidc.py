"""Who an OpenID Connect token says is acting, and whether its signature proves it (OpenID Connect Core 1.0, sections 2 and 3.1.3.7)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.errors import NotReady

# Only signatures by a private key: whoever could check an HMAC could also make one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LONGEST = 100_000
_INSTALL = 'Type: pip install "jupyter-mlgov[oidc]"'


def oidc_actor(environ: Mapping[str, str]) -> Actor | None:
    """The actor in MLGOV_OIDC_TOKEN: `oidc` where its signature, issuer, audience and time are proven, else `declared`.

    Proven means: by a key of the JWKS file MLGOV_OIDC_KEYS, for MLGOV_OIDC_ISSUER and MLGOV_OIDC_AUDIENCE. With such a file a token
    that fails is nobody at all. None where there is no token or nobody in it. Raises NotReady where there is such a file and PyJWT is
    missing: whoever asked for proof does not get somebody's word instead.
    """
    token = environ.get("MLGOV_OIDC_TOKEN", "").strip()
    if not token or len(token) > LONGEST:
        return None
    keys = environ.get("MLGOV_OIDC_KEYS", "")
    if keys:
        proven = _proven(token, Path(keys), environ.get("MLGOV_OIDC_ISSUER", ""), environ.get("MLGOV_OIDC_AUDIENCE", ""))
        who, name = _who(proven)
        return Actor(id=who, source="oidc", name=name) if who else None
    who, name = _who(_read(token))
    return Actor(id=who, source="declared", name=name) if who else None


def _proven(token: str, keys: Path, issuer: str, audience: str) -> Mapping[str, object]:
    """The claims of a token that is what it says; nothing where anything is amiss, or nobody said whose and for whom it must be."""
    if not issuer or not audience:
        return {}
    try:
        import jwt
    except ImportError:
        raise NotReady("MLGOV_OIDC_KEYS asks for proven tokens, and PyJWT, which proves them, is not installed.", next=_INSTALL) from None
    try:
        known = jwt.PyJWKSet.from_json(keys.read_text("utf-8"))
        wanted = jwt.get_unverified_header(token).get("kid")
        key = next(one for one in known.keys if one.key_id == wanted)
        claims: Mapping[str, object] = jwt.decode(
            token,
            key.key,
            algorithms=list(ALGORITHMS),
            issuer=issuer,
            audience=audience,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except Exception:  # noqa: BLE001  # a token is hostile input; whatever is wrong with it, it proves nothing
        return {}
    return claims


def _read(token: str) -> Mapping[str, object]:
    """The claims as anybody could have written them."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _who(claims: Mapping[str, object]) -> tuple[str, str]:
    """(id, name): the mail address where the provider verified it, else the subject, which it never gives to another person."""
    email = claims.get("email") if claims.get("email_verified") is True else None
    who, name = email or claims.get("sub"), claims.get("name")
    return (who if isinstance(who, str) else "", name if isinstance(name, str) else "")
