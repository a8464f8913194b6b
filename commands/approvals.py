"""``andon approvals``: what waits for a second person."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import completing
from commands.app import Noun
from commands.exits import Declined, Usage
from commands.output import Column, Detail, Listing
from commands.paging import LARGEST_PAGE, chosen, tell_more
from commands.plan_view import describe_plan, show_plan
from commands.session import Session, session_of
from commands.terminal import Look, plain
from platforms.errors import ReadOnly
from platforms.hub import approvals as calls
from platforms.hub import plans
from transactions.approvals import ApprovalItem, ApprovalKind, Decided
from transactions.plans import Decision

app = Noun(help="What waits for a second person: see it, approve it, reject it.")

HASH_LETTERS = 12

COLUMNS: tuple[Column, ...] = (
    # As long as it has to be to name the plan: what stands here is typed, not read.
    Column("hash", lambda a, _: a.hash[:HASH_LETTERS]),
    Column("wants", lambda a, _: f"■ {a.kind} overdue" if a.overdue else a.kind, style=lambda a: _style(a)),
    Column("action", lambda a, _: a.action),
    Column("count", lambda a, _: str(a.count), right=True),
    Column("by", lambda a, _: f"{a.requested_by} (you)" if a.own else a.requested_by, give=1),
    Column("age", lambda a, look: look.age(a.asked_at), right=True),
    Column("until", lambda a, _: f"{a.expires_at:%Y-%m-%d %H:%M}Z"),
    Column("reason", lambda a, _: a.reason, give=3),
)

Hash = Annotated[
    str,
    typer.Argument(
        metavar="HASH",
        help="Hash of a plan, or 12 characters of its beginning.",
        autocompletion=completing.approvals,
        show_default=False,
    ),
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="What was looked at; kept in the audit. Required.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.verb("list")
def list_(
    ctx: typer.Context,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST_PAGE, help="Length of the page.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="C", help="next_cursor of the page before.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """Plans that wait for approval, and reviews that are owed, oldest first."""
    session = session_of(ctx)
    page = chosen(session, calls.list_page, limit=limit, cursor=cursor, all=all)
    session.show(
        Listing(
            of=ApprovalItem,
            items=page.items,
            columns=COLUMNS,
            empty="Nothing waits for a second person.",
            identify=lambda each: each.hash,
            next_cursor=page.next_cursor,
        )
    )
    tell_more(session, page)


@app.verb()
def show(ctx: typer.Context, hash: Hash) -> None:
    """The plan that waits: its items, why it wants a second person, and who asked."""
    session = session_of(ctx)
    show_plan(session, session.send(plans.show(hash)))


@app.verb()
def approve(ctx: typer.Context, hash: Hash, reason: Reason = None, yes: Yes = False) -> None:
    """Approve somebody else's plan, which starts it; or close the review of one that ran without approval."""
    _decide(session_of(ctx), hash, Decision.APPROVE, reason, yes)


@app.verb()
def reject(ctx: typer.Context, hash: Hash, reason: Reason = None, yes: Yes = False) -> None:
    """Reject somebody else's plan; or object to one that ran without approval."""
    _decide(session_of(ctx), hash, Decision.REJECT, reason, yes)


def _decide(session: Session, plan: str, decision: Decision, reason: str | None, yes: bool) -> None:
    if session.resolved.read_only:
        raise ReadOnly(
            f"This session is read-only, and to {decision} would change something. Nothing was changed. "
            "Leave out --read-only, or set read_only = false in the context."
        )
    text = (reason or "").strip()
    if not text and reason is None and session.interactive:
        text = session.ask(f"What was looked at, to {decision} it:")
    if not text:
        raise Usage(
            f"To {decision} wants a reason, and none was given. Nothing was changed. "
            'Add --reason "TEXT"; it is kept in the audit.'
        )
    resolved = session.resolved
    if resolved.production and not yes:
        # As for the plan itself: on production the name is typed, so that a habit does not answer.
        if not session.interactive:
            raise Usage(
                f"{resolved.name} is production, and there is no terminal to ask for a confirmation. "
                "Nothing was changed. Add --yes."
            )
        if session.ask(f"This is production. Type {resolved.name} to {decision} it:") != resolved.name:
            raise Declined("It was not confirmed. Nothing was changed; the plan goes on waiting.")
    elif session.interactive and not yes:
        session.stderr.write(describe_plan(session.send(plans.show(plan)), session.look_err()))
        what = "Approve it, which starts it?" if decision is Decision.APPROVE else "Reject it, which ends it?"
        if session.ask(f"{what} [y/N]").lower() not in ("y", "yes"):
            raise Declined("It was not decided. Nothing was changed; the plan goes on waiting.")
    call = calls.approve if decision is Decision.APPROVE else calls.reject
    decided = session.send(call(plan, text))
    session.show(
        Detail(
            value=decided,
            human=lambda look: describe(decided, look),
            identify=lambda each: each.batch.id if each.batch is not None else each.hash,
        )
    )


def describe(decided: Decided, look: Look) -> str:
    """What came of a decision, in a line."""
    word = "approved" if decided.decision is Decision.APPROVE else "rejected"
    short = f"plan {decided.hash[:12]}…"
    if decided.kind is ApprovalKind.REVIEW:
        return f"{look.paint('✓ reviewed', 'green')}  {short} is {word}; it had run without approval\n"
    if decided.revision is not None:
        return (
            f"{look.paint(f'✓ {word}', 'green')}  {short} is applied: the gateway is at revision {decided.revision}\n"
        )
    if decided.batch is None:
        return f"{look.paint(f'✓ {word}', 'green')}  {short} cannot be run any more\n"
    name = plain(decided.batch.started_by)
    return (
        f"{look.paint(f'✓ {word}', 'green')}  {short} runs as batch {decided.batch.id}, in the name of {name}\n"
        f"   andon batches watch {decided.batch.id} follows it\n"
    )


def _style(item: ApprovalItem) -> str | None:
    return "red" if item.overdue else "yellow" if item.kind is ApprovalKind.REVIEW else None
