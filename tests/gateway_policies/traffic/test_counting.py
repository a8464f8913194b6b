"""Calls counted by the minute and by kind; arrivals by the second; consumers known by their clients."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from access_log import BEGIN, RELEASE, line
from hypothesis import given, settings
from hypothesis import strategies as st
from plant_doubles import plant

from gateway_policies.model import Consumer, Credential, Issuer, by_address
from gateway_policies.traffic.counting import LONGEST, Clients, Kind, Tally
from gateway_policies.traffic.entries import Entry, read_entries
from gateway_policies.traffic.outcomes import Outcome

MINUTE = int(BEGIN.timestamp())


def tally(*lines: bytes) -> Tally:
    found = Tally(Clients(plant()))
    entries, found.unreadable = read_entries(lines)
    found.add_all(entries)
    return found


def kinds(found: Tally) -> dict[Kind, int]:
    return {kind: seen.calls for (_, kind), seen in found.counts.items()}


def test_a_call_is_its_consumers() -> None:
    found = tally(line())
    assert kinds(found) == {Kind("mes-p03", "", "production-orders", "v1", RELEASE, "orders.release", Outcome.OK): 1}
    assert found.lines == 1


def test_minutes_seconds_and_the_last_call() -> None:
    found = tally(line(0.2), line(59.9), line(60), line(0.3, refused="throttled", status=429))
    by_minute = Counter[int]()
    for (minute, _), seen in found.counts.items():
        by_minute[minute - MINUTE] += seen.calls
    assert by_minute == {0: 3, 60: 1}
    first = found.arrivals[MINUTE, "mes-p03", "production-orders"]
    assert (first[0], first[59], sum(first)) == (2, 1, 3)
    assert max(seen.last for seen in found.counts.values()) == MINUTE + 60
    assert found.spans == {"production-orders": (pytest.approx(MINUTE + 0.2), MINUTE + 60)}


def test_what_the_gateway_refuses_for_other_reasons_never_came_to_the_throttles() -> None:
    found = tally(line(refused="scope-missing", status=403), line(client=None, issuer=None, refused="unauthenticated"))
    assert found.arrivals == {}
    assert {kind.consumer for kind in kinds(found)} == {"mes-p03", ""}


def test_a_stranger_is_told_by_the_name_in_the_token() -> None:
    (kind,) = kinds(tally(line(client="who-knows")))
    assert (kind.consumer, kind.client) == ("", "who-knows")


def test_clients_are_known_by_their_issuer_and_alone_where_that_is_plain() -> None:
    def one(name: str, issuer: str, client: str) -> Consumer:
        return Consumer(name=name, owner="it", credential=Credential(issuer=issuer, client_id=client))

    known = Clients(
        by_address(
            [
                one("a-mes", "a", "mes"),
                one("b-mes", "b", "mes"),
                one("portal", "a", "web"),
                one("scanner", "own", "scan"),
                Consumer(name="by-hand", owner="it"),
                Issuer(name="a", url="https://a.example"),
                Issuer(name="b", jwks_file="b.json"),
                Issuer(name="own", url="hub:"),
            ]
        )
    )
    assert known.consumer("a", "mes") == "a-mes"
    assert known.consumer("b", "mes") == "b-mes"
    assert known.consumer("https://a.example", "mes") == "a-mes"
    assert known.consumer("https://c.example", "mes") == "b-mes"  # whose issuer is only known by its keys
    assert known.consumer("urn:whatever", "scan") == "scanner"
    assert known.consumer("https://c.example", "web") is None
    assert known.consumer(None, "web") == "portal"
    assert known.consumer(None, "mes") is None  # of two it could be either
    assert known.consumer("a", "none") is None


def test_names_are_one_line_and_not_too_long() -> None:
    (kind,) = kinds(tally(line(client="a\nb" + "x" * 500)))
    assert len(kind.client) == LONGEST
    assert kind.client.startswith("a\N{REPLACEMENT CHARACTER}b")


def test_a_dash_is_no_name() -> None:
    (kind,) = kinds(tally(line(client="-", scope="-")))
    assert (kind.consumer, kind.client, kind.scope) == ("", "", "")


MOMENTS = st.floats(0, 7200, allow_nan=False)
CALLS = st.tuples(
    MOMENTS, st.sampled_from(["mes-p01", "mes-p03", "other"]), st.sampled_from([None, "throttled", "brownout"])
)


@settings(max_examples=50, deadline=None)
@given(st.lists(CALLS, max_size=40), st.integers(0, 40))
def test_however_calls_are_divided_they_come_to_the_same(calls: list[tuple[float, str, str | None]], cut: int) -> None:
    entries = [
        Entry(at=BEGIN + timedelta(seconds=after), client=client, api="a", status=200, refused=refused)
        for after, client, refused in calls
    ]
    whole, first, second = (Tally(Clients(plant())) for _ in range(3))
    whole.add_all(entries)
    first.add_all(entries[:cut])
    second.add_all(entries[cut:])
    summed: Counter[tuple[int, Kind]] = Counter()
    for each in (first, second):
        summed.update({key: seen.calls for key, seen in each.counts.items()})
    assert summed == {key: seen.calls for key, seen in whole.counts.items()}
    assert sum(summed.values()) == len(calls)
    arrived = sum(sum(seconds) for seconds in whole.arrivals.values())
    assert arrived == sum(refused != "brownout" for _, _, refused in calls)


def test_a_moment_in_another_zone_is_the_same_minute() -> None:
    found = Tally(Clients())
    east = datetime.fromisoformat("2026-11-20T15:30:00+05:30")
    found.add(Entry(at=east, api="a", status=200))
    found.add(Entry(at=east.astimezone(UTC), api="a", status=200))
    assert [(minute, seen.calls) for (minute, _), seen in found.counts.items()] == [(MINUTE, 2)]
