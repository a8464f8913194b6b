"""Going back to a revision: only what the set did, nothing of others, and what stands in the way by its name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from gateway_conformance import bring
from gateway_doubles import NOW, SET, replaced

from gateway_policies.canonical import canonical
from gateway_policies.directory import Directory, file_name
from gateway_policies.errors import Missing
from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Layer,
    Lifecycle,
    Operation,
    PolicySet,
    Resource,
    Scope,
    Throttle,
    Version,
)
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import Action, Guard, Plan
from gateway_policies.planning.rollback import roll_back
from gateway_policies.planning.saved import from_bytes, to_bytes
from gateway_policies.rendering.plan_findings import plan_findings
from gateway_policies.rendering.plan_markdown import plan_markdown
from gateway_policies.rendering.plan_text import plan_lines

READ, RELEASE = Scope(name="orders.read"), Scope(name="orders.release")
STANDARD = Throttle(name="standard", requests=600, per_seconds=60, burst=100)
MES = Consumer(name="mes", owner="it")


@pytest.fixture
def gateway(tmp_path: Path) -> Directory:
    return Directory(tmp_path, "plant-gateway")


def by_hand(path: Path, resource: Resource) -> None:
    (path / "live" / file_name(resource.address)).write_bytes(canonical(resource))


def apply(gateway: Directory, plan: Plan) -> None:
    gateway.apply(changeset_of(plan, gateway.state(SET), by="grete"), NOW)


def told(plan: Plan) -> list[tuple[Action, str]]:
    return [(each.action, each.address) for each in plan.changes]


def test_several_revisions_are_taken_back_at_once(gateway: Directory) -> None:
    bring(gateway, [READ, STANDARD])
    bring(gateway, [READ, replaced(STANDARD, requests=900), RELEASE])
    bring(gateway, [READ, RELEASE, MES])
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert set(told(plan)) == {
        (Action.DELETE, RELEASE.address),
        (Action.DELETE, MES.address),
        (Action.CREATE, STANDARD.address),
    }
    apply(gateway, plan)
    assert gateway.state(SET).live == {READ.address: READ, STANDARD.address: STANDARD}
    assert gateway.revisions()[0].number == 4


def test_going_back_can_itself_be_taken_back(gateway: Directory) -> None:
    bring(gateway, [READ])
    bring(gateway, [READ, STANDARD])
    then = gateway.state(SET)
    apply(gateway, roll_back(gateway, SET, 1, made_at=NOW))
    apply(gateway, roll_back(gateway, SET, 2, made_at=NOW))
    again = gateway.state(SET)
    assert (again.live, again.owners, again.applied) == (then.live, then.owners, then.applied)


def test_to_where_it_is_there_is_nothing_to_do(gateway: Directory) -> None:
    bring(gateway, [READ])
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert plan.empty
    assert plan.records == ()


def test_before_the_first_there_is_nothing_of_it(gateway: Directory) -> None:
    bring(gateway, [READ])
    bring(gateway, [STANDARD], "office")
    plan = roll_back(gateway, SET, 0, made_at=NOW)
    assert told(plan) == [(Action.DELETE, READ.address)]
    assert plan.verdict.second_person, "as for any plan that takes a scope away"


def test_a_revision_that_is_not_there(gateway: Directory) -> None:
    bring(gateway, [READ])
    with pytest.raises(Missing, match="no revision 2"):
        roll_back(gateway, SET, 2, made_at=NOW)


def test_another_sets_revisions_stay(gateway: Directory) -> None:
    bring(gateway, [READ])
    bring(gateway, [STANDARD], "office")
    bring(gateway, [READ, RELEASE])
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert told(plan) == [(Action.DELETE, RELEASE.address)]
    apply(gateway, plan)
    assert STANDARD.address in gateway.state("office").live


def test_what_another_set_built_on_it_is_in_the_way_and_named(gateway: Directory) -> None:
    bring(gateway, [READ])
    bring(gateway, [READ, RELEASE])
    grant = Grant(consumer="portal", scope="orders.release")
    bring(gateway, [Consumer(name="portal", owner="office"), grant], "office")
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    (blocker,) = plan.changes[0].blockers
    assert blocker.guard is Guard.STILL_REFERRED
    assert "consumer.portal.grant.orders.release (of the policy set office)" in blocker.message
    assert plan.verdict.blocked == 1


def test_what_another_set_took_over_meanwhile_is_in_the_way_and_named(gateway: Directory) -> None:
    bring(gateway, [READ, RELEASE])
    bring(gateway, [READ])
    bring(gateway, [RELEASE], "office")
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    (blocker,) = plan.changes[0].blockers
    assert (blocker.guard, "belongs to the policy set office" in blocker.message) == (Guard.OWNED_BY_OTHER, True)


def test_what_others_did_by_hand_elsewhere_stays(gateway: Directory, tmp_path: Path) -> None:
    bring(gateway, [READ, STANDARD])
    bring(gateway, [READ, STANDARD, RELEASE])
    drifted = replaced(READ, description="by hand")
    by_hand(tmp_path, drifted)
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert told(plan) == [(Action.DELETE, RELEASE.address)]
    apply(gateway, plan)
    state = gateway.state(SET)
    assert state.live[READ.address] == drifted
    assert state.applied[READ.address] == READ, "it still is drift"


def test_what_others_did_by_hand_in_another_field_stays(gateway: Directory, tmp_path: Path) -> None:
    bring(gateway, [STANDARD])
    bring(gateway, [replaced(STANDARD, requests=900)])
    by_hand(tmp_path, replaced(STANDARD, requests=900, burst=7))
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert [each.field for each in plan.changes[0].fields] == ["requests"]
    apply(gateway, plan)
    assert gateway.state(SET).live[STANDARD.address] == replaced(STANDARD, burst=7)


def test_what_others_did_by_hand_in_the_same_field_is_a_conflict(gateway: Directory, tmp_path: Path) -> None:
    bring(gateway, [STANDARD])
    bring(gateway, [replaced(STANDARD, requests=900)])
    by_hand(tmp_path, replaced(STANDARD, requests=50))
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert plan.verdict.conflicts == 1
    assert plan.verdict.blocked == 1
    assert in_the_way(plan) == [
        (
            "throttle.standard was changed by hand at the gateway: requests (50 now, 600 at revision 1). "
            "Going back would undo what was done by hand: override it if that is meant."
        )
    ]
    agreed = roll_back(gateway, SET, 1, made_at=NOW, overrides={STANDARD.address: "agreed with the line"})
    assert not agreed.verdict.blocked


def test_what_was_deleted_by_hand_and_not_by_the_set_stays_deleted(gateway: Directory, tmp_path: Path) -> None:
    bring(gateway, [READ, STANDARD])
    bring(gateway, [READ, STANDARD, RELEASE])
    (tmp_path / "live" / file_name(READ.address)).unlink()
    assert told(roll_back(gateway, SET, 1, made_at=NOW)) == [(Action.DELETE, RELEASE.address)]


def test_a_rename_goes_back_with_what_refers_to_it(gateway: Directory) -> None:
    grant = Grant(consumer="mes", scope="orders.read")
    api = Api(
        name="orders",
        owner="erp",
        base_path="/orders",
        upstream="system:ERP",
        operations=(Operation(methods=("GET",), path="/", scope="orders.read"),),
    )
    bring(gateway, [READ, MES, grant, api])
    shop = replaced(MES, name="shop-floor")
    bring(gateway, [READ, shop, replaced(grant, consumer="shop-floor"), api])
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert told(plan) == [(Action.RENAME, MES.address)]
    apply(gateway, plan)
    assert sorted(gateway.state(SET).live) == ["api.orders", "consumer.mes", grant.address, READ.address]


def test_what_became_protected_stays(gateway: Directory) -> None:
    bring(gateway, [READ])
    bring(gateway, [READ, replaced(STANDARD, protected=True)])
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert [each.guard for each in plan.changes[0].blockers] == [Guard.PROTECTED]


def test_a_secret_that_was_made_by_hand_is_neither_kept_nor_put_back(gateway: Directory, tmp_path: Path) -> None:
    from gateway_policies.model import Credential

    bring(gateway, [READ])
    known = Credential(issuer="idp", client_id="mes", secret="hunter2-of-the-plant")
    by_hand(tmp_path, replaced(MES, credential=known))
    bring(gateway, [READ, MES])
    assert b"hunter2" not in b"".join(each.read_bytes() for each in (tmp_path / "revisions").iterdir())
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert Guard.SECRET in [each.guard for each in plan.changes[0].blockers]
    assert "hunter2" not in msgspec.json.encode(plan).decode()


def test_a_directory_of_before_knows_of_nothing_adopted(gateway: Directory, tmp_path: Path) -> None:
    bring(gateway, [READ])
    bring(gateway, [READ, RELEASE])
    for each in (tmp_path / "revisions").iterdir():
        found = msgspec.json.decode(each.read_bytes())
        found.pop("adopted", None)
        each.write_bytes(msgspec.json.encode(found))
    assert told(roll_back(gateway, SET, 1, made_at=NOW)) == [(Action.DELETE, RELEASE.address)]


def in_the_way(plan: Plan) -> list[str]:
    return [each.message for change in plan.changes for each in change.blockers if each.open]


def said(plan: Plan) -> str:
    """All that people and code hosts read of it."""
    findings = [text for each in plan_findings(plan) for text in (each.message, each.help)]
    return "\n".join([*(each.text for each in plan_lines(plan, verbose=True)), plan_markdown(plan), *findings])


def test_what_came_since_and_was_changed_by_hand_is_not_deleted_in_silence(gateway: Directory, tmp_path: Path) -> None:
    bring(gateway, [READ])
    bring(gateway, [READ, STANDARD])
    by_hand(tmp_path, replaced(STANDARD, requests=50, quota=9, quota_per_seconds=60, burst=None))
    assert in_the_way(roll_back(gateway, SET, 1, made_at=NOW)) == [
        (
            "throttle.standard was changed by hand at the gateway: burst (none now, 100 when it was applied), "
            "quota (9 now, none when it was applied), quota_per_seconds (60 now, none when it was applied) and 1 more. "
            "Revision 1 did not have it. Going back would delete it, with what was done by hand: "
            "override it if that is meant."
        )
    ]


def test_of_a_set_it_says_what_came_and_what_went_by_hand(gateway: Directory, tmp_path: Path) -> None:
    issuer = Issuer(name="idp", url="https://idp.example")
    api = Api(name="a", layer=Layer.SYSTEM, owner="it", base_path="/a", upstream="system:ERP")
    brownouts = [
        Brownout(from_=datetime(2027, 2, day, 6, tzinfo=UTC), until=datetime(2027, 2, day, 7, tzinfo=UTC))
        for day in (1, 2)
    ]
    version = Version(api="a", name="v1", lifecycle=Lifecycle.DEPRECATED, brownouts=(brownouts[0],))
    bring(gateway, [issuer])
    bring(gateway, [issuer, api, version])
    by_hand(tmp_path, replaced(version, brownouts=(brownouts[1],)))
    (message,) = [each for each in in_the_way(roll_back(gateway, SET, 1, made_at=NOW)) if "brownouts" in each]
    assert (
        "brownouts (+2027-02-02T06:00:00Z/2027-02-02T07:00:00Z -2027-02-01T06:00:00Z/2027-02-01T07:00:00Z by hand)"
    ) in message


def test_what_was_deleted_by_hand_comes_back_only_if_that_is_meant(gateway: Directory, tmp_path: Path) -> None:
    bring(gateway, [STANDARD])
    bring(gateway, [replaced(STANDARD, requests=900)])
    (tmp_path / "live" / file_name(STANDARD.address)).unlink()
    assert in_the_way(roll_back(gateway, SET, 1, made_at=NOW)) == [
        (
            "throttle.standard was deleted by hand at the gateway. Revision 1 had it, otherwise than it was "
            "applied last. Going back would make it again as that revision had it: override it if that is meant."
        )
    ]


def _by_hand_in_the_same_field(gateway: Directory, path: Path) -> None:
    bring(gateway, [STANDARD])
    bring(gateway, [replaced(STANDARD, requests=900)])
    by_hand(path, replaced(STANDARD, requests=50))


def _protected_since(gateway: Directory, path: Path) -> None:
    bring(gateway, [READ])
    bring(gateway, [READ, replaced(STANDARD, protected=True)])


def _taken_over_by_another_set(gateway: Directory, path: Path) -> None:
    bring(gateway, [READ, STANDARD])
    bring(gateway, [READ])
    bring(gateway, [replaced(STANDARD, requests=900)], "office")


def _what_it_refers_to_went(gateway: Directory, path: Path) -> None:
    bring(gateway, [READ], "office")
    bring(gateway, [MES, Grant(consumer="mes", scope="orders.read")])
    bring(gateway, [MES])
    bring(gateway, [], "office")


def _deleted_by_hand(gateway: Directory, path: Path) -> None:
    bring(gateway, [STANDARD, READ])
    bring(gateway, [replaced(STANDARD, requests=900), READ])
    (path / "live" / file_name(STANDARD.address)).unlink()


def _agreed_on_by_other_hands(gateway: Directory, path: Path) -> None:
    bring(gateway, [STANDARD, READ])
    bring(gateway, [replaced(STANDARD, requests=900), READ])
    by_hand(path, STANDARD)


def _nothing_to_do(gateway: Directory, path: Path) -> None:
    bring(gateway, [STANDARD])
    bring(gateway, [READ], "office")


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (_by_hand_in_the_same_field, "conflict: by hand, in what going back changes too"),
        (_protected_since, "Apply it with 'protected = false' first, then go back."),
        (_taken_over_by_another_set, "Revision 1 of policies had it: have office let go of it first."),
        (_what_it_refers_to_went, "which neither revision 2 nor the gateway will have"),
        (_deleted_by_hand, "Revision 1 had it"),
        (_agreed_on_by_other_hands, "came to be as revision 1 had it by other hands"),
        (_nothing_to_do, "Nothing to do: the gateway is as it was made at revision 1."),
    ],
)
def test_going_back_has_no_files_and_speaks_of_none(
    gateway: Directory, tmp_path: Path, done: Callable[[Directory, Path], None], told: str
) -> None:
    done(gateway, tmp_path)
    text = said(roll_back(gateway, SET, 2 if "revision 2" in told else 1, made_at=NOW))
    assert told in text
    assert "files" not in text


def test_a_saved_one_is_still_one_that_goes_back(gateway: Directory) -> None:
    bring(gateway, [READ])
    bring(gateway, [READ, STANDARD])
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert from_bytes(to_bytes(plan)).back_to == 1
    assert b"back_to" not in to_bytes(
        make_plan(PolicySet(gateway="plant-gateway", resources={}), gateway.state(SET), made_at=NOW)
    ), "a plan of files is the bytes that it always was"


def test_no_secret_is_in_what_is_in_the_way(gateway: Directory, tmp_path: Path) -> None:
    with_place = replaced(MES, credential=Credential(issuer="idp", client_id="mes", secret="env:MES"))
    issuer = Issuer(name="idp", url="https://idp.example")
    bring(gateway, [issuer, with_place])
    bring(gateway, [issuer, replaced(MES, credential=Credential(issuer="idp", client_id="mes", secret="env:NEW"))])
    by_hand(tmp_path, replaced(MES, credential=Credential(issuer="idp", client_id="mes", secret="hunter2")))
    plan = roll_back(gateway, SET, 1, made_at=NOW)
    assert "credential.secret ((hidden) now, env:MES at revision 1)" in in_the_way(plan)[0]
    assert "hunter2" not in said(plan)
