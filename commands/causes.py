"""``andon groups causes``: what lies behind groups and other trouble, what it blocks, and what to do first."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.acting_options import Filter
from commands.cause_view import COLUMNS, ORDER, describe
from commands.exits import Usage
from commands.output import Detail, Form, Listing
from commands.session import Session, session_of
from platforms.hub import causes as calls
from transactions.causes.model import Cause, Causes, Step
from transactions.errors import NotFound

Which = Annotated[
    str | None,
    typer.Argument(
        metavar="[CAUSE]", help="One of them: its place in the list, or its id, or how that begins.", show_default=False
    ),
]
Reconcile = Annotated[
    bool,
    typer.Option("--reconcile", help="Ask the systems what they hold as well: shows what no failure tells of."),
]
Order = Annotated[
    bool, typer.Option("--order", help="What to do about all of them, step by step, in the order to take the steps.")
]


def causes(
    ctx: typer.Context,
    cause: Which = None,
    filter: Filter = None,
    reconcile: Reconcile = False,
    order: Order = False,
) -> None:
    """What lies behind groups and other trouble, what blocks most first; one of them with what to do and what not."""
    session = session_of(ctx)
    session.given_filter = filter
    if cause is not None and order:
        raise Usage("--order is about all causes, and one was named. Nothing was asked. Leave one of the two out.")
    found = session.send(calls.find(filter, reconcile=reconcile))
    if order:
        _show_order(session, found)
    elif cause is not None:
        _show_one(session, found, cause)
    else:
        _show_all(session, found)


def _show_all(session: Session, found: Causes) -> None:
    session.show(
        Listing(
            of=Cause,
            items=found.items,
            columns=COLUMNS,
            empty="Nothing is in trouble." if not found.looked_at else "No cause was found.",
            identify=lambda each: each.id,
        )
    )
    if session.form is Form.TABLE and found.items:
        session.note("What to do, in order: andon groups causes --order. More of one: andon groups causes 1.")
        if found.unexplained:
            session.note(f"{found.unexplained} transactions of small groups were not looked at; narrow with --filter.")
        if not found.reconciled:
            session.note("What no failure tells of shows with --reconcile, which asks the systems themselves.")


def _show_order(session: Session, found: Causes) -> None:
    session.show(
        Listing(
            of=Step, items=found.order, columns=ORDER, empty="There is nothing to do.", identify=lambda each: each.cause
        )
    )


def _show_one(session: Session, found: Causes, which: str) -> None:
    rank, one = _chosen(found, which)
    session.show(Detail(value=one, human=lambda look: describe(one, rank, look), identify=lambda each: each.id))


def _chosen(found: Causes, which: str) -> tuple[int, Cause]:
    """The cause with this place, or whose id begins so.

    Raises:
        NotFound: there is none, or there are several.
    """
    ranked = list(enumerate(found.items, 1))
    if which.isdigit():
        chosen = [(rank, one) for rank, one in ranked if rank == int(which)]
    else:
        chosen = [(rank, one) for rank, one in ranked if one.id == which] or [
            (rank, one) for rank, one in ranked if one.id.startswith(which)
        ]
    if len(chosen) == 1:
        return chosen[0]
    several = f"{len(chosen)} causes begin with {which!r}" if chosen else f"There is no cause {which!r} now"
    raise NotFound(f"{several}. See them with 'andon groups causes': a cause that is mended is gone.")
