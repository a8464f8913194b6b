"""``andon policy revisions``: the changes that a gateway has taken."""

from __future__ import annotations

from datetime import datetime

import typer
from msgspec import Struct

from commands.output import Column, Listing
from commands.policy_gateway import GatewayOption, gateway_of, refusals, tell_cut_off
from commands.session import session_of


class RevisionLine(Struct, frozen=True, kw_only=True):
    """A change that a gateway has taken.

    Attributes:
        plan: the hash of the plan that it came from.
        fingerprint: of the gateway as it left it.
        reason: why it was done.
        approved_by: the second person; None where nobody was asked, or it was done without.
    """

    number: int
    at: datetime
    by: str
    policy_set: str
    plan: str
    fingerprint: str
    reason: str | None
    approved_by: str | None


COLUMNS: tuple[Column, ...] = (
    Column("revision", lambda r, _: str(r.number), right=True),
    Column("at", lambda r, _: f"{r.at:%Y-%m-%d %H:%M:%S}"),
    Column("by", lambda r, _: r.by, give=1),
    Column("approved by", lambda r, _: r.approved_by or "", give=1),
    Column("policy set", lambda r, _: r.policy_set, give=2),
    Column("plan", lambda r, _: r.plan[:12]),
    Column("reason", lambda r, _: r.reason or "", give=3),
)


def revisions(ctx: typer.Context, gateway: GatewayOption = None) -> None:
    """The changes that the gateway has taken, the newest first: when, by whom, who approved them, of which plan. Times
    are UTC."""
    session = session_of(ctx)
    with refusals():
        asked = gateway_of(session, gateway, "")
        found = asked.revisions()
    tell_cut_off(session, asked)
    session.show(
        Listing(
            of=RevisionLine,
            items=[
                RevisionLine(
                    number=each.number,
                    at=each.at,
                    by=each.by,
                    policy_set=each.policy_set,
                    plan=each.plan,
                    fingerprint=each.fingerprint,
                    reason=each.reason,
                    approved_by=each.approved_by,
                )
                for each in found
            ],
            columns=COLUMNS,
            empty="The gateway has taken no change yet.",
            identify=lambda each: str(each.number),
            next_cursor=None,
        )
    )
