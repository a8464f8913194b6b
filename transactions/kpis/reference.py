"""The reference page of key figures, made of their definitions.

``python -m transactions.kpis.reference`` prints it; ``docs/reference/kpis.md`` is what it printed last, and a test
holds the two together.
"""

from __future__ import annotations

import sys

from transactions.kpis.definitions import DEFINITIONS, OBJECTIVE, Better, Definition, Source, Unit
from transactions.kpis.spans import ERROR
from transactions.kpis.windows import HOURS_KEPT, LENGTHS, LONGEST, MINUTES_KEPT
from transactions.kpis.wording import percent, value_of

_LENGTHS = ", ".join(f"`{length}`" for length in LENGTHS)
_HEAD = f"""# Key figures

Made from the definitions: `python -m transactions.kpis.reference`.

`andon kpis`, `:kpis` in the console and `GET /admin/v1/kpis` show these for a window, beside the window of the same
length before, by plant and by flow, within the reach of whoever asks.

- **Windows**: {_LENGTHS} or any other duration up to {LONGEST.days} days; `shift`, the running shift of the plant
  that is named, else of the default plant; `FROM..TO` with two moments in UTC (`2026-11-20..2026-11-21T06:00`).
- **Kept, not scanned**: numbers are counted when something happens, by the minute for {MINUTES_KEPT.days} days, by
  the hour for {HOURS_KEPT.days} days, and by the day for good. A window is widened to these edges, and the answer
  says where they are.
- **Counted when**: most numbers are counted at the moment something happens. What is said of transactions "that came in
  during the window", or "fell due", is counted at that moment however late it happens, so that both sides of a
  fraction are about the same transactions.
- **Medians and percentiles** are told from slots of spans, and are at most {ERROR * 100:.0f} % off.
- **Not known** is a dash and never a zero: nothing was there to compute it of, or nobody asked the systems.
- **Bars** are customary; a single flow's posting latency is held against its own SLO.
- The hub's own reversals and corrections are in none of the figures.

`andon kpis --report slo --week 2026-W47` writes a week's service levels as Markdown: for each flow how many fell due,
how many were in time, how much of the error budget was used (what {percent(100 - OBJECTIVE)} of them may miss), the
worst hours, what failed, and what changed. Weeks are those of ISO 8601, in UTC.

`/metrics` has the counters, histograms and gauges that these are made of, with plant, flow and target.

| figure | unit | better | bar |
| --- | --- | --- | --- |
"""
_BETTER = {Better.UP: "higher", Better.DOWN: "lower", Better.NEITHER: "neither"}
_UNITS = {
    Unit.SECONDS: "time",
    Unit.PERCENT: "percent",
    Unit.COUNT: "number",
    Unit.PER_HOUR: "an hour",
    Unit.PER_THOUSAND: "per thousand (‰)",
}
_SOURCES = {
    Source.COUNTED: "",
    Source.STOCK: "Of this moment, whatever the window.",
    Source.RECONCILED: "Of the newest reconciliation at each plant, and says when that was.",
}


def page() -> str:
    """The whole page, as Markdown."""
    return _HEAD + "".join(map(_row, DEFINITIONS)) + "".join(map(_section, DEFINITIONS))


def _row(one: Definition) -> str:
    bar = "" if one.bar is None else f"{'≥' if one.better is Better.UP else '≤'} {value_of(one.bar, one.unit)}"
    return f"| [{one.title}](#{one.name}) | {_UNITS[one.unit]} | {_BETTER[one.better]} | {bar} |\n"


def _section(one: Definition) -> str:
    lines = [f"\n## {one.name}\n", f"{_sentence(one.formula)}.\n"]
    lines += [f"{_SOURCES[one.source]}\n"] if _SOURCES[one.source] else []
    lines.append(f"- above the line: {one.above}" if one.below else f"- counted: {one.above}")
    lines += [f"- below the line: {one.below}"] if one.below else []
    lines.append(f"- left out: {one.excludes}")
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    sys.stdout.write(page())
