"""Foreign HTML and pictures for a page that stands for us: no script, no style, no address that is asked for, no class of ours."""

from __future__ import annotations

import re

from jupyter_mlgov.reports.markup import Html, el, say

_WORDS = "a abbr b blockquote br caption code dd del details dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre s samp small"
_MORE = "span strong sub summary sup table tbody td tfoot th thead tr u ul var div"
_TAGS = (*_WORDS.split(" "), *_MORE.split(" "))
_DROPPED = re.compile(r"<(style|script|title|template|noscript)\b.*?(</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


def safe_html(text: str) -> Html:
    """`text` with known elements alone. A picture must be inside it as data; a link may lead out, nothing is fetched by itself."""
    import bleach

    clean = bleach.clean(_DROPPED.sub("", text), tags=_TAGS, attributes=_allowed, protocols=("https", "http", "mailto", "data"), strip=True)
    return Html(clean)


def _allowed(tag: str, name: str, value: str) -> bool:
    if tag == "img":
        return (name == "src" and _IMAGE.fullmatch(value) is not None) or name in ("alt", "width", "height")
    if tag == "a" and name == "href":
        return value.startswith(("https://", "http://", "mailto:"))
    return name in ("title", "colspan", "rowspan", "align", "start", "open")


def image(kind: str, encoded: str, text: str) -> Html:
    """A picture from its base64 content; what is no base64 is said, not drawn."""
    if not _BASE64.fullmatch(encoded):
        return el("p", "A picture stood here whose content is not readable.")
    return Html(f'<img alt="{say(text, limit=300)}" src="data:{kind};base64,{"".join(encoded.split())}">')
