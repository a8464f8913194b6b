from __future__ import annotations

import typer

from commands.app import Root, global_options
from commands.catalogue import BY_NAME, ENTRIES, GLOBAL_OPTIONS, help_text
from commands.main import open_console

WORDS = ("stop", "kpis", "handover", "login", "logout", "whoami", "doctor", "demo", "completion")


def root() -> tuple[Root, typer.Context]:
    made = Root(open_console)
    return made, typer.Context(made, info_name="andon")  # type: ignore[arg-type]


def test_every_entry_leads_to_a_command_that_says_the_same() -> None:
    made, context = root()
    for entry in ENTRIES:
        command = made.get_command(context, entry.name)
        said = (command.help or "").strip()
        if entry.alias_of is None:
            assert said, entry.name
            if entry.name not in WORDS:
                assert command.commands, entry.name
                assert said == entry.help
        else:
            assert command is made.get_command(context, entry.alias_of)


def test_the_help_names_every_command_and_every_global_option() -> None:
    text = help_text()
    assert all(f"  {entry.name} " in text and entry.help in text for entry in ENTRIES)
    shown = [option.split(" ")[0].rstrip(",") for option, _ in GLOBAL_OPTIONS]
    real = [name for option in global_options(hidden=False) for name in option.opts]
    assert set(shown) - {"-h"} <= set(real)
    assert {name for name in real if name.startswith("--")} <= {
        word.rstrip(",") for option, _ in GLOBAL_OPTIONS for word in option.split(" ")
    }


def test_names_are_unique_and_known_words_only_are_commands() -> None:
    assert len(BY_NAME) == len(ENTRIES)
    made, context = root()
    assert made.get_command(context, "__init__") is None
    assert made.list_commands(context) == [entry.name for entry in ENTRIES]


def test_no_line_of_the_help_is_too_long_for_a_terminal() -> None:
    assert max(map(len, help_text().splitlines())) <= 110
