"""``andon audit verify`` on an export of 1,000,000 entries, against a bare reader that only hashes the same lines.

No bar of its own but constant memory: the peak is printed for a tenth of the entries too.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measuring import andon, folder, machine, timed

from hub.audit_signer import AuditSigner
from transactions.audit import GENESIS, link
from transactions.audit_export import End, entry_line
from transactions.history import AuditEntry

_BARE = """
import hashlib, sys
with open(sys.argv[1], "rb") as file:
    for line in file:
        hashlib.sha256(line).hexdigest()
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 entries")
    count = 20_000 if parser.parse_args().quick else 1_000_000
    print(machine())
    with folder() as place:
        key = place / "key.json"
        signer = AuditSigner("bench", None)
        key.write_text(f"bench ed25519 {signer.public().jwk.x}\n")
        small, large = place / "small.jsonl", place / "large.jsonl"
        write(small, count // 10, signer)
        took = timed(lambda: write(large, count, signer))
        print(f"written         {count / took:10,.0f} entries/s   ({large.stat().st_size / count:.0f} bytes each)")
        bare, checked = [], []
        for _ in range(3):
            bare.append(timed(lambda: run([sys.executable, "-c", _BARE, str(large)])))
            checked.append(timed(lambda: verify(large, key)))
        peaks = [peak(lambda path=path: verify(path, key)) for path in (small, large)]
        print(f"bare hashes     {count / statistics.median(bare):10,.0f} lines/s")
        print(f"audit verify    {count / statistics.median(checked):10,.0f} entries/s")
        print(f"ratio {statistics.median(bare) / statistics.median(checked):.2f}")
        print(f"peak memory     {peaks[0]:.0f} MiB at {count // 10:,} entries, {peaks[1]:.0f} MiB at {count:,}")


def write(path: Path, count: int, signer: AuditSigner) -> None:
    """An export as a hub writes it."""
    begin, previous = datetime(2026, 1, 1, tzinfo=UTC), GENESIS
    with path.open("wb") as file:
        for seq in range(1, count + 1):
            entry = link(
                AuditEntry(
                    seq=seq,
                    at=begin + timedelta(seconds=seq),
                    actor="night-shift",
                    action="transaction.replayed",
                    subject=hashlib.md5(str(seq).encode(), usedforsecurity=False).hexdigest()[:26].upper(),
                    reason=f"batch {seq // 1000:026}",
                    before={"status": "failed", "revision": 0},
                    after={"status": "processed", "document": f"49{seq:08}", "failure": None},
                    previous=previous,
                    hash="",
                )
            )
            previous = entry.hash
            file.write(entry_line(entry))
        file.write(
            signer.end_line(
                End(
                    platform="bench",
                    first=1,
                    last=count,
                    count=count,
                    head=previous,
                    previous=GENESIS,
                    at=begin + timedelta(days=300),
                )
            )
        )


def verify(path: Path, key: Path) -> None:
    """The command; an export that does not hold ends the benchmark."""
    run([*andon(), "audit", "verify", str(path), "--key", str(key), "-o", "json"])


def run(command: list[str]) -> None:
    """Run to the end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=clean)


def peak(action: object) -> float:
    """MiB that the largest child so far was resident with, after ``action``; call it from the small to the large."""
    assert callable(action)
    action()
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    main()
