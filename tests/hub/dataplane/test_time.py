"""What time makes of the policies is in force on time, by the hub's clock; and addresses and keys that come and go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from gatehouse import Gatehouse

from gateway_policies.enforcement import Enforcing
from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Version,
)
from hub.dataplane.blueprint import Target
from hub.errors import StoreError

WITHIN = 30.0


@pytest.fixture
def house(gatehouse: Gatehouse) -> Iterator[Gatehouse]:
    """The gateway, at the present again when the test is over."""
    yield gatehouse
    gatehouse.clock.ahead = timedelta()
    gatehouse.sources.without_keys.clear()
    gatehouse.sources.addresses["system:ERP"] = [Target(url=gatehouse.target.url)]


def _eventually(look: Callable[[], object], wanted: object) -> None:
    end = time.monotonic() + WITHIN
    while (found := look()) != wanted:
        assert time.monotonic() < end, f"{found} and not {wanted}"
        time.sleep(0.02)


def _policies(
    *, brownouts: tuple[Brownout, ...] = (), grant: Grant | None = None, known: Credential | None = None
) -> list[Resource]:
    operation = Operation(methods=("GET",), path="/ping", scope="orders.read")
    return [
        Issuer(name="hub", url="hub:"),
        Api(name="orders", owner="o", base_path="/orders", upstream="system:ERP", operations=(operation,)),
        Version(api="orders", name="v1", lifecycle=Lifecycle.DEPRECATED, brownouts=brownouts),
        Scope(name="orders.read"),
        Consumer(name="mes", owner="o", credential=known or Credential(issuer="hub", client_id="mes")),
        grant or Grant(consumer="mes", scope="orders.read"),
    ]


def _call(house: Gatehouse) -> tuple[int, str | None]:
    answer = house.call("GET", "/orders/v1/ping", house.token("mes", "orders.read"))
    return answer.status, answer.refused


def test_a_brownout_begins_and_ends_by_itself(house: Gatehouse) -> None:
    begin = house.clock.now() + timedelta(hours=1)
    house.apply(*_policies(brownouts=(Brownout(from_=begin, until=begin + timedelta(hours=1)),)))
    assert _call(house) == (200, None)
    assert house.plane.status().changes_at == begin
    house.clock.ahead = timedelta(hours=1, minutes=1)
    _eventually(lambda: _call(house), (410, "brownout"))
    house.clock.ahead = timedelta(hours=2, minutes=1)
    _eventually(lambda: _call(house), (200, None))
    _eventually(lambda: house.plane.status().changes_at, None)


def test_a_grant_ends_with_its_last_day(house: Gatehouse) -> None:
    today = house.clock.now().date()
    house.apply(*_policies(grant=Grant(consumer="mes", scope="orders.read", expires_on=today + timedelta(days=1))))
    assert _call(house) == (200, None)
    house.clock.ahead = timedelta(days=2)
    _eventually(lambda: _call(house), (403, "scope-missing"))


def test_a_credential_ends_with_its_last_day(house: Gatehouse) -> None:
    last = house.clock.now().date() + timedelta(days=1)
    house.apply(*_policies(known=Credential(issuer="hub", client_id="mes", expires_on=last)))
    assert _call(house) == (200, None)
    house.clock.ahead = timedelta(days=2)
    _eventually(lambda: _call(house), (401, "credential-expired"))


def test_a_system_that_moved_is_found_again(house: Gatehouse) -> None:
    """Whoever knows that it moved says so, and the same policies lead to the new address."""
    house.apply(*_policies())
    house.sources.addresses["system:ERP"] = []
    house.run(house.plane.refresh)
    assert _call(house) == (503, "upstream-unavailable")
    assert house.plane.status().without_address == ["system:ERP"]
    house.sources.addresses["system:ERP"] = [Target(url=house.target.url)]
    house.run(house.plane.refresh)
    assert _call(house) == (200, None)
    assert house.plane.status().without_address == []


def test_nobody_is_behind_an_address(house: Gatehouse) -> None:
    """503 with what Envoy knows of it: whoever sent a document has to know that it never arrived."""
    house.sources.addresses["system:ERP"] = [Target(url="http://127.0.0.1:9")]
    house.apply(*_policies())
    answer = house.call("GET", "/orders/v1/ping", house.token("mes", "orders.read"))
    assert (answer.status, answer.refused) == (503, "upstream-unavailable")
    assert answer.json()["flags"] == "UF"
    house.sources.addresses["system:ERP"] = [Target(url=house.target.url)]
    house.run(house.plane.refresh)


def test_an_issuer_without_keys_lets_nobody_in(house: Gatehouse) -> None:
    """Its tokens are refused, and the status says why."""
    house.sources.without_keys["hub"] = "it does not answer"
    house.apply(*_policies())
    assert _call(house)[0] == 401
    assert house.plane.status().without_keys == {"hub": "it does not answer"}
    house.sources.without_keys.clear()
    house.run(house.plane.refresh)
    assert _call(house) == (200, None)


def test_instances_by_plant(house: Gatehouse) -> None:
    """A header says which; without it, or with another, nothing is guessed. The hub's own authorization replaces the
    caller's where the target wants that."""
    house.sources.addresses["system:ERP"] = [
        Target(url=f"{house.target.url}/one", plant="P01", authorization="Bearer one"),
        Target(url=f"{house.target.url}/two/", plant="P02"),
    ]
    house.apply(Issuer(name="hub", url="hub:"))
    told = house.apply(*_policies())
    assert [each.wrong for each in told.checked if not each.held] == [], "what is called to see names a plant, too"
    assert told.checked
    token = house.token("mes", "orders.read")
    first = house.call("GET", "/orders/v1/ping", token, {"andon-plant": "P01"}).json()
    assert (first["path"], first["headers"]["authorization"]) == ("/one/ping", "Bearer one")
    second = house.call("GET", "/orders/v1/ping?x=/orders/v1", token, {"andon-plant": "P02"}).json()
    assert (second["path"], second["headers"]["authorization"]) == ("/two/ping?x=/orders/v1", f"Bearer {token}")
    for headers in ({}, {"andon-plant": "P09"}):
        answer = house.call("GET", "/orders/v1/ping", token, headers)
        assert (answer.status, answer.refused) == (404, "no-such-route")
        assert "andon-plant: P01 and P02" in answer.json()["detail"]


def test_without_any_api_it_goes_on_and_refuses(house: Gatehouse) -> None:
    """The last API is gone: nothing is there any more."""
    house.apply(*_policies())
    house.apply(Issuer(name="hub", url="hub:"))
    assert _call(house) == (404, "no-such-route")
    assert house.plane.status().state is Enforcing.SERVING
    assert house.plane.served() == frozenset()


def test_the_end_of_the_last_api_is_tried_again_until_it_is_in_force(
    house: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be taken away at once is not served on for ever."""
    house.apply(*_policies())

    async def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(house.plane._publisher, "publish", full)
        with pytest.raises(StoreError):
            house.apply(Issuer(name="hub", url="hub:"))
        assert _call(house) == (200, None)
    house.run(house.plane.refresh)
    assert _call(house) == (404, "no-such-route")
