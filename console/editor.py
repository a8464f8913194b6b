"""The person's own editor on a document: a file that only they can read, gone afterwards."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.payloads import language
from transactions.errors import Refused
from transactions.history import Payload
from transactions.untrusted import lay_out


def editable(payload: Payload) -> str:
    """A payload as somebody edits it: JSON on lines.

    Raises:
        Refused: it is no text, or withheld.
    """
    if payload.withheld or payload.encoding != "text":
        why = payload.withheld or "it is no text in its charset"
        raise Refused(
            f"The payload cannot be edited here: {why}. Send a whole one with 'andon tx edit ID --file FILE'."
        )
    if language(payload) == "json" and "\n" not in payload.content.strip():
        try:
            return lay_out(payload.content)
        except msgspec.DecodeError:
            return payload.content
    return payload.content


def edit(text: str, name: str, environ: Mapping[str, str]) -> str | None:
    """Open ``text`` in the editor that ``$VISUAL`` or ``$EDITOR`` names (else vi), and wait for its end.

    Args:
        text: what to edit.
        name: of the file; its suffix tells the editor what it is.
        environ: where the editor is named.

    Returns:
        What it says now; None where nothing was changed.

    Raises:
        Refused: the editor cannot be started, failed, or left something that is no UTF-8.
    """
    command = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "vi")
    folder = Path(tempfile.mkdtemp(prefix="andon-"))
    try:
        path = folder / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        try:
            done = subprocess.run([*command, str(path)], check=False)  # noqa: S603 - the person's own editor
            edited = path.read_bytes().decode()
        except OSError as error:
            said = error.strerror or error
            raise Refused(
                f"The editor {command[0]!r} cannot be used: {said}. Nothing was stored. Set EDITOR."
            ) from error
        except UnicodeDecodeError as error:
            raise Refused("The editor left something that is no UTF-8. Nothing was stored.") from error
    finally:
        shutil.rmtree(folder)
    if done.returncode != 0:
        raise Refused(f"The editor ended with {done.returncode}. Nothing was stored.")
    return None if edited == text else edited
