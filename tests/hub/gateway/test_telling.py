"""A change of the gateway as a second person reads it."""

from __future__ import annotations

from gateway_doubles import replaced, state_of

from gateway_policies.changeset import Changeset, Edit, states
from gateway_policies.model import Consumer, Credential, Grant, Resource, Scope, Throttle
from gateway_policies.state import GatewayState
from hub.gateway.telling import changes_of, digest_of, sentences
from transactions.plans import PolicyChanges, PolicyDoes

READ = Scope(name="orders.read")
MES = Consumer(name="mes", owner="it", credential=Credential(issuer="idp", client_id="mes", secret="hunter2-by-hand"))
STANDARD = Throttle(name="standard", requests=600, per_seconds=60)


def told(before: GatewayState, *edits: Edit, because: dict[str, list[str]] | None = None) -> PolicyChanges:
    asked = Changeset(
        gateway="plant-gateway",
        policy_set="policies",
        base=before.fingerprint,
        plan="f" * 64,
        by="grete",
        steps=(edits,),
    )
    (after,) = states(before, "policies", (edits,))
    return changes_of(before, after, edits, because or {}, asked)


def put(resource: Resource, renamed_from: str | None = None) -> Edit:
    return Edit(address=resource.address, resource=resource, owned=True, applied=resource, renamed_from=renamed_from)


def test_what_comes_and_goes_says_all_that_it_states_and_what_changes_only_that() -> None:
    found = told(state_of([READ, STANDARD]), put(replaced(STANDARD, requests=60)), put(MES), Edit(address=READ.address))
    said = {each.address: (each.does, each.said) for each in found.changes}
    assert said[STANDARD.address] == (PolicyDoes.CHANGE, ["requests: 600 → 60"])
    assert said[READ.address][0] is PolicyDoes.REMOVE
    assert "owner: it" in said[MES.address][1]
    assert found.counts == {"add": 1, "change": 1, "remove": 1, "rename": 0}
    assert found.total == 3


def test_a_rename_is_one_change_and_says_what_else_changes() -> None:
    tighter = replaced(STANDARD, name="usual", requests=60)
    (change,) = told(state_of([STANDARD]), put(tighter, STANDARD.address)).changes
    assert (change.does, change.from_, change.address) == (PolicyDoes.RENAME, STANDARD.address, "throttle.usual")
    assert change.said == ["requests: 600 → 60"]


def test_no_secret_is_told_neither_one_that_goes_nor_one_that_is_replaced() -> None:
    better = replaced(MES, credential=Credential(issuer="idp", client_id="mes", secret="env:MES"))
    for edit in (put(better), Edit(address=MES.address)):
        (change,) = told(state_of([MES]), edit).changes
        assert "hunter2" not in " ".join(change.said)
        assert "(hidden)" in " ".join(change.said)


def test_what_somebody_has_to_look_at_comes_first() -> None:
    grant = Grant(consumer="mes", scope="orders.read")
    found = told(state_of([READ]), put(STANDARD), put(MES), put(grant), because={STANDARD.address: ["is there"]})
    assert [each.address for each in found.changes] == [STANDARD.address, MES.address, grant.address]
    assert found.changes[0].because == ["is there"]


def test_the_digest_is_of_the_change_and_not_of_who_says_that_it_is_theirs() -> None:
    asked = Changeset(gateway="g", policy_set="p", base="b", plan="f", by="grete", steps=((put(READ),),))
    other = Changeset(gateway="g", policy_set="p", base="b", plan="f", by="otto", steps=((put(READ),),), reason="r")
    assert digest_of(asked) == digest_of(other)
    worse = Changeset(gateway="g", policy_set="p", base="b", plan="f", by="grete", steps=((put(STANDARD),),))
    assert digest_of(asked) != digest_of(worse)


def test_reasons_that_are_alike_are_one_sentence() -> None:
    assert sentences({}) == []
    assert sentences({"a": ["removes the grant"]}) == ["a removes the grant."]
    assert sentences({"a": ["grants it"], "b": ["grants it"]}) == ["a grants it, and so does 1 more."]
    many = {f"a{n}": ["grants it", "cuts it"] for n in range(1_001)}
    assert sentences(many) == ["a0 grants it, and so do 1,000 more.", "a0 cuts it, and so do 1,000 more."]
    different = {f"a{n}": [f"does {n}"] for n in range(7)}
    assert sentences(different)[-2:] == ["a4 does 4.", "And 2 more like these."]
