"""The `dvc` target: dvc.yaml with a stage for each step and one for the gate, and params.yaml with the notebook's defaults.

A notebook with one step, or one that cannot be cut, is one stage: the whole notebook as a job.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Container
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.plan import Plan
from jupyter_mlgov.pipelines.secrets import variable
from jupyter_mlgov.pipelines.steps import PlannedStep
from jupyter_mlgov.pipelines.target import FileTarget
from jupyter_mlgov.pipelines.targets.job import path_word, plain
from jupyter_mlgov.pipelines.targets.placing import in_the_way, signed, text_of
from jupyter_mlgov.pipelines.targets.quoting import yaml_text

_WRITTEN = "# Written by `mlgov export --to dvc` for "


def files(plan: Plan, folder: Path) -> dict[Path, bytes]:
    """dvc.yaml, and params.yaml where the notebook declares parameters that YAML can hold.

    Raises UsageError for a folder outside the workspace, BadInput when another's dvc.yaml or params.yaml is in the way.
    """
    if not folder.is_relative_to(plan.root):
        raise UsageError(
            f"{folder} lies outside the workspace {plan.root}, and a DVC pipeline has to lie inside.",
            next="Name a folder in the workspace.",
        )
    values = {one.name: one.default for one in plan.parameters if _writable(one) and not one.secret}
    found = {folder / "dvc.yaml": _pipeline(plan, folder, tuple(values))}
    if values:
        found[folder / "params.yaml"] = _params(plan, folder / "params.yaml", values)
    return found


def _pipeline(plan: Plan, folder: Path, parameters: tuple[str, ...]) -> bytes:
    reason = _always(plan)
    body = "# Run it with `dvc repro`.\n" + (f"# Always run again, because {reason}\n" if reason else "")
    secret = [variable(one.name) for one in plan.parameters if one.secret]
    body += f"# Secret parameters come from the environment: {', '.join(secret)}\n" if secret else ""
    if by_step(plan):
        stages = _stages(plan, folder, parameters)
    else:
        body += "".join(f"# The whole notebook in one stage: {one}\n" for one in plan.graph.refusals)
        stages = _whole(plan, folder, parameters)
    return signed(plan.name, plan.digests, "dvc", folder / "dvc.yaml", body + yaml_text({"stages": stages}))


def _whole(plan: Plan, folder: Path, parameters: tuple[str, ...]) -> dict[str, object]:
    """The notebook as one stage, and the gate behind it."""
    output = f"runs/{plan.stem}.ipynb"
    run: dict[str, object] = {"cmd": _command(plan, folder, output, bool(parameters))}
    made = {_relative(folder / output, plan.root), _relative(folder / "metrics.json", plan.root)}
    names = dict.fromkeys([plan.name, *plan.data, *plan.files])
    run["deps"] = [_near(plan, folder, path) for path in names if path not in made]
    if parameters:
        run["params"] = list(parameters)
    run["outs"] = [{_escaped(output): {"cache": False}}]
    run["metrics"] = [{"metrics.json": {"cache": False}}]
    if _always(plan):
        run["always_changed"] = True
    return {"run": run, "gate": _gate(plan, folder, [_escaped(output)])}


def _gate(plan: Plan, folder: Path, after: list[str]) -> dict[str, object]:
    """The stage that judges the model and asks for the stage: `dvc repro` fails while it stays shut."""
    words = ["--notebook", plan.name, "--workspace", _relative(plan.root, folder)]
    judge, ask = shlex.join(["mlgov", "validate", *words]), shlex.join(["mlgov", "promote", path_word(plan.stage), *words])
    # DVC stops at the first command that fails: a shut gate is asked all the same, so that its reasons are on record.
    both = shlex.join(["sh", "-c", f"judged=0; {judge} || judged=$?; {ask} && exit $judged"])
    deps = [*after, *(_near(plan, folder, path) for path in plan.files)]
    return {"cmd": _escaped(both if plan.stage else judge), "deps": deps}


def _near(plan: Plan, folder: Path, path: str) -> str:
    """A file of the workspace, seen from the folder of dvc.yaml."""
    return _escaped(_relative(plan.root / path, folder))


def by_step(plan: Plan) -> bool:
    """A stage for each step, where there are several."""
    return len(plan.graph.steps) > 1


def _stages(plan: Plan, folder: Path, parameters: tuple[str, ...]) -> dict[str, object]:
    """One stage a step, and the gate behind the last ones."""
    stages: dict[str, object] = {step.name: _stage(plan, step, folder, parameters) for step in plan.graph.steps}
    awaited = {name for step in plan.graph.steps for name in step.after}
    last = [_values(plan, step.name) for step in plan.graph.steps if step.name not in awaited]
    return {**stages, _free("gate", stages): _gate(plan, folder, last)}


def _stage(plan: Plan, step: PlannedStep, folder: Path, parameters: tuple[str, ...]) -> dict[str, object]:
    metrics, plots = f"metrics/{step.name}.json", f"plots/{step.name}"
    words = ["mlgov", "run-step", _relative(plan.root / plan.name, folder), step.name]
    words += ["--in", f"values/{plan.stem}"] if step.after else []
    words += ["--out", f"values/{plan.stem}/{step.name}", "--token", f"dvc-{Digest.of_text(plan.name).hex[:12]}"]
    words += ["--params-file", "params.yaml"] if parameters else []
    measured = step.step.kind in ("evaluate", "report")
    words += ["--metrics", metrics, "--plots", plots] if measured else []
    words += ["--workspace", _relative(plan.root, folder)]
    made = sorted({path for other in plan.graph.steps for path in other.reads} & set(step.writes))
    deps = [_near(plan, folder, path) for path in dict.fromkeys([plan.name, *step.data, *step.reads, *plan.files])]
    found: dict[str, object] = {"cmd": _escaped(shlex.join(words)), "deps": [*deps, *(_values(plan, name) for name in step.after)]}
    used = [name for name in parameters if name in step.parameters]
    found |= {"params": used} if used else {}
    # Not in DVC's cache: a clone has nothing to pull for a stage that never ran, and `dvc pull` fails where it is asked to.
    found["outs"] = [{_values(plan, step.name): {"cache": False}}, *({_near(plan, folder, path): {"cache": False}} for path in made)]
    if measured:
        found |= {"metrics": [{metrics: {"cache": False}}], "plots": [{plots: {"cache": False}}]}
    if _always(plan) and not step.after:
        found["always_changed"] = True
    return found


def _values(plan: Plan, name: str) -> str:
    return _escaped(f"values/{plan.stem}/{name}")


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "-"
    return name


def _always(plan: Plan) -> str:
    """Why DVC cannot know when this stage is up to date; empty when it can."""
    if not plan.recorded:
        return "no run is recorded yet that tells which files it reads. Run it once, then export again."
    if plan.outside:
        return f"it reads files outside the workspace: {', '.join(json.dumps(path) for path in plan.outside)}."
    return ""


def _command(plan: Plan, folder: Path, output: str, with_parameters: bool) -> str:
    words = ["mlgov", "run", _relative(plan.root / plan.name, folder), "-o", output]
    words += ["--params-file", "params.yaml"] if with_parameters else []
    words += ["--metrics", "metrics.json", "--workspace", _relative(plan.root, folder)]
    return _escaped(shlex.join(words))


def _relative(path: Path, folder: Path) -> str:
    """`path` seen from `folder`, never mistaken for an option."""
    text = Path(os.path.relpath(path, folder)).as_posix()
    return f"./{text}" if text.startswith("-") else text


def _escaped(text: str) -> str:
    """DVC fills `${…}` in dvc.yaml from params.yaml; a file may be called so."""
    return text.replace("${", "\\${")


def _writable(parameter: Parameter) -> bool:
    """YAML gives back what was put in: no tuples, sets, bytes or numbers without digits. Others keep the notebook's default."""
    return parameter.literal and plain(parameter.default)


def _params(plan: Plan, path: Path, defaults: dict[str, object]) -> bytes:
    """Defaults from the notebook; values that somebody set in an earlier export of ours stay."""
    values = defaults | {name: value for name, value in _set_before(plan, path).items() if name in defaults}
    kept = [one.name for one in plan.parameters if one.name not in defaults and not one.secret]
    note = f"# As in the notebook, because YAML cannot hold them: {', '.join(kept)}\n" if kept else ""
    return (f"{_WRITTEN}{json.dumps(plan.name)}. Values are yours to set.\n{note}" + yaml_text(values)).encode()


def _set_before(plan: Plan, path: Path) -> dict[str, object]:
    import yaml

    if not path.exists():
        return {}
    text = text_of(path)
    if not text.startswith(f"{_WRITTEN}{json.dumps(plan.name)}."):
        raise in_the_way(path, f"was not written for {plan.name}")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        raise in_the_way(path, "is not YAML any more") from None
    return {str(name): value for name, value in content.items()} if isinstance(content, dict) else {}


TARGET = FileTarget("dvc", files, by_step)
