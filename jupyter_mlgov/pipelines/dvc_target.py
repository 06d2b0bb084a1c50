"""The `dvc` target: dvc.yaml with a stage for each step and one for the gate, and params.yaml with the notebook's defaults.

A notebook with one step, or one that cannot be cut, is one stage: the whole notebook as a job.
"""

from __future__ import annotations

import json
import math
import os
import shlex
from collections.abc import Callable, Container
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.plan import Plan
from jupyter_mlgov.pipelines.steps import PlannedStep
from jupyter_mlgov.pipelines.target import FileTarget

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
    def near(path: str) -> str:
        return _escaped(_relative(plan.root / path, folder))

    if by_step(plan):
        return _signed(plan, folder / "dvc.yaml", _about(plan) + _reason(plan) + _yaml({"stages": _stages(plan, folder, parameters)}))
    output = f"runs/{plan.stem}.ipynb"
    stage: dict[str, object] = {"cmd": _command(plan, folder, output, bool(parameters))}
    made = {_relative(folder / output, plan.root), _relative(folder / "metrics.json", plan.root)}
    stage["deps"] = [near(path) for path in dict.fromkeys([plan.name, *plan.data, *plan.files]) if path not in made]
    if parameters:
        stage["params"] = list(parameters)
    stage["outs"] = [{_escaped(output): {"cache": False}}]
    stage["metrics"] = [{"metrics.json": {"cache": False}}]
    reason = _always(plan)
    if reason:
        stage["always_changed"] = True
    body = (f"# Always run again, because {reason}\n" if reason else "") + _yaml({"stages": {"run": stage}})
    whole = "".join(f"# The whole notebook in one stage: {one}\n" for one in plan.graph.refusals)
    return _signed(plan, folder / "dvc.yaml", _about(plan) + whole + body)


def by_step(plan: Plan) -> bool:
    """A stage for each step, where there are several."""
    return len(plan.graph.steps) > 1


def _about(plan: Plan) -> str:
    return "".join(f"# {what} {digest}\n" for what, digest in plan.digests.told().items())


def _reason(plan: Plan) -> str:
    reason = _always(plan)
    return f"# Always run again, because {reason}\n" if reason else ""


def _stages(plan: Plan, folder: Path, parameters: tuple[str, ...]) -> dict[str, object]:
    """One stage a step, and `gate`, which judges the model and asks for the stage: `dvc repro` fails while it stays shut."""

    def near(path: str) -> str:
        return _escaped(_relative(plan.root / path, folder))

    stages: dict[str, object] = {step.name: _stage(plan, step, folder, parameters, near) for step in plan.graph.steps}
    awaited = {name for step in plan.graph.steps for name in step.after}
    words = ["--notebook", plan.name, "--workspace", _relative(plan.root, folder)]
    acts = [["mlgov", "validate", *words]] + ([["mlgov", "promote", plan.stage, *words]] if plan.stage else [])
    last = [_values(plan, step.name) for step in plan.graph.steps if step.name not in awaited]
    stages[_free("gate", stages)] = {"cmd": [_escaped(shlex.join(act)) for act in acts], "deps": [*last, *map(near, plan.files)]}
    return stages


def _stage(plan: Plan, step: PlannedStep, folder: Path, parameters: tuple[str, ...], near: Callable[[str], str]) -> dict[str, object]:
    metrics, plots = f"metrics/{step.name}.json", f"plots/{step.name}"
    words = ["mlgov", "run-step", _relative(plan.root / plan.name, folder), step.name]
    words += ["--in", f"values/{plan.stem}"] if step.after else []
    words += ["--out", f"values/{plan.stem}/{step.name}", "--token", f"dvc-{Digest.of_text(plan.name).hex[:12]}"]
    words += ["--params-file", "params.yaml"] if parameters else []
    measured = step.step.kind in ("evaluate", "report")
    words += ["--metrics", metrics, "--plots", plots] if measured else []
    words += ["--workspace", _relative(plan.root, folder)]
    made = sorted({path for other in plan.graph.steps for path in other.reads} & set(step.writes))
    deps = [near(path) for path in dict.fromkeys([plan.name, *step.data, *step.reads, *plan.files])]
    found: dict[str, object] = {"cmd": _escaped(shlex.join(words)), "deps": [*deps, *(_values(plan, name) for name in step.after)]}
    used = [name for name in parameters if name in step.parameters]
    found |= {"params": used} if used else {}
    # Not in DVC's cache: a clone has nothing to pull for a stage that never ran, and `dvc pull` fails where it is asked to.
    found["outs"] = [{_values(plan, step.name): {"cache": False}}, *({near(path): {"cache": False}} for path in made)]
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
    return parameter.literal and _same_in_yaml(parameter.default)


def _same_in_yaml(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(_same_in_yaml(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _same_in_yaml(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, str))


def _params(plan: Plan, path: Path, defaults: dict[str, object]) -> bytes:
    """Defaults from the notebook; values that somebody set in an earlier export of ours stay."""
    values = defaults | {name: value for name, value in _set_before(plan, path).items() if name in defaults}
    kept = [one.name for one in plan.parameters if one.name not in defaults]
    note = f"# As in the notebook, because YAML cannot hold them: {', '.join(kept)}\n" if kept else ""
    return (f"{_WRITTEN}{json.dumps(plan.name)}. Values are yours to set.\n{note}" + _yaml(values)).encode()


def _set_before(plan: Plan, path: Path) -> dict[str, object]:
    import yaml

    text = _there(path)
    if text is None:
        return {}
    if not text.startswith(f"{_WRITTEN}{json.dumps(plan.name)}."):
        raise _in_the_way(path, f"was not written for {plan.name}")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        raise _in_the_way(path, "is not YAML any more") from None
    return {str(name): value for name, value in content.items()} if isinstance(content, dict) else {}


def _signed(plan: Plan, path: Path, body: str) -> bytes:
    """The body under a header with its digest, by which the next export sees whether somebody edited it."""
    header = f"{_WRITTEN}{json.dumps(plan.name)}. Run it with `dvc repro`; export again after changes.\n# "
    text = _there(path)
    if text is not None:
        if not text.startswith(header):
            raise _in_the_way(path, f"was not written for {plan.name}")
        digest, _, rest = text[len(header) :].partition("\n")
        if digest != Digest.of_text(rest):
            raise _in_the_way(path, "was changed by hand since it was exported")
    return f"{header}{Digest.of_text(body)}\n{body}".encode()


def _there(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise _in_the_way(path, "cannot be read") from None


def _in_the_way(path: Path, why: str) -> BadInput:
    return BadInput(f"{path} {why}, so it stays as it is.", next="Move it away, or name another folder: `mlgov export --output DIR`.")


def _yaml(value: object) -> str:
    """Block YAML in the given order; every text value is quoted, so that YAML 1.1 and 1.2 readers see the same."""
    import yaml

    class Quoting(yaml.SafeDumper):
        """SafeDumper with double quotes around text values, and without anchors."""

        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # PyYAML's signature
            return True

    def text(dumper: yaml.SafeDumper, content: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", content, style=None if _plain(content) else '"')

    Quoting.add_representer(str, text)
    return yaml.dump(value, Dumper=Quoting, sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=False)


def _plain(content: str) -> bool:
    """Words that no YAML reader takes for a number, a date or true and false."""
    return content.isascii() and content.replace("_", "a").isalpha() and content.lower() not in _WORDS


_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}


TARGET = FileTarget("dvc", files, by_step)
