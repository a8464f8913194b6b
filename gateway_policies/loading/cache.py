"""What files came to when they were loaded last, by what is in them.

A file is read every time, and only what its very bytes came to before is taken from here: there are no times or sizes
to trust, so a file that was changed within the same second is as new as any other. What was made by another version of
this code, or was damaged, is not looked at.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway_policies.loading.formats import Kind
from gateway_policies.model import Resource

_SUM = 32
_LEAST = 200
"""Files; fewer are read as fast as what is kept of them, and leave nothing behind."""


class _Kept(Struct, frozen=True):
    """What the file of a cache holds, by the digest of kind and content."""

    made: dict[bytes, list[Resource]]


class Cache:
    """A cache of loaded files, in one file.

    Args:
        folder: where caches are kept; it is made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._old: dict[bytes, list[Resource]] = {}
        self._new: dict[bytes, list[Resource]] = {}

    def open(self, policies: Path, environment: str | None) -> None:
        """Begin with what was kept of a folder of policies."""
        name = hashlib.blake2b(f"{policies.resolve()}\0{environment or ''}".encode(), digest_size=16).hexdigest()
        self._path = self._folder / f"{name}.policies"
        self._new = {}
        self._old = self._read()

    def get(self, kind: Kind, content: bytes) -> tuple[bytes, list[Resource] | None]:
        """What a file came to before, and the digest by which to put it; None where it is not known."""
        digest = hashlib.blake2b(content, digest_size=20, person=kind.value.encode()).digest()
        found = self._old.get(digest)
        if found is not None:
            self._new[digest] = found
        return digest, found

    def put(self, digest: bytes, made: list[Resource]) -> None:
        """Keep what a file has come to."""
        self._new[digest] = made

    def close(self) -> None:
        """Keep what was used this time, and forget the rest."""
        if self._path is None or len(self._new) < _LEAST or self._new.keys() == self._old.keys():
            return
        content = msgspec.msgpack.encode(_Kept(self._new))
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside.write_bytes(_key() + hashlib.blake2b(content, digest_size=_SUM).digest() + content)
            beside.replace(self._path)
        except OSError:
            # A cache that cannot be kept costs the next load some time, and nothing else.
            with suppress(OSError):
                beside.unlink()

    def _read(self) -> dict[bytes, list[Resource]]:
        assert self._path is not None
        try:
            content = self._path.read_bytes()
        except OSError:
            return {}
        key, digest, kept = content[:_SUM], content[_SUM : 2 * _SUM], content[2 * _SUM :]
        if key != _key() or digest != hashlib.blake2b(kept, digest_size=_SUM).digest():
            return {}
        try:
            return msgspec.msgpack.decode(kept, type=_Kept).made
        except msgspec.DecodeError:
            return {}


@cache
def _key() -> bytes:
    """What makes what is kept: this code, the parser, and the packing."""
    root = resources.files("gateway_policies")
    sources = [root / "model.py", root / "durations.py"]
    sources += sorted(
        (each for each in (root / "loading").iterdir() if each.name.endswith(".py")), key=lambda e: e.name
    )
    said = [sys.version, msgspec.__version__, *(each.read_text(encoding="utf-8") for each in sources)]
    return hashlib.blake2b("\0".join(said).encode(), digest_size=_SUM).digest()
