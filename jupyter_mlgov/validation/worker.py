"""A process that runs installed validators: `python -m jupyter_mlgov.validation.worker`. It can be killed, whatever they do.

The parent writes the length of a pickled subject (8 bytes), the subject, then one JSON object a line: {"id", "parameters"}. The worker
says READY once, and answers each with one line of JSON, the plain result. The pickle is our own, over a pipe nobody else can write to;
results come as JSON.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from typing import BinaryIO

READY = b"ready\n"
SHARE = 0.45  # of the machine's memory, for two work side by side; past it Python raises MemoryError, and that is an `error`


def main() -> None:
    """Serve the parent on standard input and output until it closes them."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a validator prints is not our answer
    _limit_memory()
    serve(sys.stdin.buffer, answers)


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer questions until `asked` ends."""
    from jupyter_mlgov.core.facts import fields_of
    from jupyter_mlgov.validation.needs import look
    from jupyter_mlgov.validation.plugins import Broken, installed_validators
    from jupyter_mlgov.validation.results import CheckResult
    from jupyter_mlgov.validation.running import broken, run

    registry = installed_validators()
    subject = pickle.loads(asked.read(int.from_bytes(asked.read(8), "big")))  # noqa: S301  # written by our own parent a moment ago
    answers.write(READY)
    answers.flush()
    looked, has_looked = None, False
    for line in asked:
        question = json.loads(line)
        check = registry.get(question["id"])
        if isinstance(check, Broken):
            result: object = broken(check)
        else:
            if not has_looked:
                looked, has_looked = look(subject), True
            values = {name: check.parameter(name, value, "the plan") for name, value in question["parameters"].items()}
            result = run(check, subject, values, looked)
        kind = "result" if isinstance(result, CheckResult) else "unchecked"
        answers.write(json.dumps({kind: fields_of(result)}).encode() + b"\n")
        answers.flush()


def _limit_memory() -> None:
    try:
        import resource

        most = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * SHARE)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except (ImportError, ValueError, OSError):  # not every system has such a limit; a process that is killed for memory is `error` too
        return


if __name__ == "__main__":
    main()
