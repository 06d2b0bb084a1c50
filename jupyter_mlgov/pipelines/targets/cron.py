"""The `cron` target: a script that does the job, and the crontab line that starts it."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.pipelines.target import Files, FileTarget
from jupyter_mlgov.pipelines.targets.job import Job, job_of, needed_schedule
from jupyter_mlgov.pipelines.targets.placing import signed
from jupyter_mlgov.pipelines.targets.script import script_text, to_workspace

# A path stands in the value of a variable, where cron and the shell read nothing into it.
_INSTALL = """\
# Install it from this folder, in the environment that has mlgov:
#   {{ crontab -l; echo "PATH=$PATH"; echo "MLGOV_JOBS=$PWD"; cat {name}; }} | crontab -
# cron mails what the job prints.
"""


def files(job: Job, folder: Path) -> Files:
    """NAME.job.sh and NAME.crontab, which hold no path of this machine. Raises UsageError without a schedule."""
    when = needed_schedule(job, "cron")
    script, table = folder / f"{job.name}.job.sh", folder / f"{job.name}.crontab"
    text = script_text(job, script.name, to_workspace(job, folder))
    note = _INSTALL.format(name=table.name)
    return {
        script: signed(job.notebook, job.digests, "cron", script, text, first="#!/bin/sh"),
        table: signed(job.notebook, job.digests, "cron", table, f'{note}{when} sh -- "$MLGOV_JOBS/{script.name}"\n'),
    }


TARGET = FileTarget("cron", lambda plan, folder: files(job_of(plan), folder), lambda _: False)
