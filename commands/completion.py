"""``andon completion``: the script that teaches a shell to complete ``andon``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath
from typing import Annotated

import typer

from commands.app import Word
from commands.exits import Usage
from commands.session import session_of

app = Word()


class Shell(StrEnum):
    """Shells that can be taught."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


@app.verb()
def completion(
    ctx: typer.Context,
    shell: Annotated[
        Shell | None,
        typer.Argument(metavar="[SHELL]", help="bash, zsh, fish or powershell; the one in $SHELL unless told."),
    ] = None,
) -> None:
    """Print the completion script for a shell: eval "$(andon completion bash)"."""
    from typer._completion_shared import get_completion_script

    session = session_of(ctx)
    chosen = shell or _from_environment(session.environ.get("SHELL", ""))
    if chosen is Shell.BASH:
        from commands.bash import SCRIPT

        session.stdout.write(SCRIPT)
        return
    session.stdout.write(
        get_completion_script(prog_name="andon", complete_var="_ANDON_COMPLETE", shell=chosen.value) + "\n"
    )


def _from_environment(path: str) -> Shell:
    name = PurePath(path).name
    try:
        return Shell(name)
    except ValueError as error:
        raise Usage(
            f"Which shell is meant cannot be told from $SHELL ({path or 'not set'}). Nothing was printed. "
            f"Name it: andon completion {'|'.join(Shell)}."
        ) from error
