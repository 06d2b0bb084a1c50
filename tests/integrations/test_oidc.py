"""A token's signature makes an identity proven; without it the claims are somebody's word, and a bad token is nobody."""

from __future__ import annotations

import base64
import hmac
import json
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.integrations.identity import SystemIdentity
from jupyter_mlgov.integrations.oidc import oidc_actor

FAR = 4_000_000_000
CLAIMS = {
    "sub": "u-17",
    "email": "bob@firm.example",
    "email_verified": True,
    "name": "Bob",
    "iss": "https://id.firm.example",
    "aud": "mlgov",
    "exp": FAR,
}


@pytest.fixture
def key() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def environ(tmp_path: Path, key: Any) -> dict[str, str]:
    body = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [{**body, "kid": "k1", "alg": "ES256", "use": "sig"}]}))
    return {"MLGOV_OIDC_KEYS": str(path), "MLGOV_OIDC_ISSUER": "https://id.firm.example", "MLGOV_OIDC_AUDIENCE": "mlgov"}


def token(key: Any, *, kid: str = "k1", algorithm: str = "ES256", **more: object) -> str:
    claims = {name: value for name, value in {**CLAIMS, **more}.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def test_a_signed_token_proves_who_is_acting_and_a_typed_name_does_not_outweigh_it(key: Any, environ: dict[str, str]) -> None:
    environ["MLGOV_OIDC_TOKEN"] = token(key)
    proven = Actor(id="bob@firm.example", source="oidc", name="Bob")
    assert oidc_actor(environ) == proven
    assert SystemIdentity("eve", environ=environ, token=lambda: oidc_actor(environ)).actor() == proven
    assert "not proven" not in str(proven)


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": 1},
        {"exp": None},
        {"iss": "https://id.evil.example"},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"kid": "k2"},
    ],
)
def test_a_token_that_fails_is_nobody(key: Any, environ: dict[str, str], wrong: dict[str, Any]) -> None:
    environ["MLGOV_OIDC_TOKEN"] = token(key, **wrong)
    assert oidc_actor(environ) is None


def test_another_key_no_signature_an_hmac_and_a_changed_claim_prove_nothing(key: Any, environ: dict[str, str]) -> None:
    good = token(key)
    head, body, sign = good.split(".")
    forged = jwt.encode({**CLAIMS, "email": "eve@firm.example"}, "x" * 40, algorithm="HS256", headers={"kid": "k1"})
    unsigned = jwt.encode(CLAIMS, None, algorithm="none", headers={"kid": "k1"})
    other = token(ec.generate_private_key(ec.SECP256R1()))
    for bad in (forged, unsigned, other, f"{head}.{forged.split('.')[1]}.{sign}", "", "a.b", "x" * 200_000, f"{head}.{body}."):
        assert oidc_actor({**environ, "MLGOV_OIDC_TOKEN": bad}) is None, bad[:40]
    for lacking in ("MLGOV_OIDC_ISSUER", "MLGOV_OIDC_AUDIENCE"):
        assert oidc_actor({**environ, "MLGOV_OIDC_TOKEN": good, lacking: ""}) is None
    assert oidc_actor({**environ, "MLGOV_OIDC_TOKEN": good, "MLGOV_OIDC_KEYS": "/nowhere"}) is None


def test_without_keys_the_claims_are_somebodys_word(key: Any) -> None:
    actor = oidc_actor({"MLGOV_OIDC_TOKEN": token(key)})
    assert actor == Actor(id="bob@firm.example", source="declared", name="Bob")
    assert "declared, not proven" in str(actor)


def test_a_mail_address_that_the_provider_did_not_verify_is_nobodys_name(key: Any, environ: dict[str, str]) -> None:
    environ["MLGOV_OIDC_TOKEN"] = token(key, email_verified=False)
    assert oidc_actor(environ) == Actor(id="u-17", source="oidc", name="Bob")


def test_a_failing_token_falls_back_to_the_next_source(key: Any, environ: dict[str, str]) -> None:
    environ["MLGOV_OIDC_TOKEN"] = token(key, exp=1)
    environ["JUPYTERHUB_USER"] = "hub-bob"
    assert SystemIdentity(environ=environ, token=lambda: oidc_actor(environ)).actor() == Actor(id="hub-bob", source="jupyter")


def test_an_rsa_key_as_most_providers_have_it_proves_a_token_and_a_second_key_does_not(tmp_path: Path, environ: dict[str, str]) -> None:
    mine, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    body = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(mine.public_key()))
    path = tmp_path / "rsa.json"
    path.write_text(json.dumps({"keys": [{**body, "kid": "r1", "alg": "RS256", "use": "sig"}]}))
    environ["MLGOV_OIDC_KEYS"] = str(path)
    good = token(mine, kid="r1", algorithm="RS256")
    assert oidc_actor({**environ, "MLGOV_OIDC_TOKEN": good}) == Actor(id="bob@firm.example", source="oidc", name="Bob")
    assert oidc_actor({**environ, "MLGOV_OIDC_TOKEN": token(other, kid="r1", algorithm="RS256")}) is None
    public = mine.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert oidc_actor({**environ, "MLGOV_OIDC_TOKEN": confused(good, public)}) is None, "a public key is no secret for an HMAC"


def confused(good: str, secret: bytes) -> str:
    """The oldest trick with RS256: an HMAC under the provider's public key, which everybody has."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"r1","typ":"JWT"}').rstrip(b"=")
    body = good.split(".")[1].encode()
    sign = base64.urlsafe_b64encode(hmac.digest(secret, head + b"." + body, "sha256")).rstrip(b"=")
    return b".".join((head, body, sign)).decode()


def test_who_asked_for_proof_is_told_what_to_install_and_gets_no_other_name(
    key: Any, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environ["MLGOV_OIDC_TOKEN"] = token(key)
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(NotReady, match=r'pip install "jupyter-mlgov\[oidc\]"'):
        SystemIdentity("eve", environ=environ, token=lambda: oidc_actor(environ)).actor()
    assert oidc_actor({"MLGOV_OIDC_TOKEN": environ["MLGOV_OIDC_TOKEN"]}), "without keys nothing is to be proven, so nothing is missing"
