"""The data folder: one hub at a time, and a token that only its owner reads."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from hub.errors import AlreadyRunning, StoreError
from hub.folder import Folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the hub runs on POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_second_hub_is_refused_and_the_first_keeps_its_token(tmp_path: Path) -> None:
    first = Folder(tmp_path)
    token = first.write_token()
    with pytest.raises(AlreadyRunning, match=r"send twice.*--data") as refused:
        Folder(tmp_path)
    assert str(tmp_path) in refused.value.detail
    assert (tmp_path / "bootstrap.token").read_text().strip() == token
    first.close()
    Folder(tmp_path).close()  # the folder is free again


def test_the_token_is_for_its_owner_and_new_each_time(tmp_path: Path) -> None:
    (tmp_path / ".bootstrap.token.new").write_text("left by a crash")
    (tmp_path / ".bootstrap.token.new").chmod(0o644)
    folder = Folder(tmp_path / "deep" / "data")
    assert mode(folder.path) == 0o700
    tokens = {folder.write_token() for _ in range(3)}
    assert len(tokens) == 3
    assert mode(folder.path / "bootstrap.token") == 0o600
    folder.close()
    here = Folder(tmp_path)
    here.write_token()
    assert mode(tmp_path / "bootstrap.token") == 0o600
    here.close()


def test_runtime_and_token_are_taken_back_at_the_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write_token()
    folder.write_runtime({"url": "http://127.0.0.1:1"})
    assert json.loads((tmp_path / "runtime.json").read_text()) == {"url": "http://127.0.0.1:1"}
    folder.close()
    assert {path.name for path in tmp_path.iterdir()} == {"hub.lock"}


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(StoreError, match=r"cannot be used.*--data"):
        Folder(tmp_path / "data")
