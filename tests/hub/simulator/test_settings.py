"""What the simulator is started with, and the one file that it keeps everything in."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.declarations import shipped_catalogue
from hub.errors import SimulatorError
from hub.simulator.database import SCHEMA_VERSION, Meta, open_database
from hub.simulator.process import Simulator
from hub.simulator.settings import SimulatorSettings, instance_name, read_settings, settings_line

CATALOGUE = shipped_catalogue()


def given_settings(**changes: Any) -> SimulatorSettings:
    base = SimulatorSettings(data="d", seed=1, hub="http://h", token="t", control_token="c", catalogue=CATALOGUE)
    return msgspec.structs.replace(base, **changes)


@settings(deadline=None, max_examples=30)
@given(
    st.builds(
        given_settings,
        data=st.text(),
        seed=st.integers(-(2**63), 2**63 - 1),
        token=st.text(),
        speed=st.floats(0, 1e6),
        paused=st.booleans(),
        documents=st.none() | st.integers(0, 10**9),
    )
)
def test_settings_are_one_line_and_survive_it(wanted: SimulatorSettings) -> None:
    line = settings_line(wanted)
    assert line.index(b"\n") == len(line) - 1
    assert read_settings(line) == wanted


def test_a_system_that_cannot_be_asked_survives_the_line() -> None:
    systems = read_settings(settings_line(given_settings())).catalogue.system
    assert {name for name, system in systems.items() if system.lookup is None} == {
        "customer-portal", "EDI", "analytics",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"", "truncated"),
        (b"what\n", "malformed"),
        (b"{}\n", "data"),
        (settings_line(given_settings()).replace(b'"seed":1', b'"seed":"one"'), "$.seed"),
        (settings_line(given_settings()).replace(b'"seed":1', b'"seed":1,"colour":2'), "colour"),
    ],
)
def test_what_cannot_be_read_is_named(line: bytes, names: str) -> None:
    with pytest.raises(SimulatorError) as caught:
        read_settings(line)
    assert names in caught.value.detail
    assert "nothing was started" in caught.value.detail


def test_names_of_instances() -> None:
    assert (instance_name("ERP", None), instance_name("MES", "P01")) == ("ERP", "MES/P01")


def test_a_database_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "simulator.db"
    for n in range(3):
        connection = open_database(path)
        meta = Meta(connection)
        assert meta.get("n") == (None if n == 0 else str(n - 1))
        meta.set("n", str(n))
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        connection.close()


@pytest.mark.parametrize("kind", ["folder", "garbage", "missing", "newer"])
def test_a_database_that_cannot_be_used_says_so_and_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "simulator.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "garbage":
        path.write_bytes(b"these are no books " * 400)
    elif kind == "missing":
        path = tmp_path / "nowhere" / "simulator.db"
    else:
        newer = sqlite3.connect(path)
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        newer.close()
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(SimulatorError) as caught:
        open_database(path)
    assert str(path) in caught.value.detail
    assert ("newer version" in caught.value.detail) == (kind == "newer")
    assert (path.read_bytes() if path.is_file() else None) == before


async def test_a_story_is_never_begun_again_with_another_seed(tmp_path: Path) -> None:
    async def story(seed: int) -> Simulator:
        return Simulator(given_settings(data=str(tmp_path), seed=seed))

    await (await story(3)).close()
    with pytest.raises(SimulatorError, match="--seed 3"):
        await story(4)
    await (await story(3)).close()
