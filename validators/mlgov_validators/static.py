"""Is the notebook's code safe to run, and is there a secret in what it shows?"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from jupyter_mlgov.sdk import Finding, Missing, Subject, Text, Verdict, validator
from mlgov_validators import rules, scanners
from mlgov_validators.issues import Issue, finding
from mlgov_validators.places import begins, place_details
from mlgov_validators.program import Program, is_code, programs

MOST_LOW = 20
EXTRA = 'Run `pip install "jupyter-mlgov[scan]"`.'


@validator(
    "code.sast",
    title="Notebook static analysis",
    needs=("texts",),
    uses=("protected",),
    extra="scan",
    timeout=120.0,
)
def static_analysis(subject: Subject) -> list[Finding]:
    """Does a cell run foreign code, shell commands or unchecked downloads, and does source or an output show a secret?

    The code cells of a notebook are read as one program, magics taken out line by line, by bandit and by rules of our own: text run as
    code (MG101), pickles and their kin (MG102), certificates not checked (MG103), shells (MG104, MG113), warnings off (MG105), fitting
    on what is tested on (MG106), network (MG107), http without TLS (MG108), absolute paths (MG109), dates written into code (MG110), a
    protected attribute among the features (MG111), installs without a pinned version (MG112). detect-secrets reads source and outputs.
    Every finding names cell and line. A comment (`# nosec`, `pragma: allowlist secret`) hides nothing.

    fail: an issue of grade high: a secret, MG101, MG103, MG111, a pickle from outside the workspace, a shell command put together from
    values, and what bandit grades high (medium where it is marked nosec).
    warn: an issue of grade medium: any other pickle, http, an absolute path, an unpinned install, what bandit grades medium, a text
    that is random enough to be a secret.
    inconclusive: a cell that Python cannot parse, a cell in another language, bandit or detect-secrets not installed, no cell of code.
    error: bandit skipped the program or one of its tests crashed. Issues of grade low are shown and pass.

    Source: house grades; OWASP Top 10 A03, A08; CWE ids (recalled, check); bandit and detect-secrets for their own rules.

    Fix: Mend the line that is named. Secrets: rotate first, then take them out. Files of models: safetensors, skops or ONNX by digest.
    """
    read = list(programs(subject.texts))
    if not read and not subject.texts:
        raise Missing("There is no text to look at.")
    problems = [one for program in read for one in _unread(program)]
    issues = [issue for program in read if program.places for issue in rules.issues(program, subject.roles.protected)]
    issues += [issue for program in read if not program.places for issue in rules.commands(program.commands)]
    for tool, name in ((_bandit, "bandit"), (_secrets, "detect-secrets")):
        found, problem = _tried(lambda tool=tool: tool(read, subject.texts), name)  # type: ignore[misc]  # each tool is bound at once
        issues += found
        problems += problem
    told = _merged(issues)
    return [*problems, *told, _whole(read, subject.texts, told)]


def _bandit(read: Iterable[Program], _: tuple[Text, ...]) -> Iterator[Issue]:
    for program in read:
        yield from scanners.bandit(program)


def _secrets(_: Iterable[Program], texts: tuple[Text, ...]) -> Iterator[Issue]:
    yield from scanners.secrets((text, ".py" if is_code(text) else ".txt") for text in texts)


def _tried(tool: Callable[[], Iterator[Issue]], name: str) -> tuple[list[Issue], list[Finding]]:
    """What a tool found, or the finding that says it did not look."""
    try:
        return list(tool()), []
    except ImportError:
        said = f"{name} is not installed, so its rules were not run. {EXTRA}"
        return [], [Finding(message=said, verdict=Verdict.INCONCLUSIVE, details={"tool": name})]
    except scanners.Broke as problem:
        return [], [Finding(message=str(problem), verdict=Verdict.ERROR, details={"tool": name})]
    except Exception as error:  # noqa: BLE001  # a broken tool is an error with its name; what the others found is still said
        said = f"{name} broke: {type(error).__name__}. Nothing it looks for was looked at."
        return [], [Finding(message=said, verdict=Verdict.ERROR, details={"tool": name})]


def _unread(program: Program) -> Iterator[Finding]:
    """What of a file was not read as Python."""
    for one in program.unparsed:
        said = f"{begins(one.text, one.line)} is not valid Python, so that cell was not analysed."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=one.text.where, details=place_details(one.text, one.line))
    for text, language in program.foreign:
        if language not in ("bash", "sh", "script", "!", "markdown", "html", "latex", "svg"):
            said = f"{begins(text, text.line)} is %%{language}, which no rule here reads."
            yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=text.where, details=place_details(text, text.line))


def _merged(issues: Iterable[Issue]) -> list[Finding]:
    """One finding an issue; another tool's word for the same line is left out. Low ones are shown up to a number."""
    ordered = sorted(issues, key=lambda one: (("high", "medium", "low").index(one.grade), _at(one), one.rule, one.says))
    covered = {(*_at(one), rule) for one in ordered for rule in one.covers}
    unique = {(_at(one), one.rule, one.says): one for one in ordered if (*_at(one), one.rule) not in covered}
    kept = list(unique.values())
    low = [one for one in kept if one.grade == "low"]
    return [finding(one) for one in kept if one.grade != "low"] + [finding(one) for one in low[:MOST_LOW]]


def _at(issue: Issue) -> tuple[str, int, str, int]:
    text = issue.place.text
    return (text.path, text.cell, text.where, issue.place.line)


def _whole(read: list[Program], texts: tuple[Text, ...], told: list[Finding]) -> Finding:
    """What was looked at, in numbers; nothing that is code is no pass."""
    lines = sum(len(program.places) for program in read)
    commands = sum(len(program.commands) for program in read)
    grave = sum(one.verdict is Verdict.FAIL for one in told)
    # Statements, not lines: another layout is no other measurement.
    statements = sum(isinstance(node, ast.stmt) for program in read if program.places for node in ast.walk(program.tree))
    said = f"{statements:,} statements of Python, {commands} shell commands and magics, and {len(texts)} texts were analysed: "
    said += (
        f"{grave} high, {sum(one.verdict is Verdict.WARN for one in told)} medium, {sum(one.verdict is Verdict.PASS for one in told)} low."
    )
    verdict = Verdict.PASS if lines or commands or not any(is_code(text) for text in texts) else Verdict.INCONCLUSIVE
    return Finding(message=said, verdict=verdict, measured=float(grave), allowed="0 high", n=statements)
