"""How far a change of a gateway is, on one line of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.policy_progress import Told, bar
from commands.progress import Progress
from gateway_policies.gateway import Stage, Step


class Lines(Progress):
    """What would be shown."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def show(self, text: str) -> None:
        self.said.append(text)


def told(*steps: Step, edits: int = 12) -> list[str]:
    lines = Lines()
    tell = Told(lines, "plant-gateway", edits)
    for each in steps:
        tell(each)
    return lines.said


def test_stages_are_a_trail() -> None:
    assert told(
        Step(stage=Stage.SENT, of=12),
        Step(stage=Stage.COMMITTED, done=12, of=12, revision=7),
        Step(stage=Stage.EFFECTIVE),
    ) == [
        "12 changes of plant-gateway: on the way",
        "12 changes of plant-gateway: sent",
        "12 changes of plant-gateway: sent → committed as revision 7",
        "12 changes of plant-gateway: sent → committed as revision 7 → effective",
    ]
    assert told(edits=1) == ["1 change of plant-gateway: on the way"]


def test_thousands_of_files_cost_no_more_than_a_hundred_lines() -> None:
    files = 5_000
    said = told(*(Step(stage=Stage.WRITTEN, done=each, of=files, revision=2) for each in range(files + 1)), edits=files)
    assert len(said) == 1 + 101
    assert said[1] == "░░░░░░░░░░░░░░░░░░░░ 0 of 5,000 files written, as revision 2"
    assert said[-1] == "████████████████████ 5,000 of 5,000 files written, as revision 2"


def test_a_change_of_no_file_is_done() -> None:
    assert told(Step(stage=Stage.WRITTEN, revision=3))[1:] == [
        "████████████████████ 0 of 0 files written, as revision 3"
    ]


@given(done=st.integers(0, 10_000), of=st.integers(0, 10_000))
@settings(max_examples=50)
def test_a_bar_is_as_wide_as_ever_and_full_only_at_the_end(done: int, of: int) -> None:
    found = bar(min(done, of), of)
    assert len(found) == 20
    assert ("░" in found) is (done < of)


@pytest.mark.parametrize(("done", "of", "filled"), [(0, 3, 0), (1, 3, 6), (2, 3, 13), (3, 3, 20), (999, 1000, 19)])
def test_a_bar_shows_what_is_done(done: int, of: int, filled: int) -> None:
    assert bar(done, of).count("█") == filled
