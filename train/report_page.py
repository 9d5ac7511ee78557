"""The report's page: one HTML file without any reference to another, for a screen of any width, dark or light, and for paper."""

from collections.abc import Sequence
from html import escape

_STYLE = """
:root{--ink:#1d232b;--soft:#5c6773;--paper:#fff;--panel:#f5f7f9;--line:#d9dfe5;--c0:#1b6fb5;--c1:#d1581c;--c2:#2a8a57;--c3:#8a4fbf;
--c4:#9a7b00;--c5:#c2336d;--good:#1b6fb5;--bad:#d1581c}
@media (prefers-color-scheme:dark){:root{--ink:#e4e9ee;--soft:#9aa7b4;--paper:#14181d;--panel:#1c2229;--line:#343d47;--c0:#5aaef0;
--c1:#f2935a;--c2:#5fc78e;--c3:#bf93ea;--c4:#d9b93c;--c5:#f07aa6;--good:#5aaef0;--bad:#f2935a}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:1.9rem;line-height:1.2;margin:.4em 0 .2em}
h2{font-size:1.3rem;margin:2.4em 0 .5em;padding-top:.6em;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.2em 0 .4em}
p{margin:.5em 0;max-width:72ch;overflow-wrap:anywhere}
.soft,figcaption,.legend{color:var(--soft);font-size:.875rem}
nav{display:flex;flex-wrap:wrap;gap:.3em 1em;font-size:.9rem;margin:1em 0}
a{color:var(--c0)}
.note{background:var(--panel);border-left:3px solid var(--c1);padding:.6em 1em;border-radius:0 6px 6px 0;max-width:none}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:20px;align-items:start}
figure{margin:0;background:var(--panel);border-radius:8px;padding:14px;min-width:0}
figcaption{margin-bottom:8px;color:var(--ink);font-weight:600}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;margin:.8em 0}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:6px 12px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}
th{background:var(--panel);font-weight:600}
tr:last-child td{border-bottom:0}
svg{display:block;width:100%;max-width:640px;height:auto;margin:0 auto}
.matrix{overflow-x:auto}
.matrix svg{min-width:400px}
svg text{fill:var(--ink);font-size:12px}
svg .tick{fill:var(--soft);font-size:11px}
svg .count{font-size:9.5px}
svg .on{fill:#fff;font-weight:600}
svg .grid{stroke:var(--line);stroke-width:1}
svg .mark{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 3}
svg polyline{fill:none;stroke-width:2;stroke-linejoin:round}
svg .band{stroke:none;opacity:.18}
svg .cell.right{fill:var(--good)}
svg .cell.wrong{fill:var(--bad)}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;margin:4px 0 0}
.legend span{white-space:nowrap}
.legend i{display:inline-block;width:14px;height:3px;margin:0 6px 3px 0;background:currentColor}
.errors{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:14px}
.errors figure{padding:8px}
.errors img{display:block;max-width:100%;max-height:80px;margin:0 auto 6px;background:#fff;border-radius:3px}
.errors p{margin:0;font-size:.8rem;overflow-wrap:anywhere}
code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9em;overflow-wrap:anywhere}
@media (max-width:560px){svg text{font-size:19px}svg .tick{font-size:17px}
.matrix svg text{font-size:12px}.matrix svg .count{font-size:9.5px}
figure{padding:10px}}
@media print{main{max-width:none;padding:0}body{font-size:11px}nav{display:none}figure,tr,.note{break-inside:avoid}h2,h3{break-after:avoid}
.grid{grid-template-columns:1fr 1fr}.scroll{overflow:visible;border:0}th,td{padding:3px 6px;white-space:normal}}
@page{margin:14mm}
"""
_COLOURS = "".join(
    f"svg polyline.c{i}{{stroke:var(--c{i})}}svg .band.c{i},svg circle.c{i}{{fill:var(--c{i})}}.legend .c{i}{{color:var(--c{i})}}"
    for i in range(6)
)
_RULE = "svg polyline.rule{stroke:var(--soft);stroke-width:1;stroke-dasharray:5 4}.legend .rule{color:var(--soft)}"


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """Return the whole file; ``sections`` are heading and HTML, the first one stands above the table of contents."""
    (heading, opening), *others = sections
    links = "".join(f'<a href="#s{i}">{escape(name)}</a>' for i, (name, _) in enumerate(others))
    body = "".join(f'<section id="s{i}"><h2>{escape(name)}</h2>{html}</section>' for i, (name, html) in enumerate(others))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{_STYLE}{_COLOURS}{_RULE}</style></head>\n"
        f"<body><main><h1>{escape(heading)}</h1>{opening}<nav>{links}</nav>{body}</main></body></html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that scrolls sideways where it is too wide; every cell is text."""
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(caption: str, html: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{html}</figure>"


def grid(figures: Sequence[str], kind: str = "grid") -> str:
    return f'<div class="{kind}">{"".join(figures)}</div>'
