"""A checkpoint under a time stamp of an RFC 3161 authority, by `rfc3161-client`.

Tested against an authority made in the test, not against a live one.
"""

from __future__ import annotations

import base64
import binascii
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_mlgov.audit.anchors import Occasion, Receipt, Testimony, Witness
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, SystemUnreachable, UsageError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

TIMEOUT = 20.0
_LARGEST = 1_000_000
_INSTALL = 'Run `pip install "jupyter-mlgov[signing]"`.'


class TimestampAnchor:
    """The Anchor port over one authority. The log keeps its token; checking it needs the authority's root certificates, no network."""

    def __init__(self, url: str, roots: Path | None, *, send: Callable[[str, bytes], bytes] | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("A time-stamping authority in MLGOV_ANCHORS must be a URL.", expected="Expected `rfc3161:https://host/path`.")
        self._url, self._host, self._roots = url, parts.hostname, roots
        self._send = send or _post

    @property
    def name(self) -> str:
        return f"rfc3161 {self._host}"

    def leave(self, note: str, occasion: Occasion) -> Mapping[str, str]:  # noqa: ARG002 the port's argument; this place needs no occasion
        try:
            from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response
        except ImportError:
            raise NotReady("Time stamps need rfc3161-client, which is not installed.", next=_INSTALL) from None
        request = TimestampRequestBuilder().data(note.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self._send(self._url, request.as_bytes())
        try:
            response = decode_timestamp_response(answer)
            granted = response.status in (0, 1)
        except ValueError:
            raise SystemUnreachable(f"{self._host} answered with something that is no time stamp.") from None
        if not granted:
            raise SystemUnreachable(f"{self._host} refused the time stamp (status {response.status}).")
        token = base64.b64encode(answer).decode()
        moment = self._checked(note, token) if self._roots else ""
        return {"token": token, **({"time": moment} if moment else {})}

    def testify(self, receipts: Sequence[Receipt]) -> Testimony:
        if self._roots is None:
            cannot = "MLGOV_TSA_ROOTS names no root certificates, so its time stamps cannot be checked." if receipts else ""
            return Testimony(anchor=self.name, cannot=cannot)
        witnesses, denied, cannot = [], [], ""
        for receipt in receipts:
            try:
                moment = self._checked(receipt.note, receipt.answer.get("token", ""))
            except NotReady as error:
                cannot = str(error)
            except MlgovError as error:
                denied.append(error.what)
            else:
                witnesses.append(Witness(where=f"time stamp of {moment}", note=receipt.note))
        return Testimony(anchor=self.name, witnesses=tuple(witnesses), denied=tuple(denied), cannot=cannot)

    def _checked(self, note: str, token: str) -> str:
        """The moment the authority vouches for. Raises BadInput when the token does not hold."""
        try:
            from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
        except ImportError:
            raise NotReady("Time stamps need rfc3161-client, which is not installed.", next=_INSTALL) from None
        builder = VerifierBuilder()
        for certificate in _certificates(self._roots):
            builder = builder.add_root_certificate(certificate)
        try:
            response = decode_timestamp_response(base64.b64decode(token, validate=True))
            builder.build().verify_message(response, note.encode())
        except (VerificationError, ValueError, binascii.Error) as error:
            raise BadInput(f"a time stamp does not hold: {' '.join(str(error).split())[:200]}") from None
        return stamp(response.tst_info.gen_time.replace(tzinfo=response.tst_info.gen_time.tzinfo or UTC))


def _certificates(path: Path | None) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes() if path else b"")
    except (OSError, ValueError) as error:
        raise NotReady(f"The certificates in MLGOV_TSA_ROOTS cannot be read: {error}.") from None


def _post(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/timestamp-query"}, method="POST")  # noqa: S310 the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 as above
            return bytes(answer.read(_LARGEST))
    except (urllib.error.URLError, OSError) as error:
        raise SystemUnreachable(f"{urlsplit(url).hostname} did not answer ({getattr(error, 'reason', error)}).") from None
