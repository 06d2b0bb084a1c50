"""Our own rules for notebooks: what the general tools do not look for, or grade for servers and not for models."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mlgov_validators.calls import aliases, dotted, handles, is_value, keyword, texts
from mlgov_validators.issues import Grade, Issue, shown
from mlgov_validators.program import Command, Program

UNPICKLERS = {
    "pickle.load": "a pickle", "pickle.loads": "a pickle", "pickle.Unpickler": "a pickle", "cloudpickle.load": "a pickle",
    "cloudpickle.loads": "a pickle", "dill.load": "a pickle", "dill.loads": "a pickle", "joblib.load": "a joblib file",
    "pandas.read_pickle": "a pickle", "torch.load": "a torch file", "shelve.open": "a shelf", "numpy.load": "pickled objects",
    "marshal.loads": "marshalled code", "marshal.load": "marshalled code", "sklearn.externals.joblib.load": "a joblib file",
}  # fmt: skip
SAFE = "Load safetensors, skops or ONNX, by a pinned digest."
_PATH = re.compile(r"^(?:/(?:home|Users|mnt|data|shared|opt|srv|var|tmp|media|Volumes|root|work|dbfs)(?:/|$)|[A-Za-z]:[\\/]|\\\\\w)")
_HTTP = re.compile(r"^http://(?!localhost\b|127\.|0\.0\.0\.0|\[::1\]|www\.w3\.org/|schemas?\.)")
_FEATURES = re.compile(r"features?|predictors?|x_?cols|columns_x|inputs|numeric|categorical", re.IGNORECASE)
_DATE = re.compile(r"^(?:19|20)\d{2}-\d{2}-\d{2}$")
_NETWORK = re.compile(r"^(?:requests|httpx|urllib\.request|aiohttp|ftplib|smtplib|paramiko|socket)\.\w+")
_HOLD_OUT = re.compile(r"(?:^|_)(?:test|holdout|hold_out|oot)(?:$|_)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A program with what its names mean."""

    program: Program
    tree: ast.Module
    names: dict[str, str]
    opened: dict[str, str]
    protected: tuple[str, ...] = ()

    def issue(
        self, node: ast.expr | ast.stmt, rule: str, grade: Grade, says: str, *, cwe: str = "", fix: str = "", covers: tuple[str, ...] = ()
    ) -> Issue:
        return Issue(rule=rule, grade=grade, says=says, place=self.program.at(node.lineno), cwe=cwe, fix=fix, covers=covers)


def issues(program: Program, protected: tuple[str, ...] = ()) -> Iterator[Issue]:
    """Every issue our rules find in one program and in its commands."""
    tree = program.tree
    scene = Scene(program=program, tree=tree, names=aliases(tree), opened=handles(tree), protected=protected)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for rule in CALLS:
                yield from rule(scene, node, dotted(node.func, scene.names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _text(scene, node, node.value)
        elif isinstance(node, ast.Assign):
            yield from _features(scene, node)
    yield from commands(program.commands)


# -- calls ------------------------------------------------------------------------------------------------------------


def _dynamic(scene: Scene, call: ast.Call, name: str) -> Iterator[Issue]:
    if name in ("eval", "exec", "builtins.eval", "builtins.exec") and call.args and not isinstance(call.args[0], ast.Constant):
        says = f"runs text as code with {name.split('.')[-1]}()"
        yield scene.issue(call, "MG101", "high", says, cwe="CWE-95", fix="Call the function itself, or ast.literal_eval for data.",
                          covers=("B102", "B307"))  # fmt: skip


def _unpickle(scene: Scene, call: ast.Call, name: str) -> Iterator[Issue]:
    what = UNPICKLERS.get(name)
    if what is None or (name == "numpy.load" and not is_value(keyword(call, "allow_pickle"), True)):
        return
    if name == "torch.load" and is_value(keyword(call, "weights_only"), True):
        return
    source = _source(scene, call)
    outside = bool(source) and ("://" in source or _PATH.match(source) is not None or source.startswith(".."))
    where = f" from {shown(source)}" if source else ""
    yield scene.issue(call, "MG102", "high" if outside else "medium", f"loads {what}{where}: it can run any code", cwe="CWE-502", fix=SAFE,
                      covers=("B301", "B302", "B614"))  # fmt: skip


def _source(scene: Scene, call: ast.Call) -> str:
    """The first text in the call's first argument, or in what the name there was made from."""
    if not call.args:
        return next((text for one in call.keywords for text in texts(one.value)), "")
    first = call.args[0]
    names = [one.id for one in ast.walk(first) if isinstance(one, ast.Name)]
    return next(texts(first), "") or next((scene.opened[name] for name in names if name in scene.opened), "")


def _tls(scene: Scene, call: ast.Call, name: str) -> Iterator[Issue]:
    if is_value(keyword(call, "verify"), False) or name == "ssl._create_unverified_context" or is_value(keyword(call, "verify_ssl"), False):
        says = "talks to a server without checking its certificate"
        yield scene.issue(call, "MG103", "high", says, cwe="CWE-295", fix="Give the certificate of your authority: verify=PATH.",
                          covers=("B501", "B323"))  # fmt: skip


def _shell(scene: Scene, call: ast.Call, name: str) -> Iterator[Issue]:
    loose = name in ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput")
    if not loose and not is_value(keyword(call, "shell"), True):
        return
    fixed = bool(call.args) and isinstance(call.args[0], ast.Constant)
    says = "runs a shell command" + ("" if fixed else " that is put together from values")
    yield scene.issue(call, "MG104", "medium" if fixed else "high", says, cwe="CWE-78", fix="Give subprocess.run a list of words.",
                      covers=("B602", "B604", "B605", "B607"))  # fmt: skip


def _silenced(scene: Scene, call: ast.Call, name: str) -> Iterator[Issue]:
    if name in ("warnings.filterwarnings", "warnings.simplefilter") and next(texts(call), "") == "ignore":
        yield scene.issue(call, "MG105", "low", "turns warnings off", fix="Silence the one warning meant, by its category and module.")


def _peeking(scene: Scene, call: ast.Call, _: str) -> Iterator[Issue]:
    if isinstance(call.func, ast.Attribute) and call.func.attr in ("fit", "fit_transform", "fit_predict", "partial_fit"):
        seen = [one.id for argument in call.args for one in ast.walk(argument) if isinstance(one, ast.Name) and _HOLD_OUT.search(one.id)]
        if seen:
            says = f"fits on {shown(seen[0])}: what is tested on is learned from"
            yield scene.issue(call, "MG106", "medium", says, fix="Fit on the training rows alone.")


def _egress(scene: Scene, call: ast.Call, name: str) -> Iterator[Issue]:
    if _NETWORK.match(name):
        yield scene.issue(
            call, "MG107", "low", f"talks to the network ({shown(name)})", fix="Say in the datasheet what leaves the machine."
        )


CALLS: tuple[Callable[[Scene, ast.Call, str], Iterator[Issue]], ...] = (
    _dynamic,
    _unpickle,
    _tls,
    _shell,
    _silenced,
    _peeking,
    _egress,
)


# -- texts and names --------------------------------------------------------------------------------------------------


def _text(scene: Scene, node: ast.Constant, value: str) -> Iterator[Issue]:
    if _HTTP.match(value) and not re.search(r"\s", value.strip()):
        host = shown(re.sub(r"^http://([^/?#@]*@)?([^/?#]*).*$", r"\2", value.strip()))
        yield scene.issue(node, "MG108", "medium", f"fetches without TLS from {host}", cwe="CWE-319", fix="Use https.")
    if _PATH.match(value) and "\n" not in value:
        says = f"names an absolute path ({shown(value, 30)}): it runs on one machine only"
        yield scene.issue(node, "MG109", "medium", says, fix="Make it a parameter, or relative to the notebook.", covers=("B108",))
    if _DATE.match(value):
        yield scene.issue(node, "MG110", "low", f"has a date written into it ({value})", fix="Make it a parameter.")


def _features(scene: Scene, node: ast.Assign) -> Iterator[Issue]:
    named = any(isinstance(target, ast.Name) and _FEATURES.search(target.id) for target in node.targets)
    if named and isinstance(node.value, (ast.List, ast.Tuple, ast.Set)):
        for column in sorted({one for one in texts(node.value) if one in scene.protected}):
            says = f"puts the protected attribute {shown(column)} among the features"
            yield scene.issue(node, "MG111", "high", says, fix="Take it out of the features; keep it for the fairness checks alone.")


# -- lines that are no Python -----------------------------------------------------------------------------------------

_PIP = re.compile(r"^(?:(?:python[\d.]*|\{?sys\.executable\}?) -m )?(?:uv )?(?:pip[\d.]*|conda|mamba) install\b(?P<rest>.*)$")
_REACHES = re.compile(r"(?:^|[|;&]\s*|\bsudo )(?:curl|wget|nc|scp|rsync|ssh|rm|chmod|chown|dd|mkfs|kill|sudo)\b")


def commands(found: Iterable[Command]) -> Iterator[Issue]:
    """Shell commands and magics: unpinned installs, and commands that reach out, delete or are put together from values."""
    for one in found:
        install = _PIP.match(one.words)
        if install:
            yield from _install(one, install["rest"])
        elif one.sign == "!":
            yield from _command(one)


def _install(one: Command, rest: str) -> Iterator[Issue]:
    words = [word.strip("'\"") for word in rest.split() if not word.startswith("-")]
    files = re.search(r"(?:^|\s)(?:-r|-c|--requirement|--constraint)[\s=]", rest)
    loose = [word for word in words if not re.search(r"==|@\s*\S+#sha256=", word) and not word.endswith((".txt", ".lock", ".whl"))]
    if files and not loose:
        return
    named = f": {', '.join(shown(word, 30) for word in loose[:5])}" if loose else ""
    grade: Grade = "medium" if loose else "low"
    says = f"installs packages without a pinned version{named}" if loose else "installs packages while it runs"
    yield Issue(rule="MG112", grade=grade, says=says, place=one.place, cwe="CWE-1357" if loose else "",
                fix="Put them into the lock, with hashes; a notebook installs nothing.")  # fmt: skip


def _command(one: Command) -> Iterator[Issue]:
    built = re.search(r"\{[^}]+\}|(?<!\\)\$\w", one.words)
    reaches = _REACHES.search(one.words)
    piped = re.search(r"\b(?:curl|wget)\b.*\|\s*(?:sudo )?(?:ba|z|da)?sh\b", one.words)
    grade: Grade = "high" if piped else "medium" if built or reaches else "low"
    word = shown(one.words.split(maxsplit=1)[0] if one.words else "", 20)
    more = " that runs what it downloads" if piped else " put together from values" if built else ""
    yield Issue(rule="MG113", grade=grade, says=f"runs a shell command{more} ({word})", place=one.place, cwe="CWE-78",
                fix="Do it in Python, or in a step of the pipeline where its inputs are recorded.")  # fmt: skip
