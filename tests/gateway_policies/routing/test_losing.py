"""Whom a change of policies would refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway_policies.model import Consumer, Credential, Grant, Issuer, Resource, Scope, by_address
from gateway_policies.routing.losing import losses
from gateway_policies.routing.making import routing
from gateway_policies.routing.model import Routing

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OVER = date(2026, 11, 20)
IDP = Issuer(name="idp", url="https://idp.example")
SCOPES = [Scope(name="a.read"), Scope(name="a.write")]


def _consumer(name: str = "mes", client: str = "m", over: bool = False) -> Consumer:
    known = Credential(issuer="idp", client_id=client, expires_on=OVER if over else None)
    return Consumer(name=name, owner="o", credential=known)


def _grant(scope: str, name: str = "mes", over: bool = False) -> Grant:
    return Grant(consumer=name, scope=scope, expires_on=OVER if over else None)


def _made(*resources: Resource, issuer: bool = True) -> Routing:
    return routing("g", by_address([*([IDP] if issuer else []), *SCOPES, *resources]), NOON)


BEFORE = _made(_consumer(), _grant("a.read"), _grant("a.write"))


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        (_made(_consumer(), _grant("a.read"), _grant("a.write")), []),
        (_made(_consumer(), _grant("a.*")), []),
        (_made(_consumer(), _grant("*")), []),
        (_made(_consumer(), _grant("a.read")), [("consumer.mes.grant.a.write", "a.write")]),
        (_made(_consumer(), _grant("a.read", over=True), _grant("a.write")), [("consumer.mes.grant.a.read", "a.read")]),
        (
            _made(_consumer()),
            [("consumer.mes.grant.a.read", "a.read"), ("consumer.mes.grant.a.write", "a.write")],
        ),
        (_made(_consumer(over=True), _grant("a.read"), _grant("a.write")), [("consumer.mes", None)]),
        (_made(_consumer(client="other"), _grant("a.*")), [("consumer.mes", None)]),
        (_made(), [("consumer.mes", None)]),
        (_made(_consumer(), _grant("a.*"), issuer=False), [("consumer.mes", None)]),
        (_made(_consumer("renamed"), _grant("a.*", "renamed")), []),
    ],
)
def test_who_loses_what(after: Routing, lost: list[tuple[str, str | None]]) -> None:
    assert [(each.address, each.scope) for each in losses(BEFORE, after)] == lost


def test_whoever_loses_everything_loses_each_scope() -> None:
    (lost,) = losses(BEFORE, _made())
    assert lost.scopes == {"a.read", "a.write"}
    assert (lost.issuer, lost.client_id, lost.consumer) == ("idp", "m", "mes")


def test_whoever_could_not_call_loses_nothing() -> None:
    assert losses(_made(_consumer(over=True), _grant("a.read")), _made()) == []
    assert losses(_made(), BEFORE) == []
