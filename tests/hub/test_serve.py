"""What ``serve`` decides before it serves: where, under which name, and that it never speaks in the open."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hub import serve
from hub.errors import AlreadyRunning, SettingsError
from hub.store.database import open_database


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_the_own_machine_is_no_public_address(host: str) -> None:
    serve._refuse_public(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "hub.example", "", "127.0.0.1.example"])
def test_every_other_address_is_refused_without_tls(host: str) -> None:
    with pytest.raises(SettingsError, match="plain HTTP"):
        serve._refuse_public(host, None)


def test_port_zero_takes_a_free_one() -> None:
    with serve._listen("127.0.0.1", 0) as one, serve._listen("127.0.0.1", 0) as two:
        assert one.getsockname()[1] != two.getsockname()[1]


def test_a_port_that_is_taken_is_said_with_its_number() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(AlreadyRunning, match=rf"127\.0\.0\.1:{port}.*--port"):
            serve._listen("127.0.0.1", port)


async def test_the_platform_keeps_its_name_for_ever(tmp_path: Path) -> None:
    """Plans are bound to it: another name later would make every stored plan a foreign one."""
    database = open_database(tmp_path)
    try:
        first = await database.write(lambda c: serve._platform(c, "plant-3"))
        again = await database.write(lambda c: serve._platform(c, "other"))
    finally:
        database.close()
    assert first == again
    assert first.startswith("plant-3-")


async def test_two_hubs_never_share_a_name(tmp_path: Path) -> None:
    names = set()
    for n in range(3):
        folder = tmp_path / str(n)
        folder.mkdir()
        database = open_database(folder)
        names.add(await database.write(lambda c: serve._platform(c, None)))
        database.close()
    assert len(names) == 3
    assert all(name.startswith("hub-") for name in names)
