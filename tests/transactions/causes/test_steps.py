"""What is advised, step by step: who does it, what it is about, and the command that does it."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

import pytest

from transactions.causes import steps
from transactions.causes.joining import Bundle
from transactions.causes.kinds import PROFILES, CauseKind, Phase
from transactions.causes.model import MORE, Doing, Step
from transactions.causes.reading import OVERTAKEN
from transactions.causes.symptoms import Event, Skewed, Twin
from transactions.filters.parsing import parse
from transactions.model import Status

NOW = datetime(2026, 11, 21, 2, 41, tzinfo=UTC)
LOTS = {"lot": ["L-1", "L-2"]}


def bundle(kind: CauseKind, *symptoms, carried=()) -> Bundle:
    made = Bundle(kind, "anchor", list(symptoms))
    made.carried = list(carried)
    return made


def advised(made: Bundle, around, alike=None) -> list[Step]:
    return steps.afterwards("c-1", made, around, alike or {})


def event(n: int, **more) -> Event:
    return Event(
        id=f"tx-{n}", flow="goods-receipt", target="ERP", plant="P01", source="WMS",
        created_at=NOW + timedelta(minutes=n), **more,
    )  # fmt: skip


def twin(n: int, status: Status) -> Twin:
    return Twin(
        id=f"tx-{n}", first=f"tx-{n}-first", status=status, flow="goods-receipt", target="ERP", plant="P01",
        source="WMS", created_at=NOW + timedelta(minutes=n),
    )  # fmt: skip


def skewed(n: int, factor: str = "1000", plant: str | None = "P01") -> Skewed:
    return Skewed(
        id=f"tx-{n}", flow="material-consumption", target="ERP", plant=plant, source="MES", factor=factor,
        object="material RM-1", created_at=NOW + timedelta(minutes=n),
    )  # fmt: skip


# what is mended by people elsewhere


@pytest.mark.parametrize("kind", list(CauseKind))
def test_who_mends_it_is_asked_in_the_phase_of_its_kind(kind: CauseKind) -> None:
    filled = dict.fromkeys(("systems", "sources", "flows", "objects", "places", "codes"), "X")
    told = steps.mend("c-1", kind, filled, "plant-it")
    if PROFILES[kind].mend is None:
        assert told == []
        return
    (step,) = told
    assert (step.cause, step.phase, step.do, step.who) == ("c-1", PROFILES[kind].phase, Doing.MEND, "plant-it")
    assert "{" not in step.text
    assert step.command is None


# what is unclear


@pytest.mark.parametrize("status", [Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED])
def test_what_a_target_can_be_asked_about_is_waited_for(symptom, around, status: Status) -> None:
    one = symptom("timeout", "read-timeout", status=status, count=1)
    (step,) = advised(bundle(CauseKind.UNCLEAR, one), around)
    assert (step.do, step.phase, step.who) == (Doing.WAIT, Phase.CARE, None)
    assert step.filter == f"status:{status} target:ERP flow:material-consumption"
    assert f"what became of the 1 that is {status}" in step.text
    assert shlex.split(step.command or "") == ["andon", "tx", "list", "--filter", step.filter]


def test_several_that_are_unclear_are_counted_over_flows(symptom, around) -> None:
    both = [
        symptom("timeout", "read-timeout", status=Status.IN_DOUBT, count=2, flow=flow)
        for flow in ("goods-receipt", "material-consumption")
    ]
    (step,) = advised(bundle(CauseKind.UNCLEAR, *both), around)
    assert "what became of the 4 that are in-doubt" in step.text
    assert step.filter == "status:in-doubt target:ERP"


@pytest.mark.parametrize(("target", "who"), [("portal", "sales-it"), ("ERP", None), ("somebody's own", None)], ids=str)
def test_who_owns_the_target_is_named_where_it_cannot_be_asked(symptom, around, target, who) -> None:
    one = symptom("timeout", "read-timeout", status=Status.IN_DOUBT, target=target)
    (step,) = advised(bundle(CauseKind.UNCLEAR, one), around)
    assert step.who == who
    assert step.do is (Doing.RESOLVE if target == "portal" else Doing.WAIT)


def test_what_cannot_be_asked_is_closed_by_evidence(symptom, around) -> None:
    at = [
        symptom("timeout", "read-timeout", status=status, target="portal")
        for status in (Status.IN_DOUBT, Status.PARKED)
    ]
    doubt, parked = advised(bundle(CauseKind.UNCLEAR, *at), around)
    assert "compare with what it holds" in doubt.text
    assert "posted" in parked.text
    for step in (doubt, parked):
        words = shlex.split(step.command or "")
        assert words[:4] == ["andon", "tx", "resolve", "ID"]
        assert words[words.index("--as") + 1] == "applied"
        assert "--evidence" in words


def test_what_waits_for_a_breaker_is_not_unclear(symptom, around) -> None:
    assert advised(bundle(CauseKind.UNREACHABLE, symptom("unreachable", "x", status=Status.HELD)), around) == []


# what failed


def test_only_what_failed_is_sent_again(symptom, around) -> None:
    at = [symptom(count=2), symptom(count=5, status=Status.HELD), symptom(count=7, status=Status.COMPENSATION_FAILED)]
    (step,) = advised(bundle(CauseKind.MATERIAL, *at), around)
    assert (step.do, step.phase, step.flow) == (Doing.REPLAY, Phase.SEND, "material-consumption")
    assert step.filter == "status:failed code:M3351 flow:material-consumption target:ERP plant:P02"
    words = shlex.split(step.command or "")
    assert words[:3] == ["andon", "tx", "replay"]
    assert words[words.index("--filter") + 1] == step.filter
    assert words[words.index("--canary") + 1] == "1"


def test_flows_are_sent_in_the_order_of_the_chain_and_own_failures_before_what_they_explain(symptom, around) -> None:
    own = [symptom(flow=flow) for flow in ("goods-receipt", "production-order-release")]
    explained = [symptom("business-rule", "M7021", flow=flow) for flow in ("goods-receipt", "shipment-release")]
    told = advised(bundle(CauseKind.MATERIAL, *own, carried=explained), around)
    assert [(step.flow, "M7021" in (step.filter or "")) for step in told] == [
        ("production-order-release", False),
        ("goods-receipt", False),
        ("goods-receipt", True),
        ("shipment-release", True),
    ]


def test_carried_ones_that_did_not_fail_are_not_sent(symptom, around) -> None:
    carried = [symptom("unreachable", "breaker-open", status=Status.HELD, flow="goods-receipt")]
    told = advised(bundle(CauseKind.MATERIAL, symptom(), carried=carried), around)
    assert [step.flow for step in told] == ["material-consumption"]


@pytest.mark.parametrize("own", [True, False], ids=["its own", "explained"])
def test_versions_that_were_overtaken_are_closed_and_not_sent(symptom, around, own: bool) -> None:
    old = symptom("conflict", OVERTAKEN, flow="production-order-release")
    made = bundle(CauseKind.DROPPED, symptom(), *([old] if own else []), carried=[] if own else [old])
    sent, closed = advised(made, around)
    assert (sent.do, sent.flow) == (Doing.REPLAY, "material-consumption")
    assert (closed.do, closed.phase) == (Doing.DISCARD, Phase.SET_RIGHT)
    assert closed.filter is not None
    assert f"code:{OVERTAKEN}" in closed.filter
    assert closed.text.startswith("Nothing is owed")


def test_overtaken_versions_that_are_closed_already_are_left_alone(symptom, around) -> None:
    old = symptom("conflict", OVERTAKEN, status=Status.HELD)
    assert [step.do for step in advised(bundle(CauseKind.DROPPED, symptom(), old), around)] == [Doing.REPLAY]


@pytest.mark.parametrize("kind", [kind for kind, profile in PROFILES.items() if profile.harmless])
def test_what_owes_nothing_is_closed_and_never_sent(symptom, around, kind: CauseKind) -> None:
    told = advised(bundle(kind, symptom("conflict", OVERTAKEN if kind is CauseKind.SUPERSEDED else "X")), around)
    assert [(step.do, step.phase) for step in told] == [(Doing.DISCARD, Phase.SET_RIGHT)]
    assert "Nothing is owed" in told[0].text


def test_what_cannot_be_read_is_sent_anew_by_its_source(symptom, around) -> None:
    (step,) = advised(bundle(CauseKind.MALFORMED, symptom("malformed", "not-json")), around)
    assert step.do is Doing.DISCARD
    assert "sent anew by their source" in step.text


def test_nothing_failed_and_nothing_is_closed(symptom, around) -> None:
    held = symptom("malformed", "not-json", status=Status.HELD)
    assert advised(bundle(CauseKind.MALFORMED, held), around) == []


def test_what_was_posted_by_hand_is_resolved_by_its_document(symptom, around) -> None:
    (step,) = advised(bundle(CauseKind.HAND_POSTED, symptom("duplicate", "hand-posted")), around)
    assert (step.do, step.phase) == (Doing.RESOLVE, Phase.CARE)
    assert "--evidence" in (step.command or "")
    assert step.filter == "status:failed code:hand-posted flow:material-consumption target:ERP"


# what is edited before it is sent


def test_a_mistyped_lot_is_mended_lot_by_lot_those_first_that_look_like_a_known_one(symptom, around) -> None:
    one = symptom("master-data", "UNKNOWN_LOT", objects=LOTS, count=3)
    (step,) = advised(bundle(CauseKind.LOT, one), around, {"L-2": "L-22"})
    assert (step.do, step.phase) == (Doing.EDIT, Phase.SEND)
    assert step.text.startswith("Mend 3 documents of material consumption, one lot after the other")
    assert "L-2 looks like L-22" in step.text
    words = shlex.split(step.command or "")
    assert words[words.index("--filter") + 1] == f"{step.filter} lot:L-2"
    assert "--set" in words


@pytest.mark.parametrize(("count", "said"), [(1, "Mend 1 document of"), (2, "Mend 2 documents of")])
def test_one_lot_is_not_one_after_the_other(symptom, around, count: int, said: str) -> None:
    one = symptom("master-data", "UNKNOWN_LOT", objects={"lot": ["L-1"]}, count=count)
    (step,) = advised(bundle(CauseKind.LOT, one), around)
    assert step.text.startswith(said)
    assert "one lot after the other" not in step.text
    assert "looks like" not in step.text


def test_a_lot_that_makes_the_lane_cannot_be_edited(symptom, around) -> None:
    one = symptom("master-data", "UNKNOWN_LOT", flow="quality-hold", objects=LOTS)
    (step,) = advised(bundle(CauseKind.LOT, one), around)
    assert step.do is Doing.DISCARD
    assert "makes the lane of quality hold" in step.text


def test_a_flow_that_nobody_declared_can_be_edited(symptom, around) -> None:
    one = symptom("master-data", "UNKNOWN_LOT", flow="made-up", objects=LOTS)
    assert [step.do for step in advised(bundle(CauseKind.LOT, one), around)] == [Doing.EDIT]


@pytest.mark.parametrize(("kind", "path"), [(CauseKind.UNIT, "UnitOfMeasure"), (CauseKind.SCHEMA, "PATH=VALUE")])
def test_other_mistakes_are_mended_in_all_of_them_at_once(symptom, around, kind: CauseKind, path: str) -> None:
    (step,) = advised(bundle(kind, symptom("schema", "X", objects=LOTS)), around)
    assert path in (step.command or "")
    assert "lot:" not in (step.filter or "")
    assert "source:MES" in (step.filter or "")


# filters


def test_codes_that_nobody_could_type_are_named_by_their_group(symptom, around) -> None:
    (step,) = advised(bundle(CauseKind.MATERIAL, symptom(code="M 33/51", group="g-77")), around)
    assert step.filter is not None
    assert "group:g-77" in step.filter
    assert "code:" not in step.filter


@pytest.mark.parametrize(
    ("kind", "plants", "named"),
    [
        (CauseKind.UNREACHABLE, ("P01", "P02"), "plant:P01,P02"),
        (CauseKind.MATERIAL, ("P02", "P02"), "plant:P02"),
        (CauseKind.MATERIAL, ("P02", None), None),
        (CauseKind.LOCKED, ("P01", "P02"), None),
    ],
)
def test_plants_are_named_where_another_one_may_have_another_cause(symptom, around, kind, plants, named) -> None:
    at = [symptom(plant=plant, flow=flow) for plant, flow in zip(plants, ("goods-receipt", "master-data"), strict=True)]
    told = steps.selecting(bundle(kind, *at))
    assert (named in told) if named else ("plant:" not in told)


def test_a_filter_takes_what_waits_for_the_breaker_and_what_it_explains(symptom) -> None:
    own = [symptom("unreachable", "refused"), symptom("unreachable", "refused", status=Status.IN_DOUBT)]
    held = symptom("unreachable", "breaker-open", status=Status.HELD, target="MES")
    assert steps.selecting(bundle(CauseKind.LOCKED, *own)) == (
        "status:failed,in-doubt code:refused flow:material-consumption target:ERP"
    )
    assert steps.selecting(bundle(CauseKind.LOCKED, held)) == "status:held target:MES waiting_on:breaker*"
    both = steps.selecting(bundle(CauseKind.LOCKED, *own, held, carried=[symptom(code="M7021")]))
    assert both.count(" or ") == 2
    assert both.count("waiting_on") == 1
    parse(both)


@pytest.mark.parametrize("kind", list(CauseKind))
def test_whatever_the_cause_every_filter_parses(symptom, around, kind: CauseKind) -> None:
    at = [
        symptom(code='odd "code" (x)', group="g-1", objects=LOTS),
        symptom(status=Status.IN_DOUBT, plant=None, group="g-2"),
    ]
    for step in advised(bundle(kind, *at), around):
        if step.filter is not None:
            parse(step.filter)
            assert step.filter in " ".join(shlex.split(step.command or "")) or step.do is Doing.RESOLVE
    parse(steps.selecting(bundle(kind, *at)))


# causes that no failure tells of


def test_later_ones_are_closed_while_they_wait_and_taken_back_newest_first_when_they_are_posted() -> None:
    told = steps.for_twins(
        "c-1",
        [
            twin(1, Status.PROCESSED), twin(2, Status.RESOLVED), twin(3, Status.FAILED), twin(4, Status.HELD),
            twin(5, Status.IN_DOUBT), twin(6, Status.DISCARDED),
        ],
    )  # fmt: skip
    hold, close, back, release = told
    assert [step.do for step in told] == [Doing.HOLD, Doing.DISCARD, Doing.COMPENSATE, Doing.RELEASE]
    assert close.ids == ["tx-3", "tx-4"]
    assert back.ids == ["tx-2", "tx-1"]
    assert (hold.flow, hold.plant) == (release.flow, release.plant) == ("goods-receipt", "P01")
    assert hold.phase < close.phase or close.phase is Phase.STOP
    assert release.phase is Phase.LET_GO


@pytest.mark.parametrize(
    ("status", "dos"),
    [
        (Status.FAILED, [Doing.HOLD, Doing.DISCARD, Doing.RELEASE]),
        (Status.PROCESSED, [Doing.HOLD, Doing.COMPENSATE, Doing.RELEASE]),
        (Status.IN_DOUBT, [Doing.HOLD, Doing.RELEASE]),
    ],
)
def test_what_nothing_is_to_be_done_about_is_no_step(status: Status, dos: list[Doing]) -> None:
    assert [step.do for step in steps.for_twins("c-1", [twin(1, status)])] == dos


def test_more_ids_than_can_be_read_are_cut_in_the_command_and_whole_in_the_step() -> None:
    def command(count: int) -> list[str]:
        (step,) = steps.for_replaced("c-1", [event(n) for n in range(count)])
        assert len(step.ids) == count
        return shlex.split(step.command or "")

    assert MORE not in command(3)
    assert command(3)[3:6] == ["tx-0", "tx-1", "tx-2"]
    assert command(4)[3:7] == ["tx-0", "tx-1", "tx-2", MORE]
    (step,) = steps.for_replaced("c-1", [event(n) for n in range(steps.MOST_IDS + 1)])
    assert len(step.ids) == steps.MOST_IDS


def test_wrong_quantities_are_corrected_newest_first_and_every_place_is_held() -> None:
    told = steps.for_skewed("c-1", [skewed(1), skewed(2, "0.001", None), skewed(3)])
    assert [step.do for step in told] == [
        Doing.HOLD, Doing.HOLD, Doing.CORRECT, Doing.RELEASE, Doing.RELEASE,
    ]  # fmt: skip
    assert told[2].ids == ["tx-3", "tx-2", "tx-1"]
    assert "0.001 or 1,000 times" in told[2].text
    assert {step.plant for step in told[:2]} == {"P01", None}
    commands = [shlex.split(step.command or "") for step in told[:2]]
    assert sorted("--plant" in words for words in commands) == [False, True]
    assert all(words[words.index("--flow") + 1] == "material-consumption" for words in commands)


def test_what_is_not_there_is_opened_again_oldest_first_and_replayed_with_one_first() -> None:
    reopen, replay = steps.for_lost("c-1", [event(2), event(1)])
    assert (reopen.do, reopen.ids) == (Doing.REOPEN, ["tx-1", "tx-2"])
    assert (reopen.phase, replay.phase) == (Phase.CARE, Phase.SEND)
    assert shlex.split(reopen.command or "")[:4] == ["andon", "reconcile", "orders", "--reopen"]
    assert replay.filter == "kind:acknowledged-not-applied status:failed"
    parse(replay.filter)
