"""What is built, and what it is built from.

In a checkout both archives are built here; ``.ci/run``, which runs these tests elsewhere, hands over its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def source() -> Path:
    """The checkout."""
    given = os.environ.get("ANDON_SOURCE")
    return Path(given) if given else Path(__file__).parents[2]


@pytest.fixture(scope="session")
def dist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel."""
    given = os.environ.get("ANDON_DIST")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=source, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The wheel."""
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    """The source distribution."""
    (found,) = dist.glob("*.tar.gz")
    return found
