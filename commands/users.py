"""``andon hub users``: people and source systems of a hub that no identity provider names."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import completing
from commands.app import Noun
from commands.exits import Usage
from commands.output import Column, Detail, Listing
from commands.paging import LARGEST_PAGE, chosen, tell_more
from commands.session import session_of
from commands.terminal import Look, plain
from platforms.hub import people
from transactions.accounts import Departure, GivenToken, Person, PersonRequest
from transactions.people import Limits

app = Noun(help="People and source systems of the hub's own, and their tokens.")

COLUMNS: tuple[Column, ...] = (
    Column("name", lambda p, _: p.name),
    Column("roles", lambda p, _: rights(p), give=1),
    Column("reach", lambda p, _: p.limits.describe(), give=2),
    Column("tokens", lambda p, _: str(p.tokens), right=True, style=lambda p: None if p.tokens else "dim"),
    Column("until", lambda p, _: "" if p.expires_at is None else f"{p.expires_at:%Y-%m-%d}"),
    Column("added by", lambda p, _: p.created_by, give=3),
)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="a-z, 0-9, '.', '_', '-'; up to 64 characters.", show_default=False),
]


def rights(person: Person) -> str:
    """Roles, and permissions besides them."""
    return ", ".join([*person.roles, *(f"+{name}" for name in person.permissions)])


@app.verb("list")
def list_(
    ctx: typer.Context,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST_PAGE, help="Length of the page.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="C", help="next_cursor of the page before.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """Everybody, by name: rights, reach, and usable tokens."""
    session = session_of(ctx)
    page = chosen(session, people.everybody, limit=limit, cursor=cursor, all=all)
    session.show(
        Listing(
            of=Person,
            items=page.items,
            columns=COLUMNS,
            empty="The hub has no people of its own yet. 'andon hub users add NAME --role ROLE' adds somebody.",
            identify=lambda each: each.name,
            next_cursor=page.next_cursor,
        )
    )
    tell_more(session, page)


@app.verb()
def add(
    ctx: typer.Context,
    name: Name,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="viewer, operator, approver, policy-author, policy-admin, admin, or source for a system that only "
            "sends documents; several add up.",
            autocompletion=completing.roles,
        ),
    ] = None,
    plant: Annotated[
        list[str] | None,
        typer.Option(
            "--plant", metavar="PLANT", help="Only this plant; several add up.", autocompletion=completing.plants
        ),
    ] = None,
    flow: Annotated[
        list[str] | None,
        typer.Option("--flow", metavar="FLOW", help="Only this flow; several add up.", autocompletion=completing.flows),
    ] = None,
    risk: Annotated[
        list[str] | None,
        typer.Option("--risk", metavar="RISK", help="Only flows of this risk.", autocompletion=completing.risks),
    ] = None,
    permission: Annotated[
        list[str] | None,
        typer.Option(
            "--permission",
            metavar="NAME",
            help="reveal or break-glass, besides what the roles allow.",
            autocompletion=completing.grantable,
        ),
    ] = None,
    change: Annotated[
        bool, typer.Option("--change", help="Replace the rights of somebody who is there; tokens stay.")
    ] = False,
) -> None:
    """Add somebody, or with --change replace somebody's rights. Without limits, they reach everything."""
    if not role:
        raise Usage(
            f"No role was given, and {name} could do nothing without one. Nothing was done. "
            "Say it with --role, like --role operator."
        )
    session = session_of(ctx)
    request = PersonRequest(
        name=name,
        roles=role,
        permissions=permission or [],
        limits=Limits(plants=plant or None, flows=flow or None, risks=risk or None),
        change=change,
    )
    person = session.send(people.add(request))
    session.show(Detail(value=person, human=lambda look: describe(person, look), identify=lambda each: each.name))
    if not person.tokens:
        session.note(f"To sign in, {person.name} needs a token: andon hub users token {person.name}")


@app.verb()
def remove(ctx: typer.Context, name: Name) -> None:
    """Remove somebody. Their rights and tokens end at once."""
    session = session_of(ctx)
    gone = session.send(people.remove(name))
    session.show(Detail(value=gone, human=lambda _: f"Removed {plain(gone.name)}; {ended(gone)}.", identify=_name))
    if gone.note is not None:
        session.note(gone.note)


@app.verb()
def token(
    ctx: typer.Context,
    name: Name,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="Its life, like 12h or 90d; 30d unless told, 365d at most."),
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="End every token of theirs instead.")] = False,
) -> None:
    """Give somebody a token, which is printed this once; or end those they have."""
    session = session_of(ctx)
    if revoke:
        if expires is not None:
            raise Usage(
                "--revoke ends tokens, and --expires is for a new one. Nothing was done. Leave one of them out."
            )
        gone = session.send(people.revoke_tokens(name))
        session.show(Detail(value=gone, human=lambda _: f"{plain(gone.name)}: {ended(gone)}.", identify=_name))
        if gone.note is not None:
            session.note(gone.note)
        return
    given = session.send(people.give_token(name, expires))
    session.show(Detail(value=given, human=lambda _: plain(given.token), identify=_id))
    session.note(
        f"This is {given.name}'s until {given.expires_at:%Y-%m-%d %H:%M} UTC, and is not shown again. "
        "Hand it over where nobody else can read it; it is used with 'andon login', or as ANDON_TOKEN."
    )


def describe(person: Person, look: Look) -> str:
    """In words."""
    return (
        f"{look.paint(plain(person.name), 'bold')}: {plain(rights(person))}; reaches {plain(person.limits.describe())}."
    )


def ended(gone: Departure) -> str:
    """What became of tokens, in words."""
    if not gone.tokens:
        return "there was no usable token"
    return "1 token ended" if gone.tokens == 1 else f"{gone.tokens} tokens ended"


def _name(gone: Departure) -> str:
    return gone.name


def _id(given: GivenToken) -> str:
    return given.id
