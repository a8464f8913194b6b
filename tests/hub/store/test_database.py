"""Opening the store: what cannot be used is said, with the way out, and nothing is changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.errors import StoreError
from hub.store.database import open_database
from hub.store.schema import meta, metadata

pytestmark = pytest.mark.usefixtures("really_migrated")

NOBODY = 65534


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def made(folder: Path) -> Path:
    """The file of a store that was opened and closed."""
    open_database(folder).close()
    return folder / "andon.db"


def test_a_new_store_has_every_table_and_the_modes_it_needs(tmp_path: Path) -> None:
    store = open_database(tmp_path)
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert (
            connection.exec_driver_sql("pragma synchronous").scalar() == 2
        )  # FULL: what was answered survives a power cut
        found = set(connection.exec_driver_sql("select name from sqlite_master where type = 'table'").scalars())
        connection.rollback()
    store.close()
    assert set(metadata.tables) <= found
    assert store.revision


def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    made(tmp_path)
    with sqlite3.connect(tmp_path / "andon.db") as connection:
        connection.execute("insert into meta values ('kept', 'yes')")
    connection.close()
    store = open_database(tmp_path)
    with store.engine.connect() as opened:
        assert opened.execute(select(meta.c.value).where(meta.c.name == "kept")).scalar() == "yes"
    store.close()


@pytest.mark.parametrize(
    "content", [b"This is no database. " * 400, b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_what_is_not_a_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "andon.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged.*Nothing was changed.*Restore the newest backup") as refused:
        open_database(tmp_path)
    assert str(path) in refused.value.detail
    assert path.read_bytes() == content


def test_a_damaged_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = made(tmp_path)
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xaa" * 3996  # the page that says which tables there are
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged.*Nothing was changed"):
        open_database(tmp_path)
    assert path.read_bytes() == bytes(content)


def test_a_schema_of_a_newer_version_is_left_as_it_is(tmp_path: Path) -> None:
    path = made(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    before = digest(path)
    with pytest.raises(StoreError, match=r"'9999'.*newer.*Nothing was changed.*Install that version"):
        open_database(tmp_path)
    assert digest(path) == before


def test_a_store_of_another_program_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "andon.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table events (what text)")
    connection.close()
    with pytest.raises(StoreError, match=r"another program.*Nothing was changed"):
        open_database(tmp_path)
    with sqlite3.connect(path) as connection:
        tables = connection.execute("select name from sqlite_master").fetchall()
    connection.close()
    assert tables == [("events",)]


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "andon.db").mkdir()
    with pytest.raises(StoreError, match=r"cannot be written.*write access"):
        open_database(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        open_database(tmp_path / "gone")


def test_another_process_that_writes_for_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "andon.db"
    monkeypatch.setattr("hub.store.database._BUSY_MILLISECONDS", 50)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")
    with pytest.raises(StoreError, match=r"locked.*another program"):
        open_database(tmp_path)
    other.close()


@pytest.mark.parametrize("name", ["plant #3", "50% done", "what?", "a&b=c", "Werk Süd", "%41"])
async def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    store = open_database(folder)
    await store.write(lambda c: c.execute(meta.insert(), {"name": "here", "value": name}))
    assert await store.read(lambda c: c.execute(select(meta.c.value).where(meta.c.name == "here")).scalar()) == name
    store.close()
    assert {path.name for path in tmp_path.iterdir()} == {name}
    assert (folder / "andon.db").exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach (a test's own cannot be, when root runs the tests)."""
    folder = Path(tempfile.mkdtemp(prefix="andon-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def open_as_nobody(folder: Path) -> str:
    """What ``open_database`` says to a user without rights: nobody when root runs the tests, else who runs them."""
    # the modules are read as who runs the tests: nobody may not see where they are
    program = (
        "import os, sys, tempfile; from pathlib import Path\n"
        "from hub.store.database import open_database; from hub.errors import StoreError\n"
        "with tempfile.TemporaryDirectory() as warm: open_database(Path(warm)).close()\n"
        f"if os.geteuid() == 0: os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "try: open_database(Path(sys.argv[1])).close()\n"
        "except StoreError as error: print(error.detail)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
def test_a_folder_that_may_not_be_written(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    said = open_as_nobody(open_folder)
    assert "cannot be written" in said
    assert "write access to the folder" in said
    assert "--data" in said
    assert list(open_folder.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
def test_a_database_that_may_not_be_written(open_folder: Path) -> None:
    path = made(open_folder)
    path.chmod(0o444)
    open_folder.chmod(0o555)
    before = digest(path)
    said = open_as_nobody(open_folder)
    assert "cannot be written" in said
    assert "write access" in said
    assert digest(path) == before
