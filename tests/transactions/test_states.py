"""The life cycle, held against DESIGN section 4 written out a second time and in another shape."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from transactions.errors import TransitionRefused
from transactions.model import Status
from transactions.states import BLOCKING, CLOSED, MOVING, OPEN, ROWS, Event, allowed, next_status

# from: {event: to}; several in "to" where the status before is remembered
DESIGN: dict[str, dict[str, str]] = {
    "pending": {"dispatch": "delivering", "hold": "held", "discard": "discarded", "cancel": "failed partly-processed"},
    "retrying": {"dispatch": "delivering", "hold": "held", "discard": "discarded", "cancel": "failed partly-processed"},
    "held": {
        "release": "pending",
        "wait-exceeded": "failed",
        "discard": "discarded",
        "cancel": "failed partly-processed",
    },
    "delivering": {
        "processed": "processed",
        "duplicate": "duplicate",
        "parked": "parked",
        "partly-processed": "partly-processed",
        "accepted": "sent",
        "retry": "retrying",
        "fail": "failed",
        "lost": "in-doubt",
    },
    "sent": {"processed": "processed", "parked": "parked", "fail": "failed", "lost": "in-doubt"},
    "in-doubt": {
        "processed": "processed",
        "parked": "parked",
        "partly-processed": "partly-processed",
        "fail": "failed",
        "resolve-applied": "resolved",
        "resolve-not-applied": "failed",
    },
    "failed": {
        "run": "pending",
        "discard": "discarded",
        "resolve-applied": "resolved",
        "resolve-not-applied": "failed",
    },
    "parked": {
        "processed": "processed",
        "fail": "failed",
        "discard": "discarded",
        "resolve-applied": "resolved",
        "resolve-not-applied": "failed",
    },
    "partly-processed": {
        "processed": "processed",
        "fail": "failed",
        "run": "pending",
        "discard": "discarded",
        "resolve-applied": "resolved",
        "resolve-not-applied": "failed",
        "compensate": "compensating",
    },
    "discarded": {"restore": "failed parked partly-processed"},
    "processed": {"reopen": "failed", "compensate": "compensating"},
    "resolved": {"compensate": "compensating"},
    "compensating": {"compensated": "compensated", "compensation-failed": "compensation-failed"},
    "compensation-failed": {"compensate": "compensating", "resolve-applied": "resolved"},
    "duplicate": {},
    "compensated": {},
}

STEPS = [(start, event, to.split()) for start, events in DESIGN.items() for event, to in events.items()]
NO_STEPS = [
    (start, event) for start, event in itertools.product(Status, Event) if event.value not in DESIGN[start.value]
]


def test_the_second_table_knows_every_status() -> None:
    assert set(DESIGN) == {status.value for status in Status}


@pytest.mark.parametrize(("start", "event", "ends"), STEPS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_step_of_the_design_is_there(start: str, event: str, ends: list[str]) -> None:
    assert [str(end) for end in allowed(Status(start), Event(event))] == ends
    assert next_status(Status(start), Event(event)) == ends[0]


@pytest.mark.parametrize(("start", "event"), NO_STEPS)
def test_every_other_pair_is_refused(start: Status, event: Event) -> None:
    assert allowed(start, event) == ()
    with pytest.raises(TransitionRefused) as refused:
        next_status(start, event)
    assert refused.value.extra == {"transaction_status": start.value, "event": event.value}
    assert start.value in refused.value.detail
    assert event.value in refused.value.detail


def test_no_pair_stands_in_two_rows() -> None:
    pairs = [(start, event) for starts, event, _ in ROWS for start in starts]
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(
    ("start", "event", "remembered", "end"),
    [
        # restore: the status before; failed where that was pending, held or retrying
        (Status.DISCARDED, Event.RESTORE, Status.PARKED, Status.PARKED),
        (Status.DISCARDED, Event.RESTORE, Status.PARTLY_PROCESSED, Status.PARTLY_PROCESSED),
        (Status.DISCARDED, Event.RESTORE, Status.FAILED, Status.FAILED),
        (Status.DISCARDED, Event.RESTORE, Status.PENDING, Status.FAILED),
        (Status.DISCARDED, Event.RESTORE, Status.HELD, Status.FAILED),
        (Status.DISCARDED, Event.RESTORE, Status.RETRYING, Status.FAILED),
        (Status.DISCARDED, Event.RESTORE, None, Status.FAILED),
        # cancel: the status before the claim
        (Status.PENDING, Event.CANCEL, Status.FAILED, Status.FAILED),
        (Status.HELD, Event.CANCEL, Status.PARTLY_PROCESSED, Status.PARTLY_PROCESSED),
        # a remembered status never opens a way that the table does not have
        (Status.PENDING, Event.CANCEL, Status.PROCESSED, Status.FAILED),
        (Status.DELIVERING, Event.FAIL, Status.PROCESSED, Status.FAILED),
    ],
)
def test_a_remembered_status_is_gone_back_to(start: Status, event: Event, remembered: Status, end: Status) -> None:
    assert next_status(start, event, remembered) is end


def test_each_status_is_in_exactly_one_class() -> None:
    classes = (CLOSED, MOVING, OPEN, frozenset({Status.COMPENSATING}))
    for status in Status:
        assert sum(status in one for one in classes) == 1, status


def test_what_holds_a_lane() -> None:
    # guard 6: failed, in-doubt, sent, parked, partly-processed hold it, and what is on its way; what is closed does not
    assert set(Status) - CLOSED == BLOCKING


@pytest.mark.parametrize("status", [Status.IN_DOUBT, Status.SENT, Status.DELIVERING])
def test_what_is_unclear_cannot_be_discarded_run_or_compensated(status: Status) -> None:
    for event in (Event.DISCARD, Event.RUN, Event.COMPENSATE, Event.DISPATCH):
        assert not allowed(status, event)


def test_a_parked_one_has_no_way_back_to_delivery_but_through_an_answer_or_evidence() -> None:
    to_pending = {event for event in Event if Status.PENDING in allowed(Status.PARKED, event)}
    assert not to_pending
    assert {event for event in Event if Status.FAILED in allowed(Status.PARKED, event)} == {
        Event.FAIL,
        Event.RESOLVE_NOT_APPLIED,
    }


def test_every_status_can_be_reached_and_every_open_one_can_be_closed() -> None:
    def reachable(start: Status) -> set[Status]:
        seen, fresh = {start}, [start]
        while fresh:
            here = fresh.pop()
            for event in Event:
                for end in allowed(here, event):
                    if end not in seen:
                        seen.add(end)
                        fresh.append(end)
        return seen

    assert reachable(Status.PENDING) == set(Status)
    for status in Status:
        assert reachable(status) & CLOSED, status


class LifeCycle(RuleBasedStateMachine):
    """A transaction's life against a model that knows the design's table, and what may never happen on the way."""

    @initialize()
    def arrive(self) -> None:
        self.status, self.model = Status.PENDING, "pending"
        self.unclear = False  # it left, and nobody has said what became of it

    @rule(event=st.sampled_from(list(Event)), remembered=st.none() | st.sampled_from(list(Status)))
    def step(self, event: Event, remembered: Status | None) -> None:
        ends = DESIGN[self.model].get(event.value, "").split()
        if not ends:
            with pytest.raises(TransitionRefused):
                next_status(self.status, event, remembered)
            return
        self.status = next_status(self.status, event, remembered)
        self.model = remembered.value if remembered is not None and remembered.value in ends else ends[0]
        if event is Event.LOST:
            self.unclear = True
        elif self.unclear and event in (
            Event.PROCESSED,
            Event.PARKED,
            Event.PARTLY_PROCESSED,
            Event.FAIL,
            Event.RESOLVE_APPLIED,
            Event.RESOLVE_NOT_APPLIED,
        ):
            self.unclear = False

    @precondition(lambda self: self.status in (Status.PENDING, Status.RETRYING))
    @rule(answer=st.sampled_from([Event.PROCESSED, Event.ACCEPTED, Event.RETRY, Event.FAIL, Event.LOST, Event.PARKED]))
    def deliver(self, answer: Event) -> None:
        self.step(Event.DISPATCH, None)
        self.step(answer, None)

    @invariant()
    def agrees(self) -> None:
        assert self.status.value == self.model

    @invariant()
    def never_sent_again_while_unclear(self) -> None:
        if self.unclear:
            assert self.status is Status.IN_DOUBT


TestLifeCycle = LifeCycle.TestCase
