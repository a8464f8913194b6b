"""The folder of the policies: which files are which, and what is there that should not be."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from msgspec import Struct

from gateway_policies.findings import Finding
from gateway_policies.loading.formats import Kind
from gateway_policies.loading.syntax import LARGEST_FILE
from gateway_policies.model import Severity
from gateway_policies.nearest import did_you_mean, listed, nearest
from gateway_policies.places import Place

FOLDERS: dict[str, Kind] = {
    "apis": Kind.API,
    "consumers": Kind.CONSUMER,
    "scopes": Kind.SCOPES,
    "throttles": Kind.THROTTLES,
}
FILES: dict[str, Kind] = {"andon.toml": Kind.ANDON, "scopes.toml": Kind.SCOPES, "throttles.toml": Kind.THROTTLES}
ENVIRONMENTS = "environments"
CONTRACTS = "contracts"

_BESIDE = (".md", "~")
"""What may lie beside policies: notes, and the copies that editors make. What begins with a dot may too."""


class PolicyFile(Struct, frozen=True):
    """A file of policies: its path below the folder with ``/``, what it is, and its path on this machine."""

    file: str
    kind: Kind
    path: str


class Listing:
    """What a folder of policies has.

    Args:
        root: the folder; it has to be there.
        below: a folder inside to list instead of the whole, as an environment's.
    """

    def __init__(self, root: Path, below: str = "") -> None:
        self._root = root.resolve()
        self._below = f"{below}/" if below else ""
        self.files: list[PolicyFile] = []
        self.findings: list[Finding] = []
        self.unread: set[Kind] = set()
        """Of what there is a file that was not read: what others name may be in it."""
        self._top()
        self.files.sort(key=lambda each: each.file)

    def _top(self) -> None:
        for entry in self._entries(self._below.rstrip("/")):
            name = entry.name
            file = f"{self._below}{name}"
            if name.startswith("."):
                continue
            if name in (*FOLDERS, ENVIRONMENTS) and self._linked_folder(entry, file):
                continue
            if entry.is_dir(follow_symlinks=False):
                if name in FOLDERS:
                    self._walk(file, FOLDERS[name])
                elif not (name == CONTRACTS or (name == ENVIRONMENTS and not self._below)):
                    self._strange_folder(entry.path, name, file)
            elif name in FILES:
                self._take(entry, file, FILES[name])
            elif name.endswith(".toml"):
                self._unknown(file, f"{name!r} is no file of policies.{did_you_mean(name, FILES)}")

    def _walk(self, folder: str, kind: Kind) -> None:
        for entry in self._entries(folder):
            file = f"{folder}/{entry.name}"
            if entry.name.startswith("."):
                continue
            if self._linked_folder(entry, file):
                continue
            if entry.is_dir(follow_symlinks=False):
                self._walk(file, kind)
            elif entry.name.endswith(".toml"):
                self._take(entry, file, kind)
            elif not (entry.name.endswith(_BESIDE) or entry.name.startswith("#")):
                self._unknown(file, f"{entry.name!r} does not end in .toml, and would be overlooked.")

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / folder) as entries:
                return list(entries)
        except OSError as error:
            self._finding("unreadable-file", f"The folder cannot be read: {error.strerror}.", folder or ".")
            return []

    def _linked_folder(self, entry: os.DirEntry[str], file: str) -> bool:
        """Whether it is a link to a folder, which is told."""
        # Not entry.is_dir(), which fails for a link that leads to itself.
        linked = entry.is_symlink() and Path(entry.path).is_dir()
        if linked:
            self._finding(
                "link", "This is a link to a folder, and those are not followed.", file, "Move the folder here."
            )
        return linked

    def _take(self, entry: os.DirEntry[str], file: str, kind: Kind) -> None:
        try:
            found = entry.stat()
            inside = not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):
            # RuntimeError: links that go round in circles, up to Python 3.12
            self._finding(
                "link", "This is a link that leads to nothing.", file, "Put the file here, or delete the link."
            )
            self.unread.add(kind)
            return
        if not inside:
            self._finding(
                "link", "This is a link out of the folder of the policies.", file, "Put the file itself here."
            )
        elif not stat.S_ISREG(found.st_mode):
            self._finding("unreadable-file", "This is no regular file.", file, "Delete it.")
        elif found.st_size > LARGEST_FILE:
            self._finding(
                "unreadable-file",
                f"The file has {found.st_size:,} bytes, and {LARGEST_FILE:,} are the most.",
                file,
                "Split it.",
            )
        else:
            self.files.append(PolicyFile(file, kind, entry.path))
            return
        self.unread.add(kind)

    def _strange_folder(self, path: str, name: str, file: str) -> None:
        """A folder may hold what it likes, but not policies that nobody reads."""
        near = nearest(name, FOLDERS)
        lost = [each for each in sorted(Path(path).rglob("*.toml")) if not each.name.startswith(".")]
        if lost and (near is not None or self._below):
            self._unknown(file, f"{name!r} is no folder of policies.{did_you_mean(name, FOLDERS)}")
        elif lost:
            self._unknown(file, f"{name!r} is no folder of policies, and there are .toml files in it.")

    def _unknown(self, file: str, message: str) -> None:
        places = listed(
            [
                "andon.toml",
                "apis/",
                "consumers/",
                "scopes.toml or scopes/",
                "throttles.toml or throttles/",
                "environments/",
            ]
        )
        self._finding("unknown-file", message, file, f"Policies are in {places}. Rename it, or move it away.")

    def _finding(self, rule: str, message: str, file: str, advice: str = "") -> None:
        self.findings.append(
            Finding(
                rule=rule, severity=Severity.ERROR, message=message, address=None, place=Place(file, 1, 1), help=advice
            )
        )


def content_of(file: PolicyFile) -> bytes | Finding:
    """The bytes of a file, or why they cannot be had."""
    try:
        handle = os.open(file.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            content = b""
            while chunk := os.read(handle, LARGEST_FILE):
                content += chunk
            return content
        finally:
            os.close(handle)
    except OSError as error:
        return Finding(
            rule="unreadable-file",
            severity=Severity.ERROR,
            message=f"The file cannot be read: {error.strerror}.",
            address=None,
            place=Place(file.file, 1, 1),
            help="See to its permissions.",
        )


def environments_of(root: Path) -> list[str]:
    """The environments that a folder of policies has."""
    folder = root / ENVIRONMENTS
    if not folder.is_dir():
        return []
    return sorted(each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


def files_of(root: Path) -> tuple[list[PolicyFile], list[Finding]]:
    """Every policy file of a folder, the environments' too, and what is there that should not be."""
    listings = [Listing(root), *(Listing(root, f"{ENVIRONMENTS}/{each}") for each in environments_of(root))]
    return [file for each in listings for file in each.files], [
        finding for each in listings for finding in each.findings
    ]
