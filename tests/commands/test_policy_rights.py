"""Whether somebody may change a gateway, before anything is planned."""

from __future__ import annotations

from typing import Any, cast

import pytest

from commands.policy_rights import check_glass, check_rights
from commands.session import Session
from transactions.errors import Forbidden
from transactions.landscape import WhoAmI
from transactions.people import Limits, Permission


def session(*permissions: str, limits: Limits | None = None) -> Session:
    """A session of somebody with these rights; all that is asked of the hub is who that is."""
    who = WhoAmI(
        subject="grete",
        kind="user",
        roles=[],
        permissions=list(permissions),
        expires_at=None,
        limits=limits or Limits(),
    )

    class Asked:
        def send(self, call: Any) -> WhoAmI:
            assert (call.method, call.path) == ("GET", "whoami")
            return who

    return cast(Session, Asked())


def test_who_may_is_let_through() -> None:
    check_rights(session(str(Permission.POLICY_APPLY)))
    check_glass(session(str(Permission.BREAK_GLASS)))


@pytest.mark.parametrize("others", [(), ("read", "policy-plan", "act")])
def test_who_may_not_is_told_what_is_missing_and_whom_to_ask(others: tuple[str, ...]) -> None:
    with pytest.raises(Forbidden) as caught:
        check_rights(session(*others))
    said = caught.value.detail
    assert said.startswith("grete is signed in and may not do this: it wants the permission 'policy-apply' (to ")
    assert "Nothing was planned or changed." in said
    assert "Ask an admin of the hub" in said
    assert caught.value.extra["permission"] == "policy-apply"


@pytest.mark.parametrize("limits", [Limits(plants=["P01"]), Limits(flows=["orders"])])
def test_rights_of_a_part_are_none_of_the_whole(limits: Limits) -> None:
    with pytest.raises(Forbidden) as caught:
        check_rights(session("policy-apply", limits=limits))
    assert "policies are of the whole hub, and these rights reach" in caught.value.detail
    assert (limits.plants or limits.flows or [""])[0] in caught.value.detail


def test_without_the_right_to_break_glass_somebody_has_to_approve() -> None:
    with pytest.raises(Forbidden) as caught:
        check_glass(session("policy-apply"))
    assert caught.value.detail == (
        "grete may not break glass: it wants the permission 'break-glass'. Nothing was changed. "
        "Leave --break-glass out and let somebody approve the plan."
    )
