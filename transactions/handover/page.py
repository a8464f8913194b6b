"""A handover as one HTML page: for a screen, light or dark, and for paper. It loads nothing and runs nothing."""

from __future__ import annotations

from html import escape

from transactions.handover.model import Handover
from transactions.handover.sections import Section, Table, sections, span_of, title_of
from transactions.steering import escaped

_STYLE = """
:root { color-scheme: light dark; --dim: #667; --line: #ccd; --alarm: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --dim: #9aa; --line: #445; --alarm: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; break-after: avoid; }
h2.alarm::before { content: "\\25A0  "; color: var(--alarm); } p.span { color: var(--dim); margin-top: .2rem; }
ul { padding-left: 1.2rem; margin: .3rem 0; } table { border-collapse: collapse; width: 100%; font-size: .92em; }
th { text-align: left; color: var(--dim); font-weight: normal; } tr { break-inside: avoid; }
th, td { padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
@media print { body { font-size: 10pt; margin: 0; max-width: none; } }
"""


def page(handover: Handover) -> str:
    """The report as a page of its own (HTML, UTF-8)."""
    body = "".join(_section(section) for section in sections(handover))
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{_text(title_of(handover))}</title><style>{_STYLE}</style></head>\n"
        f'<body><h1>{_text(title_of(handover))}</h1><p class="span">{_text(span_of(handover))}</p>\n'
        f"{body}</body></html>\n"
    )


def _section(section: Section) -> str:
    alarm = ' class="alarm"' if section.alarming else ""
    head = f"<h2{alarm}>{_text(section.title)}</h2>\n"
    if len(section.lines) == 1:
        head += f"<p>{_text(section.lines[0])}</p>\n"
    elif section.lines:
        head += f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in section.lines)}</ul>\n"
    return head + ("" if section.table is None else _table(section.table))


def _table(table: Table) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        made = (
            f"<{tag}{' class=n' if n in table.numbers else ''}>{_text(cell)}</{tag}>" for n, cell in enumerate(cells)
        )
        return f"<tr>{''.join(made)}</tr>"

    rows = "\n".join(row(each, "td") for each in table.rows)
    return f"<table><thead>{row(table.heads, 'th')}</thead><tbody>\n{rows}</tbody></table>\n"


def _text(text: str) -> str:
    return escape(escaped(text))
