"""The only place where HTML is put together: known elements, known attributes, all else is text."""

from __future__ import annotations

import re
from html import escape

from jupyter_mlgov.reports.clean import safe_link, visible

_PAGE_WORDS = (
    "body br code dd details div dl dt footer h2 head header html li main meta ol p section span strong style summary table tbody td th"
)
_MORE_WORDS = "time title tr ul a svg g line circle rect text path"
_BOOK_WORDS = "thead h1 h3 h4 nav caption figure figcaption blockquote input label"
_HTML_NAMES = "class href rel target lang title charset content name http-equiv open scope role datetime aria-label aria-hidden style"
_SVG_NAMES = "x y x1 x2 y1 y2 cx cy r rx d width height viewBox text-anchor xmlns focusable data-cell"
_DRAWN_NAMES = "stroke stroke-width stroke-dasharray stroke-opacity fill font-size"
_BOOK_NAMES = "id colspan type for hidden aria-labelledby aria-live data-row placeholder tabindex aria-sort"
ELEMENTS = frozenset((*_PAGE_WORDS.split(" "), *_MORE_WORDS.split(" "), *_BOOK_WORDS.split(" ")))
ATTRIBUTES = frozenset((*_HTML_NAMES.split(" "), *_SVG_NAMES.split(" "), *_DRAWN_NAMES.split(" "), *_BOOK_NAMES.split(" ")))
_VOID = frozenset(("meta", "br", "input"))
_ID = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
# Inline style carries numbers only: lengths and shares that we computed.
_STYLE = re.compile(r"(?:[a-z-]+:-?[0-9.]+(?:%|px|em)?;?)+")


class Html(str):
    """Markup that is safe to put into a page. Plain text becomes Html only through `el` and `say`."""

    __slots__ = ()


def say(value: object, *, limit: int = 2000) -> Html:
    """Foreign text as text: every letter seen, nothing read as markup."""
    return Html(escape(visible(value, limit=limit), quote=True))


def join(*parts: str, by: str = "") -> Html:
    """Parts side by side; a plain string among them is text."""
    return Html(say(by).join(_safe(part) for part in parts if part))


def el(tag: str, *children: str, **attributes: str | int | float | bool | None) -> Html:
    """One element. `class_` means class and `aria_label` aria-label; None and False leave an attribute out."""
    if tag not in ELEMENTS:
        raise ValueError(f"No element {tag!r} in reports/markup.py.")
    head = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Html(head) if tag in _VOID else Html(f"{head}{join(*children)}</{tag}>")


def prose(sentence: object) -> Html:
    """A sentence in which `what to type` stands between backticks, as code."""
    pieces = visible(sentence).split("`")
    if len(pieces) % 2 == 0:
        return say(sentence)
    return Html("".join(el("code", piece) if index % 2 else say(piece) for index, piece in enumerate(pieces)))


def link(url: str, label: str) -> Html:
    """A link that leaves the page, for https addresses only; any other address stands as text behind its label."""
    address = safe_link(url)
    if not address:
        return join(label, f" ({visible(url)})") if url else join(label)
    return el("a", label, href=address, rel="noopener noreferrer", target="_blank")


def anchor(target: str, label: str, *, name: str | None = None) -> Html:
    """A link inside the page. `target` is an id that we made: letters, digits and `-` only."""
    if not _ID.fullmatch(target):
        raise ValueError(f"{target!r} is no id of ours.")
    return el("a", label, href=f"#{target}", class_=name)


def _attribute(name: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    key = name.rstrip("_").replace("_", "-")
    if key not in ATTRIBUTES:
        raise ValueError(f"No attribute {key!r} in reports/markup.py.")
    if key == "style" and not _STYLE.fullmatch(str(value)):
        raise ValueError("Inline style carries numbers only.")
    return f" {key}" if value is True else f' {key}="{escape(visible(value), quote=True)}"'


def _safe(part: str) -> str:
    return part if isinstance(part, Html) else say(part)
