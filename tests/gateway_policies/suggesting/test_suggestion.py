"""The smallest change that would let a refused call pass: it does, it is no more than that, and where there is none
it says why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.edits import SetField
from gateway_policies.explaining.judging import judge
from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.explaining.stopped_call import StoppedCall, stopped_call
from gateway_policies.loading import load
from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
)
from gateway_policies.planning.usage import Peak, Usage
from gateway_policies.state import GatewayState
from gateway_policies.suggesting.in_files import edited
from gateway_policies.suggesting.suggestion import NoSuggestion, Suggestion, suggest
from gateway_policies.writing.exporting import export
from gateway_policies.writing.files import write

TODAY, YESTERDAY = date(2026, 11, 21), date(2026, 11, 20)
UNTIL = TODAY + timedelta(days=90)
ERP = Api(
    name="erp",
    owner="it",
    base_path="/erp",
    upstream="system:ERP",
    throttle="quota",
    operations=(Operation(methods=("POST",), path="/documents/{flow}", scope="erp.deliver"),),
)
HUB = Consumer(name="andon-hub", owner="it", throttle="hub", credential=Credential(issuer="hub", client_id="hub-1"))
BASE: tuple[Resource, ...] = (
    Issuer(name="hub", url="hub:"),
    ERP,
    Version(api="erp", name="v1", lifecycle=Lifecycle.RETIRED, sunset_on=date(2026, 10, 1), successor="v2"),
    Version(api="erp", name="v2", lifecycle=Lifecycle.ACTIVE),
    Scope(name="erp.deliver", description="Deliver"),
    HUB,
    Throttle(name="quota", requests=10, per_seconds=1, burst=20),
    Throttle(name="hub", requests=600, per_seconds=60),
)


def live(*more: Resource) -> dict[str, Resource]:
    return {each.address: each for each in (*BASE, *more)}


def stopped(name: str, resources: dict[str, Resource], **call: Any) -> StoppedCall:
    told = {"api": "erp", "version": "v2", "operation": "POST /documents/{flow}", "client_id": "hub-1", **call}
    return stopped_call("tx1", judge(RefusedCall(name=name, status=403, **told), resources, TODAY), None)


def suggested(name: str, *more: Resource, usage: Usage | None = None, **call: Any) -> Suggestion:
    resources = live(*more)
    return suggest(stopped(name, resources, **call), resources, TODAY, usage)


def grant(scope: str = "erp.deliver", ends: date | None = None) -> Grant:
    return Grant(consumer="andon-hub", scope=scope, reason="delivers", expires_on=ends)


def seen(**peaks: int) -> Usage:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return Usage(
        since=at,
        until=at,
        peaks=tuple(Peak(address=name.replace("__", "."), per_minute=each, at=at) for name, each in peaks.items()),
    )


def test_a_grant_by_name_with_an_end_and_a_reason_to_write() -> None:
    found = suggested("scope-missing")
    assert found.changes == (
        Grant(
            consumer="andon-hub",
            scope="erp.deliver",
            reason="say why: POST /documents/{flow} of erp was refused",
            expires_on=UNTIL,
        ),
    )
    assert found.what == f"Grant erp.deliver to consumer.andon-hub until {UNTIL}."
    assert found.notes == ()


@pytest.mark.parametrize("ended", ["*", "erp.*"])
def test_never_a_wildcard(ended: str) -> None:
    found = suggested("scope-missing", grant(ended, YESTERDAY))
    (change,) = found.changes
    assert isinstance(change, Grant)
    assert change.scope == "erp.deliver"
    assert f"the wildcard consumer.andon-hub.grant.{ended}" in found.notes[0]


def test_a_grant_that_ended_is_renewed_where_it_stands() -> None:
    found = suggested("scope-missing", grant(ends=YESTERDAY))
    assert found.changes == (SetField("consumer.andon-hub.grant.erp.deliver", "expires_on", UNTIL),)


def test_it_ends_with_the_credential_and_says_what_wants_a_second_person() -> None:
    soon = TODAY + timedelta(days=10)
    hub = msgspec.structs.replace(HUB, credential=Credential(issuer="hub", client_id="hub-1", expires_on=soon))
    found = suggested("scope-missing", hub, Scope(name="erp.deliver", risk=Risk.FINANCIAL))
    (change,) = found.changes
    assert isinstance(change, Grant)
    assert change.expires_on == soon
    assert "It ends with the credential" in found.notes[0]
    assert found.notes[1] == "scope.erp.deliver is financial: applying it wants a second person."


def test_a_credential_is_renewed_at_its_issuer_first() -> None:
    hub = msgspec.structs.replace(HUB, credential=Credential(issuer="hub", client_id="hub-1", expires_on=YESTERDAY))
    found = suggested("credential-expired", hub, grant())
    assert found.changes == (SetField("consumer.andon-hub", "credential.expires_on", UNTIL),)
    assert "Have issuer.hub renew the client hub-1 first" in found.notes[0]


@pytest.mark.parametrize(
    ("usage", "call", "field", "value"),
    [
        (seen(api__erp=1200), {"policy": "throttle.quota"}, "requests", 20),
        (seen(api__erp=1201), {"policy": "throttle.quota"}, "requests", 21),
        (seen(api__erp=300, **{"consumer__andon-hub": 9000}), {"policy": "throttle.quota"}, "burst", 300),
        (seen(**{"consumer__andon-hub": 700}), {"throttled": "consumer"}, "requests", 700),
        (seen(api__erp=900, **{"consumer__andon-hub": 700}), {"throttled": "api"}, "requests", 15),
    ],
)
def test_a_throttle_as_wide_as_what_was_called(usage: Usage, call: dict[str, Any], field: str, value: int) -> None:
    found = suggested("throttled", usage=usage, **call)
    (change,) = found.changes
    assert isinstance(change, SetField)
    assert (change.field, change.value) == (field, value)


def test_whoever_has_the_same_throttle_is_named() -> None:
    found = suggested(
        "throttled",
        Consumer(name="mes", owner="it", throttle="hub"),
        throttled="consumer",
        usage=seen(**{"consumer__andon-hub": 700}),
    )
    assert found.notes == ("The throttle is also that of consumer.mes, which could call as fast then.",)


def test_a_retirement_is_postponed_and_the_successor_told_first() -> None:
    found = suggested("version-retired", version="v1")
    address = "api.erp.version.v1"
    assert found.changes == (
        SetField(address, "lifecycle", "deprecated"),
        SetField(address, "sunset_on", TODAY + timedelta(days=30)),
        SetField(address, "deprecated_on", TODAY),
    )
    assert found.notes[0] == "Better than that: have the caller go over to v2, at /erp/v2."
    assert "postponement" in found.notes[1]


@pytest.mark.parametrize(
    ("name", "more", "call", "because"),
    [
        ("unauthenticated", (), {}, "no token that can be used"),
        ("unknown-consumer", (), {"client_id": "stranger"}, "has the client stranger as its credential"),
        ("brownout", (), {"version": "v1"}, "ends by itself"),
        ("no-such-route", (), {}, "andon gateway apis"),
        ("method-not-allowed", (), {}, "andon gateway apis"),
        ("upstream-unavailable", (), {}, "No policy did that"),
        ("throttled", (), {"policy": "throttle.quota"}, "How many calls there were is not known"),
        ("throttled", (), {}, "either of two"),
        ("scope-missing", (grant(),), {}, "The policies that are live let it pass now. Replay it."),
        ("scope-missing", (), {"client_id": "stranger", "scope": "erp.deliver"}, "did not say who called"),
        ("scope-missing", (), {"operation": "GET /x", "scope": "erp.read"}, "scope.erp.read is not in the files"),
        ("version-retired", (), {"version": "v9"}, "is not in the files"),
    ],
)
def test_where_nothing_is_to_be_suggested(
    name: str, more: tuple[Resource, ...], call: dict[str, Any], because: str
) -> None:
    with pytest.raises(NoSuggestion) as caught:
        suggested(name, *more, **call)
    assert because in str(caught.value)


def test_enough_was_let_through() -> None:
    with pytest.raises(NoSuggestion, match="Wait"):
        suggested("throttled", policy="throttle.quota", usage=seen(api__erp=15))


def test_what_the_files_say_already_is_to_be_applied() -> None:
    found = stopped("scope-missing", live())
    with pytest.raises(NoSuggestion, match="andon policy plan"):
        suggest(found, live(grant()), TODAY)
    files = live()
    del files["consumer.andon-hub"]
    with pytest.raises(NoSuggestion):
        suggest(found, files, TODAY)


def folder_of(tmp_path: Path, resources: dict[str, Resource]) -> Path:
    state = GatewayState(
        gateway="gw",
        revision=1,
        fingerprint="f",
        live=resources,
        owners=dict.fromkeys(resources, "policies"),
        applied=resources,
    )
    folder = tmp_path / "policies"
    write(export(state, "policies").policies, folder)
    return folder


@pytest.mark.parametrize(
    ("name", "more", "call"),
    [
        ("scope-missing", (), {}),
        ("scope-missing", (grant(ends=YESTERDAY),), {}),
        ("scope-missing", (grant("*", YESTERDAY),), {}),
        (
            "credential-expired",
            (
                msgspec.structs.replace(
                    HUB, credential=Credential(issuer="hub", client_id="hub-1", expires_on=YESTERDAY)
                ),
            ),
            {},
        ),
        ("version-retired", (), {"version": "v1"}),
    ],
)
def test_in_the_files_it_lets_the_call_pass_and_changes_nothing_else(
    tmp_path: Path, name: str, more: tuple[Resource, ...], call: dict[str, Any]
) -> None:
    before = live(*more)
    folder = folder_of(tmp_path, before)
    found = suggest(stopped(name, before, **call), before, TODAY)
    edits = edited(folder, load(folder), found.changes)
    assert load(folder).policies is not None  # nothing was written yet
    edits.save()
    loaded = load(folder)
    assert loaded.policies is not None, loaded.findings
    after = loaded.policies.resources
    told = {"api": "erp", "version": "v2", "operation": "POST /documents/{flow}", "client_id": "hub-1", **call}
    again = judge(RefusedCall(name=name, status=403, **told), after, TODAY)
    assert not again.stops
    touched = {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}
    assert touched == {each.address for each in found.changes}
    assert len(edits.changed) == 1


@settings(max_examples=50, deadline=None)
@given(
    st.sets(st.sampled_from(["*", "erp.*", "erp.deliver", "erp.read", "mes.*"]), max_size=3),
    st.sampled_from([YESTERDAY, TODAY, None]),
    st.sampled_from([None, TODAY, TODAY + timedelta(days=5), YESTERDAY]),
)
def test_what_is_granted_is_one_scope_of_one_consumer(
    scopes: set[str], ends: date | None, credential: date | None
) -> None:
    hub = msgspec.structs.replace(HUB, credential=Credential(issuer="hub", client_id="hub-1", expires_on=credential))
    resources = live(hub, *(grant(each, ends) for each in scopes))
    found = stopped("scope-missing", resources)
    if not found.stops:
        return  # held by test_where_nothing_is_to_be_suggested
    given_ = suggest(found, resources, TODAY)
    (change,) = given_.changes
    assert change.address == "consumer.andon-hub.grant.erp.deliver"
    until = change.expires_on if isinstance(change, Grant) else change.value
    assert isinstance(until, date)
    assert TODAY <= until <= UNTIL
