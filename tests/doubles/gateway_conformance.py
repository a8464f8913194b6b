"""What every driver of a gateway is held to. A driver's tests take :class:`GatewayConformance` and say what it is."""

from __future__ import annotations

import threading
from datetime import timedelta

import msgspec
import pytest
from gateway_doubles import NOW, SET, gateways, policies_of, replaced, resources, state_of, whole
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway_policies.changeset import Changeset, Edit
from gateway_policies.errors import Blocked, Locked, Missing, Moved, PlanAltered
from gateway_policies.gateway import Gateway, Step
from gateway_policies.model import PolicySet, Resource, Scope, Throttle, by_address
from gateway_policies.planning.applying import apply_changes, changeset_of
from gateway_policies.planning.facets import alike
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import OVERRIDABLE, Action, Plan
from gateway_policies.planning.rollback import roll_back
from gateway_policies.planning.undoing import inverse

FEW = settings(
    max_examples=15,
    deadline=None,
    # The same test runs for each driver, which is what differing executors are.
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
    ],
)
STANDARD = Throttle(name="standard", requests=600, per_seconds=60)
READ, RELEASE = Scope(name="orders.read"), Scope(name="orders.release")


def plan_for(files: dict[str, Resource], gateway: Gateway, name: str = SET) -> Plan:
    """A plan, with everything overridden that can be."""
    policies = msgspec.structs.replace(policies_of(files), name=name)
    state = gateway.state(name)
    first = make_plan(policies, state, made_at=NOW)
    reasons = {
        change.address: "agreed"
        for change in first.changes
        if change.blockers and all(each.guard in OVERRIDABLE for each in change.blockers)
    }
    return make_plan(policies, state, made_at=NOW, overrides=reasons)


def bring(gateway: Gateway, files: dict[str, Resource] | list[Resource], name: str = SET) -> Changeset:
    """Plan and apply some files."""
    found = files if isinstance(files, dict) else by_address(files)
    changeset = changeset_of(plan_for(found, gateway, name), gateway.state(name), by="grete")
    gateway.apply(changeset, NOW)
    return changeset


class GatewayConformance:
    """The tests. Whoever takes them has a method ``make`` that gives a new, empty gateway named ``plant-gateway``."""

    def make(self) -> Gateway:
        """A new gateway."""
        raise NotImplementedError

    def by_hand(self, gateway: Gateway, resource: Resource) -> None:
        """Somebody changes the gateway without asking anybody."""
        raise NotImplementedError

    def test_a_new_one_has_nothing(self) -> None:
        gateway = self.make()
        state = gateway.state(SET)
        assert (state.gateway, state.revision, state.live, state.owners, state.applied) == (
            "plant-gateway",
            0,
            {},
            {},
            {},
        )
        assert gateway.revisions() == []
        assert gateway.applied(SET, 0).applied == {}

    @FEW
    @given(st.data())
    def test_it_comes_to_what_the_reference_comes_to(self, data: st.DataObject) -> None:
        gateway = self.make()
        for _ in range(3):
            files = data.draw(resources())
            plan = plan_for(files, gateway)
            assume(not plan.verdict.blocked)
            before = gateway.state(SET)
            expected = apply_changes(before, plan)
            gateway.apply(changeset_of(plan, before, by="grete"), NOW)
            after = gateway.state(SET)
            assert (after.live, after.owners, after.applied) == (expected.live, expected.owners, expected.applied)
            assert after.revision == before.revision + 1
            assert make_plan(policies_of(files), after, made_at=NOW).empty

    def test_how_far_it_is_is_reported_from_nothing_to_all(self) -> None:
        gateway = self.make()
        plan = plan_for(by_address([STANDARD, READ, RELEASE]), gateway)
        heard: list[Step] = []
        revision = gateway.apply(changeset_of(plan, gateway.state(SET), by="grete"), NOW, heard.append)
        assert heard[0].done == 0
        assert heard[-1].done == heard[-1].of == 3
        assert heard[-1].revision == revision.number
        assert [each.done for each in heard] == sorted(each.done for each in heard)
        assert {each.of for each in heard} == {3}

    def test_nothing_is_unfinished_where_all_ended_well(self) -> None:
        gateway = self.make()
        assert gateway.unfinished() is None
        bring(gateway, [READ])
        assert gateway.unfinished() is None
        assert gateway.finish("grete", NOW) is None

    def test_it_is_told_from_another_of_the_same_name(self) -> None:
        """A first plan fits any gateway that has nothing, but for this."""
        gateway = self.make()
        plan = plan_for(by_address([READ]), gateway)
        before = gateway.state(SET)
        assert before.platform is not None
        assert plan.target.platform == before.platform
        elsewhere = msgspec.structs.replace(before, platform=f"{before.platform}2")
        with pytest.raises(PlanAltered):
            changeset_of(plan, elsewhere, by="grete")
        bring(gateway, [READ])
        assert gateway.state(SET).platform == before.platform

    @FEW
    @given(gateways())
    def test_what_is_applied_can_be_taken_back(self, found: tuple[dict[str, Resource], object]) -> None:
        files, _ = found
        gateway = self.make()
        start = bring(gateway, whole({each.address: each for each in (STANDARD, READ)}))
        first = gateway.state(SET)
        assert start.base != first.fingerprint
        plan = plan_for(files, gateway)
        assume(not plan.verdict.blocked and plan.changes)
        gateway.apply(changeset_of(plan, first, by="grete"), NOW)
        after = gateway.state(SET)
        back = inverse(plan, after, made_at=NOW)
        assume(not back.verdict.blocked)
        gateway.apply(changeset_of(back, after, by="grete"), NOW)
        restored = gateway.state(SET)
        assert (restored.live, restored.owners, restored.applied) == (first.live, first.owners, first.applied)
        assert restored.fingerprint == first.fingerprint

    @FEW
    @given(st.lists(resources(), min_size=1, max_size=2))
    def test_going_back_to_a_revision_is_as_if_it_had_stopped_there(self, following: list[dict[str, Resource]]) -> None:
        gateway = self.make()
        bring(gateway, whole({each.address: each for each in (STANDARD, READ)}))
        first = gateway.state(SET)
        for files in following:
            plan = plan_for(files, gateway)
            assume(not plan.verdict.blocked and (plan.changes or plan.records))
            gateway.apply(changeset_of(plan, gateway.state(SET), by="grete"), NOW)
        then = gateway.state(SET)
        back = roll_back(gateway, SET, 1, made_at=NOW)
        assume(not back.verdict.blocked)
        if back.changes or back.records:
            gateway.apply(changeset_of(back, then, by="grete"), NOW)
        restored = gateway.state(SET)
        assert restored.owners == first.owners
        for now, before in ((restored.live, first.live), (restored.applied, first.applied)):
            assert now.keys() == before.keys()
            assert all(alike(now[each], before[each]) for each in before), "spelled alike or not, it says the same"

    def test_what_was_made_by_hand_is_given_up_again_and_not_deleted(self) -> None:
        gateway = self.make()
        bring(gateway, [READ])
        self.by_hand(gateway, STANDARD)
        tighter = replaced(STANDARD, requests=60)
        bring(gateway, [READ, tighter])
        bring(gateway, [READ, replaced(tighter, requests=30)])
        assert gateway.applied(SET, 1).adopted == {STANDARD.address: STANDARD}
        assert gateway.applied(SET, 2).adopted == {}
        back = roll_back(gateway, SET, 1, made_at=NOW)
        assert [(each.action, each.address) for each in back.changes] == [(Action.RELEASE, STANDARD.address)]
        gateway.apply(changeset_of(back, gateway.state(SET), by="grete"), NOW)
        state = gateway.state(SET)
        assert state.live == {READ.address: READ, STANDARD.address: STANDARD}
        assert state.owners == {READ.address: SET}
        assert state.applied == {READ.address: READ}

    def test_what_is_done_by_hand_is_seen_and_owned_by_nobody(self) -> None:
        gateway = self.make()
        bring(gateway, [READ])
        before = gateway.state(SET)
        self.by_hand(gateway, STANDARD)
        after = gateway.state(SET)
        assert after.live[STANDARD.address] == STANDARD
        assert STANDARD.address not in after.owners
        assert after.applied == before.applied
        assert after.fingerprint != before.fingerprint

    def test_a_base_that_moved_is_refused_and_nothing_is_changed(self) -> None:
        gateway = self.make()
        bring(gateway, [STANDARD])
        state = gateway.state(SET)
        plan = plan_for(by_address([STANDARD, READ]), gateway)
        self.by_hand(gateway, replaced(STANDARD, requests=900))
        with pytest.raises(Moved, match="has changed since the plan was made"):
            gateway.apply(changeset_of(plan, state, by="grete"), NOW)
        assert READ.address not in gateway.state(SET).live
        assert len(gateway.revisions()) == 1

    def test_a_plan_is_taken_once_even_if_the_gateway_is_as_it_was_again(self) -> None:
        gateway = self.make()
        first = bring(gateway, [READ])
        bring(gateway, [])
        assert gateway.state(SET).fingerprint == first.base
        with pytest.raises(Moved, match="applied already, as revision 1 by grete"):
            gateway.apply(first, NOW)

    def test_a_plan_for_another_gateway_is_refused(self) -> None:
        gateway = self.make()
        changeset = changeset_of(plan_for({READ.address: READ}, gateway), gateway.state(SET), by="grete")
        with pytest.raises(PlanAltered, match="office-gateway"):
            gateway.apply(msgspec.structs.replace(changeset, gateway="office-gateway"), NOW)
        assert gateway.state(SET).live == {}

    def test_what_another_set_owns_is_not_touched(self) -> None:
        gateway = self.make()
        bring(gateway, [READ], "office")
        bring(gateway, [STANDARD])
        state = gateway.state(SET)
        assert state.owners == {READ.address: "office", STANDARD.address: SET}
        assert state.applied.keys() == {STANDARD.address}
        edit = Edit(address=READ.address)
        with pytest.raises(Blocked, match="belongs to the policy set office"):
            gateway.apply(
                Changeset(
                    gateway="plant-gateway",
                    policy_set=SET,
                    base=state.fingerprint,
                    plan="f" * 64,
                    by="x",
                    steps=((edit,),),
                ),
                NOW,
            )
        assert gateway.state("office").live[READ.address] == READ

    def test_its_revisions_say_who_and_lead_back(self) -> None:
        gateway = self.make()
        bring(gateway, [READ])
        bring(gateway, [STANDARD], "office")
        bring(gateway, [READ, RELEASE])
        found = gateway.revisions()
        assert [(each.number, each.by, each.policy_set) for each in found] == [
            (3, "grete", SET),
            (2, "grete", "office"),
            (1, "grete", SET),
        ]
        assert found[0].fingerprint == gateway.state(SET).fingerprint
        assert [gateway.revision_of(each.plan) for each in found] == found
        assert gateway.revision_of("f" * 64) is None
        assert gateway.applied(SET, 3).applied.keys() == {READ.address, RELEASE.address}
        assert gateway.applied(SET, 2).applied.keys() == {READ.address}
        assert gateway.applied("office", 1).applied == {}
        with pytest.raises(Missing, match="no revision 4"):
            gateway.applied(SET, 4)

    def test_of_many_at_once_one_wins(self) -> None:
        gateway = self.make()
        state = gateway.state(SET)
        plans = [plan_for({f"scope.s.{each}": Scope(name=f"s.{each}")}, gateway) for each in range(6)]
        won: list[int] = []
        lost: list[Exception] = []
        start = threading.Barrier(len(plans))

        def run(each: Plan) -> None:
            changeset = changeset_of(each, state, by="grete")
            start.wait(30)
            try:
                won.append(gateway.apply(changeset, NOW + timedelta(seconds=1)).number)
            except (Moved, Locked) as error:
                lost.append(error)

        threads = [threading.Thread(target=run, args=(each,)) for each in plans]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)
        assert won == [1]
        assert len(lost) == len(plans) - 1
        assert len(gateway.state(SET).live) == 1

    def test_a_state_in_memory_has_the_same_fingerprint_for_the_same_content(self) -> None:
        gateway = self.make()
        bring(gateway, [READ, STANDARD])
        assert gateway.state(SET).fingerprint == state_of([STANDARD, READ]).fingerprint
        assert isinstance(policies_of([READ]), PolicySet)
