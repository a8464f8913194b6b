"""Whether somebody may change a hub's gateway, asked before anything is planned and read: the hub looks again."""

from __future__ import annotations

from commands.session import Session
from transactions.errors import Forbidden
from transactions.people import Permission


def check_rights(session: Session) -> None:
    """Ask the hub who this is, and whether that one may change its gateway.

    Raises:
        Forbidden: the permission is missing, or reaches only part of the hub.
    """
    from platforms.hub import server

    who, wanted = session.send(server.whoami()), Permission.POLICY_APPLY
    if str(wanted) not in who.permissions:
        raise Forbidden(
            f"{who.subject} is signed in and may not do this: it wants the permission {str(wanted)!r} (to "
            f"{wanted.meaning}). Nothing was planned or changed. Ask an admin of the hub for a role that has it; "
            "'andon policy plan' shows what would change.",
            permission=str(wanted),
        )
    if not who.limits.unlimited:
        raise Forbidden(
            f"{who.subject} is signed in and may not do this: policies are of the whole hub, and these rights reach "
            f"{who.limits.describe()} only. Nothing was planned or changed. Ask an admin of the hub.",
            permission=str(wanted),
        )


def check_glass(session: Session) -> None:
    """Ask the hub whether this one may do without the second person that a plan wants.

    Raises:
        Forbidden: that one may not.
    """
    from platforms.hub import server

    who, wanted = session.send(server.whoami()), Permission.BREAK_GLASS
    if str(wanted) not in who.permissions:
        raise Forbidden(
            f"{who.subject} may not break glass: it wants the permission {str(wanted)!r}. Nothing was changed. "
            "Leave --break-glass out and let somebody approve the plan.",
            permission=str(wanted),
        )
