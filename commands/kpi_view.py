"""Key figures as people read them."""

from __future__ import annotations

from commands.output import Column, Listing
from commands.output.table_form import render
from commands.terminal import Look, plain
from transactions.kpis.definitions import Better, Unit
from transactions.kpis.model import Kpi, KpiPart, KpiReport
from transactions.kpis.sparkline import sparkline
from transactions.kpis.wording import UNKNOWN, change_of, value_of

_MET = {True: ("● met", "green"), False: ("■ missed", "red"), None: ("", "dim")}


def _bar(kpi: Kpi) -> str:
    if kpi.bar is None or kpi.better is Better.NEITHER:
        return ""
    return f"{'≥' if kpi.better is Better.UP else '≤'} {value_of(kpi.bar, kpi.unit)}"


def _of(kpi: Kpi) -> str:
    if kpi.count is None:
        return ""
    return f"{kpi.count:,}" if kpi.of is None else f"{kpi.count:,} of {kpi.of:,}"


def _trend(kpi: Kpi) -> str:
    return sparkline(kpi.trend) if any(value is not None for value in kpi.trend) else ""


COLUMNS: tuple[Column, ...] = (
    Column("figure", lambda k, _: k.title, give=1, least=24),
    Column("value", lambda k, _: value_of(k.value, k.unit), right=True, style=lambda k: None if k.met else "bold"),
    Column("change", lambda k, _: change_of(k.value, k.before, k.unit), right=True),
    Column("trend", lambda k, _: _trend(k), give=3, least=12),
    Column("bar", lambda k, _: _bar(k), right=True),
    Column("", lambda k, _: _MET[k.met][0], style=lambda k: _MET[k.met][1]),
    Column("counted", lambda k, _: _of(k), right=True),
)


def describe(report: KpiReport, look: Look) -> str:
    """Window, figures, ages of what is open, flows and plants, and what to know of it."""
    listing = Listing(of=Kpi, items=report.items, columns=COLUMNS, empty="", identify=lambda each: each.name)
    lines = [*_head(report, look), "", render(listing, look).rstrip("\n")]
    lines += _ages(report)
    lines += _by_flow(report, look)
    lines += _notes(report, look)
    return "\n".join(lines) + "\n"


def _head(report: KpiReport, look: Look) -> list[str]:
    window, before = report.window, report.before
    cut = [word for word in (report.plant, report.flow) if word is not None]
    of = f" of {plain(', '.join(cut))}" if cut else ""
    span = f"{window.begin:%Y-%m-%d %H:%M} to {window.until:%Y-%m-%d %H:%M}Z"
    head = f"{look.paint(plain(window.label), 'bold')}{of}  {span}"
    told = f"compared with {before.begin:%Y-%m-%d %H:%M} to {before.until:%Y-%m-%d %H:%M}Z"
    since = report.counted_since
    if since is None:
        told = "nothing was counted yet"
    elif since > window.begin:
        told = f"counted since {since:%Y-%m-%d %H:%M}Z: nothing is known of what was before"
    elif since > before.begin:
        told += f", of which only what was since {since:%Y-%m-%d %H:%M}Z is known"
    return [head, look.paint(told, "dim")]


def _ages(report: KpiReport) -> list[str]:
    found = [kpi for kpi in report.items if kpi.name == "exception-ageing" and kpi.of]
    if not found:
        return []
    parts = " · ".join(f"{part.name} {part.count:,}" for part in found[0].parts)
    return ["", f"open now: {found[0].of:,}  ({parts})"]


_FLOW_COLUMNS = (
    ("posting-latency-p50", "p50", Unit.SECONDS),
    ("posting-latency-p95", "p95", Unit.SECONDS),
    ("on-time", "on time", Unit.PERCENT),
    ("failed-rate", "failed", Unit.PERCENT),
    ("throughput", "an hour", Unit.PER_HOUR),
)


def _by_flow(report: KpiReport, look: Look) -> list[str]:
    tables = []
    wanted = {name for name, _, _ in _FLOW_COLUMNS}
    for head in ("flow", "plant"):
        by_name: dict[str, dict[str, KpiPart]] = {}
        for kpi in report.items:
            for part in kpi.flows if head == "flow" else kpi.plants:
                by_name.setdefault(part.name, {})[kpi.name] = part
        rows = [(name, parts) for name, parts in sorted(by_name.items()) if wanted & set(parts)]
        if len(rows) < 2:
            continue
        columns = [Column(head, lambda row, _: row[0] or "no plant", give=1, least=16)]
        columns += [_part_column(name, title, unit) for name, title, unit in _FLOW_COLUMNS]
        listing = Listing(of=tuple, items=rows, columns=columns, empty="", identify=lambda row: row[0])
        tables += ["", render(listing, look).rstrip("\n")]
    return tables


def _part_column(name: str, title: str, unit: Unit) -> Column:
    def value(row: tuple[str, dict[str, KpiPart]], _look: Look) -> str:
        part = row[1].get(name)
        return UNKNOWN if part is None else value_of(part.value, unit)

    def style(row: tuple[str, dict[str, KpiPart]]) -> str | None:
        part = row[1].get(name)
        return "red" if part is not None and part.met is False else None

    return Column(title, value, style=style, right=True)


def _notes(report: KpiReport, look: Look) -> list[str]:
    lines = []
    for kpi in report.items:
        told = []
        if kpi.as_of is not None:
            told.append(f"as the systems said {look.age(kpi.as_of)} ago")
        if kpi.note is not None:
            told.append(plain(kpi.note))
        if told and kpi.name != "exception-ageing":
            lines.append(look.paint(f"{kpi.title}: {'; '.join(told)}", "dim"))
    return ["", *lines] if lines else []
