"""Who is at the console and what that one may do, in words: for the bar, and instead of a refusal that comes late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.text import one_line, pretty_name, shorten
from transactions.people import Limits, Permission, Role

if TYPE_CHECKING:
    from transactions.landscape import WhoAmI

_STRONGEST_FIRST = (
    Role.ADMIN,
    Role.APPROVER,
    Role.OPERATOR,
    Role.POLICY_ADMIN,
    Role.POLICY_AUTHOR,
    Role.VIEWER,
    Role.SOURCE,
)
_GIVES = (Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.POLICY_AUTHOR, Role.POLICY_ADMIN, Role.ADMIN)
"""Roles from the least to the most: the first that has a permission is the one to ask for."""
NAMES_SHOWN = 3
NAME_CELLS = 24
LIMITS_CELLS = 28


def person(who: WhoAmI) -> str:
    """For the bar: ``ann · operator · P03 only``."""
    parts = [calling(who), roles(who.roles), reach(who.limits)]
    return " · ".join(part for part in parts if part)


def calling(who: WhoAmI) -> str:
    """What somebody is called: the name, else the subject."""
    return shorten(one_line(who.name or who.subject), NAME_CELLS)


def roles(names: list[str]) -> str:
    """The role that goes furthest, and how many more: ``approver +1``."""
    order = {str(role): place for place, role in enumerate(_STRONGEST_FIRST)}
    ordered = sorted(names, key=lambda name: order.get(name, len(order)))
    if not ordered:
        return ""
    more = f" +{len(ordered) - 1}" if len(ordered) > 1 else ""
    return f"{one_line(ordered[0])}{more}"


def reach(limits: Limits) -> str:
    """Limits in a few cells: ``P03 only``, ``P01 P02, 4 flows only``; nothing where there are none."""
    parts = [
        _few([one_line(plant) for plant in limits.plants], "plant") if limits.plants is not None else "",
        _few([pretty_name(flow) for flow in limits.flows], "flow", most=1) if limits.flows is not None else "",
        f"{_few([one_line(risk) for risk in limits.risks], '')} risk" if limits.risks is not None else "",
    ]
    kept = ", ".join(part for part in parts if part)
    return shorten(f"{kept} only", LIMITS_CELLS) if kept else ""


def may(who: WhoAmI | None, permission: Permission) -> bool:
    """Whether somebody has a permission. Nobody known yet is left to the platform, which looks anyway."""
    return who is None or str(permission) in who.permissions


def refusal(who: WhoAmI, permission: Permission) -> str:
    """Why not, and what to do about it."""
    held = f" with the role {' and '.join(one_line(role) for role in who.roles)}" if who.roles else " without a role"
    wanted = next((role for role in _GIVES if permission in role.permissions), Role.ADMIN)
    # What only an admin's role has can be given by itself, and mostly should be.
    ask = f"permission {permission}" if wanted is Role.ADMIN else f"role {wanted}"
    return (
        f"{calling(who)} is signed in{held} and may not {permission.meaning}. Nothing was sent. "
        f"Ask an admin of the platform for the {ask}; :whoami shows what you may do."
    )


def _few(names: list[str], noun: str, most: int = NAMES_SHOWN) -> str:
    if not names:
        return f"no {noun}".rstrip()
    return " ".join(names) if len(names) <= most else f"{len(names)} {noun}s"
