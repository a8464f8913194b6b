"""The person's own editor at a place of a file."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from transactions.errors import Refused

_PLUS = frozenset({"emacs", "emacsclient", "ex", "jed", "joe", "kak", "mg", "micro", "nano", "ne", "nvim", "vi", "vim"})
"""Editors that take ``+LINE FILE``."""
_COLON = frozenset({"hx", "helix", "subl", "zed"})
"""Editors that take ``FILE:LINE``."""
_GOTO = frozenset({"code", "code-insiders", "codium", "cursor"})
"""Editors that take ``--goto FILE:LINE``, and do not wait unless told."""


def command_at(editor: str, path: Path, line: int) -> list[str]:
    """The command that opens a file at a line; of an editor that nobody knows, at its beginning."""
    command = shlex.split(editor)
    name = Path(command[0]).name
    if name in _PLUS:
        return [*command, f"+{line}", str(path)]
    if name in _COLON:
        return [*command, f"{path}:{line}"]
    if name in _GOTO:
        waiting = [] if {"--wait", "-w"} & set(command) else ["--wait"]
        return [*command, *waiting, "--goto", f"{path}:{line}"]
    return [*command, str(path)]


def edit_at(path: Path, line: int, environ: Mapping[str, str]) -> None:
    """Open a file in the editor that ``$VISUAL`` or ``$EDITOR`` names (else vi), and wait for its end.

    Raises:
        Refused: the editor cannot be started, or failed.
    """
    editor = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        command = command_at(editor, path, line)
        done = subprocess.run(command, check=False)  # noqa: S603 - the person's own editor
    except (OSError, ValueError, IndexError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise Refused(f"The editor {editor!r} cannot be used: {said}. Nothing was changed. Set EDITOR.") from error
    if done.returncode != 0:
        raise Refused(f"The editor ended with {done.returncode}. Look whether {path} is as it should be.")
