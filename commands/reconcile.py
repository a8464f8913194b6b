"""``andon reconcile``: where the systems themselves disagree, and what explains it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from commands import completing
from commands.acting import Acting, act
from commands.app import Noun
from commands.exits import Exit, Usage, misread
from commands.output import Detail, Form, Listing
from commands.reconcile_view import COLUMNS, Line, describe, line_of, unasked
from commands.session import Session, session_of
from platforms.hub import reconciliation
from transactions.durations import parse_duration
from transactions.plans import Action
from transactions.reconciliation.model import Difference, Kind, Reconciliation
from transactions.reconciliation.tolerance import parse_tolerance

app = Noun(help="Ask the systems themselves, and see where they disagree and why.")

MOST_SHOWN = 10_000

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="Leave out what was recorded after it: 2026-11-21T06:00:00Z, or 15m for a quarter of an hour ago. "
        "Without it: now, less the time in which late postings still land.",
    ),
]
TolerancesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tolerance",
        metavar="T",
        help="Amounts this near each other agree: 0.5, 1%, or KG=0.25 for one unit. May be given several times.",
    ),
]
PlantOption = Annotated[
    str | None, typer.Option("--plant", metavar="PLANT", help="Only of this plant.", autocompletion=completing.plants)
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, max=MOST_SHOWN, help="Differences to show, at most.")
]
ReopenOption = Annotated[
    bool,
    typer.Option("--reopen", help="Reopen what was acknowledged and not applied, so that it can be replayed: a plan."),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why to reopen; kept in the audit.")]
Evidence = Annotated[
    str | None,
    typer.Option(
        "--evidence",
        metavar="TEXT",
        help="What shows that it is not there, for systems that cannot be asked by key; this answer unless told.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --reopen: store and print the plan, and run nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="With --reopen: do not ask.")]


_ABOUT = {
    Kind.ORDERS: "Releases, confirmations, consumption and receipts of orders.",
    Kind.INVENTORY: "Stock by material and lot.",
    Kind.HOLDS: "Quality holds: who knows of them, and who does not.",
    Kind.LOTS: "Usage decisions of lots.",
    Kind.SHIPMENTS: "Released deliveries, and what happened to them on the way.",
}


def _verb(kind: Kind) -> None:
    def verb(
        ctx: typer.Context,
        as_of: AsOf = None,
        tolerance: TolerancesOption = None,
        plant: PlantOption = None,
        limit: Limit = None,
        reopen: ReopenOption = False,
        reason: Reason = None,
        evidence: Evidence = None,
        dry_run: DryRun = False,
        yes: Yes = False,
    ) -> None:
        session = session_of(ctx)
        if not reopen and (reason is not None or evidence is not None or dry_run or yes):
            raise Usage(
                "--reason, --evidence, --dry-run and --yes are about reopening. Nothing was asked. "
                "Add --reopen, or leave them out."
            )
        found = _ask(session, kind, as_of, tolerance, plant, limit)
        raise typer.Exit(
            _finish(session, found, reopen=reopen, reason=reason, evidence=evidence, dry_run=dry_run, yes=yes)
        )

    verb.__doc__ = f"{_ABOUT[kind]} Exits 10 where systems differ."
    app.verb(kind.value)(verb)


for _kind in Kind:
    _verb(_kind)


def _ask(
    session: Session,
    kind: Kind,
    as_of: str | None,
    tolerance: list[str] | None,
    plant: str | None,
    limit: int | None,
) -> Reconciliation:
    allowed = None if tolerance is None else ",".join(tolerance)
    if allowed is not None:
        try:
            parse_tolerance(allowed)
        except ValueError as error:
            raise misread("--tolerance", error) from error
    moment = None if as_of is None else _moment(as_of, session.clock.now())
    return session.send(reconciliation.reconcile(kind, as_of=moment, tolerance=allowed, plant=plant, limit=limit))


def _moment(text: str, now: datetime) -> str:
    """A time, or a duration before ``now``, as the API reads it."""
    try:
        moment = now - parse_duration(text) if text[:1].isdigit() and "-" not in text else datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise Usage(
            f"--as-of {text!r} is not a moment. Nothing was asked. "
            "Write a time like 2026-11-21T06:00:00Z, or how long ago, like 15m."
        ) from error
    if moment.tzinfo is None:
        raise Usage(
            f"--as-of {text!r} has no time zone. Nothing was asked. Write one behind it, like {text}Z or {text}+01:00."
        )
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _finish(
    session: Session,
    found: Reconciliation,
    *,
    reopen: bool,
    reason: str | None,
    evidence: str | None,
    dry_run: bool,
    yes: bool,
) -> Exit:
    if reopen and found.reopenable:
        count = len(found.reopenable)
        session.note(
            f"{found.differences} differences; {count} acknowledged and not applied "
            f"{'is' if count == 1 else 'are'} reopened."
        )
        said = f"{found.kind} as of {found.as_of:%Y-%m-%dT%H:%M:%SZ}: the target's own books do not have it"
        asked = Acting(
            action=Action.REOPEN,
            ids=found.reopenable,
            reason=reason,
            dry_run=dry_run,
            yes=yes,
            evidence=evidence or said,
        )
        return act(session, asked)
    _show(session, found)
    if reopen:
        session.note("Nothing was acknowledged and not applied, so there is nothing to reopen.")
    if found.differences:
        return Exit.DIFFERENCES
    # Nobody knows what a system holds that gave no answer: that is no agreement.
    return Exit.DONE if found.agree else Exit.FAILED


def _show(session: Session, found: Reconciliation) -> None:
    problem = unasked(found)
    if problem is not None:
        # Loud also with --quiet: what is shown is not the whole.
        session.stderr.write(f"andon: {problem}\n")
    if session.form in (Form.JSON, Form.YAML, Form.TABLE):
        session.show(
            Detail(value=found, human=lambda look: describe(found, look), identify=lambda each: str(each.kind))
        )
        return
    if session.form is Form.ID:
        # The ids that something can be done with, to be piped into another command.
        causes = dict.fromkeys(cause.id for item in found.items for cause in item.causes)
        session.show(Listing(of=str, items=list(causes), columns=(), empty="", identify=str))
        return
    if session.form is Form.CSV:
        lines = [line_of(item) for item in found.items]
        session.show(Listing(of=Line, items=lines, columns=(), empty="", identify=lambda each: each.object))
        return
    session.show(Listing(of=Difference, items=found.items, columns=COLUMNS, empty="", identify=lambda each: each.name))
