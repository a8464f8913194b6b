"""How the flows kept their service levels in a week: the numbers, and the page that tells them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from transactions.kpis.wording import UNKNOWN, percent, span


class SloHour(Struct, frozen=True, kw_only=True):
    """An hour (of long ago: a day) in which transactions fell due that their target did not have."""

    at: datetime
    owed: int
    missed: int


class SloCause(Struct, frozen=True, kw_only=True):
    """A group of failures of the week."""

    fingerprint: str
    target: str
    kind: str
    code: str
    template: str
    count: int


class SloFlow(Struct, frozen=True, kw_only=True):
    """One flow's week.

    Attributes:
        slo_seconds: the time that its documents have; None for a flow that is not declared any more.
        owed: transactions that fell due; ``in_time`` of them were in their target by then.
        met: percent of these; None where nothing fell due.
        before: the same of the week before.
        burn: how much of the week's error budget was used, 1 for all of it: missed transactions, over those that the
            objective lets miss.
        p95: the posting latency that 95 of 100 did not exceed, in seconds.
    """

    flow: str
    slo_seconds: float | None
    owed: int
    in_time: int
    met: float | None
    before: float | None
    burn: float | None
    p95: float | None
    worst: list[SloHour]
    causes: list[SloCause]

    @property
    def missed(self) -> int:
        """Transactions that their target did not have when they fell due."""
        return max(0, self.owed - self.in_time)


class SloChange(Struct, frozen=True, kw_only=True):
    """Something that people did in the week, or a cause that was new."""

    at: datetime
    by: str
    what: str


class SloReport(Struct, frozen=True, kw_only=True):
    """A week.

    Attributes:
        ended: whether the week is over; else the numbers are those until ``until``.
        objective: percent of the transactions of a flow that shall be in time.
        counted_since: nothing is known of what was before.
        changes_left_out: further changes, which are not listed.
    """

    week: str
    begin: datetime
    until: datetime
    at: datetime
    ended: bool
    plant: str | None
    objective: float
    flows: list[SloFlow]
    changes: list[SloChange]
    changes_left_out: int
    counted_since: datetime | None


def met(owed: int, in_time: int) -> float | None:
    """Percent in time."""
    return None if owed <= 0 else min(owed, in_time) / owed * 100.0


def burn(owed: int, in_time: int, objective: float) -> float | None:
    """Missed ones over those that the objective lets miss."""
    allowed = owed * (100.0 - objective) / 100.0
    return None if allowed <= 0 else max(0, owed - in_time) / allowed


def markdown(report: SloReport) -> str:
    """The report as Markdown, for a wiki or a mail."""
    lines = [*_head(report), *_table(report)]
    for flow in sorted(report.flows, key=lambda one: -one.missed):
        if flow.missed or flow.causes:
            lines += _flow(flow)
    lines += _changes(report)
    return "\n".join(lines).rstrip() + "\n"


def _head(report: SloReport) -> list[str]:
    where = f" of plant {_plain(report.plant)}" if report.plant else ""
    owed, in_time = sum(flow.owed for flow in report.flows), sum(flow.in_time for flow in report.flows)
    short = [flow for flow in report.flows if flow.met is not None and flow.met < report.objective]
    verdict = (
        "Nothing fell due."
        if owed <= 0
        else f"{percent(met(owed, in_time))} of {owed:,} transactions were in their target in time."
    )
    if short:
        names = ", ".join(_plain(flow.flow) for flow in short)
        verdict += f" {len(short)} of {len(report.flows)} flows missed the objective: {names}."
    elif owed > 0:
        verdict += " Every flow of which anything fell due met the objective."
    span_shown = f"{report.begin:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"# Service levels{where}, week {report.week}",
        "",
        f"{span_shown}, objective {percent(report.objective)} in time, written {report.at:%Y-%m-%d %H:%M} UTC.",
        "",
    ]
    if not report.ended:
        lines += ["The week is not over: these are the numbers so far.", ""]
    if report.counted_since is not None and report.counted_since > report.begin:
        lines += [f"Counted since {report.counted_since:%Y-%m-%d %H:%M} UTC: nothing is known of what was before.", ""]
    return [*lines, verdict, ""]


def _table(report: SloReport) -> list[str]:
    if not report.flows:
        return []
    lines = [
        "| flow | SLO | due | in time | met | week before | error budget used | p95 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for flow in report.flows:
        cells = (
            _plain(flow.flow),
            UNKNOWN if flow.slo_seconds is None else span(flow.slo_seconds),
            f"{flow.owed:,}",
            f"{flow.in_time:,}",
            percent(flow.met),
            percent(flow.before),
            UNKNOWN if flow.burn is None else f"{flow.burn * 100:,.0f} %",
            UNKNOWN if flow.p95 is None else span(flow.p95),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _flow(flow: SloFlow) -> list[str]:
    lines = [f"## {_plain(flow.flow)}: {flow.missed:,} late", ""]
    if flow.worst:
        lines.append("Worst hours (UTC):")
        lines += [f"- {hour.at:%a %Y-%m-%d %H:%M}: {hour.missed:,} of {hour.owed:,} late" for hour in flow.worst]
        lines.append("")
    if flow.causes:
        lines.append("What failed:")
        lines += [
            f"- {cause.count:,} times {_plain(cause.target)} {_plain(cause.code)} ({_plain(cause.kind)}): "
            f"{_plain(cause.template)} (group {_plain(cause.fingerprint[:12])})"
            for cause in flow.causes
        ]
        lines.append("")
    return lines


def _changes(report: SloReport) -> list[str]:
    if not report.changes:
        return ["## What changed", "", "No holds, no batches, no new causes.", ""]
    lines = ["## What changed", ""]
    lines += [f"- {change.at:%a %H:%M} {_plain(change.by)}: {_plain(change.what)}" for change in report.changes]
    if report.changes_left_out:
        lines.append(f"- and {report.changes_left_out:,} more")
    return [*lines, ""]


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#!~"})


def _plain(text: str) -> str:
    """Text that Markdown takes for text, whatever a system wrote, on one line."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split()).translate(_MARKS)
