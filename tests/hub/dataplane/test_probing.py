"""Which calls see whether a change is in force, and what is told of a gateway that does something else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from gatehouse import Target200

from gateway_policies.model import Api, Lifecycle, Operation, Resource, Version, by_address
from gateway_policies.routing.making import routing
from gateway_policies.routing.model import Routing
from hub.dataplane import probing
from hub.dataplane.probing import MARK, Prober, questions
from hub.errors import DataPlaneError

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _made(*paths: str, lifecycle: Lifecycle = Lifecycle.ACTIVE, **fields: str) -> Routing:
    operations = tuple(Operation(methods=("GET",), path=path) for path in paths)
    made = {"base_path": "/orders", "upstream": "http://127.0.0.1:9", **fields}
    resources: list[Resource] = [
        Api(name="orders", owner="o", operations=operations, **made),
        Version(api="orders", name="v1", lifecycle=lifecycle),
    ]
    return routing("g", by_address(resources), NOON)


def _asked(before: Routing | None, after: Routing) -> list[tuple[str, str]]:
    return [(each.call.method, each.call.path) for each in questions(before, after)[0]]


def test_all_of_what_is_new_is_called() -> None:
    found = _asked(None, _made("/{order}", "/", "/open/{line}"))
    assert sorted(found) == [("GET", "/orders/v1"), ("GET", f"/orders/v1/{MARK}"), ("GET", f"/orders/v1/open/{MARK}")]


def test_what_is_as_before_is_not() -> None:
    assert _asked(_made("/{order}"), _made("/{order}")) == []


def test_what_is_gone_is_called_too() -> None:
    assert _asked(_made("/{order}", "/old"), _made("/{order}")) == [
        ("GET", f"/orders/v1/{MARK}"),
        ("GET", "/orders/v1/old"),
    ]
    moved = _asked(_made("/{order}"), _made("/{order}", base_path="/elsewhere"))
    assert moved == [("GET", f"/elsewhere/v1/{MARK}"), ("GET", f"/orders/v1/{MARK}")]


def test_a_version_by_header_is_named() -> None:
    found, _ = questions(None, _made("/{order}", versioning="header:X-Version"))
    assert [each.call.headers for each in found] == [{"x-version": "v1"}]


def test_of_very_many_some_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "CHECKED_AT_MOST", 3)
    found, more = questions(None, _made(*(f"/path-{n}" for n in range(10))))
    assert (len(found), more) == (3, 7)


async def test_a_gateway_that_lets_everything_through_is_found_out() -> None:
    """Something else answers at its address."""
    made, target = _made("/{order}"), Target200()
    try:
        (found,) = await Prober(target.url).check(questions(None, made)[0], made)
    finally:
        target.close()
    assert not found.held
    assert (found.expected, found.status, found.wrong) == (401, 200, ("it was not the gateway that answered",))


async def test_a_gateway_that_does_not_answer_is_told() -> None:
    made = _made("/{order}")
    (found,) = await Prober("http://127.0.0.1:9").check(questions(None, made)[0], made)
    assert (found.held, found.status) == (False, None)
    assert found.wrong[0].startswith("no answer: ")


async def test_another_generation_is_waited_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_SEEN_WITHIN", 0.2)
    with pytest.raises(DataPlaneError, match="serves nothing and should serve abc"):
        await Prober("http://127.0.0.1:9").serves("abc", 2)
