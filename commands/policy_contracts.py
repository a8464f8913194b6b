"""``andon policy contracts``: what changed between two contracts, and whom that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from msgspec import Struct

from commands.exits import Exit, Usage
from commands.output import Detail, put
from commands.policy_files import Told, describe, policies, told
from commands.policy_formats import Format, FormatOption, below_repository, show_findings
from commands.session import Session, session_of
from commands.terminal import Look, plain
from transactions.errors import NotFound, Refused

if TYPE_CHECKING:
    from gateway_policies.contracts.change import Change, Spot
    from gateway_policies.contracts.contract import Contract
    from gateway_policies.places import Place


class Way(StrEnum):
    """Which way documents go."""

    REQUEST = "request"
    RESPONSE = "response"


class Worst(StrEnum):
    """What ends with exit code 6."""

    BREAKING = "breaking"
    UNDECIDED = "undecided"


Before = Annotated[
    Path, typer.Argument(metavar="BEFORE", help="The contract as it was: OpenAPI 3.0 or 3.1. Or a folder of policies.")
]
After = Annotated[Path, typer.Argument(metavar="AFTER", help="The contract as it is now, or the folder.")]
SchemaOption = Annotated[
    Way | None,
    typer.Option(
        "--schema",
        metavar="request|response",
        help="The files are JSON Schemas of documents that come in, or that go out.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="List compatible changes too, not only their number.")]
FailOn = Annotated[
    Worst,
    typer.Option(
        "--fail-on",
        metavar="LEVEL",
        help="What exits 6: breaking, or undecided as well ('undecided').",
        show_default=True,
    ),
]


class Shown(Struct, frozen=True, kw_only=True):
    """A change as machines get it: files as they were given, with lines and columns."""

    id: str
    level: str
    message: str
    operations: tuple[str, ...]
    path: str
    before: str | None
    before_pointer: str | None
    after: str | None
    after_pointer: str | None


class Compared(Struct, frozen=True, kw_only=True):
    """What came of comparing two contracts."""

    before: str
    after: str
    breaking: int
    undecided: int
    compatible: int
    changes: list[Shown]


def contracts(
    ctx: typer.Context,
    before: Before,
    after: After,
    schema: SchemaOption = None,
    format: FormatOption = None,
    everything: All = False,
    fail_on: FailOn = Worst.BREAKING,
) -> None:
    """Compare two contracts of an API. Breaking is what callers notice: what was accepted is refused or no longer
    read, what was promised no longer comes. What cannot be decided is said to be undecided. Of two folders of
    policies every version is compared with itself, and with its successor. Exits 6 with breaking changes; of a
    successor none counts. docs/policies/contracts.md lists every kind."""
    session = session_of(ctx)
    if before.is_dir() or after.is_dir():
        _folders(session, before, after, schema, format, fail_on)
        return
    from gateway_policies.contracts.change import Direction
    from gateway_policies.contracts.comparing import compare, compare_documents

    one, other = _opened(session, before, schema), _opened(session, after, schema)
    changes = (
        compare(one.contract, other.contract)
        if schema is None
        else compare_documents(one.contract, other.contract, Direction(schema.value))
    )
    result = _result(one, other, changes)
    if format is None:
        human = partial(_text, result, everything=everything)
        session.show(Detail(value=result, human=human, identify=lambda each: each.after))
    else:
        put(session.stdout, _formatted(session, format, result, other, changes, everything).encode())
    if result.breaking or (result.undecided and fail_on is Worst.UNDECIDED):
        raise typer.Exit(Exit.REFUSED)


def _folders(
    session: Session, before: Path, after: Path, schema: Way | None, format: Format | None, fail_on: Worst
) -> None:
    """Compare the contracts of two folders of policies.

    Raises:
        Usage: one of them is no folder.
        Refused: there is an error in their policies.
    """
    from gateway_policies.contracts.texts import FolderTexts
    from gateway_policies.contracts.versions import RULES, check_versions
    from gateway_policies.findings import in_order, refuses

    for each in (before, after):
        if not each.is_dir():
            raise Usage(f"{str(each)!r} is no folder. Nothing was compared. Name two folders, or two files.")
    if schema is not None:
        raise Usage("--schema is for two files. Nothing was compared. Leave it out for two folders of policies.")
    old, new = policies(session, before), policies(session, after)
    assert new.policies is not None
    checked = check_versions(old.policies, new.policies, FolderTexts(before), FolderTexts(after), new.places)
    findings = in_order(checked.findings)
    show_findings(session, findings, format, folder=after, rules=RULES)
    for step in checked.successions:
        told = f"{step.breaking} breaking of {len(step.changes)} changes" if step.changes else "no change that counts"
        session.note(f"{step.version} → {step.successor.rpartition('.')[2]}, its successor: {told}.")
    if refuses(findings) or (findings and fail_on is Worst.UNDECIDED):
        raise typer.Exit(Exit.REFUSED)


class _Opened:
    """A contract, and how its files are called by who asks."""

    def __init__(self, given: Path, folder: Path, contract: Contract) -> None:
        self.given = given
        self.folder = folder
        self.contract = contract

    def called(self, place: Place) -> str:
        """A place with the file as an editor opens it."""
        file = self.given if place.file == self.contract.file else self.folder / place.file
        return f"{file.as_posix()}:{place.line}:{place.column}"


def _opened(session: Session, path: Path, schema: Way | None) -> _Opened:
    """Read a contract; what is wrong with it goes to stderr.

    Raises:
        NotFound: there is no such file.
        Refused: it is no contract.
    """
    from gateway_policies.contracts.contract import open_contract, open_schema
    from gateway_policies.contracts.texts import FolderTexts

    if not path.is_file():
        raise NotFound(f"There is no file {str(path)!r}. Nothing was compared. Name two files, the older one first.")
    folder = _folder(path)
    file = path.resolve().relative_to(folder).as_posix()
    contract, findings = (open_contract if schema is None else open_schema)(FolderTexts(folder), file)
    if findings:
        shown = [_as_given(each, path) for each in told(folder, findings)]
        session.stderr.write(describe(shown, session.look_err()))
    if contract is None:
        more = "" if schema is not None else " JSON Schemas of documents are compared with --schema."
        raise Refused(f"{str(path)!r} cannot be compared; why is above. Nothing was compared.{more}")
    return _Opened(path, folder, contract)


def _as_given(each: Told, path: Path) -> Told:
    """A finding with the file called as it was given, not by its whole path."""
    from msgspec.structs import replace

    same = each.file is not None and Path(each.file) == path.resolve()
    return replace(each, file=path.as_posix()) if same else each


def _folder(path: Path) -> Path:
    """How far references may lead: the folder of the policies, else where the command runs, else the file's own."""
    place = path.resolve()
    for each in place.parents:
        if (each / "andon.toml").is_file():
            return each
    here = Path.cwd().resolve()
    return here if place.is_relative_to(here) else place.parent


def _result(one: _Opened, other: _Opened, changes: list[Change]) -> Compared:
    from gateway_policies.contracts.change import Level

    old = one.contract.places([each.before for each in changes if each.before is not None])
    new = other.contract.places([each.after for each in changes if each.after is not None])

    def called(opened: _Opened, places: dict[Spot, Place], spot: Spot | None) -> str | None:
        return None if spot is None else opened.called(places[spot])

    shown = [
        Shown(
            id=each.id,
            level=each.level.value,
            message=each.message,
            operations=each.operations,
            path=each.path,
            before=called(one, old, each.before),
            before_pointer=None if each.before is None else each.before.pointer,
            after=called(other, new, each.after),
            after_pointer=None if each.after is None else each.after.pointer,
        )
        for each in changes
    ]
    counts = {level: sum(each.level is level for each in changes) for level in Level}
    return Compared(
        before=one.given.as_posix(),
        after=other.given.as_posix(),
        breaking=counts[Level.BREAKING],
        undecided=counts[Level.UNDECIDED],
        compatible=counts[Level.COMPATIBLE],
        changes=shown,
    )


def _formatted(
    session: Session, format: Format, result: Compared, other: _Opened, changes: list[Change], everything: bool
) -> str:
    from commands.version import installed_version
    from gateway_policies.contracts.versions import RULES, change_findings
    from gateway_policies.rendering.annotations import render_github
    from gateway_policies.rendering.code_quality import render_code_quality
    from gateway_policies.rendering.sarif import render_sarif

    if format is Format.TEXT:
        return _text(result, session.look(), everything=everything)
    if format is Format.JSON:
        return msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n"
    findings = change_findings(changes, other.contract)
    prefix = below_repository(session.folder, other.folder)
    if format is Format.SARIF:
        return render_sarif(findings, prefix=prefix, rules=RULES, version=installed_version())
    if format is Format.GITLAB:
        return render_code_quality(findings, prefix=prefix)
    return plain(render_github(findings, prefix=prefix))


_COLOURS = {"breaking": "red", "undecided": "yellow", "compatible": "green"}


def _text(result: Compared, look: Look, *, everything: bool) -> str:
    lines = [_verdict(result, look)]
    for level in ("breaking", "undecided", "compatible"):
        found = [each for each in result.changes if each.level == level]
        if not found or (level == "compatible" and not everything):
            continue
        lines += ["", look.paint(level.capitalize(), _COLOURS[level], "bold")]
        for each in found:
            lines += _lines(each, look)
    if result.compatible and not everything:
        lines += ["", look.paint("The compatible ones are listed with --all.", "dim")]
    return "\n".join(lines) + "\n"


def _verdict(result: Compared, look: Look) -> str:
    files = f"{plain(result.before)} → {plain(result.after)}"
    if not result.changes:
        return f"{look.paint('✓', 'green')} {files}: nothing changed that counts"
    parts = [f"{result.breaking} breaking", f"{result.undecided} undecided", f"{result.compatible} compatible"]
    told = ", ".join(each for each in parts if not each.startswith("0 "))
    mark = look.paint("✗", "red") if result.breaking else look.paint("?" if result.undecided else "✓", "green")
    return f"{mark} {files}: {told}"


def _lines(change: Shown, look: Look) -> Iterator[str]:
    yield f"  {plain(change.message)} {look.paint(f'[{change.id}]', 'dim')}"
    place = change.after or change.before
    if place is not None:
        yield look.paint(f"      {plain(place)}", "dim")
    if change.operations and not change.message.startswith(change.operations[0]):
        first, more = ", ".join(change.operations[:3]), len(change.operations) - 3
        yield f"      in {plain(first)}" + (f" and {more} more" if more > 0 else "")
