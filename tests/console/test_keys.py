from __future__ import annotations

from pathlib import Path

import pytest

from console.bindings import known_ids
from console.keys import load

KNOWN = {"app.failed", "failed.replay"}


def test_without_a_file_the_usual_keys_stay(tmp_path: Path) -> None:
    keys = load(tmp_path / "keys.toml", KNOWN)
    assert keys.keymap == {}
    assert keys.faults == []


def test_usable_entries_are_used_and_the_others_told(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('[keys]\n"app.failed" = "F"\n"failed.reply" = "R"\n"failed.replay" = " "\n')
    keys = load(path, KNOWN)
    assert keys.keymap == {"app.failed": "F"}
    assert len(keys.faults) == 2
    assert "did you mean 'failed.replay'?" in keys.faults[0]
    assert "empty key" in keys.faults[1]


@pytest.mark.parametrize("content", ["keys = [", '[keys]\n"app.failed" = 3', "[other]\n", "[keys]\nx = '\udcff'"])
def test_a_broken_file_is_told_and_not_fatal(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    keys = load(path, KNOWN)
    assert keys.keymap == {}
    assert "The usual keys stay" in keys.faults[0]


def test_every_action_a_person_may_move_has_an_id() -> None:
    ids = known_ids()
    assert {"app.failed", "table.open", "failed.replay", "transaction.raw", "batch.cancel", "lamps.open"} <= ids
