"""Logs: one line of JSON per event, whatever is in the data, and never a secret of a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from hub.logs import set_up_logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    set_up_logs()
    yield
    structlog.configure(**before)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    told = capsys.readouterr()
    assert told.out == ""
    return [json.loads(line) for line in told.err.splitlines()]


def test_an_event_is_one_line_on_standard_error(capsys) -> None:
    structlog.get_logger("andon.test").info("it.happened", target="ERP", n=3)
    (line,) = lines(capsys)
    assert (line["event"], line["target"], line["n"], line["level"]) == ("it.happened", "ERP", 3, "info")
    assert str(line["timestamp"]).endswith("Z")


def test_data_can_forge_no_line_and_no_colour(capsys) -> None:
    forged = 'x\n{"event": "forged"}\r\x1b[31m\u2028\x00'
    structlog.get_logger("andon.test").warning("it.happened", said=forged)
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "\x1b" not in told
    assert json.loads(told)["said"] == forged


def test_what_is_for_developers_is_left_out(capsys) -> None:
    structlog.get_logger("andon.test").debug("too.much")
    assert lines(capsys) == []


def test_a_trace_has_no_local_variables(capsys) -> None:
    def fails() -> None:
        token = "very-" + "secret"
        raise ValueError(f"wrong: {len(token)}")

    try:
        fails()
    except ValueError as error:
        structlog.get_logger("andon.test").error("it.broke", exc_info=error)
    (line,) = lines(capsys)
    assert "very-secret" not in json.dumps(line)
    assert "ValueError" in json.dumps(line["exception"])
