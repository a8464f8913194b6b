"""Editing documents from the command line: values at paths, patches, files, and the person's own editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from commands.acting import Acting, act
from commands.exits import Declined, Exit, Usage
from commands.session import Session
from platforms.errors import ReadOnly
from platforms.hub import edits
from platforms.hub import transactions as calls
from transactions.edits import DRAFT, Draft, Step, check_steps, parse_set
from transactions.errors import AndonError, Invalid, Refused, Stale, Unreadable
from transactions.history import Payload
from transactions.model import Transaction
from transactions.plans import Action
from transactions.untrusted import lay_out, parse_json

_SUFFIX = {"json": ".json", "xml": ".xml"}
Edited = Callable[[Path], None]


class Editing(Struct, frozen=True, kw_only=True):
    """How documents are changed: at most one of the first three, and none for the editor or the stored drafts.

    Attributes:
        sets: ``PATH=VALUE`` and ``PATH:=JSON``.
        patch: a file with a JSON Patch.
        file: a file with a whole document.
        drafts: send the drafts that are stored.
        draft_only: store a draft, and make no plan.
    """

    sets: list[str] | None = None
    patch: Path | None = None
    file: Path | None = None
    drafts: bool = False
    draft_only: bool = False

    @property
    def ways(self) -> list[str]:
        """The options that say how."""
        said = (("--set", self.sets), ("--patch", self.patch), ("--file", self.file), ("--drafts", self.drafts))
        return [name for name, given in said if given]


def edit(session: Session, asked: Acting, how: Editing) -> Exit:
    """Edit documents, show what differs, and act: an edit sends them under the keys they had, a correction reverses
    what was posted and posts them instead.

    Returns:
        The exit code of the command.
    """
    if session.resolved.read_only:
        raise ReadOnly(
            f"This session is read-only, and {asked.action} would change something. Nothing was stored. "
            "Leave out --read-only, or set read_only = false in the context."
        )
    if asked.plan is not None:
        if how.ways or how.draft_only:
            done = "corrected" if asked.action is Action.CORRECT else "edited"
            raise Usage(f"--plan names documents that were {done} already. Nothing was done. Leave out the rest.")
        return act(session, asked)
    if len(how.ways) > 1:
        raise Usage(f"{' and '.join(how.ways)} cannot be given together. Nothing was done. Leave one out.")
    steps = _steps(how)
    if steps and not how.draft_only:
        return act(session, msgspec.structs.replace(asked, patch=steps))
    if how.drafts:
        return act(session, asked)
    id = _one(asked, how)
    reason = _reason(session, asked)
    if steps:
        draft = _store(session, session.send(calls.show(id)), msgspec.json.encode(steps), None, reason, asked)
    elif how.file is not None:
        transaction = session.send(calls.show(id))
        draft = _store(session, transaction, _read(how.file), _media(transaction), reason, asked)
    else:
        found = _in_editor(session, id, reason, asked)
        if found is None:
            session.note("Nothing was changed in it. Nothing was stored, and nothing was sent.")
            return Exit.DONE
        draft = found
    session.note(f"A draft is stored (sha256 {draft.sha256[:12]}…), and nothing was sent by that.")
    if how.draft_only:
        from commands.edit_view import show_draft

        show_draft(session, draft)
        return Exit.DONE
    return act(session, msgspec.structs.replace(asked, ids=[id], reason=reason))


def _steps(how: Editing) -> list[Step]:
    if how.sets:
        try:
            steps = [parse_set(text) for text in how.sets]
        except Invalid as error:
            raise Usage(f"--set {error.detail}") from error
    elif how.patch is not None:
        try:
            steps = parse_json(_read(how.patch), list[Step])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(
                f"{how.patch} is no JSON Patch (RFC 6902): {error}. Nothing was done. It is a list of operations, like "
                '[{"op": "replace", "path": "/a/b", "value": "KG"}].'
            ) from error
        if not steps:
            raise Refused(f"{how.patch} has no operations. Nothing was done.")
    else:
        return []
    check_steps(steps)
    return steps


def _one(asked: Acting, how: Editing) -> str:
    if asked.ids is None or len(asked.ids) != 1 or asked.filter is not None:
        what = "--file takes" if how.file is not None else "--draft takes" if how.draft_only else "The editor takes"
        raise Usage(
            f"{what} one transaction. Nothing was done. Name one id; many are edited with --set or --patch, and their "
            "stored drafts sent with --drafts."
        )
    return asked.ids[0]


def _reason(session: Session, asked: Acting) -> str:
    reason = (asked.reason or "").strip()
    if not reason and asked.reason is None and session.interactive:
        reason = session.ask(f"Reason for {asked.action}:")
    if not reason:
        raise Usage(f'{asked.action} wants a reason, and none was given. Nothing was done. Add --reason "TEXT".')
    return reason


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Usage(f"{path} cannot be read: {error.strerror or error}. Nothing was done.") from error


def _media(transaction: Transaction) -> str:
    return transaction.content_type.partition(";")[0].strip()


def _store(
    session: Session, transaction: Transaction, content: bytes, media: str | None, reason: str, asked: Acting
) -> Draft:
    """Store a draft; ``media`` None for steps."""
    if media is None:
        from transactions.edits import PATCH_MEDIA, STEPS_MEDIA

        steps = msgspec.json.decode(content, type=list[Step])
        media = STEPS_MEDIA if any(step.op == "set" for step in steps) else PATCH_MEDIA
    return session.send(
        edits.edit(
            transaction.id,
            content,
            media,
            etag=transaction.etag,
            reason=reason,
            force_schema=asked.force_schema,
            correction=asked.action is Action.CORRECT,
        )
    )


# the editor


def _in_editor(session: Session, id: str, reason: str, asked: Acting) -> Draft | None:
    """Let somebody edit it; None where it came back as it went."""
    if not session.interactive:
        raise Usage(
            "There is no terminal for an editor, and nothing says what to change. Nothing was done. Say it with "
            "--set PATH=VALUE, --patch FILE or --file FILE, or send stored drafts with --drafts."
        )
    transaction = session.send(calls.show(id))
    payload = session.send(calls.payload(id))
    if payload.draft is not None:
        payload = session.send(calls.payload(id, DRAFT))
        session.note(f"It goes on with the draft of {payload.draft.created_by if payload.draft else 'somebody'}.")
    text = editable(payload)
    folder = Path(tempfile.mkdtemp(prefix="andon-"))
    try:
        path = folder / f"{id}{_SUFFIX.get(kind_of(payload), '.txt')}"
        _write(path, text)
        while True:
            _open(session, path)
            edited = path.read_bytes()
            if edited == text.encode():
                return None
            try:
                return _store(session, transaction, edited, _media(transaction), reason, asked)
            except (Refused, Invalid, Unreadable, Stale) as error:
                _ask_again(session, error, path, asked.action, id)
    finally:
        shutil.rmtree(folder)


def editable(payload: Payload) -> str:
    """A payload as somebody edits it: JSON on lines.

    Raises:
        Refused: it is no text, or withheld.
    """
    if payload.withheld or payload.encoding != "text":
        why = payload.withheld or "it is no text in its charset"
        raise Refused(f"The payload cannot be edited here: {why}. Nothing was stored. Send a whole one with --file.")
    if kind_of(payload) == "json" and "\n" not in payload.content.strip():
        try:
            return lay_out(payload.content)
        except msgspec.DecodeError:
            return payload.content
    return payload.content


def kind_of(payload: Payload) -> str:
    """``json``, ``xml`` or ``text``."""
    media = payload.content_type.partition(";")[0].strip().lower()
    return next((kind for kind in ("json", "xml") if media.endswith((f"/{kind}", f"+{kind}"))), "text")


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def editor_of(environ: dict[str, str] | os._Environ[str]) -> list[str]:
    """The person's editor, as a command."""
    named = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        return shlex.split(named) or ["vi"]
    except ValueError:
        return [named]


def _open(session: Session, path: Path) -> None:
    command = editor_of(dict(session.environ))
    try:
        done = subprocess.run([*command, str(path)], check=False)  # noqa: S603 - the person's own editor
    except OSError as error:
        raise Usage(
            f"The editor {command[0]!r} cannot be started: {error.strerror or error}. Nothing was stored. Set EDITOR."
        ) from error
    if done.returncode != 0:
        raise Declined(f"The editor ended with {done.returncode}. Nothing was stored, and nothing was sent.")


def _ask_again(session: Session, error: AndonError, path: Path, action: Action, id: str) -> None:
    """Say what is wrong; come back to edit again, or keep what was written and give up."""
    session.note(error.detail)
    if not isinstance(error, Stale):
        answer = session.ask("Edit it again? [Y/n]").lower()
        if answer in ("", "y", "yes"):
            return
    folder = session.folder if os.access(session.folder, os.W_OK) else Path(tempfile.gettempdir())
    kept = folder / path.name
    kept = next(one for n in range(1000) if not (one := kept.with_stem(f"{path.stem}{f'-{n}' if n else ''}")).exists())
    _write(kept, path.read_text(encoding="utf-8", errors="surrogateescape"))
    session.note(f"What you wrote is in {kept}; 'andon tx {action} {id} --file {kept.name}' takes it.")
    raise error
