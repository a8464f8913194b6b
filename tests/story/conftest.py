"""A runbook's view: commands as processes of their own, against a hub of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest


class Runbook:
    """Runs ``andon`` as a runbook does."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")} | env

    def run(self, *arguments: str, expect: int | None = 0, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """One command; its exit code must be ``expect`` (None: any)."""
        done = subprocess.run(
            [sys.executable, "-m", "commands", *arguments],
            env=self.env,
            input=stdin,
            capture_output=True,
            timeout=110,
            check=False,
        )
        if expect is not None:
            told = f"{arguments}: {done.stdout.decode()[-2000:]}\n{done.stderr.decode()[-2000:]}"
            assert done.returncode == expect, told
        return done

    def json(self, *arguments: str, expect: int | None = 0) -> Any:
        """What a command says with ``-o json``."""
        return json.loads(self.run(*arguments, "-o", "json", expect=expect).stdout)


@pytest.fixture
def runbook_for() -> Callable[..., Runbook]:
    return lambda hub: Runbook(hub.env)


@pytest.fixture
def emit(eventually: Callable[..., object]) -> Callable[[Runbook, int], None]:
    """Let the sources send so many documents, and wait until all is quiet."""

    def send(runbook: Runbook, documents: int) -> None:
        base = f"{runbook.env['ANDON_URL']}/admin/v1/simulator/"
        headers = {"Authorization": f"Bearer {runbook.env['ANDON_TOKEN']}"}
        with httpx.Client(base_url=base, headers=headers) as api:
            begun = api.get("state").json()["emitted"]
            api.post("resume", params={"documents": documents}).raise_for_status()
            eventually("emission", lambda: api.get("state").json()["emitted"] >= begun + documents, 60)
        runbook.run("hub", "simulate", "drain")

    return send


@pytest.fixture(scope="session")
def b2mml() -> Path:
    """The documents of a real site, which the project does not ship."""
    for folder in (Path.cwd(), *Path(__file__).resolve().parents):
        found = folder.parent / "shared" / "data" / "b2mml" / "examples"
        if found.is_dir():
            return found
    pytest.skip("the B2MML example documents are not on this machine (../shared/data/b2mml/examples)")
