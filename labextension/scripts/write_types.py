"""Write src/api/types.ts from the Python facts, so that the browser's types cannot drift from what the server sends.

`python scripts/write_types.py` writes the file; `python scripts/write_types.py --check` exits 1 when it is stale.
The wire form is `jupyter_mlgov.core.facts.plain`, which writes a dataclass field by field; this reads the same fields.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

TARGET = Path(__file__).parents[1] / "src" / "api" / "types.ts"
sys.path.insert(0, str(TARGET.parents[3]))

from jupyter_mlgov.core.verdicts import Severity, Verdict  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.lineage.facts import KINDS  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.monitoring.portfolio.attention import RULE  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.monitoring.portfolio.figures import FIGURES  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.promotion.facts import Decision, Review  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.reports.views import ModelPage, NotebookView, Presence, SuggestedStep, TrailPage, TrailVerified  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.validation.results import Report  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.workspace.answers import Asked  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.workspace.export_desk import ExportDone, ExportPlan  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.workspace.impact import Impact  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.workspace.portfolio_desk import PortfolioPage, PortfolioView  # noqa: E402 - the checkout must be importable first
from jupyter_mlgov.workspace.review_desk import PacketView, Reran, ReviewDesk  # noqa: E402 - the checkout must be importable first

HEAD = """/* Written by scripts/write_types.py from the Python facts; `npm run check:types` fails when it is stale. Do not edit. */
"""
TAIL = """
/** The published report (docs/formats/report.md): the facts with schema name, digest, counts and what blocks. */
export interface IReportJson extends IReport {
  schema: string;
  digest: string;
  counts: Record<string, number>;
  blocking: string[];
}
"""
SIMPLE: dict[Any, str] = {
    int: "number",
    float: "number",
    bool: "boolean",
    object: "unknown",
    Any: "unknown",
    NoneType: "null",
    datetime: "string",
}


class Writer:
    """Collects the interfaces and literal types that the given facts need, each once, in order of need."""

    def __init__(self) -> None:
        self.blocks: dict[str, str] = {}
        self.facts: dict[str, Any] = {}

    def name(self, hint: Any) -> str:
        """The TypeScript type of a Python type hint; raises TypeError for one this writer does not know."""
        origin, args = get_origin(hint), get_args(hint)
        if hint in SIMPLE:
            return SIMPLE[hint]
        if origin in (Union, UnionType):
            return " | ".join(self.name(item) for item in args)
        if origin is Literal:
            return " | ".join(quoted(item) for item in args)
        if origin is tuple:
            return f"{self.name(args[0])}[]" if args[-1] is Ellipsis else f"[{', '.join(self.name(item) for item in args)}]"
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return f"Record<string, {self.name(args[1])}>"
        if isinstance(hint, type) and issubclass(hint, Enum):
            self.blocks.setdefault(hint.__name__, literal(hint))
            return hint.__name__
        if is_dataclass(hint):
            return self.interface(hint)
        if isinstance(hint, type) and issubclass(hint, str):
            return "string"
        raise TypeError(f"scripts/write_types.py does not know how to write {hint!r}.")

    def interface(self, fact: Any) -> str:
        name = f"I{fact.__name__}"
        if self.facts.setdefault(name, fact) is not fact:
            raise TypeError(f"Two facts are named {fact.__name__}: the browser could not tell them apart.")
        if name not in self.blocks:
            self.blocks[name] = ""
            hints = get_type_hints(fact)
            lines = [f"  {field.name}: {self.name(hints[field.name])};" for field in fields(fact)]
            sentence = (fact.__doc__ or "").strip().splitlines()[0]
            self.blocks[name] = "\n".join([f"/** {sentence} */", f"export interface {name} {{", *lines, "}"])
        return name


def quoted(value: object) -> str:
    """A TypeScript string literal."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def literal(kind: type[Enum]) -> str:
    """An enum as a union of its values."""
    words = "\n".join(f"  | {quoted(item.value)}" for item in kind)
    return f"export type {kind.__name__} =\n{words};"


def rendered() -> str:
    """The whole text of types.ts."""
    writer = Writer()
    writer.interface(NotebookView)
    writer.interface(Report)
    for fact in (
        TrailPage,
        TrailVerified,
        SuggestedStep,
        Presence,
        Review,
        ModelPage,
        PortfolioView,
        PortfolioPage,
        ReviewDesk,
        PacketView,
        Reran,
        Impact,
        Asked,
        Decision,
        ExportPlan,
        ExportDone,
    ):
        writer.interface(fact)
    return "\n".join([HEAD, "\n\n".join(writer.blocks.values()), TAIL, words()])


def words() -> str:
    """The tables of words and orders that Python owns, as constants."""
    verdicts = [f"  {item.value}: {{ mark: {quoted(item.mark)}, word: {quoted(item.word)}, rank: {item.rank} }}" for item in Verdict]
    return "\n".join(
        [
            "/** Mark, word and reading order (0 is the gravest) of each verdict. */",
            "export const VERDICTS: Record<Verdict, { mark: string; word: string; rank: number }> = {",
            ",\n".join(verdicts),
            "};",
            "",
            "/** Severities, the gravest first. */",
            f"export const SEVERITIES: readonly Severity[] = [{', '.join(quoted(item.value) for item in Severity)}];",
            "",
            "/** Every sentence that the portfolio's figures and its order bring with them. */",
            "export const PORTFOLIO_SAYS: readonly string[] = [",
            ",\n".join(f"  {quoted(text)}" for text in dict.fromkeys(_says())),
            "];",
            "",
            "/** The kinds a step can have. */",
            f"export const KINDS: readonly string[] = [{', '.join(quoted(kind) for kind in KINDS)}];",
            "",
        ]
    )


def _says() -> Iterator[str]:
    for one in FIGURES:
        yield from (one.title, one.of, one.says)
    yield RULE


def main() -> int:
    """Write the file, or with --check compare it."""
    text = rendered()
    if "--check" not in sys.argv:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == text:
        return 0
    sys.stderr.write("src/api/types.ts is stale: the Python facts changed. Run `npm run types`.\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
