"""New stores without the migrations: made once by them, then copied.

The migrations themselves are held by tests/hub/store/test_database.py, and by every hub that is a process of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub.store import database

MIGRATE = database.migrate


@pytest.fixture(scope="session", autouse=True)
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store that is not there yet is a copy of one that was migrated; one that is there is migrated."""
    folder = tmp_path_factory.mktemp("migrated")
    first = database.open_database(folder)
    first.close()

    def copy_or_migrate(engine: Engine) -> str:
        path = Path(engine.url.database or "")
        if path.exists() or not path.parent.is_dir():
            return MIGRATE(engine)
        shutil.copyfile(folder / "andon.db", path)
        return first.revision

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "migrate", copy_or_migrate)
        yield


@pytest.fixture
def really_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the migrations: every store goes through them."""
    monkeypatch.setattr(database, "migrate", MIGRATE)
