"""What external claims come to: never more than was meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from hub.api.access import Principal
from hub.identity.claims import principal_of
from hub.identity.issuer_settings import IssuerSettings
from transactions.errors import Unauthenticated
from transactions.people import Limits, Permission, Role

END = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def who(settings: IssuerSettings, claims: Any) -> Any:
    def read(changes: dict[str, Any] | None = None, **told: Any) -> Principal:
        changed = msgspec.structs.replace(settings, **changes) if changes else settings
        return principal_of(claims(**told), changed, END)

    return read


def test_the_hubs_own_names_of_roles(who: Any) -> None:
    found = who(roles=["operator", "approver", "unknown", "OPERATOR", "operator"])
    assert found.roles == (Role.APPROVER, Role.OPERATOR)
    assert found.expires_at == END


def test_nobody_in_particular_may_do_nothing(who: Any) -> None:
    for told in ({"roles": []}, {"roles": None}, {"roles": ["uma_authorization"]}, {"roles": ""}):
        found = who(**told)
        assert (found.roles, found.permissions, found.kind) == ((), frozenset(), "federated")


def test_names_of_others_are_mapped_and_then_ours_do_not_count(who: Any) -> None:
    """A provider has an 'admin' of its own, and that one is not the admin of this hub."""
    mapped = {"roles": {"plant3-ops": "operator", "plant3-leads": ["operator", "approver"]}}
    assert who(mapped, roles=["plant3-ops"]).roles == (Role.OPERATOR,)
    assert who(mapped, roles=["plant3-leads", "admin"]).roles == (Role.APPROVER, Role.OPERATOR)
    assert who(mapped, roles=["admin", "operator"]).roles == ()


def test_roles_below_other_claims(who: Any) -> None:
    path = {"roles_claim": "realm_access.roles"}
    assert who(path, roles=["admin"], realm_access={"roles": ["viewer"]}).roles == (Role.VIEWER,)
    for other in (None, {}, [], "roles", {"roles": None}):
        assert who(path, realm_access=other).roles == ()
    assert who({"roles_claim": "https://andon.example/roles"}, **{"https://andon.example/roles": ["viewer"]}).roles == (
        Role.VIEWER,
    )


def test_roles_as_one_text(who: Any) -> None:
    assert who(roles="viewer approver").roles == (Role.APPROVER, Role.VIEWER)


@pytest.mark.parametrize("roles", [{"admin": True}, 7, True, [["admin"]], [1], ["viewer", None]])
def test_roles_in_a_form_that_nobody_meant(roles: Any, who: Any) -> None:
    with pytest.raises(Unauthenticated, match="roles is no list of texts"):
        who(roles=roles)


def test_permissions_that_are_given_one_by_one_and_no_others(who: Any) -> None:
    found = who(andon_permissions=["reveal", "users", "act", "break-glass", "nonsense"])
    assert found.granted == {Permission.REVEAL, Permission.BREAK_GLASS}
    assert Permission.USERS not in found.permissions


def test_limits(who: Any) -> None:
    assert who().limits == Limits()
    found = who(andon_plants=["P03"], andon_flows=[], andon_risks=["low", "weird"])
    assert found.limits == Limits(plants=["P03"], flows=[], risks=["low", "weird"])


@pytest.mark.parametrize("name", ["andon_plants", "andon_flows", "andon_risks"])
@pytest.mark.parametrize("value", ["P03", {}, 3, [3], [["P03"]], False])
def test_a_limit_that_cannot_be_read_is_not_taken_for_none(name: str, value: Any, who: Any) -> None:
    with pytest.raises(Unauthenticated, match=f"{name} is no list of texts"):
        who(**{name: value})


def test_a_limit_that_is_null_is_no_list_either(settings: IssuerSettings, claims: Any) -> None:
    with pytest.raises(Unauthenticated, match="andon_plants"):
        principal_of({**claims(), "andon_plants": None}, settings, END)


def test_a_source_by_its_scopes(who: Any) -> None:
    found = who(roles=None, scope="openid ingress.report ingress.notice", andon_plants=["P01"])
    assert (found.roles, found.kind) == ((Role.SOURCE,), "system")
    assert found.limits == Limits(plants=["P01"], flows=["notice", "report"])
    assert found.permissions == {Permission.INGRESS}
    assert who(roles=None, scp=["ingress.report"]).limits.flows == ["report"]
    assert who(roles=None, scope="ingress.report ingress.x", andon_flows=["report"]).limits.flows == ["report"]


@pytest.mark.parametrize("scope", ["ingress.", "ingress", "INGRESS.report", "xingress.report", "", None, 7, {"a": 1}])
def test_scopes_that_are_no_ingress(scope: Any, who: Any) -> None:
    assert who(roles=None, scope=scope).roles == ()


def test_scopes_neither_widen_nor_cut_the_rights_of_somebody_with_roles(who: Any) -> None:
    found = who(roles=["operator"], scope="ingress.report")
    assert found.roles == (Role.OPERATOR,)
    assert found.limits.unlimited
    assert Permission.INGRESS not in found.permissions


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"preferred_username": "ann", "name": "Ann"}, "ann"),
        ({"name": "Shift Lead"}, "Shift Lead"),
        ({"client_id": "mes-p01"}, "mes-p01"),
        ({"client_id": None, "azp": "x"}, "x"),
        ({"client_id": None}, None),
        ({"name": "  ", "client_id": 3}, None),
        ({"name": "a\x1b[2Jb\u202e"}, "a[2Jb"),
        ({"name": "n" * 500}, "n" * 100),
    ],
)
def test_a_name_to_call_somebody_by(told: dict[str, Any], name: str | None, who: Any) -> None:
    assert who(**told).name == name
