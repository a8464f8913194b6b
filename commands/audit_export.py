"""Exports of the audit chain on their way: from the platform into a file, and from a file through the check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from commands.exits import Usage
from commands.session import Session
from commands.whole_file import to_stdout, whole_file
from platforms.calls import Call
from transactions.audit_check import ExportCheck, Verification
from transactions.audit_export import LONGEST_LINE, End
from transactions.audit_key import TrustedKey
from transactions.errors import AndonError, NotFound, Unreachable

_PIECE = 65_536


class Exported(Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        first: ``seq`` of the first entry; None where there are none.
        head: hash of the newest one.
        key: fingerprint of the key that signed it.
    """

    file: str
    platform: str
    entries: int
    first: int | None
    last: int | None
    head: str | None
    key: str


class ChainBroken(AndonError):
    """What the platform gave does not hold; the file is kept, as it is the evidence."""

    problem, status, title = "audit-broken", 500, "The audit chain does not hold"


def write(session: Session, call: Call[bytes], key: TrustedKey, out: Path | None) -> Exported:
    """Write an export to a file, whole or not at all, or to stdout as it comes; and check it on the way.

    Args:
        session: what the platform is asked through.
        call: the export.
        key: what it is held against.
        out: the file; None for stdout.

    Raises:
        Unreachable: the platform gave no answer, or it broke off; there is no file then.
        ChainBroken: it is whole and does not hold.
        Usage, NotKept, NotWritten: the file, or stdout, cannot be written to.
    """
    if out is None:
        found, end = _copy(session, call, key, to_stdout(session))
    else:
        with whole_file(out) as put:
            found, end = _copy(session, call, key, put)
    where = "stdout" if out is None else str(out)
    if found.broken is not None or end is None:
        raise _broken(found, where)
    return Exported(
        file=where,
        platform=end.platform,
        entries=found.entries,
        first=found.first,
        last=found.last,
        head=found.head,
        key=found.key,
    )


@contextmanager
def reading(path: Path) -> Iterator[Iterable[bytes]]:
    """The lines of a file, a piece of it in memory at a time.

    Raises:
        NotFound, Usage: it is not there, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield lines_of(iter(lambda: file.read(_PIECE), b""))
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}. Nothing was checked. Check the path.") from error
    except OSError as error:
        raise Usage(f"{path} cannot be read: {error.strerror or error}. It was not checked to its end.") from error


def check(lines: Iterable[bytes], key: TrustedKey) -> tuple[Verification, End | None]:
    """Check lines to their end; the end comes along where its signature holds."""
    reader = ExportCheck(key)
    for line in lines:
        reader.feed(line)
    return reader.finish(), reader.end


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines out of pieces, each with its line feed but perhaps the last; one that is too long comes in parts."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest


def _copy(
    session: Session, call: Call[bytes], key: TrustedKey, put: Callable[[bytes], object]
) -> tuple[Verification, End | None]:
    reader = ExportCheck(key)
    try:
        for line in lines_of(session.download(call)):
            put(line)
            reader.feed(line)
    except Unreachable as error:
        if not reader.lines:
            raise
        raise _broke_off(reader.lines, error.detail.split(". ")[0].rstrip(".")) from error
    if not reader.complete:
        raise _broke_off(reader.lines, "the signed end did not come")
    return reader.finish(), reader.end


def _broke_off(lines: int, why: str) -> Unreachable:
    return Unreachable(
        f"The export broke off after {lines} lines: {why}. What came is no export, and no file was written. "
        "Ask again; for a chain that is too long for the way, in parts with --from and --to."
    )


def _broken(found: Verification, where: str) -> ChainBroken:
    broken = found.broken
    assert broken is not None
    at = f"line {broken.line}" if broken.seq is None else f"line {broken.line}, entry {broken.seq}"
    return ChainBroken(
        f"The export in {where} does not hold at {at}: {broken.why}. The platform sent it so, and it is kept as the "
        "evidence. Somebody changed the store, or answers in the platform's place: tell whoever runs it."
    )
