"""``andon handover``: what one shift hands to the next."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from commands import completing
from commands.app import Word
from commands.exits import Usage, misread
from commands.output import Detail, Form, put
from commands.session import Session, session_of
from platforms.hub import handover as calls
from transactions.errors import Invalid
from transactions.handover.model import Handover, Remark
from transactions.moments import parse_moment

app = Word()


class Format(StrEnum):
    """What ``--format`` takes."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


class Which(StrEnum):
    """What ``--shift`` takes."""

    CURRENT = "current"
    PREVIOUS = "previous"


class Written(Struct, frozen=True, kw_only=True):
    """What was written; ``size`` in bytes."""

    file: str
    format: Format
    size: int


_ENDINGS = {".md": Format.MARKDOWN, ".markdown": Format.MARKDOWN, ".html": Format.HTML, ".htm": Format.HTML,
            ".json": Format.JSON}  # fmt: skip


@app.verb()
def handover(
    ctx: typer.Context,
    shift: Annotated[
        Which | None, typer.Option("--shift", metavar="current|previous", help="Which shift. Default current.")
    ] = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="WHEN", help="Instead: from then on; a date or time in UTC, or 8h for hours ago."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="WHEN", help="Before then. Default now.")] = None,
    plant: Annotated[
        str | None,
        typer.Option("--plant", metavar="PLANT", help="Of this plant only.", autocompletion=completing.plants),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option("--format", metavar="markdown|html|json", help="As told, else by the ending of FILE."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there, whole or not at all; else to stdout.")
    ] = None,
    remark: Annotated[
        str | None,
        typer.Option("--remark", metavar="TEXT", help="Leave these words to the next shift, and write no report."),
    ] = None,
) -> None:
    """The report of a shift: what came in, what was done by whom, what is left and for whom it waits, what to watch."""
    session = session_of(ctx)
    try:
        if remark is not None:
            _leave(session, remark, plant, asked=(shift, begin, until, format, out))
            return
        found = session.send(
            calls.show(
                shift,
                begin=_moment(session, "--from", begin),
                until=_moment(session, "--to", until),
                plant=plant,
            )
        )
    except Invalid as error:
        # What is wrong with a question is wrong with the line: --from and --shift, most of all.
        raise Usage(error.detail) from error
    _write(session, found, format or _by_name(out), out)


def _leave(session: Session, text: str, plant: str | None, asked: tuple[object, ...]) -> None:
    if any(each is not None for each in asked):
        raise Usage("--remark stands alone, but for --plant. Nothing was kept. Leave out the others.")
    if not text.strip():
        raise Usage("The remark has no words. Nothing was kept. Write what the next shift should know.")
    kept: Remark = session.send(calls.remark(text, plant))
    said = f"It is in the handover{f' of {plant}' if plant else ''}.\n"
    session.show(Detail(value=kept, human=lambda _: said, identify=lambda each: each.by))


def _moment(session: Session, option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text, session.clock.now())
    except ValueError as error:
        raise misread(option, error) from error


def _by_name(out: Path | None) -> Format | None:
    return None if out is None else _ENDINGS.get(out.suffix.lower())


def _write(session: Session, found: Handover, form: Format | None, out: Path | None) -> None:
    if out is None and form is None and session.form is not Form.TABLE:
        session.show(Detail(value=found, human=lambda _: "", identify=lambda each: each.label))
        return
    content = _rendered(found, form or Format.MARKDOWN)
    if out is None:
        put(session.stdout, content)
        return
    from commands.whole_file import whole_file

    with whole_file(out) as write:
        write(content)
    done = Written(file=str(out), format=form or Format.MARKDOWN, size=len(content))
    said = f"The handover of the {found.label} is in {out}.\n"
    session.show(Detail(value=done, human=lambda _: said, identify=lambda each: each.file))


def _rendered(found: Handover, form: Format) -> bytes:
    # Each form is imported when it is wanted.
    match form:
        case Format.MARKDOWN:
            from transactions.handover.markdown import markdown

            return markdown(found).encode()
        case Format.HTML:
            from transactions.handover.page import page

            return page(found).encode()
        case Format.JSON:
            import msgspec

            return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
