"""The `github` target: a GitHub Actions workflow that does the job in an image pinned by digest."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.pipelines.target import Files, FileTarget
from jupyter_mlgov.pipelines.targets.job import WORK, Job, job_of, pinned_image, schedule
from jupyter_mlgov.pipelines.targets.placing import signed
from jupyter_mlgov.pipelines.targets.quoting import github, yaml_text
from jupyter_mlgov.pipelines.targets.script import RECORD, script_text


def files(job: Job, folder: Path) -> Files:
    """.github/workflows/mlgov-NAME.yml. Raises UsageError for an image that is not pinned."""
    path = folder / ".github" / "workflows" / f"mlgov-{job.name}.yml"
    note = "# GitHub finds it in .github/workflows of the repository's root alone: move it there.\n" if folder != job.root else ""
    return {path: signed(job.notebook, job.digests, "github", path, note + yaml_text(workflow(job)))}


def workflow(job: Job) -> dict[str, object]:
    """The workflow as data. No action of a third party is used, and no secret stands in it."""
    image, when = pinned_image(job, "github"), schedule(job, "github")
    events: dict[str, object] = {"workflow_dispatch": {}}
    if when:
        events["schedule"] = [{"cron": when}]
    return {
        "name": f"mlgov-{job.name}",
        "on": events,
        "permissions": {"contents": "read"},
        "concurrency": {"group": f"mlgov-{job.name}", "cancel-in-progress": False},
        "jobs": {
            "job": {
                "runs-on": "ubuntu-24.04",
                "timeout-minutes": 360,
                "container": {"image": image},
                "defaults": {"run": {"shell": "sh -e {0}", "working-directory": WORK}},
                "env": {
                    "MLGOV_IMAGE_DIGEST": image.partition("@")[2],
                    **{f"MLGOV_EXPORT_{name.upper()}": digest for name, digest in job.digests.told().items()},
                },
                "steps": [
                    {
                        "name": "run, validate, ask for promotion",
                        "env": {name: f"${{{{ secrets.{name} }}}}" for name in job.secrets},
                        "run": github(script_text(job, "job.sh", RECORD)),
                    }
                ],
            }
        },
    }


TARGET = FileTarget("github", lambda plan, folder: files(job_of(plan), folder), lambda _: False)
