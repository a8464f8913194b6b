"""The lock: everything that is installed is pinned with its hashes, and it says what ``pyproject.toml`` says now."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

MACHINES = [
    {"python_version": minor, "python_full_version": f"{minor}.0", "sys_platform": system, "os_name": family}
    | {"platform_system": name, "implementation_name": "cpython", "platform_python_implementation": "CPython"}
    for minor in ("3.11", "3.12", "3.13")
    for system, family, name in (
        ("linux", "posix", "Linux"),
        ("darwin", "posix", "Darwin"),
        ("win32", "nt", "Windows"),
    )
]


@pytest.fixture(scope="module")
def lock(source: Path) -> str:
    return (source / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pinned(lock: str) -> dict[str, Requirement]:
    lines = re.findall(r"^(\S.*?) \\$", lock, re.MULTILINE)
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): each for each in found}


@pytest.fixture(scope="module")
def asked(source: Path) -> list[Requirement]:
    """Everything that ``pyproject.toml`` asks for, by whatever name."""
    data: dict[str, Any] = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    project = data["project"]
    lists = [project["dependencies"], data["build-system"]["requires"], *project["optional-dependencies"].values()]
    return [Requirement(line) for each in lists for line in each]


def test_what_is_asked_for_is_in_the_lock_in_a_version_that_will_do(pinned, asked) -> None:
    assert len(asked) > 25
    for requirement in asked:
        pin = pinned.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in the lock: run .ci/lock"
        (version,) = [each.version for each in pin.specifier]
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement}: run .ci/lock"


def test_the_lock_holds_on_every_machine(pinned, asked) -> None:
    for machine in MACHINES:
        for requirement in asked:
            if requirement.marker is None or requirement.marker.evaluate(machine):
                pin = pinned[canonicalize_name(requirement.name)]
                assert pin.marker is None or pin.marker.evaluate(machine), (requirement, machine)


def test_what_an_extra_of_a_package_brings_is_locked_on_every_machine(pinned, asked) -> None:
    for requirement in asked:
        for line in importlib.metadata.requires(requirement.name) or [] if requirement.extras else []:
            brought = Requirement(line)
            for machine in MACHINES:
                for extra in requirement.extras:
                    if brought.marker is not None and brought.marker.evaluate({**machine, "extra": extra}):
                        pin = pinned[canonicalize_name(brought.name)]
                        assert pin.marker is None or pin.marker.evaluate(machine), f"{requirement}: run .ci/lock"


def test_every_package_has_one_version_and_hashes(lock) -> None:
    entries = re.split(r"^(?=\w)", lock, flags=re.MULTILINE)[1:]
    assert len(entries) > 80
    for entry in entries:
        first, *rest = entry.splitlines()
        assert re.match(r"[a-z0-9-]+==[\w.+!]+( ;.*)? \\$", first), first
        hashes = [line for line in rest if "--hash=" in line]
        assert hashes, first
        for line in hashes:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def test_the_lock_names_no_machine_and_no_index(lock) -> None:
    assert not re.search(r"https?://|file:|--(extra-)?index|--find-links|--trusted|git\+|(^|\s)/\w|@ ", lock)


def test_a_package_that_was_changed_on_the_way_is_not_installed(tmp_path: Path) -> None:
    """What the hashes are for. Without them, pip takes what it is given."""
    package = tmp_path / "index" / "thing-1.0-py3-none-any.whl"
    package.parent.mkdir()
    _wheel(package, "print('as it was')")
    good = subprocess.run(
        [sys.executable, "-m", "pip", "hash", str(package)], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    _wheel(package, "print('with something added')")
    for lines, taken in (("thing==1.0\n", True), (f"thing==1.0 {good}\n", False)):
        wanted = tmp_path / "wanted.txt"
        wanted.write_text(lines)
        options = ["--no-index", "--find-links", str(package.parent), "--target", str(tmp_path / "into"), "--no-deps"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", *options, "-r", str(wanted)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) is taken, done.stderr
    assert "DO NOT MATCH" in done.stderr


def _wheel(path: Path, code: str) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing.py", code)
        archive.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("thing-1.0.dist-info/RECORD", "")


def part(source: Path, *extras: str) -> set[str]:
    """Names of the packages in a part of the lock."""
    done = subprocess.run(
        [sys.executable, str(source / ".ci" / "locked"), *extras], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"^([\w-]+)==", done.stdout, re.MULTILINE))


def test_a_part_of_the_lock_is_what_an_installation_needs(source: Path, pinned) -> None:
    base, serving = part(source), part(source, "hub")
    assert {"textual", "typer", "keyring", "jeepney", "httpcore"} <= base
    assert not base & {"starlette", "lxml", "pytest", "ruff"}
    assert base < serving < set(pinned)
    assert {"starlette", "uvicorn", "h11", "lxml", "greenlet", "aiosignal"} & set(pinned) <= serving
    assert not serving & {"pytest", "ruff", "mypy", "hypothesis"}
    assert part(source, "hub", "test", "dev") == set(pinned)


def test_ci_installs_nothing_that_is_not_locked(source: Path) -> None:
    text = (source / ".ci" / "run").read_text(encoding="utf-8")
    for line in re.findall(r"pip\" install .*", text):
        assert "from_lock" in line or "--no-deps" in line, line
    assert "--require-hashes" in text
    assert "--no-isolation" in text


@pytest.mark.skipif("ANDON_SOURCE" not in os.environ, reason="runs in the checkout")
def test_ci_runs_what_the_lock_names(pinned) -> None:
    for installed in importlib.metadata.distributions():
        name = canonicalize_name(installed.name)
        if name not in ("andon", "pip", "setuptools"):
            assert name in pinned, f"{name} is installed and not in the lock"
            assert pinned[name].specifier.contains(installed.version, prereleases=True), name
