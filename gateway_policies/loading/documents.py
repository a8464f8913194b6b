"""A file of policies as it goes through the loader: its tables, and where each part of them was said."""

from __future__ import annotations

from typing import Any

from gateway_policies.findings import Finding
from gateway_policies.loading.folder import PolicyFile
from gateway_policies.loading.mistakes import Path, Problem
from gateway_policies.loading.positions import Positions
from gateway_policies.model import Severity
from gateway_policies.places import Place


class Document:
    """The tables of a file, with what an environment laid over them.

    Args:
        file: where they come from.
        raw: the tables.

    Attributes:
        removed: whether an environment has taken it away.
        spots: for what is not where it was in the file: by its path here, the file and the path there.
    """

    def __init__(self, file: PolicyFile, raw: dict[str, Any]) -> None:
        self.file = file
        self.raw = raw
        self.removed = False
        self.spots: dict[Path, tuple[PolicyFile, Path]] = {}

    def origin(self, path: Path) -> tuple[PolicyFile, Path]:
        """Which file says what is at ``path`` here, and where."""
        for length in range(len(path), 0, -1):
            spot = self.spots.get(path[:length])
            if spot is not None:
                return spot[0], (*spot[1], *path[length:])
        return self.file, path


class Texts:
    """The positions in files, which are gone through when somebody asks."""

    def __init__(self) -> None:
        self._positions: dict[str, Positions] = {}

    def positions(self, file: PolicyFile) -> Positions:
        """Those of a file, as it is now; of one that went away in the meantime, none."""
        found = self._positions.get(file.file)
        if found is None:
            try:
                with open(file.path, encoding="utf-8", errors="replace", newline="") as stream:  # noqa: PTH123
                    found = Positions(stream.read())
            except OSError:
                found = Positions("")
            self._positions[file.file] = found
        return found

    def place(self, document: Document, path: Path, *, on_key: bool = False) -> Place:
        """Where something is in the file that says it."""
        file, there = document.origin(path)
        positions = self.positions(file)
        return Place(file.file, *(positions.key(there) if on_key else positions.value(there)))

    def finding(self, document: Document, problem: Problem, address: str | None = None) -> Finding:
        """A problem of a document, with its place."""
        return Finding(
            rule=problem.rule,
            severity=Severity.WARNING if problem.rule == "overlay-adds" else Severity.ERROR,
            message=problem.message,
            address=address,
            place=self.place(document, problem.path, on_key=problem.on_key),
            help=problem.help,
        )
