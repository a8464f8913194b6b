"""Where contracts are read from: a folder, a mapping, or whatever else has texts by path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from posixpath import normpath
from typing import Protocol

from gateway_policies.contracts.reading import LARGEST


class Texts(Protocol):
    """Texts by their POSIX paths below one folder."""

    def read(self, path: str) -> bytes | None:
        """The bytes at a path, None where there are none. No path that leads out of the folder is asked for."""
        ...


class MappedTexts:
    """Texts that are at hand already."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self._texts = texts

    def read(self, path: str) -> bytes | None:
        """The bytes at a path."""
        return self._texts.get(path)


class FolderTexts:
    """The files of a folder. What a symbolic link leads out of it to is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def read(self, path: str) -> bytes | None:
        """The bytes at a path; no more than are needed to tell that it is too large."""
        try:
            place = (self._folder / path).resolve()
            if not place.is_relative_to(self._folder) or not place.is_file():
                return None
            with place.open("rb") as file:
                return file.read(LARGEST + 1)
        except (OSError, ValueError, RuntimeError):  # not to be read, a zero byte in the name, links in a circle
            return None


def joined(file: str, reference: str) -> str | None:
    """The path that a reference in a file means; None where it leads out of the folder."""
    base = file.rpartition("/")[0]
    path = normpath(f"{base}/{reference}" if base else reference)
    if reference.startswith("/") or path == ".." or path.startswith("../") or "\\" in path or path == ".":
        return None
    return path
