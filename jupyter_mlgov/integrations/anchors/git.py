"""Checkpoints as annotated git tags: pushed, they lie in every clone."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_mlgov.audit.anchors import Occasion, Receipt, Testimony, Witness
from jupyter_mlgov.audit.notes import parse_checkpoint, parse_note
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import SystemUnreachable
from jupyter_mlgov.reports.clean import visible

TIMEOUT = 20.0
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CEILING_DIRECTORIES")


class GitAnchor:
    """The Anchor port over the repository around a workspace.

    Tags are called `mlgov/<place of the workspace>/<entries>-<digest of the note>`: two workspaces of one repository do not mix,
    and nothing is ever overwritten. They are not pushed: `git push --tags` is yours to do.
    """

    name = "git"

    def __init__(self, root: Path) -> None:
        self._root = root

    def leave(self, note: str, occasion: Occasion) -> Mapping[str, str]:  # noqa: ARG002 the port's argument; this place needs no occasion
        """See Anchor. Nothing but the size and digests goes into the tag's name, and only a signed checkpoint into the tag."""
        size = parse_checkpoint(parse_note(note).text).size
        tag = f"{self._prefix()}{size}-{Digest.of_text(note).hex[:12]}"
        identity = ("-c", "user.name=jupyter_mlgov", "-c", "user.email=mlgov@localhost", "-c", "tag.gpgSign=false")
        code, _, err = self._git(*identity, "tag", "--annotate", "--cleanup=verbatim", "--file=-", tag, words_in=note)
        if code:
            raise SystemUnreachable(f"git made no tag: {_said(err)}", next="A repository needs one commit before it can be tagged.")
        return {"tag": tag}

    def testify(self, receipts: Sequence[Receipt]) -> Testimony:
        try:
            prefix = self._prefix()
            shape = "%(refname:strip=2)%00%(objecttype)%00%(contents)%00"
            code, out, err = self._git("for-each-ref", f"--format={shape}", f"refs/tags/{prefix}")
        except SystemUnreachable as error:
            return Testimony(anchor=self.name, cannot=error.what)
        if code:
            return Testimony(anchor=self.name, cannot=f"git said: {_said(err)}")
        parts = out.split("\0")
        tags = {parts[at].lstrip("\n"): parts[at + 2] for at in range(0, len(parts) - 2, 3)}
        gone = [receipt for receipt in receipts if receipt.answer.get("tag") not in tags]
        denied = (f"{len(gone)} of {len(receipts)} tags that were made are gone from this repository.",) if gone else ()
        witnesses = tuple(Witness(where=f"git tag {visible(tag)}", note=text) for tag, text in sorted(tags.items()))
        return Testimony(anchor=self.name, witnesses=witnesses, denied=denied)

    def _prefix(self) -> str:
        code, out, err = self._git("rev-parse", "--show-prefix")
        if code:
            raise SystemUnreachable(f"git said: {_said(err)}", next="Is the workspace in a git repository?")
        place = re.sub(r"[^A-Za-z0-9_-]+", "-", out.strip("/\n")).strip("-") or "root"
        return f"mlgov/{place}-{Digest.of_text(out).hex[:8]}/"

    def _git(self, *words: str, words_in: str = "") -> tuple[int, str, str]:
        environ = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
        environ.update(LC_ALL="C", GIT_TERMINAL_PROMPT="0")
        try:
            done = subprocess.run(
                ["git", *words], cwd=self._root, env=environ, input=words_in.encode(), capture_output=True, timeout=TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SystemUnreachable(f"git did not answer: {error}") from None
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def in_repository(root: Path) -> bool:
    """Is there a repository with at least one commit around `root`?"""
    try:
        return GitAnchor(root)._git("rev-parse", "--verify", "--quiet", "HEAD")[0] == 0  # noqa: SLF001 the same module
    except SystemUnreachable:
        return False


def _said(err: str) -> str:
    return " ".join(err.split())[:200] or "nothing"
