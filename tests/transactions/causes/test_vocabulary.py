"""Causes and ``transactions show`` speak of the same things in the same words."""

from __future__ import annotations

import pytest

from transactions.causes.kinds import PROFILES, CauseKind, Phase
from transactions.causes.reading import kind_of
from transactions.explanation import _NEVER
from transactions.model import FailureKind, Help, Status


@pytest.mark.parametrize("kind", FailureKind)
def test_what_helps_a_failure_helps_its_cause(symptom, kind: FailureKind) -> None:
    assert PROFILES[kind_of(symptom(kind, "any-code"), {})].help is kind.help


@pytest.mark.parametrize("kind", CauseKind)
def test_every_kind_says_who_can_help_and_what_not_to_do(kind: CauseKind) -> None:
    profile = PROFILES[kind]
    assert profile.care
    assert all(text.endswith(".") for text in profile.care)
    assert profile.mend is not None or profile.harmless
    assert profile.help in _NEVER


def test_what_wants_care_is_not_sent_again_before_it_is_asked_for() -> None:
    careful = {kind for kind, profile in PROFILES.items() if profile.help is Help.CARE and profile.sends}
    # What was acknowledged and is not there is known not to be there; what broke off is asked for by the hub itself.
    assert careful == {CauseKind.NOT_APPLIED, CauseKind.DROPPED}


def test_what_is_parked_or_in_part_is_that_whatever_its_code(symptom) -> None:
    for status, kind in ((Status.PARKED, "parked"), (Status.PARTLY_PROCESSED, "partial")):
        assert kind_of(symptom("business-rule", "M7021", status=status), {}) == kind


def test_every_phase_has_words() -> None:
    assert len({phase.title for phase in Phase}) == len(Phase)
