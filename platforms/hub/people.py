"""Calls about the hub's own people; a hub whose people an identity provider names refuses them."""

from __future__ import annotations

from platforms.calls import Call, json_body, params, segments
from transactions.accounts import NAME, Departure, GivenToken, Person, PersonRequest, TokenRequest
from transactions.errors import NotFound
from transactions.pages import Page


def everybody(limit: int | None = None, cursor: str | None = None) -> Call[Page[Person]]:
    """People and source systems, by name."""
    return Call(method="GET", path="users", answers=Page[Person], params=params(limit=limit, cursor=cursor))


def add(request: PersonRequest) -> Call[Person]:
    """Add somebody, or replace somebody's rights."""
    return Call(method="POST", path="users", answers=Person, body=json_body(request), changes=True)


def remove(name: str) -> Call[Departure]:
    """Remove somebody, with every token."""
    return Call(method="DELETE", path=_path(name), answers=Departure, changes=True)


def give_token(name: str, expires_in: str | None = None) -> Call[GivenToken]:
    """Give somebody a token; ``expires_in`` is a duration like ``12h``."""
    return Call(
        method="POST",
        path=f"{_path(name)}/token",
        answers=GivenToken,
        body=json_body(TokenRequest(expires_in=expires_in)),
        changes=True,
    )


def revoke_tokens(name: str) -> Call[Departure]:
    """End every token of somebody's."""
    return Call(method="DELETE", path=f"{_path(name)}/token", answers=Departure, changes=True)


def _path(name: str) -> str:
    if NAME.fullmatch(name) is None:
        raise NotFound(
            f"There is nobody of the name {name!r}: no name looks like that. Nothing was asked. "
            "See 'andon hub users list'."
        )
    return segments("users", name)
