"""Checkpoints appended to a file the operator names, best on storage that this machine can only add to (WORM, another host)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_mlgov.audit.anchors import Occasion, Receipt, Testimony, Witness
from jupyter_mlgov.core.errors import StorageProblem

# Between two notes: a line that no note can hold, since a note's lines are origin, number, base64, nothing, and "— …".
_BETWEEN = "---- mlgov checkpoint ----\n"


class FileAnchor:
    """The Anchor port over one file. A note that the log has a receipt for and the file no longer holds is said."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return f"file {self._path}"

    def leave(self, note: str, occasion: Occasion) -> Mapping[str, str]:  # noqa: ARG002 the port's argument; this place needs no occasion
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(_BETWEEN + note)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StorageProblem(f"{self._path} cannot be written: {error.strerror or error}.", next="See MLGOV_ANCHORS.") from None
        return {}

    def testify(self, receipts: Sequence[Receipt]) -> Testimony:
        try:
            text = self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if isinstance(error, FileNotFoundError) and not receipts:
                return Testimony(anchor=self.name)
            return Testimony(anchor=self.name, cannot=f"the file cannot be read ({error}).")
        notes = [part for part in text.split(_BETWEEN) if part]
        gone = [receipt for receipt in receipts if receipt.note not in notes]
        denied = (f"{len(gone)} of {len(receipts)} checkpoints that were left there are gone from the file.",) if gone else ()
        witnesses = tuple(Witness(where=f"checkpoint {at} in {self._path}", note=note) for at, note in enumerate(notes, 1))
        return Testimony(anchor=self.name, witnesses=witnesses, denied=denied)
