from __future__ import annotations

import io
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from commands.serving import ExtraMissing, Serving, hub_extra, serve_hub
from commands.session import Session

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


class Terminal(io.StringIO):
    """Standard error, as a person sees it or not."""

    def __init__(self, person: bool) -> None:
        super().__init__()
        self._person = person

    def isatty(self) -> bool:
        return self._person


@pytest.mark.parametrize("person", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_a_person_is_told_how_to_reach_what_is_served(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, person: bool, named: bool
) -> None:
    usual, other = tmp_path / "usual", tmp_path / "another place"
    session, stderr = Session({"ANDON_DATA_DIR": str(usual)}, tmp_path), Terminal(person)
    monkeypatch.setattr(sys, "stderr", stderr)
    served: list[Any] = []
    monkeypatch.setattr("hub.serve.serve", served.append)
    asked = Serving(
        data=other if named else None, host="127.0.0.1", port=0, config=None, tls_cert=None, tls_key=None,
        simulate=False, seed=1, speed=1.0, paused=False, ephemeral=False, gateway=True, gateway_port=None,
    )  # fmt: skip
    serve_hub(session, asked)
    (options,) = served
    assert options.data == (other if named else usual)
    if not person:
        assert options.told is None
        return
    options.told("http://127.0.0.1:8123")
    place = f"ANDON_DATA_DIR='{other}' " if named else ""
    assert f"the console: {place}andon --url http://127.0.0.1:8123" in stderr.getvalue()
