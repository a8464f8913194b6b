"""Following a batch while the platform comes and goes; time passes in a fake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands.following import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE_SECONDS, follow, in_short
from commands.session import Session
from platforms.errors import UnexpectedAnswer
from transactions.batches import Batch, BatchState
from transactions.errors import AndonError, Forbidden, NotFound, Unavailable, Unreachable

Step = BatchState | BaseException


class Sender:
    """Answers with the next step each time; the last one again and again."""

    def __init__(self, batch: Batch, steps: list[Step]) -> None:
        self.batch, self.steps, self.calls = batch, steps, 0

    def send(self, _call: object) -> Batch:
        self.calls += 1
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, BaseException):
            raise step
        return msgspec.structs.replace(self.batch, state=step)

    def close(self) -> None:
        pass


@pytest.fixture
def running(stocked: Any) -> Batch:
    return msgspec.structs.replace(stocked.batches["b1"][0], state=BatchState.RUNNING)


@pytest.fixture
def following(running: Batch) -> Callable[..., tuple[Any, Sender, list[float]]]:
    def run(*steps: Step) -> tuple[Any, Sender, list[float]]:
        slept: list[float] = []
        session = Session({}, Path("/"), sleep=slept.append)
        sender = Sender(running, list(steps))
        session._client = sender  # type: ignore[assignment]
        try:
            return follow(session, running), sender, slept
        except (AndonError, KeyboardInterrupt) as error:
            return error, sender, slept

    return run


GONE = Unreachable("No answer from http://hub: the connection was refused. Nothing was changed. Start it.")
BUSY = Unavailable("The hub is starting. Try again.")


@pytest.mark.parametrize("state", [BatchState.DONE, BatchState.STOPPED, BatchState.CANCELLED, BatchState.PAUSED])
def test_it_ends_where_the_batch_rests(following: Any, state: BatchState) -> None:
    batch, sender, slept = following(BatchState.RUNNING, BatchState.RUNNING, state)
    assert (batch.state, sender.calls) == (state, 3)
    assert slept[0] == FIRST_PAUSE


def test_it_asks_less_often_the_longer_it_takes(following: Any) -> None:
    _, _, slept = following(*[BatchState.RUNNING] * 30, BatchState.DONE)
    assert slept == sorted(slept)
    assert slept[-1] == LONGEST_PAUSE


@pytest.mark.parametrize("trouble", [GONE, BUSY])
def test_a_restart_is_waited_for(following: Any, trouble: BaseException) -> None:
    batch, _, _ = following(BatchState.RUNNING, trouble, trouble, trouble, BatchState.DONE)
    assert batch.state is BatchState.DONE


def test_patience_begins_anew_whenever_it_answers(following: Any) -> None:
    steps: list[Step] = []
    for _ in range(4):
        steps += [GONE] * 40 + [BatchState.RUNNING]
    batch, _, slept = following(*steps, BatchState.DONE)
    assert batch.state is BatchState.DONE
    assert sum(slept) > 2 * PATIENCE_SECONDS


def test_patience_ends_and_says_that_the_batch_goes_on(following: Any) -> None:
    error, _, slept = following(GONE)
    assert isinstance(error, Unreachable)
    assert "It goes on by itself. Look with 'andon batches watch b1'." in error.detail
    assert PATIENCE_SECONDS - 5 <= sum(slept) <= PATIENCE_SECONDS + 5


@pytest.mark.parametrize("error", [NotFound("Gone."), Forbidden("No."), UnexpectedAnswer("Not a platform.")])
def test_what_waiting_cannot_mend_ends_it_at_once(following: Any, error: BaseException) -> None:
    raised, sender, _ = following(error)
    assert raised is error
    assert sender.calls == 1


def test_an_interruption_leaves_the_batch_running_and_says_how_to_come_back(
    following: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    raised, _, _ = following(BatchState.RUNNING, KeyboardInterrupt())
    assert isinstance(raised, KeyboardInterrupt)
    assert "andon batches watch b1" in capsys.readouterr().err


def test_without_a_terminal_there_is_no_progress(following: Any, capsys: pytest.CaptureFixture[str]) -> None:
    following(BatchState.RUNNING, BatchState.DONE)
    assert capsys.readouterr().err == ""


def test_with_one_there_is_a_line_that_is_written_over_and_gone_at_the_end(
    following: Any, running: Batch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    following(BatchState.RUNNING, BatchState.DONE)
    shown = capsys.readouterr().err
    assert f"\r\x1b[K{in_short(running)}" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_batch_in_short_names_what_is_not_zero(running: Batch) -> None:
    counts = {"planned": 3, "processed": 2, "failed": 0}
    assert (
        in_short(msgspec.structs.replace(running, counts=counts, total=5))
        == "replay running: planned 3, processed 2 of 5"
    )
    assert in_short(msgspec.structs.replace(running, counts={}, total=0)) == "replay running: nothing of 0"
