"""Checking an exported audit chain, offline: whatever was done to the file is found, and the first place is named."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from transactions.audit import GENESIS
from transactions.audit_export import END, LONGEST_LINE, End, SignedEnd
from transactions.audit_key import TrustedKey
from transactions.untrusted import parse_json

_BOM = b"\xef\xbb\xbf"


class BrokenAt(Struct, frozen=True, kw_only=True):
    """The first place that does not hold.

    Attributes:
        line: from 1.
        seq: of the entry that is concerned; None where it is none, or cannot be told.
    """

    line: int
    seq: int | None
    why: str


class Verification(Struct, frozen=True, kw_only=True):
    """What became of checking an export.

    Attributes:
        entries: how many entries hold, from the first on.
        first: ``seq`` of the first of them.
        last: of the last of them.
        head: its hash, where that is known.
        key: fingerprint of the key that the end was held against.
        broken: None where everything holds.
    """

    ok: bool
    entries: int
    first: int | None
    last: int | None
    head: str | None
    key: str
    broken: BrokenAt | None


class _Link(Struct, frozen=True):
    """What of an entry the chain hangs on."""

    seq: int
    previous: str
    hash: str


class _Fault(Struct, frozen=True):
    """Why a line is no entry that holds; ``seq`` is what it says of itself, where it says so."""

    why: str
    seq: int | None = None


class ExportCheck:
    """Checks an export line by line, in constant memory.

    What does not hold is told by its first place. Behind it nothing is believed but a signed end that holds: where the
    entries after that place lead to the head that it names, they are genuine, and the one before them is not.

    Args:
        key: whose signature the end must have.
    """

    def __init__(self, key: TrustedKey) -> None:
        self.end: End | None = None
        """The signed end, once it was met and its signature holds."""
        self.complete = False
        """Whether there was a whole line that is an end, whatever it is worth."""
        self.lines = 0
        self._key = key
        self._decode = msgspec.json.Decoder(_Link)
        self._first: _Link | None = None
        self._newest: _Link | None = None  # the last entry of what holds
        self._before: _Link | None = None  # the one before that
        self._entries = 0
        self._broken: BrokenAt | None = None
        self._suspect: BrokenAt | None = None
        self._tail: _Link | None = None  # the last entry of what holds by itself behind the first broken place

    def feed(self, line: bytes) -> None:
        """The next line, with its line feed."""
        self.lines += 1
        if self.complete:
            self._break("it stands after the end of the export: it was added later", None)
        elif line.startswith(END):
            self.complete = line.endswith(b"\n")
            self._meet_end(line)
        elif self._broken is None:
            self._meet_entry(line)
        elif self._tail is not None:
            # None again at the first entry that does not follow: nothing can be concluded from the rest.
            link = self._read(line)
            follows = isinstance(link, _Link) and (link.seq, link.previous) == (self._tail.seq + 1, self._tail.hash)
            self._tail = link if isinstance(link, _Link) and follows else None

    def finish(self) -> Verification:
        """The outcome, after the last line."""
        if self._broken is None and self.end is None:
            self.lines += 1
            if self._newest is None:
                self._break("the file is empty: not even the end of an export is in it", None)
            else:
                self._break(
                    f"the signed end is missing: the export was cut after entry {self._newest.seq}, or never finished",
                    self._newest.seq + 1,
                )
        newest = self._newest
        first = None if self._first is None or not self._entries else self._first.seq
        return Verification(
            ok=self._broken is None,
            entries=self._entries,
            first=first,
            last=None if first is None else first + self._entries - 1,
            head=None if newest is None else newest.hash,
            key=self._key.fingerprint,
            broken=self._broken,
        )

    def _meet_entry(self, line: bytes) -> None:
        link = self._read(line)
        expected = None if self._newest is None else self._newest.seq + 1
        if isinstance(link, _Fault):
            self._break(link.why, link.seq if expected is None else expected)
            return
        if self._newest is None:
            if link.seq == 1 and link.previous != GENESIS:
                self._break("it does not begin the chain, as the first entry must", 1)
                return
            self._first = link
        elif link.seq != self._newest.seq + 1 or link.previous != self._newest.hash:
            self._out_of_line(link, self._newest)
            return
        self._before, self._newest = self._newest, link
        self._entries += 1

    def _out_of_line(self, link: _Link, newest: _Link) -> None:
        expected = newest.seq + 1
        if link.seq > expected:
            self._break(f"entry {expected} is missing: entry {link.seq} stands in its place", expected)
        elif link.seq == newest.seq and link.hash == newest.hash:
            self._break("it stands twice", link.seq)
        elif link.seq < newest.seq:
            self._break(f"it stands after entry {newest.seq}, out of its place", link.seq)
        elif link.seq == newest.seq:
            self._break("it stands twice, with other content: one of the two was inserted", link.seq)
            self._suspect = BrokenAt(
                line=self.lines - 1, seq=newest.seq, why="it was inserted: the chain goes on from the entry before it"
            )
            self._tail = link if self._before is None or link.previous == self._before.hash else None
        else:
            self._break(f"it does not link to entry {newest.seq} as that is here: one of the two was changed", link.seq)
            self._suspect = BrokenAt(
                line=self.lines - 1,
                seq=newest.seq,
                why="it was changed and its hash made anew: the entry after it links to another one",
            )
            self._tail = link

    def _meet_end(self, line: bytes) -> None:
        end = self._read_end(line)
        if isinstance(end, str):
            self._break(end, None)
            return
        self.end = end
        if self._broken is not None and self._broken.line == 1:
            self._broken = msgspec.structs.replace(self._broken, seq=end.first)
        if self._first is not None and end.first < self._first.seq:
            self._go_back(
                f"entries {end.first} to {self._first.seq - 1} are missing: the export was cut at its beginning",
                end.first,
            )
        elif self._first is not None and (end.first, end.previous) != (self._first.seq, self._first.previous):
            self._go_back(f"it is none of this export, which begins with entry {end.first}", self._first.seq)
        elif self._broken is not None:
            if self._suspect is not None and self._tail is not None and self._tail.hash == end.head:
                self._take_back(self._suspect)
        else:
            self._hold_against(end)

    def _hold_against(self, end: End) -> None:
        """Whether the entries, which hold among themselves, are those that were signed."""
        newest = self._newest
        if newest is None:
            if end.count or end.last >= end.first:
                self._break(f"entries {end.first} to {end.last} are missing", end.first)
        elif newest.seq < end.last:
            self._break(
                f"entries {newest.seq + 1} to {end.last} are missing: the export was cut before its end",
                newest.seq + 1,
            )
        elif newest.seq > end.last:
            added = newest.seq - end.last
            self._take_back(
                BrokenAt(
                    line=self.lines - added,
                    seq=end.last + 1,
                    why=f"it was added: the export ends with entry {end.last}",
                ),
                added,
            )
        elif newest.hash != end.head:
            self._take_back(
                BrokenAt(
                    line=self.lines - 1,
                    seq=newest.seq,
                    why="it is not the entry that was signed as the newest: the chain was written anew up to here",
                )
            )
        elif self._entries != end.count:
            self._break(f"{end.count} entries were signed, and {self._entries} are here", None)

    def _read(self, line: bytes) -> _Link | _Fault:
        """An entry whose content matches its hash, or why it is none."""
        fault = _fault(line)
        if fault is not None:
            return _Fault(fault)
        try:
            link = self._decode.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _Fault(f"the line is no entry: {error}")
        # In canonical order 'hash' stands before 'previous' and 'reason'. Where the content has these words too, they
        # stand once more, and only the right place gives the hash.
        mark = f'"hash":"{link.hash}","previous":"{link.previous}","reason":'.encode(errors="replace")
        at = line.find(mark)
        if at < 0 or line.find(mark, at + 1) >= 0:
            return _Fault("the line was changed: it is not in the form of an export", link.seq)
        digest = hashlib.sha256(line[:at])
        digest.update(line[at + len(link.hash) + 10 : -1])
        if digest.hexdigest() != link.hash:
            return _Fault("its content does not match its hash: it was changed", link.seq)
        return link

    def _read_end(self, line: bytes) -> End | str:
        """An end whose signature holds, or what is wrong with it."""
        fault = _fault(line)
        if fault is not None:
            return fault
        try:
            signed = parse_json(line, SignedEnd)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return f"the line is no end of an export: {error}"
        key = self._key
        if key.platform is not None and signed.end.platform != key.platform:
            return f"the export is of the platform {signed.end.platform}, and the key is that of {key.platform}"
        if signed.key != key.fingerprint:
            return f"the end is signed with another key: {signed.key}, and not {key.fingerprint}"
        last = f',"signature":"{signed.signature}"}}\n'.encode(errors="replace")
        if not line.endswith(last) or not key.signed(line[: -len(last)] + b"}", signed.signature):
            return "the signature of the end does not hold: the end was changed, or somebody else made it"
        return signed.end

    def _break(self, why: str, seq: int | None) -> None:
        if self._broken is None:
            self._broken = BrokenAt(line=self.lines, seq=seq, why=why)

    def _take_back(self, broken: BrokenAt, count: int = 1) -> None:
        """It is told behind them that the last ``count`` entries do not hold after all."""
        self._broken = broken
        self._entries -= count
        self._newest = self._before if count == 1 else None

    def _go_back(self, why: str, seq: int) -> None:
        """It is the first line already that does not hold."""
        self._broken = BrokenAt(line=1, seq=seq, why=why)
        self._newest, self._entries = None, 0


def _fault(line: bytes) -> str | None:
    """What is wrong with a line before anything in it is read."""
    if len(line) > LONGEST_LINE:
        return f"the line is longer than {LONGEST_LINE:,} bytes, which no entry is"
    if line.startswith(_BOM):
        return "a byte order mark stands before it: a program wrote the file anew"
    if line.endswith(b"\r\n"):
        return "the line ends with CR LF: a program, or a transfer as text, wrote the file anew"
    if not line.endswith(b"\n"):
        return "the line is cut: it has no line feed at its end"
    if not line.strip():
        return "the line is empty"
    return None
