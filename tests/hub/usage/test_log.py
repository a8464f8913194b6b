"""The files of the access log: what is read next, torn lines, rotation, files that were replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from access_log import line, lines

from hub.usage.log import AccessLog, Position


def read_all(log: AccessLog, position: Position) -> tuple[list[bytes], Position]:
    found: list[bytes] = []
    while (chunk := log.next_chunk(position)) is not None:
        found += chunk.lines
        position = chunk.after
    return found, position


def whole(*files: bytes) -> list[bytes]:
    return [each for content in files for each in content.split(b"\n") if each]


def test_no_folder_and_no_file_are_nothing(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "absent")
    assert log.next_chunk(Position()) is None
    assert log.behind(Position()) == 0
    assert not log.wants_rotation(Position())
    log.forget(Position(generation=3))


def test_what_is_added_is_read_once(logs: Path) -> None:
    log, first = AccessLog(logs), lines(3)
    log.current.write_bytes(first)
    assert log.behind(Position()) == len(first)
    found, position = read_all(log, Position())
    assert found == whole(first)
    assert (position.offset, log.behind(position)) == (len(first), 0)
    with log.current.open("ab") as file:
        file.write(line(9))
    assert read_all(log, position)[0] == whole(line(9))


@pytest.mark.parametrize("most", [1, 7, 400, 600, 5_000])
def test_however_much_is_read_at_a_time_it_is_the_same(logs: Path, most: int) -> None:
    content = lines(5)
    log = AccessLog(logs, most=max(most, len(line())))
    log.current.write_bytes(content)
    assert read_all(log, Position())[0] == whole(content)


def test_a_last_line_is_read_when_it_is_whole_cut_anywhere(logs: Path) -> None:
    log, first, second = AccessLog(logs), line(0), line(1)
    for cut in range(len(second)):
        log.current.write_bytes(first + second[:cut])
        found, position = read_all(log, Position())
        assert found == whole(first)
        with log.current.open("ab") as file:
            file.write(second[cut:])
        assert read_all(log, position)[0] == whole(second)


def test_a_line_that_never_ends_is_passed_over(logs: Path) -> None:
    log = AccessLog(logs, most=1_000)
    log.current.write_bytes(b"x" * 2_500 + b"\n" + line(1))
    found, _ = read_all(log, Position())
    assert whole(line(1))[0] in found
    assert sum(map(len, found)) == 2_500 + len(line(1)) - 1


def test_a_file_that_is_replaced_is_read_from_its_beginning(logs: Path) -> None:
    log = AccessLog(logs)
    log.current.write_bytes(lines(3))
    _, position = read_all(log, Position())
    log.current.write_bytes(lines(5, begin=100))
    chunk = log.next_chunk(position)
    assert chunk is not None
    assert chunk.replaced
    assert chunk.lines == whole(lines(5, begin=100))


def test_a_file_that_is_cut_off_in_place_is_read_from_its_beginning(logs: Path) -> None:
    log = AccessLog(logs)
    log.current.write_bytes(lines(3))
    _, position = read_all(log, Position())
    log.current.write_bytes(b"")
    assert log.next_chunk(position) is None
    log.current.write_bytes(line(50)[:10])
    assert log.next_chunk(position) is None
    log.current.write_bytes(line(50))
    assert read_all(log, position)[0] == whole(line(50))


def test_rotation_reads_the_old_to_its_end_then_the_new(logs: Path) -> None:
    log = AccessLog(logs, rotate_at=500)
    log.current.write_bytes(lines(2))
    _, position = read_all(log, Position())
    assert log.wants_rotation(position)
    log.rotate(position)
    assert not log.current.exists()
    assert log.wants_rotation(position)  # whoever writes has not opened another yet: it is told again
    log.rotate(position)
    with log.rotated(0).open("ab") as file:  # and still writes here
        file.write(line(7))
    found, position = read_all(log, position)
    assert found == whole(line(7))
    assert position.generation == 0
    log.current.write_bytes(line(8))
    found, position = read_all(log, position)
    assert found == whole(line(8))
    assert (position.generation, position.offset) == (1, len(line(8)))
    log.forget(position)
    assert not log.rotated(0).exists()
    assert not log.wants_rotation(position)


def test_a_torn_line_at_the_end_of_an_old_file_is_told_and_not_waited_for(logs: Path) -> None:
    log = AccessLog(logs)
    log.rotated(0).write_bytes(line(0) + line(1)[:30])
    log.current.write_bytes(line(2))
    found, position = read_all(log, Position())
    assert found == [*whole(line(0)), line(1)[:30], *whole(line(2))]
    assert position.generation == 1


def test_several_old_files_are_read_in_their_order(logs: Path) -> None:
    log = AccessLog(logs)
    for generation in (10, 2, 9):
        log.rotated(generation).write_bytes(line(generation))
    log.current.write_bytes(line(11))
    found, position = read_all(log, Position(generation=2))
    assert found == whole(line(2), line(9), line(10), line(11))
    assert position.generation == 11
    log.forget(position)
    assert [each.name for each in logs.iterdir()] == ["access.jsonl"]


def test_old_files_of_others_are_left_alone(logs: Path) -> None:
    log = AccessLog(logs)
    (logs / "access.old.jsonl").write_bytes(line())
    (logs / "access.jsonl.1").write_bytes(line())
    assert log.next_chunk(Position()) is None
    log.forget(Position(generation=9))
    assert len(list(logs.iterdir())) == 2


@pytest.mark.parametrize("remains", [None, b""])
def test_a_file_that_was_deleted_or_emptied_is_opened_anew(logs: Path, remains: bytes | None) -> None:
    """Whoever writes it writes on into the one that nobody reads any more, and has to be told."""
    log = AccessLog(logs)
    log.current.write_bytes(lines(3))
    _, position = read_all(log, Position())
    assert not log.wants_rotation(position)
    log.current.unlink()
    if remains is not None:
        log.current.write_bytes(remains)
    rounds = 0
    while log.wants_rotation(position):
        log.rotate(position)
        log.current.touch()  # whoever writes has been told
        found, position = read_all(log, position)
        assert found == []
        rounds += 1
    assert 1 <= rounds <= 2
    log.current.write_bytes(lines(2, begin=10))
    assert read_all(log, position)[0] == whole(lines(2, begin=10))
