from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import main as entry
from transactions.errors import Forbidden, Stale, Unauthenticated

Andon = Callable[..., Any]
HEAVY = ("rich", "textual", "httpx", "pydantic", "keyring", "click", "yaml", "hub", "console")


def modules_after(*arguments: str, env: dict[str, str] | None = None) -> set[str]:
    """Top-level packages that a command line has imported when it ends."""
    script = (
        "import sys, commands.main\n"
        f"code = commands.main.main({list(arguments)!r})\n"
        "sys.stderr.write('LOADED ' + ' '.join(sorted(sys.modules)))\n"
        "sys.exit(code)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, **(env or {})}, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stderr.rpartition("LOADED ")[2].split())


def heavy(modules: set[str]) -> set[str]:
    return {name for name in HEAVY if name in modules}


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("--version",)])
def test_the_top_help_imports_nothing_at_all(arguments: tuple[str, ...]) -> None:
    modules = modules_after(*arguments)
    assert heavy(modules) == set()
    assert "typer" not in modules
    assert not {name for name in modules if name.startswith(("platforms", "transactions"))}


def test_help_with_an_option_before_it_still_imports_no_command() -> None:
    modules = modules_after("--no-color", "--help")
    assert heavy(modules) == set()
    assert "commands.transactions" not in modules


def test_the_help_of_a_noun_imports_nothing_heavy() -> None:
    assert heavy(modules_after("tx", "list", "--help")) == set()


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "id"])
def test_machine_output_imports_no_rich_and_no_keyring(platform: Any, form: str) -> None:
    platform.add("tx1")
    assert heavy(modules_after("tx", "list", "-o", form)) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "json", "tx", "list"),
        ("tx", "-o", "json", "list"),
        ("tx", "list", "-o", "json"),
        ("tx", "list", "--output=json"),
        ("-o", "csv", "tx", "list", "-o", "json"),
        ("-q", "tx", "--no-color", "list", "-ojson"),
    ],
)
def test_global_options_stand_anywhere(andon: Andon, platform: Any, arguments: tuple[str, ...]) -> None:
    platform.add("tx1")
    ran = andon(*arguments)
    assert (ran.code, ran.json["items"][0]["id"]) == (0, "tx1")


def test_a_value_that_looks_like_a_global_option_stays_a_value(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    ran = andon("tx", "plan", "tx1", "--reason", "--read-only", "-o", "json")
    assert ran.code == 0
    assert ran.json["reason"] == "--read-only"
    ran = andon("-o", "json", "tx", "plan", "--reason", "r", "--", "tx1")
    assert [item["id"] for item in ran.json["items"]] == ["tx1"]


def test_output_may_come_from_the_environment(andon: Andon, platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_OUTPUT", "json")
    assert andon("tx", "list").json == {"items": [], "next_cursor": None}
    assert andon("tx", "list", "-o", "id").out == ""


def test_a_form_that_is_none_is_told_before_anything_is_done(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    ran = andon("tx", "replay", "tx1", "--reason", "r", "--yes", "-o", "xml")
    assert (ran.code, ran.out) == (2, "")
    assert "-o 'xml' is not a form of output." in ran.err
    assert platform.asked == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nonsense",), "No such command 'nonsense'."),
        (("tx",), "Missing command."),
        (("tx", "lst"), "Did you mean 'list'?"),
        (("tx", "list", "--fitler", "x"), "--filter"),
        (("tx", "show"), "Missing argument 'ID'."),
        (("tx", "list", "--limit", "0"), "0 is not in the range"),
        (("tx", "list", "--all", "--cursor", "x"), "--all and --cursor"),
        (("--url", "nowhere", "tx", "list"), "--url is not an address"),
        (("--context", "nope", "tx", "list"), "--context names the context 'nope'"),
    ],
)
def test_a_line_that_cannot_be_used_exits_2_in_few_lines(
    andon: Andon, platform: Any, arguments: tuple[str, ...], says: str
) -> None:
    ran = andon(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.startswith("andon: ")
    assert len(ran.err.splitlines()) <= 4
    assert "Traceback" not in ran.err


def test_nobody_there_exits_3_in_three_lines(andon: Andon, platform: Any) -> None:
    ran = andon("-o", "json", "tx", "list", "--url", "http://127.0.0.1:1")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.splitlines() == [
        "andon: No answer from http://127.0.0.1:1: the connection was refused.",
        "       Nothing was changed.",
        "       Start a hub with 'andon hub serve', or check the address with 'andon context show'.",
    ]


@pytest.mark.parametrize(
    ("error", "code"), [(Unauthenticated("No token."), 4), (Forbidden("Not yours."), 4), (Stale("Moved."), 8)]
)
def test_problems_of_the_platform_lead_to_their_exit(andon: Andon, platform: Any, error: Exception, code: int) -> None:
    def refuse(_asked: object) -> None:
        raise error

    platform.on("GET", "transactions", refuse)
    ran = andon("tx", "list", "-o", "json")
    assert (ran.code, ran.out) == (code, "")
    assert len(ran.err.splitlines()) == 3


def test_verbose_says_who_is_asked_what_and_never_the_token(andon: Andon, platform: Any) -> None:
    ran = andon("tx", "list", "-v", "-o", "json")
    assert f"{platform.url}, chosen by ANDON_URL; token: ANDON_TOKEN" in ran.err
    assert "GET transactions" in ran.err
    assert ran.json["items"] == []


def test_without_a_terminal_andon_prints_its_help(andon: Andon, platform: Any) -> None:
    ran = andon()
    assert ran.code == 0
    assert ran.out.startswith("Usage: andon")
    assert platform.asked == []


def test_on_a_terminal_andon_is_the_console(platform: Any, monkeypatch: pytest.MonkeyPatch, andon: Andon) -> None:
    opened: list[Any] = []

    def run_console(context: Any, *, read_only: bool) -> int:
        opened.append((context.url, read_only))
        return 0

    monkeypatch.setattr("commands.session.Session.interactive", True)
    monkeypatch.setattr("console.app.run_console", run_console)
    assert andon("--read-only").code == 0
    assert opened == [(platform.url, True)]


def test_a_reader_that_goes_away_is_no_traceback(platform: Any) -> None:
    for n in range(200):
        platform.add(f"tx{n}")
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "commands", "tx", "list", "-o", "json", "--limit", "1000"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (1, b"")


def test_an_interruption_exits_130(platform: Any, andon: Andon) -> None:
    def interrupt(_session: object) -> int:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "open_console", interrupt)
        assert andon("-q").code == 130


def test_a_folder_deleted_under_the_shell_is_no_failure(
    platform: Any, andon: Andon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert andon("tx", "list", "-o", "json").code == 0


def test_nor_does_a_sign_in_that_is_kept_in_a_file(
    platform: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from platforms.origins import read_address
    from platforms.signin.entries import Entry, Key
    from platforms.signin.register import Place, Register, SignIn, store_at

    key = Key(origin=read_address(platform.url, "a test").origin)
    register = Register(tmp_path / "config" / "signin")
    register.add(SignIn(key=key, place=Place.FILE))
    store_at(Place.FILE, register.folder).save(key, Entry(access_token="kept"))
    monkeypatch.delenv("ANDON_TOKEN")
    platform.add("tx1")
    assert heavy(modules_after("tx", "list", "-o", "json")) == set()
    assert platform.asked[-1].headers["Authorization"] == "Bearer kept"


def test_the_console_is_painted_before_calls_and_the_parser_of_the_line_are_imported() -> None:
    script = (
        "import sys, commands.main\n"
        "from commands.session import Session\n"
        "import console.app\n"
        "def run(self):\n"
        "    before = set(sys.modules)\n"
        "    assert type(self.source).__name__ == 'PlatformSource'\n"
        "    sys.stderr.write('LOADED ' + ' '.join(before))\n"
        "console.app.AndonApp.run = run\n"
        "Session.interactive = property(lambda self: True)\n"
        "sys.exit(commands.main.main([]))\n"
    )
    env = {**os.environ, "ANDON_URL": "http://127.0.0.1:1", "ANDON_TOKEN": "a"}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=False)
    assert ran.returncode == 0, ran.stderr
    loaded = set(ran.stderr.rpartition("LOADED ")[2].split())
    assert "console.app" in loaded
    assert loaded.isdisjoint({"typer", "httpx", "keyring", "console.platform_source", "transactions.kpis.model"})
