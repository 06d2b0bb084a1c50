"""The job as one POSIX shell script: run, judge, ask. Cron and CI targets call it."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.pipelines.targets.job import Job, promote_words, relative, run_words, validate_words
from jupyter_mlgov.pipelines.targets.quoting import shell

# Where the machine is thrown away after the job, so must not be the record.
RECORD = ': "${MLGOV_DATABASE_URL:?is not set: the record would be lost with this machine}"'
_PROLOGUE = """\
# Exit code: that of the first part that is not clear. 0 granted, 1 blocked or awaiting a review, 2 wrong usage, 3 could not check.
# Arguments go to `mlgov run`, as in: sh {name} -p folds=3
set -eu
{change}command -v mlgov >/dev/null || {{ echo 'mlgov is not on PATH: pip install jupyter-mlgov, or set PATH.' >&2; exit 127; }}
"""


def script_text(job: Job, name: str, change: str = "") -> str:
    """The body of the script. `change` is a line that goes to the workspace, where the caller does not stand in it."""
    asked = [f': "${{{name}:?is not set: a secret parameter comes from there}}"\n' for name in job.secret_parameters]
    lines = [
        _PROLOGUE.format(name=name, change=f"{change}\n" if change else ""),
        *asked,
        f'{shell(run_words(job))} "$@"\n',
        "judged=0\n",
        f"{shell(validate_words(job))} || judged=$?\n",
        "asked=0\n",
        f"{shell(promote_words(job))} || asked=$?\n",
        '[ "$judged" -eq 0 ] || exit "$judged"\n',
        'exit "$asked"\n',
    ]
    return "".join(lines)


def to_workspace(job: Job, folder: Path) -> str:
    """The line by which a script in `folder` goes to the workspace, wherever both were moved together."""
    return change_to(relative(job.root, folder))


def change_to(place: str) -> str:
    """The line by which a script goes to `place`, a path seen from its own folder."""
    return f'cd -- "$(dirname -- "$0")/"{shell([place])}'
