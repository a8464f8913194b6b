"""What keeps a hub from serving is said in words, with the right exit code, and nothing is changed."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hub.serve import _listen
from hub.store.database import open_database


def serve(data: Path, *arguments: str, port: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commands", "hub", "serve", "--data", str(data), "--port", str(port), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def refused(done: subprocess.CompletedProcess[str], *words: str, code: int = 1) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_port_that_is_taken(tmp_path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        refused(serve(tmp_path / "d", port=other.getsockname()[1]), "another program", "--port")


def test_a_folder_that_another_hub_serves(hub) -> None:
    refused(serve(hub.data), "Another hub", "--data")
    assert (hub.data / "bootstrap.token").read_text().strip() == hub.token


def test_a_corrupt_database(tmp_path) -> None:
    (tmp_path / "andon.db").write_bytes(b"this is no database at all, " * 100)
    before = (tmp_path / "andon.db").read_bytes()
    refused(serve(tmp_path), "damaged", "restore")
    assert (tmp_path / "andon.db").read_bytes() == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="file modes do not bind root")
def test_a_read_only_folder(tmp_path) -> None:
    tmp_path.chmod(0o500)
    try:
        refused(serve(tmp_path), "write access")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_is_a_file(tmp_path) -> None:
    (tmp_path / "f").write_text("x")
    refused(serve(tmp_path / "f"), "data folder", "--data")


def test_a_schema_of_a_newer_version(tmp_path) -> None:
    open_database(tmp_path).close()
    with sqlite3.connect(tmp_path / "andon.db") as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    refused(serve(tmp_path), "9999", "newer")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1", ["colour"]),
        ("[flow.x", ["TOML"]),
        ("[system.ERP]\ntitle = 3", ["title"]),
        ('[system.ERP]\ntitle = "E"\nsettle_after = "soon"', ["settle_after", "15m"]),
        ('profile = "fast"', ["fast", "production"]),
    ],
)
def test_settings_that_cannot_be_used(tmp_path, text, words) -> None:
    (tmp_path / "hub.toml").write_text(text)
    refused(serve(tmp_path / "d", "--config", str(tmp_path / "hub.toml")), *words, code=2)


def test_settings_that_are_not_there(tmp_path) -> None:
    refused(serve(tmp_path / "d", "--config", str(tmp_path / "none.toml")), "none.toml", "--config", code=2)


def test_a_public_address_without_tls(tmp_path) -> None:
    refused(serve(tmp_path / "d", "--host", "0.0.0.0"), "TLS", "127.0.0.1", code=2)


def test_nobody_else_reads_the_store_in_a_folder_that_is_open_to_all(hub_factory, tmp_path) -> None:
    tmp_path.chmod(0o755)
    hub_factory(data=tmp_path)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir() if file.is_file()}
    assert {"andon.db", "andon.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_an_orderly_end_takes_the_token_back(hub_factory) -> None:
    hub = hub_factory()
    assert (hub.data / "bootstrap.token").stat().st_mode & 0o777 == 0o600
    assert hub.stop() == 0
    assert not (hub.data / "bootstrap.token").exists()


def test_the_token_is_new_at_every_start(hub_factory) -> None:
    hub = hub_factory()
    first = hub.token
    hub.kill()
    hub.start()
    assert hub.token != first
    import httpx

    for token, status in ((first, 401), (hub.token, 200)):
        answer = httpx.get(f"{hub.url}/admin/v1/whoami", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """asyncio sets TCP_NODELAY only on sockets that name their protocol."""
    listening = _listen("127.0.0.1", 0)
    with listening:
        assert listening.proto == socket.IPPROTO_TCP
