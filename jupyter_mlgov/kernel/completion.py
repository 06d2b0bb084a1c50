"""Tab after `%mlgov`: verbs, then what the verb takes."""

from __future__ import annotations

from typing import Protocol

from jupyter_mlgov.lineage.facts import KINDS

WORDS: dict[str, tuple[str, ...]] = {
    "status": (),
    "validate": ("--quiet", "--stage", "--explain-reuse"),
    "why": ("staging", "production"),
    "lineage": (),
    "portfolio": ("--as-of", "--top"),
    "stale": (),
    "suggest": ("--accept",),
    "diff": ("run:", "--schema", "--any-order", "--values"),
    "report": ("--output",),
    "promote": ("staging", "production"),
    "rollback": ("staging", "production", "--reason", "--to", "--drill"),
    "review": ("ask", "queue", "approve", "refuse", "--comment", "--attest-unchecked", "--condition", "--until"),
    "answer": (),
    "reproduce": ("--environment", "auto", "current", "lock"),
    "export": ("--to", "papermill", "dvc", "papermill,dvc", "--output", "--dry-run", "--unproven"),
    "audit": ("verify", "log", "bundle", "replay", "reconcile", "--last", "--output", "--without-objects"),
}


class Event(Protocol):
    """What IPython hands to a completer: the line so far, and the word under the cursor."""

    line: str
    symbol: str


def complete_mlgov(_shell: object, event: Event) -> list[str]:
    """The words that can stand at the cursor. Steps after `%%mlgov step`, verbs after `%mlgov`."""
    words = event.line.split()
    typed = words[1:] if event.line.endswith(" ") else words[1:-1]
    if event.line.lstrip().startswith("%%"):
        return list(KINDS) if typed[:1] == ["step"] else ["step"]
    return list(WORDS.get(typed[0], ())) if typed else list(WORDS)
