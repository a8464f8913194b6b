"""``andon gateway import``: count the access log of another gateway."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from commands.exits import Usage
from commands.output import Detail
from commands.progress import Progress
from commands.session import Session, session_of
from commands.terminal import Look, plain

if TYPE_CHECKING:
    from gateway_policies.traffic.foreign import Reader
    from gateway_policies.traffic.report import ImportedCalls

PIECE = 4 * 1_048_576
"""Bytes of a log that are counted and sent together."""
_TOLD = 5
_KEPT, _AHEAD = 366 * 86_400.0, 3_600.0


class Counted(Struct, frozen=True, kw_only=True):
    """What came of a log.

    Attributes:
        known: bytes from its beginning that were counted before.
        lines: that were counted now.
        unreadable: numbers of the first lines that could not be read, and ``unreadable_lines`` how many there are.
        elsewhere: lines of calls that no API of the policies is called by.
        outside: lines of a time that nothing is kept of: more than a year ago, or to come.
    """

    file: str
    known: int
    lines: int
    unreadable_lines: int
    unreadable: list[int]
    elsewhere: int
    outside: int


def import_log(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines.", show_default=False)],
    format: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="Whose log it is: andon, envoy, kong or nginx.", show_default=True
        ),
    ] = "envoy",
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=MEMBER",
            help="Where lines say it: at, status, method, path, request, client, issuer, flags, detail; with dots "
            "between members inside each other, as in client=jwt.sub. May be given several times.",
        ),
    ] = None,
) -> None:
    """Count the calls in the access log of another gateway, as if the hub's had served them: for plans, usage and
    simulations. What was counted before counts once: a log that has grown is counted from where it ended."""
    session = session_of(ctx)
    reader = _reader(session, format, field or ())
    try:
        with file.open("rb") as log, Progress(session) as progress:
            counted = _count(session, file, log, reader, progress)
    except OSError as error:
        raise Usage(f"The log {file} cannot be read: {error.strerror or error}. Nothing more was counted.") from error
    session.show(Detail(value=counted, human=lambda look: _told(counted, look), identify=lambda each: each.file))


def _reader(session: Session, format: str, maps: Sequence[str]) -> Reader:
    from gateway_policies.model import PolicySet
    from gateway_policies.nearest import did_you_mean
    from gateway_policies.routing.making import routing
    from gateway_policies.traffic.counting import Clients
    from gateway_policies.traffic.foreign import OWN_PLACES, PLACES, Field, Format, Reader
    from platforms.hub import gateway

    if format not in set(Format):
        near = did_you_mean(format, map(str, Format))
        raise Usage(f"--format {format!r} is none of {', '.join(Format)}.{near} Nothing was done.")
    places = dict(OWN_PLACES if format == Format.ANDON else PLACES[Format(format)])
    for each in maps:
        name, sign, place = each.partition("=")
        if not sign or name not in set(Field) or not place.strip():
            raise Usage(
                f"--map {each!r} cannot be used.{did_you_mean(name, map(str, Field))} Nothing was done. "
                f"Write FIELD=MEMBER, FIELD being one of {', '.join(Field)}."
            )
        places[Field(name)] = (place.strip(),)
    state = session.send(gateway.state(PolicySet.DEFAULT_NAME))
    calls = routing(state.gateway, state.live, session.clock.now())
    return Reader(places, calls, Clients(state.live))


def _count(session: Session, path: Path, log: IO[bytes], reader: Reader, progress: Progress) -> Counted:
    from platforms.hub import gateway

    before = {each.size: each.sha256 for each in session.send(gateway.imports()).items}
    known, after, digest = _known(log, before)
    lines = unreadable = elsewhere = outside = 0
    now = session.clock.now().timestamp()
    bad: list[int] = []
    number = _lines_before(log, known)
    log.seek(known)
    size = known
    for piece in _pieces(log):
        digest.update(b"".join(piece))
        size += sum(map(len, piece))
        counted, wrong, others, out = counted_piece(piece, reader, now)
        bad += [number + each for each in wrong[: _TOLD - len(bad)]]
        number += len(piece)
        lines += counted.lines
        unreadable += len(wrong)
        elsewhere += others
        outside += out
        sent = _named(counted, digest.hexdigest(), after, size, path.name[:255])
        session.send(gateway.import_calls(sent))
        after = sent.sha256
        progress.show(f"{size:,} bytes counted")
    return Counted(
        file=str(path),
        known=known,
        lines=lines,
        unreadable_lines=unreadable,
        unreadable=bad,
        elsewhere=elsewhere,
        outside=outside,
    )


def counted_piece(lines: Sequence[bytes], reader: Reader, now: float) -> tuple[ImportedCalls, list[int], int, int]:
    """Lines counted, the numbers (from 1) of those that cannot be read, how many are of no API, and how many of a time
    that nothing is kept of."""
    from gateway_policies.traffic.counting import Clients, Tally
    from gateway_policies.traffic.report import ImportedCalls, ImportedCount, ImportedKind, MinuteOfCalls

    tally, wrong, elsewhere, outside = Tally(Clients()), [], 0, 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        call = reader.read(line)
        if call is None:
            wrong.append(number)
        elif call.kind is None:
            elsewhere += 1
        elif not now - _KEPT < call.at < now + _AHEAD:
            outside += 1
        else:
            tally.count(call.kind, call.at)
    kinds = sorted({kind for _, kind in tally.counts})
    places = {kind: place for place, kind in enumerate(kinds)}
    counted = ImportedCalls(
        sha256="",
        after=None,
        size=0,
        name="",
        lines=tally.lines,
        unreadable=len(wrong),
        kinds=[ImportedKind(*kind) for kind in kinds],
        counts=[ImportedCount(at, places[kind], seen.calls, seen.last) for (at, kind), seen in tally.counts.items()],
        arrivals=[
            MinuteOfCalls(
                at=at,
                consumer=consumer,
                api=api,
                seconds=[(each, calls) for each, calls in enumerate(seconds) if calls],
            )
            for (at, consumer, api), seconds in tally.arrivals.items()
        ],
    )
    return counted, wrong, elsewhere, outside


def _named(piece: ImportedCalls, sha256: str, after: str | None, size: int, name: str) -> ImportedCalls:
    import msgspec

    return msgspec.structs.replace(piece, sha256=sha256, after=after, size=size, name=name)


def _known(log: IO[bytes], before: dict[int, str]) -> tuple[int, str | None, hashlib._Hash]:
    """How many bytes from the beginning were counted, under what hash, and a hash that goes on from there."""
    digest = hashlib.sha256()
    known, after, best = 0, None, digest.copy()
    position = 0
    for size in sorted(before):
        while position < size and (data := log.read(min(PIECE, size - position))):
            digest.update(data)
            position += len(data)
        if position < size:
            break
        if digest.hexdigest() == before[size]:
            known, after, best = size, before[size], digest.copy()
    return known, after, best


def _lines_before(log: IO[bytes], end: int) -> int:
    log.seek(0)
    found, left = 0, end
    while left and (data := log.read(min(PIECE, left))):
        found += data.count(b"\n")
        left -= len(data)
    return found


def _pieces(log: IO[bytes]) -> Iterator[list[bytes]]:
    """Whole lines; a last one without its end waits for the next time."""
    while lines := log.readlines(PIECE):
        if not lines[-1].endswith(b"\n"):
            lines.pop()
        if lines:
            yield lines


def _told(found: Counted, look: Look) -> str:
    name = plain(found.file)
    if not (found.lines or found.unreadable_lines or found.elsewhere or found.outside):
        return f"{look.paint('✓', 'green')} {name}: nothing that was not counted before.\n"
    lines = [f"{look.paint('✓', 'green')} {name}: {_several(found.lines, 'call')} counted"]
    if found.known:
        lines.append(f"  {found.known:,} bytes were counted before")
    if found.unreadable_lines:
        more = " …" if found.unreadable_lines > len(found.unreadable) else ""
        at = ", ".join(f"{each:,}" for each in found.unreadable)
        lines.append(look.paint(f"  {_several(found.unreadable_lines, 'line')} cannot be read: {at}{more}", "yellow"))
    if found.elsewhere:
        lines.append(look.paint(f"  {_several(found.elsewhere, 'call')} to no API of the gateway", "dim"))
    if found.outside:
        said = f"  {_several(found.outside, 'call')} more than a year ago, or to come: not counted"
        lines.append(look.paint(said, "dim"))
    return "".join(f"{each}\n" for each in lines)


def _several(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
