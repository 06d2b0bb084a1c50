"""The portfolio for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlgov.monitoring.portfolio.attention import RULE
from jupyter_mlgov.monitoring.portfolio.concentration import SOURCES, Dependencies
from jupyter_mlgov.monitoring.portfolio.facts import Count
from jupyter_mlgov.monitoring.portfolio.figures import Figure
from jupyter_mlgov.monitoring.portfolio.whole import Portfolio
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.numbers import count
from jupyter_mlgov.reports.portfolio import words
from jupyter_mlgov.reports.terminal import pad, paint, wrap

_NAMES = 5


def text(one: Portfolio, *, width: int = 100, colour: bool = False) -> str:
    """Everything but the inventory, which is a table: see --format csv or html."""

    def lines() -> Iterator[str]:
        yield paint(f"Portfolio · {words.headline(one)}", "bold", colour)
        yield from _part("Figures", colour)
        for figure in one.figures:
            yield from wrap(words.basis(figure), width, first=f"  {pad(figure.title, 34)} {pad(words.value(figure), 12)} ")
        yield from _part("Look here first", colour)
        for place, model in enumerate(one.first, 1):
            said = f"{words.tier(model.tier)}{f', {model.stage} {model.version}' if model.stage else ''}; {'; '.join(model.why)}"
            yield from wrap(visible(said), width, first=f"  {place:>3}. {pad(visible(model.model), 28)} ")
        yield from wrap(RULE, width, first="  ") if one.first else ["  No model is in the trail yet."]
        yield from _part(f"Findings: {count(one.findings_in_all)} open, {count(one.overdue)} overdue", colour)
        yield from _list(tuple(words.finding(item) for item in one.findings), one.findings_in_all, width)
        yield from _part(f"Reviews: {count(one.reviews_in_all)} open", colour)
        yield from _list(tuple(words.review(item) for item in one.reviews), one.reviews_in_all, width)
        yield from _part("Coming into force", colour)
        yield from _list(tuple(words.coming(item) for item in one.coming), len(one.coming), width)
        yield from _part("What models share", colour)
        yield from _shared(one.dependencies, width)
        yield ""
        yield from wrap(words.CAVEAT, width)

    return "\n".join(lines())


def entries_text(figure: Figure, found: tuple[Count, ...], total: int, *, width: int = 100) -> str:
    """A figure, what it means, and the entries it came from."""
    lines = [f"{figure.title}: {words.value(figure)}", *wrap(words.basis(figure), width, first="  ")]
    lines += wrap(f"{figure.says} Source: {figure.source}.", width, first="  ")
    for one in found:
        what = words.length(one.hours) if one.hours is not None else f"{one.good:+d} of {one.n:+d}"
        lines += wrap(f"{visible(one.model)}: entries {', '.join(map(str, one.entries))}", width, first=f"  {pad(what, 12)} ")
    rest = total - len(found)
    return "\n".join([*lines, *([f"  and {count(rest)} more: --offset, --limit, --format json"] if rest > 0 else [])])


def _part(title: str, colour: bool) -> Iterator[str]:
    yield ""
    yield paint(title, "bold", colour)


def _list(sentences: tuple[str, ...], total: int, width: int) -> Iterator[str]:
    for sentence in sentences:
        yield from wrap(visible(sentence), width, first="  ", rest="      ")
    if not total:
        yield "  none"
    elif total > len(sentences):
        yield f"  and {count(total - len(sentences))} more: --top"


def _shared(graph: Dependencies, width: int) -> Iterator[str]:
    if graph.hhi is None:
        yield "  no data: the trail names nothing that a model rests on"
        return
    high = ", concentrated" if graph.concentrated else ""
    said = f"{count(graph.models)} models, {count(graph.links)} links; concentration (HHI) {graph.hhi:.2f}{high}."
    unknown = f" Of {count(graph.unknown)} models nothing is known." if graph.unknown else ""
    yield from wrap(said + unknown, width, first="  ")
    for node in graph.nodes[:20]:
        names = ", ".join(node.feeds[:_NAMES]) + (f" and {len(node.feeds) - _NAMES} more" if len(node.feeds) > _NAMES else "")
        flags = f" — {'; '.join(node.flags)}" if node.flags else ""
        yield from wrap(visible(f"{node.kind} {' = '.join(node.names)} → {names}{flags}"), width, first="  ", rest="      ")
    if len(graph.nodes) > 20:
        yield f"  and {count(len(graph.nodes) - 20)} more: --format json"
    yield from wrap(SOURCES["hhi"], width, first="  ")
