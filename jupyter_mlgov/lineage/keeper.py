"""Writes models with skops in a process of its own: importing skops costs a kernel more than a second, beside the cell it costs nothing."""

from __future__ import annotations

import contextlib
import pickle
import selectors
import struct
import subprocess
import sys
from typing import IO

# Seconds a child may take for one model before it is given up and the kernel writes it itself.
PATIENCE = 60.0

# Reads length-prefixed pickles, which come from our own kernel through a pipe nobody else can write, and answers with skops bytes.
_PROGRAM = """
import os, pickle, struct, sys, warnings
source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
warnings.simplefilter("ignore")
import skops.io
while head := source.read(8):
    try:
        answer = b"1" + skops.io.dumps(pickle.loads(source.read(struct.unpack("<q", head)[0])))
    except Exception:
        answer = b"0"
    target.write(struct.pack("<q", len(answer)) + answer)
    target.flush()
"""


class ModelKeeper:
    """A child that turns models into skops bytes. It is started beside a train cell, and answers None where it cannot."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the child, once. Where it cannot be started, dumps() answers None."""
        if self._child is not None or "skops.io" in sys.modules:
            return
        pipe = subprocess.PIPE
        try:
            # A session of its own: ipykernel waits seconds at shutdown for children in its process group. It ends with its stdin.
            self._child = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError:
            self._child = None

    def dumps(self, model: object) -> bytes | None:
        """The model as skops bytes, or None: no child, a class that only this process knows, or no answer in time."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            return None
        try:
            content = pickle.dumps(model, protocol=5)
            child.stdin.write(struct.pack("<q", len(content)) + content)
            child.stdin.flush()
            answer = _answer(child.stdout)
        except Exception:  # noqa: BLE001  # whatever a model's own pickling raises, the caller writes it in this process and says why not
            answer = None
        if answer is None:
            self.close()
            return None
        return answer[1:] if answer[:1] == b"1" else None

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # the pipe broke with the child
                    stream.close()
        child.wait()


def _answer(stream: IO[bytes]) -> bytes | None:
    with selectors.DefaultSelector() as ready:
        ready.register(stream, selectors.EVENT_READ)
        if not ready.select(PATIENCE):
            return None
    head = stream.read(8)
    return stream.read(struct.unpack("<q", head)[0]) if len(head) == 8 else None
