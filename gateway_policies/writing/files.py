"""Policies to new files."""

from __future__ import annotations

from pathlib import Path

from gateway_policies.model import PolicySet
from gateway_policies.nearest import listed
from gateway_policies.writing.tables import documents
from gateway_policies.writing.text import text_of


class AlreadyThere(Exception):
    """Files that would have to be written over."""

    def __init__(self, folder: Path, files: list[str]) -> None:
        """
        Args:
            files: those that are there, below ``folder``.
        """
        self.folder = folder
        self.files = files
        number = "is" if len(files) == 1 else "are"
        super().__init__(f"{listed(files, 5)} {number} in {str(folder)!r} already. Nothing was written.")


def texts(policies: PolicySet) -> dict[str, str]:
    """The text of every file, by its path below the folder. Loading them gives the same policies again."""
    return {file: text_of(table) for file, table in documents(policies).items()}


def write(policies: PolicySet, folder: Path) -> list[Path]:
    """Write policies as new files.

    Returns:
        The files that were written.

    Raises:
        AlreadyThere: a file is there. Nothing was written.
        OSError: a file cannot be written.
    """
    return write_texts(texts(policies), folder)


def write_texts(files: dict[str, str], folder: Path) -> list[Path]:
    """Write texts as new files, by their paths below ``folder``; raises as ``write`` does."""
    there = [file for file in files if (folder / file).exists() or (folder / file).is_symlink()]
    if there:
        raise AlreadyThere(folder, there)
    written = []
    for file, text in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        # "x": somebody may have made it since.
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        written.append(path)
    return written
