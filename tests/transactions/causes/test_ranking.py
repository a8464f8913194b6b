"""What blocks most comes first, a symptom never before its cause, ties are stable; and the order of the work."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from transactions.causes.diagnosis import diagnose
from transactions.causes.kinds import Phase
from transactions.causes.model import Doing
from transactions.causes.symptoms import Event, Evidence, FlowFacts, Skewed, Surroundings, Symptom, SystemFacts, Twin
from transactions.model import FailureKind, Risk, Status

NOW = datetime(2026, 11, 21, 2, 41, tzinfo=UTC)


def twin(n: int, status: Status = Status.PROCESSED) -> Twin:
    return Twin(
        id=f"tx-{n}", first=f"tx-{n}-first", status=status, flow="material-consumption", target="ERP", plant="P01",
        source="MES", created_at=NOW,
    )  # fmt: skip


def test_a_material_that_holds_214_comes_before_300_harmless_duplicates(symptom, around) -> None:
    told = diagnose(Evidence(symptoms=[symptom(count=4, behind=210)], twins=[twin(n) for n in range(300)]), around)
    assert [(one.kind, one.blocks.transactions) for one in told.items] == [("missing-material", 214), ("repeated", 0)]


def test_what_waits_behind_counts_and_not_the_number_of_failures(symptom, around) -> None:
    many = symptom("locked", "CO469", target="WMS", count=40)
    few = symptom(count=2, behind=60)
    assert [one.kind for one in diagnose(Evidence(symptoms=[many, few]), around).items] == [
        "missing-material",
        "locked",
    ]


def test_what_is_past_its_time_and_risky_comes_first(symptom, around) -> None:
    low = symptom("locked", "CO469", target="WMS", count=10, risk=Risk.LOW)
    late = symptom(count=6, overdue=6, risk=Risk.OPERATIONAL)
    assert [one.kind for one in diagnose(Evidence(symptoms=[low, late]), around).items] == [
        "missing-material",
        "locked",
    ]


def test_ties_are_stable_whatever_the_order_of_the_evidence(symptom, around) -> None:
    at = [
        symptom(kind, code, target=target)
        for kind, code in (("locked", "L"), ("throttled", "T"))
        for target in ("ERP", "WMS")
    ]
    forwards = [one.id for one in diagnose(Evidence(symptoms=at), around).items]
    backwards = [one.id for one in diagnose(Evidence(symptoms=at[::-1]), around).items]
    assert forwards == backwards
    assert len(set(forwards)) == 4


def test_the_id_stays_while_the_cause_grows(symptom, around) -> None:
    one = symptom("unauthorized", "TOKEN_EXPIRED", flow="goods-receipt")
    more = symptom("unauthorized", "TOKEN_EXPIRED", plant="P03")
    (before,) = diagnose(Evidence(symptoms=[one]), around).items
    (after,) = diagnose(Evidence(symptoms=[more, one]), around).items
    assert before.id == after.id
    assert before.id.startswith("credentials-")


def test_four_faults_are_worked_off_access_first_and_then_along_the_chain(symptom, around) -> None:
    told = diagnose(
        Evidence(
            symptoms=[
                symptom(flow="goods-receipt", count=9),
                symptom(flow="material-consumption", count=90),
                symptom("throttled", "TOO_MANY_REQUESTS", target="MES", flow="production-order-release"),
                symptom("forbidden", "INSUFFICIENT_SCOPE", flow="production-confirmation"),
                symptom("unreachable", "connection-refused", target="WMS", flow="shipment-release"),
            ]
        ),
        around,
    )
    assert told.items[0].kind == "missing-material", "it blocks most"
    mends = [step.phase for step in told.order if step.do is Doing.MEND]
    assert mends == [Phase.ACCESS, Phase.ACCESS, Phase.CAPACITY, Phase.MASTER_DATA]
    sent = [step.flow for step in told.order if step.do is Doing.REPLAY]
    assert sent == [
        "production-order-release",
        "material-consumption",
        "production-confirmation",
        "goods-receipt",
        "shipment-release",
    ]
    assert all(step.command is not None and "--canary 1" in step.command for step in told.order if step.flow)
    assert sorted(one.order for one in told.items) == [1, 2, 3, 4]


def test_what_came_twice_is_stopped_and_closed_before_anything_is_replayed(symptom, around) -> None:
    told = diagnose(
        Evidence(symptoms=[symptom()], twins=[twin(1), twin(2, Status.HELD), twin(3, Status.FAILED)]), around
    )
    doing = [step.do for step in told.order]
    assert doing.index(Doing.HOLD) < doing.index(Doing.DISCARD) < doing.index(Doing.REPLAY)
    assert doing.index(Doing.RELEASE) < doing.index(Doing.REPLAY) < doing.index(Doing.COMPENSATE)
    closed = next(step for step in told.order if step.do is Doing.DISCARD)
    reversed_ = next(step for step in told.order if step.do is Doing.COMPENSATE)
    assert (closed.ids, reversed_.ids) == (["tx-2", "tx-3"], ["tx-1"])


def test_what_is_parked_is_never_sent_again(symptom, around) -> None:
    told = diagnose(
        Evidence(
            symptoms=[
                symptom("parked", "COGI", status=Status.PARKED),
                symptom("partial", "partial", status=Status.PARTLY_PROCESSED, target="portal"),
            ]
        ),
        around,
    )
    assert {step.do for step in told.order} == {Doing.MEND, Doing.WAIT, Doing.RESOLVE}, (
        "who cannot be asked is resolved"
    )
    assert any("never sent again" in care for one in told.items for care in one.care)


def test_what_was_posted_by_hand_is_closed_by_its_number_and_not_sent(symptom, around) -> None:
    told = diagnose(Evidence(symptoms=[symptom("conflict", "maybe-posted", count=3)]), around)
    assert [step.do for step in told.order] == [Doing.MEND, Doing.RESOLVE]


def test_quantities_that_are_off_are_corrected_and_not_replayed(around) -> None:
    one = Skewed(
        id="tx-1", flow="material-consumption", target="ERP", plant="P03", source="MES", factor="1000",
        object="order 1000005", created_at=NOW,
    )  # fmt: skip
    told = diagnose(Evidence(skewed=[one]), around)
    assert told.items[0].title == "Quantities from MES of plant P03 are off by 1,000"
    assert [step.do for step in told.order] == [Doing.HOLD, Doing.MEND, Doing.RELEASE, Doing.CORRECT]


def test_what_a_target_lied_about_goes_with_what_it_was_caught_at(symptom, around) -> None:
    lost = Event(id="tx-9", flow="production-order-release", target="ERP", plant="P01", source="MES", created_at=NOW)
    caught = symptom("acknowledged-not-applied", "acknowledged-not-applied")
    (cause,) = diagnose(Evidence(symptoms=[caught], lost=[lost]), around).items
    assert (cause.count, cause.plants) == (2, ["P01", "P02"])
    assert [step.do for step in cause.first] == [Doing.MEND, Doing.REPLAY, Doing.REOPEN, Doing.REPLAY]
    assert cause.filter.endswith("or (id:tx-9)")


def test_old_versions_go_with_the_cause_that_they_failed_for(symptom, around) -> None:
    failed = symptom("unreachable", "connection-refused")
    old = Event(
        id="tx-9", flow="material-consumption", target="ERP", plant="P02", source="MES", created_at=NOW,
        group=failed.group,
    )  # fmt: skip
    (cause,) = diagnose(Evidence(symptoms=[failed], replaced=[old]), around).items
    assert [step.do for step in cause.first] == [Doing.MEND, Doing.REPLAY, Doing.DISCARD]
    assert cause.first[1].text == (
        "Replay 1 of material consumption, one first. "
        "The filter finds 1 more that a newer version replaced: the plan leaves it out."
    )
    (alone,) = diagnose(Evidence(replaced=[old]), around).items
    assert (alone.kind, alone.blocks.transactions) == ("superseded", 0)


def test_a_number_and_its_filter_agree_or_it_is_said_what_else_the_filter_finds(symptom, around) -> None:
    failed = symptom("unreachable", "connection-refused", count=9)

    def old(number: int, **other: str) -> Event:
        fields = {"flow": failed.flow, "target": failed.target, "plant": failed.plant, "group": failed.group} | other
        return Event(id=f"tx-{number}", source="MES", created_at=NOW, **fields)

    among = [old(number) for number in range(52)]
    elsewhere = [
        old(100, flow="another-flow"), old(101, target="WMS"), old(102, group="ffff"), old(103, plant="P99"),
    ]  # fmt: skip

    def replay(replaced: list[Event]) -> str:
        found = diagnose(Evidence(symptoms=[failed], replaced=replaced), around).items
        (step,) = [step for cause in found for step in cause.first if step.do is Doing.REPLAY]
        return step.text

    assert replay([]) == "Replay 9 of material consumption, one first."
    assert replay(elsewhere) == replay([])
    assert replay(among + elsewhere) == (
        "Replay 9 of material consumption, one first. "
        "The filter finds 52 more that newer versions replaced: the plan leaves them out."
    )


# Whatever the evidence

_AROUND = Surroundings(
    systems={"ERP": SystemFacts(owner="erp"), "MES": SystemFacts(owner="mes", local=True)},
    flows={"a": FlowFacts(owner="x", risk=Risk.LOW, place=0)},
)
_SYMPTOMS = st.lists(
    st.builds(
        Symptom,
        status=st.sampled_from([Status.FAILED, Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED, Status.HELD]),
        kind=st.sampled_from(list(FailureKind)),
        code=st.sampled_from(
            ["M3351", "LOT_UNKNOWN", "breaker-open", "read-timeout", "maybe-posted", "X1", "superseded"]
        ),
        flow=st.sampled_from(["a", "goods-receipt", "not-declared"]),
        target=st.sampled_from(["ERP", "MES", "gone"]),
        plant=st.sampled_from([None, "P01", "P02"]),
        source=st.sampled_from(["ERP", "MES", "gone"]),
        count=st.integers(1, 500),
        risk=st.sampled_from(list(Risk)),
        group=st.sampled_from(["", "g1", "g2", "g3"]),
        lots=st.frozensets(st.sampled_from(["L1", "L2"])),
    ),
    max_size=12,
)


@given(_SYMPTOMS)
def test_every_trouble_has_a_cause_and_only_one(symptoms: list[Symptom]) -> None:
    told = diagnose(Evidence(symptoms=symptoms), _AROUND)
    assert sum(one.count for one in told.items) == sum(one.count for one in symptoms) == told.looked_at
    assert len({one.id for one in told.items}) == len(told.items)
    assert [step.phase for step in told.order] == sorted(step.phase for step in told.order)
    assert all(one.title and one.evidence and one.care for one in told.items)
    assert "{" not in "".join([*(one.title for one in told.items), *(step.text for step in told.order)])
