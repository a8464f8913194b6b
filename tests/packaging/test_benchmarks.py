"""The benchmark scripts run by hand only; that they can be run at all is held here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = (
    "startup",
    "listing",
    "console_paint",
    "ingest",
    "replay",
    "audit_verify",
    "diagnosis",
    "policies",
    "contracts",
)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_can_be_asked_what_it_measures(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout


def test_startup_measures_the_bare_interpreter_and_the_help_page(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / "startup.py"), "--quick"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "cores" in done.stdout.splitlines()[0]
    assert "ratio" in done.stdout


def test_every_benchmark_is_in_its_readme() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in SCRIPTS:
        assert f"`{name}.py`" in page
