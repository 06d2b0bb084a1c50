"""The door to OpenSSF model-signing: a signature over every file of a model, checked before any of them is opened."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, StorageProblem

# Beside the model's files, and not a part of what it signs.
SIGNATURE = "model.sig"
# MLflow writes this beside a model it downloads by name; it is about the registry, not the model.
_LATER = ("registered_model_meta",)
_INSTALL = 'Type: pip install "jupyter-mlgov[signing]"'


class Tampered(BadInput):
    """Files that are not what was signed, or a signature by no key that the trail knows."""


def make_key(folder: Path) -> tuple[Path, str]:
    """A new P-256 key (what model-signing takes), the private half in `folder` with mode 0600: its path and the public half (PEM)."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    path = key_path(folder, public)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except OSError as error:
        what = f"No key can be written to {folder}: {error.strerror or error}."
        raise StorageProblem(what, next="Make the workspace writable.") from None
    return path, public


def key_id(public: str) -> str:
    """The first 16 hex digits of the SHA-256 of the public half as PEM."""
    return Digest.of_text(public).hex[:16]


def key_path(folder: Path, public: str) -> Path:
    """Where the private half of this public key lies, if it is on this machine."""
    return folder / f"model-{key_id(public)}.pem"


def sign(model: Path, signature: Path, key: Path) -> None:
    """Sign the file or folder `model`; the signature (a sigstore bundle in JSON) goes to `signature`. Raises NotReady without the extra."""
    with _library():
        from model_signing import hashing, signing

        config: Any = signing.Config  # its classes have untyped __init__s
        config().use_elliptic_key_signer(private_key=key).set_hashing_config(_hashing(hashing.Config, model, signature)).sign(
            model, signature
        )


def verify(model: Path, signature: Path, publics: Iterable[str]) -> str:
    """The id of the known key that signed `model` as it lies there. Raises Tampered otherwise, NotReady without the extra.

    Every file is hashed; one that was changed, added or taken away is named. Nothing is unpickled.
    """
    if not signature.is_file():
        raise Tampered(f"{model.name} carries no signature.", next="Load only versions that were registered by `mlgov promote`.")
    problems = []
    for public in publics:
        try:
            _verify(model, signature, public)
        except (Tampered, NotReady):
            raise
        except Exception as error:  # noqa: BLE001 # the library raises ValueError, and protobuf's and cryptography's own errors
            problems.append(" ".join(str(error).split())[:200] or type(error).__name__)
            continue
        return key_id(public)
    detail = f": {problems[-1].rstrip('.')}" if problems else ": the trail knows no key that signs models"
    raise Tampered(
        f"The files of {model.name} are not what was signed{detail}.", next="Do not load it. Look who changed it, then roll back."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a signature says, itself checked: SHA-256 of each file in hex, by its name in the model's folder."""

    key: str
    digests: Mapping[str, str]

    def taken(self, folder: Path, name: str) -> bytes:
        """The bytes of a file, which are those that were signed, whatever happens to the file meanwhile. Raises Tampered."""
        content = (folder / name).read_bytes()
        if self.digests.get(name) != Digest.of_bytes(content).hex:
            raise Tampered(f"{name} is not what was signed.", next="Do not load it. Look who changed it, then roll back.")
        return content


def signed(signature: bytes, publics: Iterable[str]) -> Signed:
    """What the sigstore bundle in `signature` covers, when a known P-256 key made it over DSSE's encoding. Raises Tampered.

    verify() looks at a folder; between that look and the reading of a file somebody may write. This looks at bytes that nobody else has.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        body = json.loads(signature)["dsseEnvelope"]
        kind, payload = str(body["payloadType"]).encode(), base64.b64decode(body["payload"], validate=True)
        seal = base64.b64decode(body["signatures"][0]["sig"], validate=True)
        digests = {str(one["name"]): str(one["digest"]) for one in json.loads(payload)["predicate"]["resources"]}
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise Tampered("The signature cannot be read.", next="Do not load it. Look who changed it, then roll back.") from None
    # DSSE v1.0.0, protocol.md: PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body.
    sealed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    for public in publics:
        key = load_pem_public_key(public.encode("ascii"))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            continue
        with suppress(InvalidSignature):
            key.verify(seal, sealed, ec.ECDSA(hashes.SHA256()))
            return Signed(key=key_id(public), digests=digests)
    raise Tampered("The signature is by no key that the trail knows.", next="Do not load it. Look who changed it, then roll back.")


def _verify(model: Path, signature: Path, public: str) -> None:
    import tempfile

    with _library(), tempfile.TemporaryDirectory(prefix="mlgov-key-") as folder:
        from model_signing import hashing, verifying

        path = Path(folder) / "public.pem"
        path.write_text(public, "ascii")
        config: Any = verifying.Config  # as above
        checker = config().use_elliptic_key_verifier(public_key=path)
        checker.set_hashing_config(_hashing(hashing.Config, model, signature)).verify(model, signature)


def _hashing(config: Any, model: Path, signature: Path) -> Any:
    """Every file but the signature itself and what MLflow adds on download; git's own files are no exception."""
    ignored = [signature, *(model / name for name in _LATER)]
    return config().set_ignored_paths(paths=ignored, ignore_git_paths=False)


@contextmanager
def _library() -> Iterator[None]:
    try:
        yield
    except MlgovError:
        raise
    except ImportError:
        raise NotReady("Models are signed with OpenSSF model-signing, and it is not installed.", next=_INSTALL) from None
