"""The entry of ``andon``: runs a command and turns every error into a message and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commands.session import Session
    from transactions.errors import AndonError

COMPLETE_VARIABLE = "_ANDON_COMPLETE"


def run() -> None:
    """Run the command line of this process, and end it with the command's exit code."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        # Even the help below needs somewhere to go.
        from commands.streams import make_fit

        make_fit()
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: what stands after ``andon``.

    Returns:
        The exit code (``commands.exits.Exit``).
    """
    if COMPLETE_VARIABLE not in os.environ:
        # Both are asked for so often, and by so many scripts, that they are answered before anything is imported.
        if list(arguments) in (["--help"], ["-h"]):
            from commands.catalogue import help_text

            return _print(help_text())
        if list(arguments) == ["--version"]:
            from commands.version import version_line

            return _print(version_line() + "\n")
    return _run(arguments)


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_went_away()
    except OSError as error:
        sys.stderr.write(f"andon: The help cannot be written: {error.strerror or error}.\n")
        return _reader_went_away()
    return 0


def _run(arguments: Sequence[str]) -> int:
    from commands.exits import Exit, exit_of
    from commands.session import Session
    from commands.streams import NotWritten, make_fit, not_written, writing
    from transactions.errors import AndonError

    make_fit()
    session = Session(os.environ, _working_folder())
    try:
        # Who opens the console waits for its first paint, and bare 'andon' has nothing to parse.
        bare = not arguments and COMPLETE_VARIABLE not in os.environ
        code = open_console(session) if bare else _parse_and_run(arguments, session)
        with writing():
            sys.stdout.flush()
    except BrokenPipeError:
        return _reader_went_away()
    except NotWritten as error:
        return _full(session, error)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        # A help text's, which is not written by us.
        return _full(session, not_written(error))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except AndonError as error:
        return _complain(session, error, exit_of(error))
    finally:
        session.close()
    return code if isinstance(code, int) else Exit.DONE


def _parse_and_run(arguments: Sequence[str], session: Session) -> object:
    """The command that the line names; its exit code, where it gives one.

    Raises:
        Usage: Typer's own complaint about the command line.
    """
    import typer

    from commands.app import Root
    from commands.exits import Exit, Usage

    if COMPLETE_VARIABLE in os.environ:
        # Typer does this only for apps whose completion it also installs.
        from typer._completion_classes import completion_init

        completion_init()
        from commands import bash

        bash.register()
    try:
        return Root(open_console).main(
            args=list(arguments), prog_name="andon", standalone_mode=False, complete_var=COMPLETE_VARIABLE, obj=session
        )
    except typer.Abort:
        session.stderr.write("andon: Nothing was done.\n")
        return Exit.INTERRUPTED
    except typer.TyperException as error:
        path = getattr(getattr(error, "ctx", None), "command_path", "andon")
        raise Usage(f"{_sentence(error.format_message())} Nothing was done. See '{path} --help'.") from error


def _full(session: Session, error: AndonError) -> int:
    from commands.exits import exit_of
    from commands.streams import let_go

    code = _complain(session, error, exit_of(error), flush=False)
    let_go()
    return code


def _complain(session: Session, error: AndonError, code: int, *, flush: bool = True) -> int:
    from commands.complaints import complain, of_token
    from transactions.errors import Unauthenticated

    given = session.given_filter
    if type(error) is Unauthenticated and session.token_from is not None:
        error = of_token(error, session.token_from)
    try:
        if flush:
            session.stdout.flush()
        session.stderr.write(complain(error, session.look_err(), given))
        session.stderr.flush()
    except BrokenPipeError:
        _reader_went_away()
    return code


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        # The folder was deleted under the shell; there can be no project's file in it or above it.
        return Path("/")


def _reader_went_away() -> int:
    """Somebody closed the pipe we write to (``| head``): stop without a word, and let nothing be flushed at exit."""
    from commands.streams import let_go

    let_go()
    return 1


def open_console(session: Session) -> int:
    """Bare ``andon``: the console on a terminal, else the help."""
    if not session.interactive:
        from commands.catalogue import help_text

        session.stdout.write(help_text())
        return 0
    from console.app import run_console

    code: int = run_console(session.resolved, read_only=session.resolved.read_only)
    return code


if __name__ == "__main__":
    run()
