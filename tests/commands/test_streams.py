"""Streams that are closed, full, or of an encoding that has no glyphs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import streams
from commands.output import put
from commands.streams import ERRORS, NotWritten, make_fit, writing

Andon = Callable[..., Any]
FULL = Path("/dev/full")
COMMAND = f'"{sys.executable}" -m commands'


def shell(line: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, env={**os.environ, **environ}, timeout=60, check=False
    )


@pytest.fixture(autouse=True)
def registered() -> None:
    make_fit()


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("■ failed", "ascii", b"# failed"),
        ("✓ processed → done…", "ascii", b"v processed > done~"),
        ("● ▲ ◆ ○", "ascii", b"* ! = o"),
        ("Grün", "ascii", b"Gr\\xfcn"),
        ("Grün", "latin-1", b"Gr\xfcn"),
        ("日本", "latin-1", b"\\u65e5\\u672c"),
        ("■ 日本", "utf-8", "■ 日本".encode()),
        ("\udcff", "utf-8", b"\\udcff"),
    ],
)
def test_what_cannot_be_shown_is_shown_as_nearly_as_can_be(text: str, encoding: str, written: bytes) -> None:
    assert text.encode(encoding, ERRORS) == written


def test_a_glyph_keeps_its_width_so_that_tables_stay_aligned() -> None:
    assert all(len(nearest) == len(glyph) == 1 for glyph, nearest in streams._NEAREST.items())


def test_only_writing_is_forgiving() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", ERRORS)


def test_streams_that_are_not_there_are_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    make_fit()
    with sys.stdin as stdin, sys.stdout as stdout, sys.stderr as stderr:
        assert stdin.read() == ""
        assert stdout.write("x") == stderr.write("x") == 1


class Broken(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _text: str) -> int:
        raise self.error


def test_a_full_disk_is_told_from_a_reader_that_went_away() -> None:
    with pytest.raises(NotWritten, match="No space left on device") as told:
        put(Broken(OSError(28, "No space left on device")), b"x")
    assert "What the command did stays done." in told.value.detail
    with pytest.raises(BrokenPipeError):
        put(Broken(BrokenPipeError()), b"x")


def test_other_errors_pass_through() -> None:
    with pytest.raises(ValueError, match="mine"), writing():
        raise ValueError("mine")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", ["tx list", "tx list -o json", "tx payload tx1 --raw", "tx --help", "--help"])
def test_a_full_disk_is_three_lines_and_no_traceback(stocked: Any, arguments: str) -> None:
    ran = shell(f"{COMMAND} {arguments} >{FULL}")
    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr
    assert b"No space left on device" in ran.stderr
    assert len(ran.stderr.splitlines()) <= 3


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("tx list >&-", 0),
        ("tx list -o json >&-", 0),
        ("tx show nope 2>&-", 7),
        ("--help >&-", 0),
        ("tx list <&- >&- 2>&-", 0),
        ("hub send - --flow f <&-", 6),
        ("tx replay tx1 --reason r <&-", 2),
    ],
)
def test_a_closed_stream_is_no_traceback(stocked: Any, line: str, code: int) -> None:
    ran = shell(f"{COMMAND} {line}")
    assert (ran.returncode, b"Traceback" in ran.stderr) == (code, False), ran.stderr.decode()


def test_a_terminal_without_utf8_gets_a_table_all_the_same(stocked: Any) -> None:
    ran = shell(f"{COMMAND} tx list", PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"# failed" in ran.stdout
    assert ran.stdout.isascii()
    # A machine's form is UTF-8 whatever the locale says.
    stocked.add("tx9", business_keys={"order": "Grün"})
    assert "Grün".encode() in shell(f"{COMMAND} tx list -o json", PYTHONIOENCODING="ascii").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("tx", "list", "--filter", "a\udcff"),
        ("tx", "show", "\udcff"),
        ("tx", "discard", "tx1", "--reason", "\udcff", "--yes"),
        ("tx", "replay", "\udcff", "--reason", "r", "--yes"),
        ("hub", "send", "x", "--flow", "\udcff"),
        ("systems", "hold", "\udcff", "--reason", "r", "--yes"),
        ("--context", "\udcff", "tx", "list"),
        ("--url", "http://\udcff", "tx", "list"),
        ("context", "add", "\udcff", "--url", "http://x"),
    ],
)
def test_bytes_that_are_no_text_are_refused_in_words(andon: Andon, stocked: Any, arguments: tuple[str, ...]) -> None:
    ran = andon(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "udcff" in ran.err
    assert stocked.asked == []


def test_a_files_name_may_be_any_bytes(andon: Andon, stocked: Any, tmp_path: Path) -> None:
    path = tmp_path / "doc\udcff.json"
    path.write_bytes(b"{}")
    assert andon("hub", "send", str(path), "--flow", "f").code == 0
