"""What comes in by HTTP, before anybody reads it: how much, from whom, and how a no is said."""

from __future__ import annotations

import hmac
import zlib

from starlette.requests import Request

LOCAL = ("127.0.0.1", "localhost", "[::1]")


class Refused(Exception):
    """A request that is answered with this status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence
        super().__init__(sentence)


async def body_of(request: Request, most: int) -> bytes:
    """The body, unpacked, `most` bytes of it. Raises Refused at the first byte more, whatever its header said."""
    coded = request.headers.get("content-encoding", "identity").strip().lower()
    if coded not in ("identity", "gzip", "deflate"):
        raise Refused(415, f"A body coded as {coded[:40]!r} is not taken; gzip and deflate are.")
    said = request.headers.get("content-length", "0")
    if not said.isdigit() or int(said) > most:
        raise Refused(413, f"The body is over {most:,} bytes.")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refused(413, f"The body is over {most:,} bytes.")
        parts.append(part)
    raw = parts[0] if len(parts) == 1 else b"".join(parts)
    return raw if coded == "identity" else _unpacked(raw, most)


def _unpacked(raw: bytes, most: int) -> bytes:
    """What was compressed, as gzip or zlib: `most` bytes of it and no byte more, however small the request was."""
    reader = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: it sees by itself which of the two it is
    try:
        found = reader.decompress(raw, most + 1)
    except zlib.error:
        raise Refused(400, "The body is not compressed as its Content-Encoding says.") from None
    if len(found) > most:
        raise Refused(413, f"The body is over {most:,} bytes.")
    if not reader.eof or reader.unused_data:
        raise Refused(400, "The compressed body ends early, or goes on behind its end.")
    return found


def admit(request: Request, secret: str) -> None:
    """Let in who shows the secret as a bearer token. Raises Refused.

    Without a secret only who asks for this machine by a name of loopback: a web page that was led here by DNS asks by another one.
    """
    if not secret:
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if host not in LOCAL:
            raise Refused(421, "Without a token only this machine is answered, by a name of loopback.")
        return
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode("utf-8", "replace"), secret.encode("utf-8")):
        raise Refused(401, "The bearer token is missing or not the one of this endpoint.")
