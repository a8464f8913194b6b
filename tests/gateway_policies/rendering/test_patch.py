"""Patches: git takes every one of them, and makes of the files what was wanted."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway_policies.rendering.patch import render_patch

ALONE = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
LINES = st.lists(st.sampled_from(["a = 1", "# ü\u2028\x0c", "", "\tb\r", "[[x]]", "-- c", "++ d", "@@ e"]), max_size=8)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["\n", ""]))
FILES = st.dictionaries(
    st.sampled_from(["a.toml", "apis/b c.toml", 'apis/"q".toml', "ü/d.toml", "x/y/z.toml", "back\\slash.toml"]),
    st.tuples(st.none() | TEXTS, st.none() | TEXTS),
    min_size=1,
    max_size=3,
)


def lay(folder: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())


def found(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def apply(patch: str, folder: Path) -> None:
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=patch.encode(), env=ALONE, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stderr.decode(), patch)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES)
def test_git_makes_of_the_files_what_was_wanted(files: dict[str, tuple[str | None, str | None]]) -> None:
    # A file without a letter in it is no different from none to a patch's lines, but for its mode.
    before = {name: old for name, (old, _) in files.items()}
    after = {name: new for name, (_, new) in files.items()}
    patch = render_patch(before, after)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay(folder, before)
        if patch:
            apply(patch, folder)
        assert found(folder) == {name: text for name, text in after.items() if text is not None}


@pytest.mark.parametrize("called_in", [".", "deploy", "deploy/policies"])
def test_paths_are_those_of_the_repository_from_wherever_it_is_applied(tmp_path: Path, called_in: str) -> None:
    lay(tmp_path, {"deploy/policies/scopes.toml": "a\nb\n"})
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=ALONE, check=True)
    patch = render_patch({"scopes.toml": "a\nb\n"}, {"scopes.toml": "a\nc\n"}, prefix="deploy/policies")
    assert patch == (
        "diff --git a/deploy/policies/scopes.toml b/deploy/policies/scopes.toml\n"
        "--- a/deploy/policies/scopes.toml\n+++ b/deploy/policies/scopes.toml\n"
        "@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    )
    apply(patch, tmp_path / called_in)
    assert found(tmp_path) == {"deploy/policies/scopes.toml": "a\nc\n"}


def test_nothing_that_differs_is_no_patch() -> None:
    assert render_patch({"a": "x", "b": None}, {"a": "x", "b": None}) == ""
