"""What is known of the person at the console saves refusals, and never grants anything."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from console_doubles import NOW, context, who

from console.session import Session
from platforms.bearer import Fixed
from transactions.errors import Forbidden, NotFound, Unauthenticated, Unreachable
from transactions.people import Permission, Role


class Renewing(Fixed):
    """Tokens that are renewed by themselves."""

    @property
    def renews(self) -> bool:
        return True


def session(said: list[str], *roles: Role, read_only: bool = False, tokens: Fixed | None = None, **more) -> Session:
    place = msgspec.structs.replace(context(), tokens=tokens)
    made = Session(place, lambda title, sentence, _: said.append(f"{title}: {sentence}"), read_only=read_only)
    made.who = who(*roles, **more)
    return made


def test_who_may_act_is_not_talked_to() -> None:
    said: list[str] = []
    assert session(said, Role.OPERATOR).may_act("discard 4")
    assert said == []


def test_who_may_not_act_is_told_why_and_what_to_ask_for() -> None:
    said: list[str] = []
    assert not session(said, Role.VIEWER).may_act("discard 4")
    assert said[0].startswith("discard 4: not allowed: ann is signed in with the role viewer")


def test_a_read_only_session_goes_before_rights() -> None:
    said: list[str] = []
    assert not session(said, Role.ADMIN, read_only=True).may_act("discard 4")
    assert not session(said, Role.ADMIN, read_only=True).may_decide(own=False)
    assert all("read-only" in one for one in said)


def test_one_decides_what_others_ask_for_and_never_ones_own() -> None:
    said: list[str] = []
    approver = session(said, Role.APPROVER)
    assert approver.may_decide(own=False)
    assert not approver.may_decide(own=True)
    assert "Four eyes are two people" in said[0]


def test_an_operator_decides_nothing() -> None:
    said: list[str] = []
    assert not session(said, Role.OPERATOR).may_decide(own=False)
    assert "role approver" in said[0]


def test_nobody_known_yet_is_left_to_the_platform_but_offered_nothing() -> None:
    made = session([])
    made.who = None
    assert made.may_act("replay 1")
    assert made.may_decide(own=False)
    assert not made.may(Permission.BREAK_GLASS)
    assert made.line == made.name == ""
    assert not made.ends_soon(NOW)
    assert not made.tell_end(NOW)


@pytest.mark.parametrize(
    ("before", "error", "after"),
    [
        (False, None, False),
        (False, Unauthenticated("Expired."), True),
        (True, None, False),
        (True, Unreachable("No answer."), True),
        (False, Unreachable("No answer."), False),
        (True, Forbidden("Not you."), False),
        (True, NotFound("Nothing."), False),
    ],
)
def test_only_an_answer_says_whether_the_token_is_taken(before: bool, error, after: bool) -> None:
    made = session([])
    made.signed_out = before
    assert made.told(error) is (before is not after)
    assert made.signed_out is after


def test_a_token_that_ends_soon_is_told_once() -> None:
    said: list[str] = []
    made = session(said, Role.OPERATOR, expires_at=NOW + timedelta(minutes=11))
    assert not made.ends_soon(NOW)
    assert made.ends_in(NOW) == ""
    assert not made.tell_end(NOW)
    later = NOW + timedelta(minutes=2)
    assert made.ends_in(later) == "9m"
    for moment in (later, later + timedelta(seconds=5)):
        assert not made.tell_end(moment), "it has not ended"
    assert len(said) == 1
    assert "Your token ends in 9m, and nothing renews it" in said[0]


def test_a_token_that_is_renewed_is_not_spoken_of() -> None:
    said: list[str] = []
    made = session(said, Role.OPERATOR, expires_at=NOW + timedelta(minutes=2), tokens=Renewing("t"))
    assert made.ends_in(NOW) == ""
    assert not made.tell_end(NOW)
    assert said == []


def test_a_token_that_has_ended_is_asked_about_again() -> None:
    made = session([], Role.OPERATOR, expires_at=NOW)
    assert made.tell_end(NOW)
    assert made.ends_in(NOW + timedelta(hours=1)) == "0s"


def test_how_to_sign_in_again_is_what_will_work_here() -> None:
    assert "the console takes it up" in session([], tokens=Fixed("t")).sign_in_again
    given = session([])
    given._context = msgspec.structs.replace(context(), token_from="ANDON_TOKEN")
    assert "set a new one" in given.sign_in_again
    kept = session([]).sign_in_again
    assert "keeps the token it began with" in kept
    assert "begin again" in kept
