"""``andon gateway usage``: who called what at the gateway, how often, when last, and what was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.exits import Usage
from commands.output import Column, Detail, Form, Listing
from commands.session import Session, session_of
from commands.terminal import Look, plain
from transactions.errors import Invalid

if TYPE_CHECKING:
    from gateway_policies.traffic.report import UsageReport, UsageRow

Since = Annotated[
    str,
    typer.Option("--since", metavar="TIME", help="How far back: 24h, 7d, 2026-11-20, or FROM..TO.", show_default=True),
]
_HEADS = ("consumer", "api", "version", "operation", "scope", "outcome")


def usage(
    ctx: typer.Context,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="NAMES",
            help="What calls are added up by: consumer, api, version, operation, scope, outcome, with commas between.",
            show_default=True,
        ),
    ] = "consumer,api",
    since: Since = "7d",
    consumer: Annotated[
        str | None, typer.Option("--consumer", metavar="NAME", help="Only calls of this consumer or client.")
    ] = None,
    api: Annotated[str | None, typer.Option("--api", metavar="NAME", help="Only calls of this API.")] = None,
    api_version: Annotated[
        str | None, typer.Option("--api-version", metavar="V", help="Only calls of this version.")
    ] = None,
    scope: Annotated[
        str | None, typer.Option("--scope", metavar="NAME", help="Only calls that want this scope.")
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(
            "--outcome",
            metavar="WORD",
            help="Only calls that came to this: let-through, refused, or one of those that --by outcome shows.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="Rows at most.")] = 100,
) -> None:
    """Who called what at the gateway, how often, when last, and what was refused.

    Calls are counted from the access log of the hub's gateway, and of logs that 'andon gateway import' counted.
    """
    session = session_of(ctx)
    from platforms.hub import gateway

    try:
        found = session.send(
            gateway.usage(
                since, by, limit, consumer=consumer, api=api, version=api_version, scope=scope, outcome=outcome
            )
        )
    except Invalid as error:
        # What is wrong with a question is wrong with the line.
        raise Usage(error.detail) from error
    _show(session, found)


def _show(session: Session, found: UsageReport) -> None:
    from gateway_policies.traffic.report import UsageRow

    if session.form in (Form.JSON, Form.YAML, Form.TABLE):
        session.show(Detail(value=found, human=lambda look: describe(found, look), identify=lambda _: ""))
        return
    session.show(Listing(of=UsageRow, items=found.items, columns=columns(found), empty=_EMPTY, identify=_name))


_EMPTY = "There were no calls."


def columns(found: UsageReport) -> tuple[Column, ...]:
    """The columns of a report: the names that calls are added up by, then the numbers."""
    from transactions.kpis.sparkline import sparkline

    names = [
        Column(head, lambda row, _, name=head: _named(row, name), give=1, least=10)  # type: ignore[misc]
        for head in _HEADS
        if head in found.by
    ]
    return (
        *names,
        Column("calls", lambda row, _: f"{row.calls:,}", right=True),
        Column(
            "refused", lambda row, _: _number(row.refused), right=True, style=lambda r: "yellow" if r.refused else None
        ),
        Column("failed", lambda row, _: _number(row.failed), right=True, style=lambda r: "red" if r.failed else None),
        Column("last", lambda row, look: f"{look.age(row.last_seen)} ago", right=True),
        Column("trend", lambda row, _: sparkline(row.trend), give=3, least=8),
    )


def _named(row: UsageRow, name: str) -> str:
    if name == "consumer":
        return row.consumer or (f"client {row.client}" if row.client else "(nobody known)")
    value: str | None = getattr(row, name)
    return value or "(none)"


def _number(value: int) -> str:
    return f"{value:,}" if value else ""


def _name(row: UsageRow) -> str:
    return " ".join(
        filter(None, (row.consumer or row.client, row.api, row.version, row.operation, row.scope, row.outcome))
    )


def describe(found: UsageReport, look: Look) -> str:
    """A report for people."""
    from commands.output.table_form import render

    span = f"{found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M}Z"
    if found.counted_since is None:
        return (
            f"Nothing is known of calls: none were counted yet ({span}).\n"
            "They are counted where the hub's gateway runs, and of logs that 'andon gateway import' counts.\n"
        )
    lines = [
        f"{look.paint(f'{found.calls:,} calls', 'bold')}  {found.refused:,} refused, {found.failed:,} failed  {span}"
    ]
    if found.counted_since > found.since:
        said = f"counted since {found.counted_since:%Y-%m-%d %H:%M}Z: nothing is known of what was before"
        lines.append(look.paint(said, "dim"))
    if found.items:
        listing = Listing(of=type(found.items[0]), items=found.items, columns=columns(found), empty="", identify=_name)
        lines += ["", render(listing, look).rstrip("\n")]
    if found.left_off:
        lines.append(look.paint(plain(f"{found.left_off:,} rows more: give a higher --limit, or ask for less"), "dim"))
    if found.unreadable:
        lines.append(look.paint(f"{found.unreadable:,} lines of access logs could not be read, ever", "dim"))
    return "".join(f"{each}\n" for each in lines)
