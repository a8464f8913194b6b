"""Files that somebody was handed: plans, settings, contexts, themes, and what lies in a cloned repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands.plan_files import read_plan
from console.keys import load as load_keys
from hub.errors import SettingsError
from hub.settings import read_settings
from platforms.calls import Call, Response, read_answer
from platforms.context_file import load
from platforms.contexts import Choice, resolve
from platforms.errors import ContextError, UnexpectedAnswer
from platforms.events import EventReader
from platforms.problems import error_of
from themes.loader import load as load_themes
from transactions.errors import PlanAltered
from transactions.pages import Page
from transactions.untrusted import lay_out, parse_json, parse_toml, repeated_member

BOMBS = {
    "arrays": "a = " + "[" * 20_000 + "]" * 20_000,
    "tables": "a = " + "{b = " * 20_000 + "1" + "}" * 20_000,
    "digits": "a = " + "1" * 10_000,
}
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("name", BOMBS)
def test_toml_that_ends_whoever_reads_it(name: str) -> None:
    with pytest.raises((RecursionError, ValueError)) as naive:
        tomllib.loads(BOMBS[name])
    assert not isinstance(naive.value, tomllib.TOMLDecodeError)  # what everybody expects, and catches
    with pytest.raises(tomllib.TOMLDecodeError):
        parse_toml(BOMBS[name])


@pytest.mark.parametrize("name", BOMBS)
def test_every_file_of_ours_is_read_that_way(name: str, tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text(BOMBS[name])
    with pytest.raises(SettingsError, match="not TOML"):
        read_settings(file)
    (tmp_path / "contexts.toml").write_text(BOMBS[name])
    with pytest.raises(ContextError, match="not valid TOML"):
        load(tmp_path)
    (tmp_path / "keys.toml").write_text(BOMBS[name])
    assert load_keys(tmp_path / "keys.toml", []).faults
    assert load_themes([tmp_path]).themes == {}
    assert len(load_themes([tmp_path]).faults) == 3


@pytest.mark.parametrize("name", BOMBS)
def test_a_cloned_repository_can_hand_over_a_bomb_and_no_more(name: str, tmp_path: Path) -> None:
    (tmp_path / ".andon.toml").write_text(BOMBS[name])
    with pytest.raises(ContextError, match="cannot be used"):
        resolve(Choice(), {"ANDON_CONFIG_DIR": str(tmp_path / "none")}, tmp_path)


def test_a_key_of_many_dots_takes_no_time(tmp_path: Path) -> None:
    (tmp_path / ".andon.toml").write_text("a" + ".b" * 500_000 + " = 1")  # tomllib would take hours
    began = time.monotonic()
    with pytest.raises(ContextError):
        resolve(Choice(), {"ANDON_CONFIG_DIR": str(tmp_path / "none")}, tmp_path)
    assert time.monotonic() - began < 5


def test_a_project_s_file_without_an_end_is_read_to_one(tmp_path: Path) -> None:
    project = tmp_path / ".andon.toml"
    with project.open("wb") as file:
        file.write(b'context = "x"\n#')
        file.truncate(4 * 1024**3)  # sparse: four gigabytes that take no room
    with pytest.raises(ContextError):
        resolve(Choice(), {"ANDON_CONFIG_DIR": str(tmp_path / "none")}, tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_project_s_file_that_is_none_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".andon.toml")
    found = resolve(Choice(), {"ANDON_CONFIG_DIR": str(tmp_path), "ANDON_DATA_DIR": str(tmp_path)}, tmp_path)
    assert found.chosen_by == "the default"


@pytest.mark.parametrize(
    "content",
    [
        DEEP,
        b'{"hash": ' + DEEP + b"}",
        b'{"n": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
        b"",
        b'{"action": "replay", "action": "discard"}',
    ],
    ids=["deep", "deep inside", "digits", "no text", "nothing", "twice"],
)
def test_a_plan_file_that_is_a_bomb(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(RecursionError):
        msgspec.json.decode(DEEP)
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(PlanAltered):
        read_plan(file)


def test_the_command_says_so_in_three_lines_and_no_trace(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(DEEP)
    environ = {**os.environ, "ANDON_URL": "http://127.0.0.1:9", "ANDON_TOKEN": "t", "ANDON_CONFIG_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "commands", "tx", "replay", "--plan", str(file), "--yes"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (6, "")
    assert "Nothing was sent" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_member_that_comes_twice_is_found_wherever_it_is() -> None:
    assert json.loads('{"a": 1, "a": 2}') == {"a": 2}  # the last one; others take the first
    assert repeated_member(b'{"a": 1, "b": [{"c": 1, "c": 2}]}') == "c"
    assert repeated_member(b'{"a": 1, "b": {"a": 1}}') is None
    assert repeated_member(b'{"\\u0061": 1, "a": 2}') == "a"
    with pytest.raises(msgspec.DecodeError):
        repeated_member(DEEP)


@pytest.mark.parametrize("read", [lambda: parse_json(DEEP, list), lambda: lay_out(DEEP.decode())])
def test_json_without_an_end_is_json_that_is_none(read: Callable[[], Any]) -> None:
    with pytest.raises(msgspec.DecodeError, match="deep"):
        read()


def test_a_platform_that_answers_with_a_bomb_is_none() -> None:
    call: Call[Page[int]] = Call(method="GET", path="x", answers=Page[int])
    with pytest.raises(UnexpectedAnswer):
        read_answer(call, Response(status=200, content_type="application/json", body=b'{"x": ' + DEEP + b"}"), "x")
    error = error_of(500, "application/problem+json", b'{"x": ' + DEEP + b"}", "http://x")
    assert isinstance(error, UnexpectedAnswer)
    with pytest.raises(UnexpectedAnswer):
        EventReader().feed(b'data: {"x": ' + DEEP + b"}\n\n")
