"""Completion in bash, which cuts words where no other shell does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commands.bash import SCRIPT, taken_apart, without_cut


@pytest.mark.parametrize(
    ("line", "words", "word", "unquoted"),
    [
        ("andon ", ["andon"], "", True),
        ("andon tx li", ["andon", "tx"], "li", True),
        ("andon  tx\tli", ["andon", "tx"], "li", True),
        ("andon tx list --filter plant:P", ["andon", "tx", "list", "--filter"], "plant:P", True),
        ("andon --filter 'plant:P01 fl", ["andon", "--filter"], "plant:P01 fl", False),
        ('andon --filter "plant:P01 fl', ["andon", "--filter"], "plant:P01 fl", False),
        ("andon --filter 'a b' x", ["andon", "--filter", "a b"], "x", True),
        ("andon '' x", ["andon", ""], "x", True),
        (r"andon a\ b", ["andon"], "a b", True),
        (r'andon "a\"b', ["andon"], 'a"b', False),
        (r"andon 'a\b", ["andon"], r"a\b", False),
        ("andon a'b c'd", ["andon"], "ab cd", False),
        ("andon x\\", ["andon"], "x", True),
        ("", [], "", True),
    ],
)
def test_a_line_is_taken_apart_as_bash_would(line: str, words: list[str], word: str, unquoted: bool) -> None:
    assert taken_apart(line) == (words, word, unquoted)


@pytest.mark.parametrize(
    ("offered", "word", "told"),
    [
        (["plant:P01", "plant:P02"], "plant:P", ["P01", "P02"]),
        (["plant:none"], "plant:", ["none"]),
        (["list"], "li", ["list"]),
        (["plant:P01,P02"], "plant:P01,", ["P01,P02"]),
        (["plant:P01"], "--filter=plant:P", ["P01"]),
        (["table"], "--output=t", ["table"]),
        (["age>15m"], "age>1", ["15m"]),
        (["status:failed"], "-status:f", []),
        ([], "a:b:c", []),
    ],
)
def test_what_bash_has_already_is_left_out(offered: list[str], word: str, told: list[str]) -> None:
    assert without_cut(offered, word) == told


def test_breaks_are_bashs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDBREAKS", " \t\n")
    assert without_cut(["plant:P01"], "plant:P") == ["plant:P01"]


@pytest.fixture
def bash(tmp_path: Path, stocked: Any) -> Any:
    """Completes lines in a real bash; several in one, as each costs a start."""
    found = shutil.which("bash")
    if found is None:
        pytest.skip("needs bash")
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "andon"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m commands "$@"\n')
    program.chmod(0o755)

    def complete(*lines: str) -> list[list[str]]:
        script = f'export PATH="{folder}:$PATH"\n{SCRIPT}\n'
        for line in lines:
            quoted = line.replace("'", "'\\''")
            script += (
                f"COMP_LINE='{quoted}'; COMP_POINT=${{#COMP_LINE}}; COMPREPLY=(); _andon_completion andon 2>/dev/null\n"
                'printf "%s\\t" "${COMPREPLY[@]}"; printf "\\n"\n'
            )
        ran = subprocess.run([found, "--norc", "-c", script], capture_output=True, text=True, timeout=60, check=False)
        return [line.split("\t")[:-1] for line in ran.stdout.splitlines()]

    return complete


def test_a_real_bash_completes_words_options_and_filters(bash: Any) -> None:
    assert bash(
        "andon tx lis",
        "andon -o js",
        "andon tx list --filter plant:P",
        "andon tx list --filter=flow:goods",
        "andon tx list --filter 'plant:P01 status:fa",
        "andon systems hold E",
        "andon batches show ",
    ) == [
        ["list"],
        ["json", "jsonl"],
        ["P01", "P02"],
        ["goods-receipt"],
        ["plant:P01 status:failed"],
        ["ERP"],
        ["b1"],
    ]
