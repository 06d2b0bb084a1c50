"""A model card as Hugging Face reads it: a YAML head and Markdown in which every foreign text is text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator

from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.dossier.document import Gap
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.writing import written
from jupyter_mlgov.reports.numbers import count, figure, measured
from jupyter_mlgov.reports.reading import CAVEAT

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:@=])")


def model_card(facts: DossierFacts) -> str:
    """The card: what the model is for, what was measured, what is not known. It names no person."""
    parts = [_head(facts), f"# {md(facts.name)}", md(CAVEAT)]
    for title, kind, name in (
        ("Intended use", "development", "purpose"),
        ("Out of scope", "development", "prohibited"),
        ("Limits", "development", "limits"),
        ("Data", "development", "data_choice"),
    ):
        parts += [f"## {title}", _told(facts, kind, name)]
    parts += [f"- {md(path)} {md(digest)}" for path, digest in sorted(facts.lineage.data.items())]
    parts += ["## Evaluation", "\n".join(_evaluation(facts)), "## What was not checked", "\n".join(_unchecked(facts))]
    return "\n\n".join(parts) + "\n"


def md(text: object) -> str:
    """`text` as one line in which Markdown and HTML find nothing to read."""
    return _MARKS.sub(r"\\\1", visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _told(facts: DossierFacts, kind: str, name: str) -> str:
    found = written(facts, kind, name)
    if isinstance(found, Gap):
        return "Missing: nobody wrote it\\."
    return ("" if found.about_this else "Written about an earlier model: ") + md(found.text)


def _head(facts: DossierFacts) -> str:
    """YAML whose every text is a JSON string, which is a YAML string too."""
    report = facts.report
    lines = ["---", f"model_name: {_yaml(facts.name)}", "tags:", "- tabular-classification", "- jupyter-mlgov"]
    if facts.lineage.metrics:
        lines += ["metrics:", *(f"- {_yaml(name)}" for name in facts.lineage.metrics)]
    results = list(_results(facts))
    if results:
        lines += ["model-index:", f"- name: {_yaml(facts.name)}", "  results:", "  - task:", "      type: tabular-classification"]
        lines += ["    dataset:", f"      name: {_yaml(facts.team.roles.table)}", "      type: tabular", "    metrics:", *results]
    if report is not None:
        lines.append(f"mlgov_report: {_yaml(report.digest)}")
    return "\n".join([*lines, "---"])


def _results(facts: DossierFacts) -> Iterable[str]:
    for name, value in facts.lineage.metrics.items():
        yield f"    - type: {_yaml(name)}"
        yield f"      value: {json.dumps(value) if math.isfinite(value) else 'null'}"


def _yaml(text: object) -> str:
    return json.dumps(visible(text), ensure_ascii=True)


def _evaluation(facts: DossierFacts) -> Iterator[str]:
    report = facts.report
    if report is None:
        yield "No report on this version is in the trail\\."
        return
    yield "| Check | Answer | Measured | Allowed | n |"
    yield "|---|---|---|---|---|"
    for result in report.results:
        first = next((one for one in result.findings if one.measured is not None), None)
        n = count(first.n) if first and first.n is not None else "—"
        cells = (
            result.title or result.validator,
            result.verdict.word,
            measured(first) if first else "—",
            first.allowed if first else "—",
            n,
        )
        yield f"| {' | '.join(md(cell) or '—' for cell in cells)} |"
    for name, value in facts.lineage.metrics.items():
        yield f"| {md(name)} | {md('recorded by the run')} | {md(figure(value))} | — | — |"


def _unchecked(facts: DossierFacts) -> Iterator[str]:
    left = sorted({item.control for item in facts.report.unchecked}) if facts.report else []
    if facts.report is None:
        yield "Everything\\."
    elif not left:
        yield "Each control in force has an answer\\."
    yield from (f"- {md(control)}" for control in left)
