"""What waits for whom, and in which words."""

from __future__ import annotations

import shlex
from datetime import timedelta

import pytest
from console_doubles import NOW

from console.looks import Tone
from console.second_person import Waiting, consequence, equivalent, left, look_of, told, urgency, waiting, word
from transactions.approvals import ApprovalItem, ApprovalKind
from transactions.plans import Action, Decision


def item(
    name: str = "a",
    kind: ApprovalKind = ApprovalKind.APPROVAL,
    *,
    own: bool = False,
    ago: timedelta = timedelta(minutes=5),
    until: timedelta = timedelta(hours=23),
) -> ApprovalItem:
    return ApprovalItem(
        hash=name * 64,
        kind=kind,
        action=Action.DISCARD,
        requested_by="ben",
        reason="replaced",
        asked_at=NOW - ago,
        expires_at=NOW + until,
        count=3,
        because=["It is a discard of 3 financial transactions."],
        overdue=False,
        own=own,
    )


LATE = item("l", ApprovalKind.REVIEW, until=timedelta(hours=-2), ago=timedelta(hours=26))
REVIEW = item("r", ApprovalKind.REVIEW)
APPROVAL = item("a", ago=timedelta(minutes=30))
OWN = item("o", own=True, ago=timedelta(hours=5))
EXPIRED = item("e", until=timedelta(seconds=-1))


def test_what_others_asked_for_is_counted_apart_from_ones_own() -> None:
    counts = waiting([LATE, REVIEW, APPROVAL, OWN, EXPIRED], NOW)
    assert counts == Waiting(approve=1, review=2, overdue=1, own=1, oldest=APPROVAL.asked_at)
    assert waiting([], NOW) == Waiting()


def test_time_makes_a_review_overdue_and_a_plan_expire_without_asking_again() -> None:
    later = NOW + timedelta(hours=24)
    counts = waiting([REVIEW, APPROVAL], later)
    assert (counts.approve, counts.review, counts.overdue) == (0, 1, 1)


def test_what_is_overdue_comes_first_and_ones_own_last() -> None:
    order = sorted([OWN, APPROVAL, REVIEW, LATE], key=lambda one: urgency(one, NOW))
    assert order == [LATE, APPROVAL, REVIEW, OWN]


def test_what_is_overdue_is_loud_in_glyph_and_word() -> None:
    assert look_of(LATE, NOW)[:2] == ("■", "overdue")
    assert look_of(LATE, NOW).tone is Tone.FAILED
    assert look_of(REVIEW, NOW).word == "review"
    assert look_of(OWN, NOW).tone is Tone.QUIET


def test_time_left_is_time_late_when_it_is_over() -> None:
    assert left(APPROVAL, NOW) == "23h"
    assert left(LATE, NOW) == "2h late"


@pytest.mark.parametrize(
    ("counts", "parts", "said"),
    [
        (Waiting(), 1, []),
        (Waiting(own=3), 3, []),
        (Waiting(approve=2), 1, ["2 to approve"]),
        (Waiting(review=1), 1, ["1 to review"]),
        (Waiting(approve=2, review=1), 1, ["3 to decide"]),
        (Waiting(approve=2, review=1), 2, ["1 to review", "2 to approve"]),
        (Waiting(approve=2, review=3, overdue=1), 1, ["■ 1 late review"]),
        (Waiting(approve=2, review=3, overdue=1), 2, ["■ 1 late review", "4 to decide"]),
        (Waiting(approve=2, review=3, overdue=2), 3, ["■ 2 late reviews", "1 to review", "2 to approve"]),
    ],
)
def test_the_bar_says_what_there_is_room_for_and_never_hides_what_is_late(
    counts: Waiting, parts: int, said: list[str]
) -> None:
    assert [words for words, _ in told(counts, parts=parts)] == said


def test_what_an_approval_starts_is_said_with_its_count_and_in_whose_name() -> None:
    said = consequence(Decision.APPROVE, ApprovalKind.APPROVAL, Action.DISCARD, 12, "ben")
    assert "discard of 12 starts now, in the name of ben" in said
    said = consequence(Decision.APPROVE, ApprovalKind.APPROVAL, Action.RELEASE, 0, "ben")
    assert "release starts now" in said


def test_what_starts_nothing_says_so() -> None:
    assert "nothing is sent" in consequence(Decision.REJECT, ApprovalKind.APPROVAL, Action.DISCARD, 12, "ben")
    for decision in Decision:
        assert "What ran stays as it is" in consequence(decision, ApprovalKind.REVIEW, Action.DISCARD, 12, "ben")


def test_a_review_is_not_called_an_approval() -> None:
    assert [word(decision, ApprovalKind.REVIEW) for decision in Decision] == ["find nothing wrong", "object"]
    assert [word(decision, ApprovalKind.APPROVAL) for decision in Decision] == ["approve", "reject"]


def test_the_command_is_one_that_a_shell_reads_back() -> None:
    said = equivalent("9f3c" * 16, Decision.REJECT, "not 'this' one; rm")
    words = ["andon", "approvals", "reject", "9f3c9f3c9f3c", "--reason", "not 'this' one; rm", "--yes"]
    assert shlex.split(said) == words
    assert equivalent("9f3c" * 16, Decision.APPROVE, None) == "andon approvals approve 9f3c9f3c9f3c --reason TEXT"
