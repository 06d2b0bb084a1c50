"""The `gitlab` target: a GitLab CI job in an image pinned by digest, to be included by the project's own file."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.pipelines.target import Files, FileTarget
from jupyter_mlgov.pipelines.targets.job import WORK, Job, job_of, pinned_image, schedule
from jupyter_mlgov.pipelines.targets.placing import signed
from jupyter_mlgov.pipelines.targets.quoting import yaml_text
from jupyter_mlgov.pipelines.targets.script import RECORD, script_text


def files(job: Job, folder: Path) -> Files:
    """NAME.gitlab-ci.yml. Raises UsageError for an image that is not pinned."""
    path = folder / f"{job.name}.gitlab-ci.yml"
    when = schedule(job, "gitlab")
    note = f"# Use it with `include: {{local: …}}`. {', '.join(job.secrets)}: masked variables of the project, never here.\n"
    note += f"# Schedules are made in the project (Build > Pipeline schedules): {when or 'none was asked for'}.\n"
    return {path: signed(job.notebook, job.digests, "gitlab", path, note + yaml_text(pipeline(job)))}


def pipeline(job: Job) -> dict[str, object]:
    """The CI file as data."""
    image = pinned_image(job, "gitlab")
    variables: dict[str, str] = {f"MLGOV_EXPORT_{name.upper()}": digest for name, digest in job.digests.told().items()}
    variables |= {"GIT_STRATEGY": "none", "MLGOV_IMAGE_DIGEST": image.partition("@")[2]}
    return {
        f"mlgov-{job.name}": {
            "image": {"name": image, "entrypoint": [""]},
            "rules": [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}, {"if": '$CI_PIPELINE_SOURCE == "web"', "when": "manual"}],
            "variables": variables,
            "resource_group": f"mlgov-{job.name}",
            "timeout": "6h",
            "script": [script_text(job, "job.sh", f"{RECORD}\ncd {WORK}")],
        }
    }


TARGET = FileTarget("gitlab", lambda plan, folder: files(job_of(plan), folder), lambda _: False)
