"""How a document looks: a serif page of 10 pt with wide margins on paper, the same calm column on a screen."""

from __future__ import annotations

from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.look import DARK, LIGHT
from jupyter_mlgov.reports.markup import Html, el

_RULES = """
*{box-sizing:border-box}
html{background:var(--page)}
body{margin:0 auto;max-width:52em;padding:24px 28px 80px;color:var(--ink);background:var(--page);overflow-wrap:anywhere;
font:15px/1.5 Charter,"Bitstream Charter","Source Serif 4",Cambria,"Liberation Serif","DejaVu Serif",Georgia,serif}
h1,h2,h3,h4{font-weight:600;line-height:1.25;margin:1.6em 0 .5em;break-after:avoid}
h1{font-size:2em;margin:.1em 0}h2{font-size:1.35em;border-bottom:1px solid var(--line);padding-bottom:.2em}
h3{font-size:1.12em}h4{font-size:1em;font-style:italic}
p,ul,ol,dl{margin:.5em 0}ul,ol{padding-left:1.6em}li{margin:.15em 0}
a{color:var(--link);text-decoration:none}a:hover,a:focus-visible{text-decoration:underline}
a.ev{color:inherit;text-decoration:underline dotted var(--soft);text-underline-offset:2px}
code{font:.86em/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace}
.soft{color:var(--soft)}.over{color:var(--soft);margin:0}.subject{font-size:1.2em;margin:.1em 0 1em}
.caveat{border-top:1px solid var(--line);border-bottom:1px solid var(--line);padding:.4em 0}
.facts{display:grid;grid-template-columns:minmax(9em,max-content) minmax(0,1fr);gap:.15em 1.2em}
.facts dt{color:var(--soft)}.facts dd{margin:0}
.contents ul{list-style:none;padding:0}.contents .level-2{padding-left:1.6em}
table{table-layout:fixed;border-collapse:collapse;width:100%;margin:.9em 0;font-size:.88em;line-height:1.35}
table.wide{font-size:.8em}
caption{text-align:left;font-style:italic;color:var(--soft);padding:0 0 .3em;caption-side:top}
th{text-align:left;font-weight:600;border-bottom:1.5px solid var(--ink);border-top:1.5px solid var(--ink);padding:.25em .5em .25em 0}
td{text-align:left;vertical-align:top;border-bottom:1px solid var(--line);padding:.3em .5em .3em 0;
font-variant-numeric:tabular-nums lining-nums}
tr{break-inside:avoid}
figure{margin:1em 0;break-inside:avoid}figcaption{font-style:italic;color:var(--soft);font-size:.9em}
svg{display:block;font-family:system-ui,"Liberation Sans","DejaVu Sans",sans-serif}
.gap{border-left:3px dashed var(--unknown);padding-left:.7em}
.written{margin:.9em 0}.written .ask{font-weight:600;margin-bottom:.1em;break-after:avoid}
blockquote{margin:.2em 0;padding-left:.8em;border-left:3px solid var(--line)}blockquote p{margin:0}
.written .soft{font-size:.86em;margin:.1em 0}
.verdict{font-family:system-ui,"Liberation Sans","DejaVu Sans",sans-serif;font-size:.95em}
.mg-fail{color:var(--fail)}.mg-warn{color:var(--warn)}.mg-pass{color:var(--pass)}.mg-unknown{color:var(--unknown)}.mg-mute{color:var(--mute)}
"""
_PAPER = """
@page{size:A4;margin:24mm 24mm 22mm;
@bottom-right{content:counter(page) " / " counter(pages);font:8pt "Liberation Serif","DejaVu Serif",serif}
@bottom-left{content:string(running);font:8pt "Liberation Serif","DejaVu Serif",serif}}
@page:first{@bottom-left{content:none}@bottom-right{content:none}}
@media print{html,body{background:none}body{max-width:none;padding:0;font-size:10.2pt;line-height:1.42}
.contents{break-before:page;break-after:page}h2{break-before:auto}
.contents a::after{content:leader(".") target-counter(attr(href),page);color:var(--soft)}
.contents a{color:inherit}h1{bookmark-level:1}h2{bookmark-level:2}h3{bookmark-level:3}h4{bookmark-level:4}
thead{display:table-header-group}a{color:inherit}a.ev{text-decoration:underline;text-decoration-color:var(--line)}p{orphans:3;widows:3}}
"""


def paper(running: str) -> Html:
    """The style sheet of a document; `running` is the line at the foot of each page."""
    light, dark = _colours(LIGHT), _colours(DARK)
    themes = f":root{{color-scheme:light dark;--page:#ffffff;{light}}}"
    themes += f"@media screen and (prefers-color-scheme:dark){{:root{{--page:#0d1117;{dark}}}}}"
    foot = _PAPER.replace("string(running)", _quoted(running))
    return el("style", Html((themes + _RULES + foot).replace("\n", "")))


def _colours(palette: dict[str, str]) -> str:
    return "".join(f"--{role}:{colour};" for role, colour in palette.items())


def _quoted(text: str) -> str:
    """A CSS string that ends nowhere but at its end: every letter that is not plain is written as its number."""
    plain = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in " .-_") else f"\\{ord(letter):06x} "
        for letter in visible(text, limit=90)
    )
    return f'"{plain}"'
