"""A plan as every target says it: names, digests, and the commands of the job as words."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.plan import Deployment, Digests, Plan, graph_or_refuse
from jupyter_mlgov.pipelines.secrets import secret_key, variable
from jupyter_mlgov.pipelines.stepbook import step_digest
from jupyter_mlgov.pipelines.targets.quoting import check_text, slug

WORK = "/job"
CLAIM = "mlgov-workspace"
SECRET = "mlgov"
# What a job may be told by the operator, and the key under which a Secret holds it.
SECRETS = {"MLGOV_DATABASE_URL": "database-url", "MLGOV_TRACKING_URI": "tracking-uri"}
_PINNED = re.compile(r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}")
_CRON_FIELD = re.compile(r"[0-9A-Za-z*,/-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One step of the job. `name` is a DNS label, `label` what the tag says; `fingerprint` changes when anything it rests on does."""

    name: str
    label: str
    fingerprint: str
    after: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A governed job: its steps, then the verdict, then the question for the stage.

    `notebook` and all of `files` and `data` are POSIX paths below `root`. `outside` are files it reads that no image can hold.
    `cacheable`: all that it reads is known and in the image, so a step with equal inputs gives equal values.
    """

    root: Path
    notebook: str
    model: str
    stage: str
    digests: Digests
    steps: tuple[Work, ...]
    parameters: tuple[Parameter, ...] = ()
    files: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    lock: str = ""
    cacheable: bool = False
    deployment: Deployment = field(default_factory=Deployment)

    def __post_init__(self) -> None:
        for what, text in (("The notebook", self.notebook), ("The model's name", self.model), ("The stage", self.stage)):
            check_text(what, text)
        for path in (*self.files, *self.data):
            check_text("The file", path)

    @property
    def name(self) -> str:
        """A DNS label for the job, one for each notebook."""
        return slug(str(PurePosixPath(self.notebook).with_suffix("")))

    @property
    def settable(self) -> tuple[Parameter, ...]:
        """The parameters that a job may be given; secrets and defaults that JSON cannot hold stay as in the notebook."""
        return tuple(one for one in self.parameters if one.literal and not one.secret and one.default is not None and plain(one.default))

    @property
    def secrets(self) -> dict[str, str]:
        """Environment variable -> key in the Secret `mlgov`, for what the operator tells and for every secret parameter."""
        return SECRETS | {variable(one.name): secret_key(one.name) for one in self.parameters if one.secret}

    @property
    def secret_parameters(self) -> tuple[str, ...]:
        """The environment variables from which secret parameters are taken."""
        return tuple(name for name in self.secrets if name not in SECRETS)

    @property
    def kept(self) -> tuple[str, ...]:
        """The names of those that keep the notebook's default."""
        settable = {one.name for one in self.settable}
        return tuple(one.name for one in self.parameters if one.name not in settable and not one.secret)

    @property
    def fingerprint(self) -> str:
        """One name for all that the job rests on but its parameters."""
        return Digest.of_json({"digests": self.digests.told(), "steps": [[step.name, step.fingerprint] for step in self.steps]})

    def needs(self, step: Work) -> tuple[Parameter, ...]:
        """The settable parameters that `step` or a step before it reads, in their declared order: values must not mix."""
        read: set[str] = set()
        waiting = [step.name]
        known = {one.name: one for one in self.steps}
        while waiting:
            one = known[waiting.pop()]
            read |= set(one.parameters)
            waiting += one.after
        return tuple(one for one in self.settable if one.name in read)

    @property
    def last(self) -> tuple[Work, ...]:
        """The steps that no other waits for."""
        awaited = {name for step in self.steps for name in step.after}
        return tuple(step for step in self.steps if step.name not in awaited)


def job_of(plan: Plan) -> Job:
    """The job of a plan that runs the whole notebook. Raises UsageError where the team has no gate to ask at."""
    if not plan.stage:
        raise UsageError(
            "The team file knows one stage only, so there is no gate that a job could ask at.",
            next='Name stages in mlgov.toml: `stages = ["development", "staging"]` under [promotion].',
        )
    return Job(
        root=plan.root,
        notebook=plan.name,
        model=plan.model,
        stage=plan.stage,
        digests=plan.digests,
        steps=tuple(
            Work(
                name=step.name,
                label=step.label,
                fingerprint=step_digest(step, {}),
                after=step.after,
                parameters=step.parameters,
            )
            for step in plan.graph.steps
        ),
        parameters=plan.parameters,
        files=plan.files,
        data=plan.data,
        outside=plan.outside,
        lock=plan.lock,
        cacheable=plan.recorded and not plan.outside and not plan.live,
        deployment=plan.deployment,
    )


def contained(plan: Plan) -> Job:
    """stepped() for a target whose steps share no folder but the record's. Raises BadInput for a file that one step leaves to another."""
    if plan.spills:
        raise BadInput(
            f"The notebook writes {', '.join(map(repr, plan.spills[:5]))}, outside the workspace; in a container that is lost.",
            next="Write below the workspace, or hand the value over in a variable.",
        )
    for step in plan.graph.steps:
        if step.reads:
            raise BadInput(
                f"Step {step.label} reads {', '.join(map(repr, step.reads))}, which another step writes; containers share no such file.",
                expected="Expected values that cross in variables.",
                next="Hand the value over in a variable, or make the two steps one.",
            )
    return stepped(plan)


def stepped(plan: Plan) -> Job:
    """job_of() for a target that runs step by step. Raises BadInput with every reason where the notebook cannot be cut."""
    graph_or_refuse(plan.notebook, plan.parameters, plan.name)
    return job_of(plan)


def plain(value: object) -> bool:
    """JSON gives back what was put in: no tuples, sets, bytes or numbers without digits."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, str))


# -- what the exporting person must have said ----------------------------------------------------------------------------


def pinned_image(job: Job, target: str) -> str:
    """The image, named by digest. Raises UsageError for none or one that a registry could exchange."""
    return _pinned(job.deployment.image, target, "--image", "image")


def pinned_base(job: Job, target: str) -> str:
    """The base image, named by digest. Raises UsageError likewise."""
    return _pinned(job.deployment.base, target, "--base-image", "base image")


def _pinned(image: str, target: str, option: str, what: str) -> str:
    if not image:
        raise UsageError(
            f"The target `{target}` needs the {what} to run in.",
            expected="Expected NAME@sha256:… with 64 hex characters.",
            next=f"`mlgov export --to {target} {option} registry.example.com/credit@sha256:…`.",
        )
    if not _PINNED.fullmatch(image):
        raise UsageError(
            f'The {what} "{image}" is not pinned by a digest: its name may mean another image tomorrow.',
            expected="Expected NAME@sha256:… with 64 hex characters, in lower case.",
            next=f"Look the digest up (`docker inspect --format '{{{{.RepoDigests}}}}' {image.split('@')[0]}`) and give it to {option}.",
        )
    return image


def schedule(job: Job, target: str) -> str:
    """The cron schedule; empty where none was given. Raises UsageError for one that is not five fields."""
    text = job.deployment.schedule
    fields = text.split()
    if text and (len(fields) != 5 or not all(_CRON_FIELD.fullmatch(one) for one in fields)):
        raise UsageError(
            f'"{text}" is no schedule for the target `{target}`.',
            expected="Expected five cron fields: minute, hour, day, month, weekday.",
            next="For instance `--schedule '0 6 * * 1'`, Mondays at six.",
        )
    return " ".join(fields)


def needed_schedule(job: Job, target: str) -> str:
    """schedule(), which this target cannot do without."""
    found = schedule(job, target)
    if not found:
        example = f"`mlgov export --to {target} --schedule '0 6 * * 1'`, Mondays at six."
        raise UsageError(f"The target `{target}` needs a schedule.", next=f"For instance {example}")
    return found


# -- the commands ---------------------------------------------------------------------------------------------------------


def run_words(job: Job, workspace: str = ".") -> list[str]:
    """Run the whole notebook as one governed job."""
    return ["mlgov", "run", path_word(job.notebook), "--workspace", workspace]


def step_words(job: Job, step: Work, *more: str, workspace: str = ".") -> list[str]:
    """Run one step in a kernel of its own; `more` says where values come from and go to."""
    return ["mlgov", "run-step", path_word(job.notebook), step.name, "--workspace", workspace, *more]


def step_places(step: Work) -> str:
    """Shell text: where a step's values lie in the workspace, by the run that `$MLGOV_RUN` names."""
    place = '.mlgov/pipelines/"$MLGOV_RUN"'
    came = f"--in {place} " if step.after else ""
    return f'{came}--out {place}/{step.name} --token "$MLGOV_RUN"'


def judge_words(job: Job, *more: str, workspace: str = ".") -> list[str]:
    """Judge it and say in one word how the gate would answer: pass, review, fail."""
    return ["mlgov", "judge", path_word(job.stage), "--notebook", job.notebook, "--workspace", workspace, *more]


def validate_words(job: Job, workspace: str = ".") -> list[str]:
    """Judge it; exit code 1 blocked, 3 could not check."""
    return ["mlgov", "validate", "--notebook", job.notebook, "--workspace", workspace]


def promote_words(job: Job, workspace: str = ".") -> list[str]:
    """Ask for the stage; exit code 0 only where it was granted."""
    return ["mlgov", "promote", path_word(job.stage), "--notebook", job.notebook, "--workspace", workspace]


def path_word(path: str) -> str:
    """A path as an argument, never mistaken for an option."""
    return f"./{path}" if path.startswith("-") else path


def relative(path: Path, folder: Path) -> str:
    """`path` seen from `folder`, in POSIX form."""
    return Path(os.path.relpath(path, folder)).as_posix()
