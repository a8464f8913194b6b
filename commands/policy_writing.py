"""``andon policy init|fmt|schema``: policy files to begin with, in one layout, and described for editors."""

from __future__ import annotations

import difflib
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from commands.exits import Exit, Usage
from commands.output import Detail
from commands.policy_files import Folder, Told, describe, told
from commands.session import session_of
from commands.terminal import Look, plain
from transactions.errors import NotFound, Refused

SCHEMAS = ("andon", "api", "consumer", "scopes", "throttles")


class Begun(Struct, frozen=True, kw_only=True):
    """The files that ``init`` wrote."""

    folder: str
    files: list[str]


class LaidOut(Struct, frozen=True, kw_only=True):
    """What ``fmt`` made of a folder.

    Attributes:
        changed: files that were not in the layout; written anew, unless it was only to look.
        findings: files that could not be read.
        diff: what would change, or did, as a unified diff; None where nobody asked.
    """

    folder: str
    files: int
    changed: list[str]
    written: bool
    findings: list[Told]
    diff: str | None


def init(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    example: Annotated[
        bool, typer.Option("--example", help="The worked example for the fourteen simulated systems.")
    ] = False,
) -> None:
    """Write policies to begin with: commented, with dates that count from today. Nothing is ever written over."""
    session = session_of(ctx)
    from gateway_policies.writing.files import AlreadyThere, write_texts
    from gateway_policies.writing.starting import beginnings

    if folder.exists() and not folder.is_dir():
        raise Refused(f"{str(folder)!r} is a file. Nothing was written. Name a folder.")
    try:
        # The day of whoever begins, as their calendar has it: it is only what the dates count from.
        written = write_texts(beginnings(datetime.now().astimezone().date(), example=example), folder)
    except AlreadyThere as error:
        raise Refused(f"{error} Name another folder: andon policy init DIR") from error
    except OSError as error:
        raise Refused(
            f"{str(folder)!r} cannot be written: {error.strerror}. See to its permissions, or name another folder."
        ) from error
    result = Begun(folder=str(folder), files=[path.as_posix() for path in written])
    session.show(Detail(value=result, human=lambda look: _begun(result, look), identify=lambda each: each.folder))


def fmt(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 10 where something would change.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
) -> None:
    """Lay out policy files in one way. What they say stays, and so does every comment. Exits 6 for a file that is
    not TOML, which is left alone."""
    session = session_of(ctx)
    from gateway_policies.findings import Finding, in_order
    from gateway_policies.loading import files_of
    from gateway_policies.loading.folder import content_of
    from gateway_policies.loading.syntax import parse
    from gateway_policies.writing.edits import replace_file
    from gateway_policies.writing.layout import laid_out

    if folder.exists() and not folder.is_dir():
        raise NotFound(f"{str(folder)!r} is no folder. Nothing was done. Give the folder of the policies.")
    if not folder.is_dir():
        raise NotFound(f"There is no folder {str(folder)!r}. Nothing was done. Make one: andon policy init")
    files, findings = files_of(folder)
    changed: list[str] = []
    differences = ""
    for file in files:
        content = content_of(file)
        parsed = parse(content, file.file) if isinstance(content, bytes) else content
        if isinstance(parsed, Finding):
            findings.append(parsed)
            continue
        assert isinstance(content, bytes)
        before = content.decode()
        after = laid_out(before)
        if after == before:
            continue
        name = (folder / file.file).as_posix()
        changed.append(name)
        if diff:
            differences += _difference(name, before, after)
        if not check and not diff:
            replace_file(Path(file.path), after)
    result = LaidOut(
        folder=str(folder),
        files=len(files),
        changed=changed,
        written=not check and not diff,
        findings=told(folder, in_order(findings)),
        diff=differences if diff else None,
    )
    session.show(Detail(value=result, human=lambda look: _laid_out(result, look), identify=lambda each: each.folder))
    if findings:
        raise typer.Exit(Exit.REFUSED)
    if changed and check:
        raise typer.Exit(Exit.DIFFERENCES)


def schema(
    ctx: typer.Context,
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[KIND]", help=f"One of {', '.join(SCHEMAS)}; all, unless told.", show_default=False),
    ] = None,
) -> None:
    """Print the JSON Schema (2020-12) of policy files, for editors. It says no more and no less than the loader."""
    session = session_of(ctx)
    from gateway_policies.loading.formats import Kind
    from gateway_policies.loading.schema import schema_of, schemas
    from gateway_policies.nearest import did_you_mean

    if kind is not None and kind not in SCHEMAS:
        raise Usage(
            f"{kind!r} is no kind of policy file.{did_you_mean(kind, SCHEMAS)} Nothing was done. "
            f"Use one of: {', '.join(SCHEMAS)}."
        )
    found = schemas() if kind is None else schema_of(Kind(kind))
    session.show(Detail(value=found, human=lambda _: _indented(found), identify=lambda each: str(each["$id"])))


def _indented(value: object) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _begun(result: Begun, look: Look) -> str:
    lines = "".join(f"  {plain(file)}\n" for file in result.files)
    folder = "" if result.folder == "policies" else f" {plain(result.folder)}"
    return (
        f"{look.paint('✓', 'green')} {len(result.files)} files were written:\n{lines}"
        f"Check them:  andon policy validate{folder}\n"
    )


def _laid_out(result: LaidOut, look: Look) -> str:
    text = describe(result.findings, look)
    if result.diff is not None:
        text += "".join(_coloured(line, look) for line in result.diff.splitlines(keepends=True))
    elif result.changed:
        word = "laid out" if result.written else "would change"
        text += "".join(f"{word}: {plain(file)}\n" for file in result.changed)
    rest = result.files - len(result.changed) - len({each.file for each in result.findings})
    if not result.changed and not result.findings:
        text += f"{look.paint('✓', 'green')} {result.files} file{'' if result.files == 1 else 's'} in the layout\n"
    elif result.diff is None:
        text += f"{max(rest, 0)} of {result.files} files were in the layout already.\n"
    return text


def _coloured(line: str, look: Look) -> str:
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    body = plain(line.rstrip("\n"))
    return (body if colour is None else look.paint(body, colour)) + "\n"


def _difference(name: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
    return "".join(f"{line}\n" for line in lines)
