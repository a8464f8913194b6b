"""Wheel and sdist are complete, and the wheel runs where no checkout is."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def project(source: Path) -> dict[str, Any]:
    return tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def packages(project: dict[str, Any]) -> list[str]:
    found: list[str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return found


@pytest.fixture(scope="module")
def shipped(source: Path, packages: list[str]) -> set[str]:
    """Every file of the packages, relative to the checkout."""
    return {
        path.relative_to(source).as_posix()
        for package in packages
        for path in (source / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked away from everything else."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with the unpacked wheel before everything that is installed, in an empty folder."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(folder), "ANDON_CONFIG_DIR": str(elsewhere), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_packages_are_the_folders(source: Path, packages: list[str], project: dict[str, Any]) -> None:
    folders = sorted(path.parent.name for path in source.glob("*/__init__.py"))
    assert sorted(packages) == folders
    assert sorted(project["tool"]["importlinter"]["root_packages"]) == folders
    assert sorted(project["tool"]["mypy"]["files"]) == folders


def test_the_wheel_has_every_file(wheel: Path, shipped: set[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == shipped


def test_the_sdist_has_every_file(sdist: Path, shipped: set[str], source: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert shipped - names == set()
    wanted = {"pyproject.toml", "README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "PKG-INFO"}
    wanted |= {"requirements.lock", ".ci/run", ".ci/lock", ".ci/locked"}
    wanted |= {path.relative_to(source).as_posix() for path in (source / "docs").rglob("*.md")}
    wanted |= {
        path.relative_to(source).as_posix()
        for path in (source / "tests").rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert wanted - names == set()


@pytest.mark.parametrize(
    "name",
    [
        "hub/catalogue.toml",
        "hub/delivery/codes.toml",
        "hub/store/migrations/env.py",
        "transactions/py.typed",
        "hub/py.typed",
        "console/py.typed",
    ],
)
def test_what_is_not_code_is_there(shipped: set[str], name: str) -> None:
    assert name in shipped


def test_themes_and_styles_are_there(shipped: set[str]) -> None:
    assert len([name for name in shipped if name.startswith("themes/") and name.endswith(".toml")]) >= 2
    assert any(name.startswith("console/") and name.endswith(".tcss") for name in shipped)


def test_every_package_is_typed(shipped: set[str], packages: list[str]) -> None:
    assert {f"{package}/py.typed" for package in packages} - shipped == set()


def test_the_licence_and_the_command_come_along(unpacked: Path) -> None:
    (info,) = unpacked.glob("andon-*.dist-info")
    assert "Apache License" in (info / "licenses" / "LICENSE").read_text(encoding="utf-8")
    assert "andon = commands.main:run" in (info / "entry_points.txt").read_text(encoding="utf-8")
    assert "Requires-Python: >=3.11" in (info / "METADATA").read_text(encoding="utf-8")


def test_the_wheel_answers_outside_the_checkout(unpacked: Path, project: dict[str, Any]) -> None:
    version = run(unpacked, "-m", "commands", "--version")
    assert version.returncode == 0, version.stderr
    assert project["project"]["version"] in version.stdout
    help_page = run(unpacked, "-m", "commands", "--help")
    assert help_page.returncode == 0, help_page.stderr
    assert "transactions" in help_page.stdout
    where = run(unpacked, "-c", "import transactions, hub, console; print(transactions.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(unpacked), where.stderr


_WITHOUT_THE_HUB = """
import importlib, pkgutil, sys

class Absent:
    # An import hook that stands in for an environment without the extra.
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0].replace("_", "-") in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

ABSENT = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Absent())
count = 0
for package in sys.argv[2].split(","):
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            count += 1
print(count)
"""


def test_console_and_commands_import_without_the_extra(
    unpacked: Path, project: dict[str, Any], packages: list[str]
) -> None:
    extra = {requirement_name(each) for each in project["project"]["optional-dependencies"]["hub"]}
    assert {"starlette", "sqlalchemy", "uvicorn"} <= extra
    clients = [package for package in packages if package != "hub"]
    done = run(unpacked, "-W", "error", "-c", _WITHOUT_THE_HUB, ",".join(extra), ",".join(clients))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_serving_without_the_extra_says_how_to_get_it(unpacked: Path) -> None:
    blocked = "import sys; sys.modules['starlette'] = None; sys.modules['sqlalchemy'] = None; sys.argv[0] = 'andon'; "
    done = run(unpacked, "-c", blocked + "from commands.main import run; run()", "hub", "serve", "--data", "d")
    assert done.returncode == 1, done.stderr
    assert "andon[hub]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif("ANDON_SOURCE" not in os.environ, reason="runs in the checkout")
def test_ci_tests_what_is_installed(source: Path, packages: list[str]) -> None:
    site = Path(sysconfig.get_path("purelib")).resolve()
    for package in packages:
        module = __import__(package)
        assert Path(module.__file__ or "").resolve().is_relative_to(site)
    assert not Path.cwd().resolve().is_relative_to(source.resolve())


def requirement_name(requirement: str) -> str:
    """``aiohttp>=3.12`` without its bounds."""
    for mark in "<>=!~ [;":
        requirement = requirement.partition(mark)[0]
    return requirement.lower()
