"""Rights as an admin asks for them, held against what there is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches
from typing import NoReturn

from hub.declarations import Catalogue
from transactions.accounts import LIFETIME, LONGEST, NAME, RESERVED, SHORTEST, PersonRequest
from transactions.durations import parse_duration
from transactions.errors import Invalid
from transactions.model import Risk
from transactions.people import GRANTABLE, Limits, Permission, Role


def read_rights(asked: PersonRequest, catalogue: Catalogue) -> tuple[tuple[Role, ...], frozenset[Permission], Limits]:
    """The rights that a request asks for.

    Raises:
        Invalid: a name that nobody can have, no role, or a role, permission, plant, flow or risk that there is not.
    """
    check_name(asked.name)
    if not asked.roles:
        raise Invalid(
            f"{asked.name} would have no role, and may then do nothing. Nothing was changed. "
            f"Give one or more with --role: {', '.join(Role)}."
        )
    _check("role", asked.roles, Role)
    _check("permission", asked.permissions, sorted(GRANTABLE))
    limits = asked.limits
    _check("plant", limits.plants or (), catalogue.plant)
    _check("flow", limits.flows or (), catalogue.flow)
    _check("risk", limits.risks or (), Risk)
    return (
        tuple(sorted({Role(role) for role in asked.roles})),
        frozenset(Permission(name) for name in asked.permissions),
        Limits(plants=_sorted(limits.plants), flows=_sorted(limits.flows), risks=_sorted(limits.risks)),
    )


def check_name(name: str) -> None:
    """Refuse a name that nobody can have.

    Raises:
        Invalid: so it is.
    """
    if NAME.fullmatch(name) is None:
        raise Invalid(
            f"{name[:80]!r} cannot be a name. Nothing was changed. Names have up to 64 of the characters a-z, 0-9, "
            "'.', '_' and '-', and begin with a letter or digit, like ann.smith or mes-p01.",
            parameter="name",
        )
    if name in RESERVED:
        raise Invalid(
            f"{name!r} is a name that the hub keeps for itself: the audit chain could not tell the two apart. "
            "Nothing was changed. Take another.",
            parameter="name",
        )


def read_lifetime(text: str | None) -> timedelta:
    """How long a token lives.

    Raises:
        Invalid: it is no duration, or shorter than a minute or longer than a year.
    """
    if text is None:
        return LIFETIME
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise Invalid(
            f"The token's life: {error}. No token was given. It lives from a minute to 365d, like 12h or 90d.",
            parameter="expires_in",
        ) from error
    if not SHORTEST <= found <= LONGEST:
        raise Invalid(
            f"A token cannot live {text}. No token was given. It lives from a minute to 365d: "
            "what somebody finds in a year's backup should not open this hub.",
            parameter="expires_in",
        )
    return found


def _check(what: str, asked: Iterable[str], known: Iterable[str]) -> None:
    there = [str(name) for name in known]
    for name in asked:
        if name not in there:
            _unknown(what, name, there)


def _unknown(what: str, name: str, there: list[str]) -> NoReturn:
    fold = {each.lower(): each for each in there}
    same = name.lower()
    near = [fold[each] for each in ([same] if same in fold else get_close_matches(same, list(fold)))]
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    raise Invalid(
        f"There is no {what} {name[:80]!r}.{meant} Nothing was changed. There is: {', '.join(there) or 'none'}.",
        parameter=what,
        suggestions=near,
    )


def _sorted(names: list[str] | None) -> list[str] | None:
    return None if names is None else sorted(set(names))
