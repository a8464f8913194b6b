"""Exporting transactions: all that match a filter, into a file that is whole or not there, or to stdout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from commands.exits import Usage
from commands.output import Detail
from commands.session import Session
from commands.terminal import Look
from commands.whole_file import to_stdout, whole_file
from platforms.calls import Call
from platforms.hub import transactions as calls
from transactions.errors import Invalid, Unreachable
from transactions.export_form import ExportForm


class Exported(Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        format: csv or jsonl.
        size: in bytes.
    """

    file: str
    format: ExportForm
    size: int


def export_transactions(
    session: Session,
    filter: str | None,
    columns: str | None,
    sort: str | None,
    *,
    form: ExportForm | None,
    out: Path | None,
    raw: bool,
) -> None:
    """Write the export.

    Args:
        session: what the platform is asked through.
        filter: which transactions; None for all.
        columns: names with commas between them; None for all.
        sort: a field, with ``-`` before it for descending.
        form: CSV or JSON lines; None goes by the ending of the file, or by ``-o``.
        out: the file; None for stdout.
        raw: CSV with texts that a spreadsheet would run.

    Raises:
        Unreachable: the platform gave no answer, or it broke off; there is no file then.
        Usage: something in the line cannot be.
    """
    chosen = form or _by_name(out) or _by_option(session)
    if raw and chosen is not ExportForm.CSV:
        raise Usage("--raw is about CSV; JSON lines are always as they are. Leave it out, or add --format csv.")
    session.given_filter = filter
    call = calls.export(filter, sort=sort, form=chosen, columns=columns, raw=raw)
    try:
        if out is None:
            _copy(session, call, to_stdout(session))
            return
        with whole_file(out) as put:
            size = _copy(session, call, put)
    except Invalid as error:
        # What is wrong with a question is wrong with the line: --columns and --sort, most of all.
        raise Usage(error.detail) from error
    done = Exported(file=str(out), format=chosen, size=size)
    session.show(Detail(value=done, human=lambda look: _describe(done, look), identify=lambda each: each.file))


def _by_name(out: Path | None) -> ExportForm | None:
    ending = "" if out is None else out.suffix.removeprefix(".").lower()
    return next((form for form in ExportForm if form == ending), None)


def _by_option(session: Session) -> ExportForm:
    return ExportForm.CSV if session.options.output == "csv" else ExportForm.JSONL


def _copy(session: Session, call: Call[bytes], put: Callable[[bytes], object]) -> int:
    size = 0
    try:
        for piece in session.download(call):
            put(piece)
            size += len(piece)
    except Unreachable as error:
        if not size:
            raise
        because = error.detail.split(". ")[0].rstrip(".")
        raise Unreachable(
            f"The export broke off after {size:,} bytes: {because}. What came is not all of it, and no file was "
            "written. Ask again; for less of it at a time, with a narrower --filter."
        ) from error
    return size


def _describe(done: Exported, look: Look) -> str:
    return f"{look.paint('✓', 'green')} {done.file}: {done.size:,} bytes of {done.format}\n"
