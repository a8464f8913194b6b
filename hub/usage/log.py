"""The access log's files: the one that is written, and those that were rotated away and are not counted yet.

Files are numbered by generations. ``access.jsonl`` is written; rotating renames it to ``access.N.jsonl``, N being its
generation, and whoever writes goes on there until it opens a new ``access.jsonl``. A file is known again by its first
line, so that one that was replaced or cut off is read from its beginning.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import IO

from msgspec import Struct

_NAME = "access.jsonl"
_ROTATED = re.compile(r"access\.([0-9]{1,15})\.jsonl")
_HEAD = 65_536
"""Bytes of the first line that it is known by."""


class Position(Struct, frozen=True, kw_only=True):
    """How far the log was counted.

    Attributes:
        generation: how many files were rotated away before the one that is read.
        head: SHA-256 of its first line; empty before anything of it was counted.
        offset: bytes of it that were counted.
    """

    generation: int = 0
    head: str = ""
    offset: int = 0


class Chunk(Struct, frozen=True, kw_only=True):
    """What was read next.

    Attributes:
        lines: whole lines, without their ends.
        after: the position when these are counted.
        replaced: the file was not the one that was read before, or was cut off: it is read from its beginning.
        more: there was more than was read.
    """

    lines: list[bytes]
    after: Position
    replaced: bool = False
    more: bool = False


class AccessLog:
    """The files of one access log.

    Args:
        folder: where they are; it need not be there yet.
        most: bytes that are read at a time; a line that is longer is unreadable.
        rotate_at: bytes from which a file is rotated away.
    """

    def __init__(self, folder: Path, most: int = 1_048_576, rotate_at: int = 64 * 1_048_576) -> None:
        self.folder, self._most, self._rotate_at = folder, most, rotate_at
        self.current = folder / _NAME

    def rotated(self, generation: int) -> Path:
        """Where the file of a generation is once it was rotated away."""
        return self.folder / f"access.{generation}.jsonl"

    def next_chunk(self, position: Position) -> Chunk | None:
        """What is to be counted after a position; None where there is nothing now.

        Raises:
            OSError: a file is there and cannot be read.
        """
        away = self._oldest_from(position.generation)
        if away is not None and away > position.generation:  # somebody took files away
            position = Position(generation=away)
        path = self.current if away is None else self.rotated(away)
        try:
            with path.open("rb") as file:
                chunk = self._read(file, position, ended=False)
                if chunk is None and away is not None and self._goes_on_after(away):
                    # Whoever writes has opened a newer file: what is here is all, also a line without its end.
                    chunk = self._read(file, position, ended=True) or Chunk(
                        lines=[], after=Position(generation=away + 1), more=True
                    )
                return chunk
        except FileNotFoundError:
            return None

    def wants_rotation(self, position: Position) -> bool:
        """Whether the file that is written has become too large, or one was renamed and whoever writes it has not
        opened another yet, or somebody deleted or replaced it: whoever writes it writes where nobody reads.

        Args:
            position: how far it was counted.
        """
        if self._oldest_from(position.generation) is not None:
            return not self.current.exists()
        try:
            size = self.current.stat().st_size
        except FileNotFoundError:
            return position.offset > 0
        return size >= self._rotate_at or size < position.offset

    def rotate(self, position: Position) -> None:
        """Rename the file that is written, unless that was done; whoever writes it has to be told afterwards.

        Raises:
            OSError: it cannot be renamed.
        """
        if self._oldest_from(position.generation) is None and self.current.exists():
            self.current.replace(self.rotated(position.generation))

    def forget(self, position: Position) -> None:
        """Delete the files that were counted to their ends.

        Raises:
            OSError: one cannot be deleted.
        """
        for generation in self._generations():
            if generation < position.generation:
                self.rotated(generation).unlink(missing_ok=True)

    def behind(self, position: Position) -> int:
        """Bytes that are not counted yet."""
        found = -position.offset
        for path in (*map(self.rotated, self._generations()), self.current):
            try:
                found += path.stat().st_size
            except FileNotFoundError:
                continue
        return max(0, found)

    def _read(self, file: IO[bytes], position: Position, *, ended: bool) -> Chunk | None:
        size = os.fstat(file.fileno()).st_size
        head, offset = position.head, position.offset
        replaced = offset > 0 and (size < offset or _head(file) != head)
        if replaced:
            head, offset = "", 0
        file.seek(offset)
        data = file.read(self._most)
        end = data.rfind(b"\n") + 1
        if not end and data and (ended or len(data) == self._most):
            end = len(data)  # a last line without its end, or one that is too long
        if not end:
            # A file that was replaced and has no whole line yet is looked at again when it has.
            return None
        if not head:
            head = _head(file)
        lines = data[:end].split(b"\n")
        if not lines[-1]:
            lines.pop()
        after = Position(generation=position.generation, head=head, offset=offset + end)
        return Chunk(lines=lines, after=after, replaced=replaced, more=size > after.offset)

    def _goes_on_after(self, generation: int) -> bool:
        return self.current.exists() or self._oldest_from(generation + 1) is not None

    def _oldest_from(self, generation: int) -> int | None:
        return min((each for each in self._generations() if each >= generation), default=None)

    def _generations(self) -> list[int]:
        try:
            names = [each.name for each in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(int(found[1]) for name in names if (found := _ROTATED.fullmatch(name)))


def _head(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.sha256(file.readline(_HEAD)).hexdigest()
