"""bandit and detect-secrets on a notebook's program. What they skip or break on in silence is raised here, never read as clean."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jupyter_mlgov.sdk import Text
from mlgov_validators.issues import Grade, Issue
from mlgov_validators.program import Place, Program

GRADES: dict[str, Grade] = {"HIGH": "high", "MEDIUM": "medium", "LOW": "low", "UNDEFINED": "medium"}
LEAST_TESTS = 30  # bandit 1.9 has over 60; it goes on without those that do not load
LEAST_PLUGINS = 12  # detect-secrets 1.5 has 27
# Plug-ins whose hits are guesses from entropy or a word, not the published form of a token.
GUESSES = ("Base64 High Entropy String", "Hex High Entropy String")
NOT_SECRETS = ("Public IP (ipv4)",)  # priv.pii looks for these, and knows private ranges


class Broke(Exception):
    """A scanner did not look at all it was given."""


def bandit(program: Program) -> Iterator[Issue]:
    """Each issue bandit has, at its cell and line. `# nosec` hides nothing: it makes high into medium and is said.

    Raises ImportError where bandit is not installed, Broke where it skipped the file or one of its tests crashed (it logs both and
    reports the file as clean).
    """
    if not program.source.strip():
        return
    # bandit warns of the standard library's future, and the code it reads of its own: neither is ours to say.
    with tempfile.TemporaryDirectory(prefix="mlgov-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from bandit.core.config import BanditConfig
        from bandit.core.manager import BanditManager

        logging.getLogger("bandit").setLevel(logging.CRITICAL)
        file = Path(folder) / "notebook.py"
        file.write_text(program.source, "utf-8", errors="surrogatepass")
        # debug: a test that crashes ends the scan of the file instead of being logged and forgotten.
        manager: Any = BanditManager(BanditConfig(), "file", debug=True, ignore_nosec=True)
        manager.discover_files([str(file)])
        manager.run_tests()
    if sum(len(tests) for tests in manager.b_ts.tests.values()) < LEAST_TESTS:
        raise Broke("bandit found less than half of its own tests, so its silence says nothing. Install it again.")
    if manager.skipped or len(manager.files_list) != 1:
        why = "; ".join(str(reason) for _, reason in manager.get_skipped()) or "it found no file"
        raise Broke(f"bandit did not look at {program.path or 'the cells'}: {why}.")
    lines = program.source.split("\n")
    for issue in manager.get_issue_list():
        line = lines[issue.lineno - 1] if 0 < issue.lineno <= len(lines) else ""
        yield _bandit_issue(issue, program, marked="nosec" in line.partition("#")[2])


def _bandit_issue(issue: Any, program: Program, *, marked: bool) -> Issue:
    grade = GRADES.get(issue.severity, "medium")
    says = f"has: {issue.text.split(chr(10))[0].rstrip('.')}"
    if marked:
        grade, says = ("medium" if grade == "high" else grade), f"{says}; it is marked nosec"
    cwe = f"CWE-{issue.cwe.id}" if issue.cwe and issue.cwe.id else ""
    return Issue(rule=issue.test_id, grade=grade, says=says, place=program.at(issue.lineno), cwe=cwe)


def secrets(texts: Iterable[tuple[Text, str]]) -> Iterator[Issue]:
    """Each secret detect-secrets sees in each text (with the suffix it is read as), with its line and never its value.

    No line is allow-listed; nothing is verified online. Raises ImportError where detect-secrets is not installed, Broke where it would
    ask a server.
    """
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    with tempfile.TemporaryDirectory(prefix="mlgov-") as folder, default_settings() as settings:
        settings.disable_filters("detect_secrets.filters.allowlist.is_line_allowlisted")
        if any("verif" in name for name in settings.filters):
            raise Broke("detect-secrets would ask a server whether a secret is real, so it was not run.")
        if len(settings.plugins) < LEAST_PLUGINS:
            raise Broke("detect-secrets found less than half of its own plug-ins, so its silence says nothing. Install it again.")
        for text, suffix in texts:
            if text.content.strip():
                file = Path(folder) / f"text{suffix}"
                file.write_text(text.content, "utf-8", errors="surrogatepass", newline="\n")
                found = {(one.type, one.line_number) for one in scan_file(str(file)) if one.type not in NOT_SECRETS}
                yield from (_secret(kind, Place(text=text, line=text.line + line - 1)) for kind, line in sorted(found))


def _secret(kind: str, place: Place) -> Issue:
    guess = kind in GUESSES
    return Issue(
        rule="secret",
        grade="medium" if guess else "high",
        says=f"{'may hold' if guess else 'holds'} a secret: {kind}",
        place=place,
        cwe="CWE-798",
        fix="Take it out, rotate it, and read it from the environment or a vault.",
        covers=("B105", "B106", "B107"),
    )
