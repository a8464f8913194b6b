"""What the real Envoy writes is what is counted, and what it throttles is what the simulation says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from gatehouse import Gatehouse

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.simulating.running import Run
from gateway_policies.traffic.counting import Clients, Kind, Tally
from gateway_policies.traffic.entries import Entry, read_entries
from gateway_policies.traffic.outcomes import ARRIVED, Outcome, outcome_of


def consumer(name: str, throttle: str | None = None) -> Consumer:
    return Consumer(
        name=name, owner="o", throttle=throttle, credential=Credential(issuer="own", client_id=f"{name}-client")
    )


def policies(*throttles: Throttle) -> list[Resource]:
    names = {each.name for each in throttles}
    own, pool = ("own" if "own" in names else None), ("pool" if "pool" in names else None)
    return [
        Issuer(name="own", url="hub:"),
        Api(
            name="orders",
            owner="o",
            base_path="/erp",
            upstream="system:ERP",
            throttle=pool,
            operations=(
                Operation(methods=("GET",), path="/{order}"),
                Operation(methods=("POST",), path="/{order}/release", scope="orders.release"),
            ),
        ),
        Version(api="orders", name="v1", lifecycle=Lifecycle.RETIRED, successor="v2"),
        Version(api="orders", name="v2", lifecycle=Lifecycle.ACTIVE),
        Scope(name="orders.release"),
        consumer("mes", own),
        consumer("wms", own),
        Grant(consumer="mes", scope="orders.release"),
        *throttles,
    ]


def written(gatehouse: Gatehouse, order: str, count: int) -> list[Entry]:
    """The calls about an order in the log, once there are so many. The gateway's own looks after a change are none."""
    end = time.monotonic() + 30
    while True:
        entries, unreadable = read_entries(gatehouse.plane.log_file.read_bytes().splitlines())
        found = [each for each in entries if order in (each.path or "")]
        if len(found) >= count and not unreadable:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)


def tallied(entries: Sequence[Entry], live: Sequence[Resource]) -> Counter[Kind]:
    tally = Tally(Clients(by_address(live)))
    tally.add_all(entries)
    found: Counter[Kind] = Counter()
    for (_, kind), seen in tally.counts.items():
        found[kind] += seen.calls
    return found


def test_every_outcome_is_counted_as_what_it_is(gatehouse: Gatehouse) -> None:
    live = policies()
    gatehouse.apply(*live)
    mes, wms = gatehouse.token("mes-client", "orders.release"), gatehouse.token("wms-client", "orders.release")
    stranger = gatehouse.token("nobody", "orders.release")
    release = "/erp/v2/A11/release"
    for _ in range(2):
        assert gatehouse.call("POST", release, mes).status == 200
    assert gatehouse.call("GET", "/erp/v2/A11", wms).status == 200
    assert gatehouse.call("POST", release, wms).status == 403
    assert gatehouse.call("POST", release, stranger).status == 401
    assert gatehouse.call("DELETE", release, mes).status == 405
    assert gatehouse.call("GET", "/elsewhere/A11", mes).status == 404
    assert gatehouse.call("POST", "/erp/v1/A11/release", mes).status == 410
    gatehouse.target.status = 500
    try:
        assert gatehouse.call("POST", release, mes).status == 500
    finally:
        gatehouse.target.status = 200
    found = tallied(written(gatehouse, "A11", 9), live)
    operation = "POST /{order}/release"
    assert found[Kind("mes", "", "orders", "v2", operation, "orders.release", Outcome.OK)] == 2
    assert found[Kind("wms", "", "orders", "v2", "GET /{order}", "", Outcome.OK)] == 1
    assert found[Kind("wms", "", "orders", "v2", operation, "orders.release", Outcome.SCOPE_MISSING)] == 1
    assert found[Kind("", "nobody", "orders", "v2", operation, "orders.release", Outcome.UNKNOWN_CONSUMER)] == 1
    assert found[Kind("mes", "", "orders", "v2", operation, "orders.release", Outcome.SERVER_ERROR)] == 1
    by_outcome = Counter[Outcome]()
    for kind, calls in found.items():
        by_outcome[kind.outcome] += calls
    assert by_outcome[Outcome.METHOD_NOT_ALLOWED] == 1
    assert by_outcome[Outcome.NO_SUCH_ROUTE] == 1
    assert by_outcome[Outcome.VERSION_RETIRED] == 1


def test_what_it_throttles_is_what_the_simulation_says(gatehouse: Gatehouse) -> None:
    live = policies(
        Throttle(name="own", requests=60, per_seconds=60, burst=20),
        Throttle(name="pool", requests=60, per_seconds=60, burst=30),
    )
    gatehouse.apply(*live)
    tokens = {name: gatehouse.token(f"{name}-client", "orders.release") for name in ("mes", "wms")}
    for name, count in (("mes", 30), ("wms", 15), ("mes", 5)):
        for _ in range(count):
            gatehouse.call("GET", "/erp/v2/B22", tokens[name])
    entries = sorted(written(gatehouse, "B22", 50), key=lambda each: each.at)
    assert len(entries) == 50
    known = Clients(by_address(live))
    run = Run({}, by_address(live), entries[0].at.timestamp())
    refused = 0
    for each in entries:
        assert outcome_of(each.status, each.refused, each.flags or "", each.detail or "") in ARRIVED
        name = known.consumer(each.issuer, each.client or "")
        assert name is not None
        run.call(each.at.timestamp(), name, each.api or "")
        refused += each.refused == "throttled"
    found = run.result()
    # The log has the millisecond in which a call came, and the bucket was asked a moment later: a token more or less.
    assert abs(found.refused - refused) <= 3
    assert refused > 5
