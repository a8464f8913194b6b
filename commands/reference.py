"""Writes ``docs/reference/cli.md`` from the commands themselves: ``python -m commands.reference``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from commands.app import HELP_NAMES, Root, global_options
from commands.catalogue import ENTRIES
from commands.exits import Exit
from commands.main import open_console

PLACE = Path("docs/reference/cli.md")
WIDTH = 100

_EXITS: dict[Exit, str] = {
    Exit.DONE: "done",
    Exit.FAILED: "failed",
    Exit.USAGE: "usage: the command line, a filter or a context cannot be used",
    Exit.UNREACHABLE: "platform unreachable",
    Exit.NOT_ALLOWED: "not signed in, or not allowed",
    Exit.SOME: "some items failed or were skipped",
    Exit.REFUSED: "refused: guard, validation, lock, second person wanted, edited or foreign plan, read-only",
    Exit.NOT_FOUND: "not found",
    Exit.STALE: "stale: used or expired plan, ETag or base changed",
    Exit.DIFFERENCES: "differences: systems, or the books, do not agree",
    Exit.INTERRUPTED: "interrupted",
}


def reference() -> str:
    """The whole page."""
    root = Root(open_console)
    # With the names that the command line has: a command keeps the help option that it first made.
    names: Any = HELP_NAMES["help_option_names"]
    context: Any = typer.Context(root, info_name="andon", terminal_width=WIDTH, help_option_names=names)
    return "\n".join(_lines(root, context)) + "\n"


def _lines(root: Root, context: Any) -> Iterator[str]:
    yield "# Command line"
    yield ""
    yield "Generated from the commands by `python -m commands.reference`; a test fails when it is stale."
    yield ""
    yield "Results go to stdout, everything else to stderr. A machine's form (`json`, `jsonl`, `csv`, `yaml`, `id`)"
    yield "never changes with the terminal. Without a terminal nothing is asked, and acting needs `--yes`."
    yield ""
    yield "## Options that may stand anywhere on the line"
    yield ""
    yield from _options(global_options(hidden=False), context)
    yield ""
    yield "Environment: `ANDON_CONTEXT`, `ANDON_URL`, `ANDON_TOKEN`, `ANDON_OUTPUT`, `ANDON_CONFIG_DIR`,"
    yield "`ANDON_DATA_DIR`, `ANDON_POLICIES` (the folder of policies that the console holds against the gateway),"
    yield "`NO_COLOR`. A token belongs to one origin and is never sent to another."
    yield ""
    yield "## Exit codes"
    yield ""
    yield "| exit | meaning |"
    yield "| --- | --- |"
    for code, meaning in _EXITS.items():
        yield f"| {int(code)} | {meaning} |"
    for entry in ENTRIES:
        if entry.alias_of is None:
            command = root.get_command(context, entry.name)
            yield from _command(command, entry.name, context, 2, _alias(entry.name))


def _alias(name: str) -> str | None:
    return next((entry.name for entry in ENTRIES if entry.alias_of == name), None)


def _command(command: Any, name: str, parent: Any, level: int, alias: str | None = None) -> Iterator[str]:
    context = typer.Context(command, info_name=name, parent=parent, terminal_width=WIDTH)
    yield ""
    yield f"{'#' * level} {context.command_path}"
    yield ""
    yield command.help or ""
    if alias:
        yield ""
        yield f"Short: `andon {alias}`."
    children = getattr(command, "commands", None)
    if children:
        for child_name, child in children.items():
            yield from _command(child, child_name, context, level + 1)
        return
    yield ""
    yield "```"
    yield " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield "```"
    own = [param for param in command.params if not getattr(param, "hidden", False)]
    rows = list(_options(own, context))
    if len(rows) > 2:
        yield ""
        yield from rows


def _options(params: list[Any], context: Any) -> Iterator[str]:
    yield "| option | meaning |"
    yield "| --- | --- |"
    for param in params:
        record = param.get_help_record(context)
        if record is not None:
            left, right = (" ".join(text.split()).replace("|", "\\|") for text in record)
            yield f"| `{left}` | {right} |"


if __name__ == "__main__":
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    PLACE.write_text(reference(), encoding="utf-8")
