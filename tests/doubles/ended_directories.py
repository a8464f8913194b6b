"""Applies one changeset to many directories, and is ended (SIGKILL) in each at the next instant.

A program of its own, since only a process without threads may be forked: ``ended_directories.py CHANGESET DIRECTORY…``.
It prints for each directory whether the change came to its end there.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway_policies.changeset import Changeset
from gateway_policies.directory import Directory


def main(changeset: Changeset, paths: list[Path]) -> None:
    for instant, path in enumerate(paths, start=1):
        child = os.fork()
        if child == 0:
            _change(changeset, path, instant)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("ended" if os.WIFSIGNALED(status) else "done" if status == 0 else "failed", flush=True)


def _change(changeset: Changeset, path: Path, instant: int) -> None:
    left = instant

    def pause(_what: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    Directory(path, "plant-gateway", pause=pause).apply(changeset, datetime.now(UTC))


if __name__ == "__main__":
    main(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Changeset), list(map(Path, sys.argv[2:])))
