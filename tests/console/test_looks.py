"""Every state has a glyph, a word and a tone, and no two that matter look the same."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import pytest
from rich.cells import cell_len

from console.looks import Look, Tone, of_batch, of_health, of_item, of_status, of_verdict
from themes.loader import BUILT_IN, load
from transactions.batches import BatchState, ItemState
from transactions.landscape import Health
from transactions.model import Status
from transactions.plans import Verdict

KINDS: list[tuple[type[StrEnum], Callable[..., Look]]] = [
    (Status, of_status),
    (Health, of_health),
    (BatchState, of_batch),
    (ItemState, of_item),
    (Verdict, of_verdict),
]
ALL = [pytest.param(state, look, id=f"{kind.__name__}-{state}") for kind, look in KINDS for state in kind]


@pytest.mark.parametrize(("state", "look"), ALL)
def test_every_state_has_a_look_of_one_cell_with_a_word(state: StrEnum, look: Callable[..., Look]) -> None:
    glyph, word, tone = look(state)
    assert cell_len(glyph) == 1
    assert word == word.strip().lower() != ""
    assert isinstance(tone, Tone)


@pytest.mark.parametrize(("kind", "look"), KINDS, ids=[kind.__name__ for kind, _ in KINDS])
def test_words_tell_states_apart_without_any_colour(kind: type[StrEnum], look: Callable[..., Look]) -> None:
    words = [look(state).word for state in kind]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("status", [Status.FAILED, Status.COMPENSATION_FAILED])
def test_a_square_is_kept_for_failures(status: Status) -> None:
    assert of_status(status).glyph == "■"
    others = [one for one in Status if one not in (Status.FAILED, Status.COMPENSATION_FAILED)]
    assert all(of_status(one).glyph != "■" for one in others)


@pytest.mark.parametrize("status", [Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED])
def test_what_nobody_knows_is_a_question(status: Status) -> None:
    assert of_status(status)[::2] == ("?", Tone.DOUBT)


@pytest.mark.parametrize("theme", ["andon-dark", "andon-light"])
def test_every_tone_is_a_colour_of_every_theme(theme: str) -> None:
    variables = load([BUILT_IN]).themes[theme].variables
    for tone in Tone:
        if tone not in (Tone.PLAIN, Tone.ACCENT):
            assert variables[tone.value]
