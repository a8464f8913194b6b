from __future__ import annotations

import socket
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from commands.serving import ExtraMissing, hub_extra

Andon = Callable[..., Any]


def test_a_missing_extra_says_how_to_install_it() -> None:
    with pytest.raises(ExtraMissing, match="needs the package 'not_there'") as caught, hub_extra():
        import_module("not_there.config")
    assert "andon[hub]" in caught.value.detail


def test_a_version_without_what_is_needed_is_not_called_missing() -> None:
    with pytest.raises(ExtraMissing, match=r"needs 'uvicorn\.gone', and the installed version") as caught, hub_extra():
        import_module("uvicorn.gone")
    assert "Install 'andon[hub]' again" in caught.value.detail


def test_a_broken_installation_is_not_called_a_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError), hub_extra():
        raise ModuleNotFoundError("No module named 'hub.gone'", name="hub.gone")


def test_a_port_that_is_taken_exits_1_and_says_what_to_do(andon: Andon, platform: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = andon("hub", "serve", "--data", str(tmp_path / "hub"), "--port", str(taken.getsockname()[1]))
    assert (ran.code, ran.out) == (1, "")
    assert "--port" in ran.err


def test_serving_to_other_machines_in_clear_text_is_a_usage_error(andon: Andon, platform: Any, tmp_path: Path) -> None:
    ran = andon("hub", "serve", "--data", str(tmp_path / "hub"), "--host", "0.0.0.0", "--port", "0")
    assert (ran.code, ran.out) == (2, "")
    assert "plain HTTP" in ran.err


def test_settings_that_are_not_there_are_a_usage_error(andon: Andon, platform: Any, tmp_path: Path) -> None:
    ran = andon("hub", "serve", "--data", str(tmp_path / "hub"), "--port", "0", "--config", str(tmp_path / "none.toml"))
    assert (ran.code, ran.out) == (2, "")
    assert "none.toml" in ran.err
