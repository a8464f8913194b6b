"""How long a late posting can still land: by a clock that nobody sets, and carefully after a start."""

from __future__ import annotations

from hub.delivery.settling import Settling


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(longest: float = 60.0) -> tuple[Seconds, Settling]:
    seconds = Seconds()
    return seconds, Settling(longest, seconds)


def test_it_counts_from_when_the_newest_delivery_left() -> None:
    seconds, settling = made()
    seconds.now += 500
    settling.leaves("a")
    seconds.now += 4
    assert settling.remaining("a", 10.0) == 6.0
    settling.leaves("a")
    assert settling.remaining("a", 10.0) == 10.0
    seconds.now += 10
    assert settling.remaining("a", 10.0) <= 0


def test_what_left_in_an_earlier_run_counts_from_the_start_of_this_one() -> None:
    seconds, settling = made()
    assert settling.remaining("earlier", 10.0) == 10.0
    seconds.now += 11
    assert settling.remaining("earlier", 10.0) < 0


def test_what_every_target_has_settled_by_now_is_forgotten_and_settled_still() -> None:
    seconds, settling = made(longest=60.0)
    for n in range(1000):
        settling.leaves(f"t{n}")
        seconds.now += 1
    assert len(settling._left) <= 61
    assert settling.remaining("t0", 60.0) <= 0
    assert settling.remaining("t999", 60.0) == 59.0
