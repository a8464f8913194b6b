"""What a policy stops, as a filter that can be read whatever it is called; and transactions as refused calls."""

from __future__ import annotations

import msgspec
import pytest
from console_doubles import NOW, group, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from console.stopped import call_of, call_of_group, filter_of
from gateway_policies.overview.stopped import Stops
from transactions.filters import parse
from transactions.filters.matching import matches
from transactions.model import Failure, FailureKind, Status, Transaction

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(TEXTS, min_size=1, max_size=2),
    st.sampled_from([(), ("forbidden",), ("throttled", "forbidden")]),
    st.lists(TEXTS, max_size=2),
    st.lists(st.tuples(TEXTS, st.none() | TEXTS), max_size=2),
)
def test_a_filter_can_be_read_whatever_things_are_called(policies, kinds, targets, sources) -> None:
    parse(filter_of(Stops(tuple(policies), kinds, tuple(targets), tuple(sources))))


def stopped(kind: FailureKind = FailureKind.FORBIDDEN, policy: str | None = None, **more: object) -> Transaction:
    failure = Failure(kind=kind, help=kind.help, code="403", message="no", system="ERP", policy_ref=policy)
    return msgspec.structs.replace(transaction(0), failure=failure, status=Status.FAILED, **more)


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (stopped(policy="consumer.mes-p01.grant.orders.release", source="PLM"), True),
        (stopped(policy="consumer.mes-p01", source="PLM"), True),
        (stopped(policy="consumer.mes-p011"), False),
        (stopped(source="MES", plant="P01"), True),
        (stopped(source="MES", plant="P02"), False),
        (stopped(FailureKind.MASTER_DATA, source="MES", plant="P01"), False),
        (stopped(source="MES", plant="P01", policy="consumer.other"), False),
    ],
)
def test_what_it_finds(one: Transaction, found: bool) -> None:
    query = parse(filter_of(Stops(("consumer.mes-p01",), ("forbidden",), (), (("MES", "P01"),))))
    assert matches(query, one, "", NOW) is found


def test_a_refused_call_is_of_who_said_it() -> None:
    call = call_of(stopped(source="MES", target="WMS", plant="P03"))
    assert call is not None
    assert (call.kind, call.policy, call.source, call.plant, call.target) == ("forbidden", None, "MES", "P03", "ERP")
    assert call_of(stopped(FailureKind.SCHEMA)) is None
    assert call_of(msgspec.structs.replace(transaction(0), failure=None)) is None
    assert call_of(None) is None


def test_a_group_says_where_it_was_refused_and_not_whose_calls_they_were() -> None:
    call = call_of_group(group(1))
    assert call is not None
    assert (call.kind, call.policy, call.source, call.plant, call.target) == ("throttled", None, "", None, "ERP")
    alone = call_of_group(msgspec.structs.replace(group(1), plants={"P03": 4}))
    assert alone is not None
    assert alone.plant == "P03"
    assert call_of_group(group(0)) is None


def test_what_the_gateway_refused_was_a_call_of_the_target() -> None:
    one = stopped(policy="throttle.erp-quota", source="MES", target="WMS")
    assert one.failure is not None
    by_gateway = msgspec.structs.replace(one, failure=msgspec.structs.replace(one.failure, system="gateway"))
    call = call_of(by_gateway)
    assert call is not None
    assert (call.target, call.policy) == ("WMS", "throttle.erp-quota")
