"""What counting the gateway's calls costs: how fast a log is caught up with, the share of a core at 1,000 calls a
second, what it takes on disk; and how fast a simulation runs.

No bar of its own. The share is processor time of this process, in which nothing else runs but the follower.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measuring import folder, machine, timed

sys.path.insert(0, str(Path(__file__).parent.parent / "doubles"))

from access_log import BEGIN, line
from plant_doubles import plant
from sqlalchemy import func, select

from gateway_policies.simulating.running import Group, Run
from hub.store.database import Database, open_database
from hub.store.usage_schema import usage_arrivals, usage_counts
from hub.usage.following import UsageFollower
from transactions.clock import SystemClock

_CONSUMERS, _APIS, _OPERATIONS = 50, 20, 3
_PER_SECOND = 1_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 lines, 3 seconds")
    quick = parser.parse_args().quick
    lines, seconds = (20_000, 3) if quick else (300_000, 20)
    print(machine())
    with folder() as place:
        asyncio.run(catch_up(place / "catch-up", lines))
    with folder() as place:
        asyncio.run(steady(place / "steady", seconds))
    simulate(600 if quick else 7 * 24 * 3_600 // 60)


def calls(count: int, begin: float) -> Iterator[bytes]:
    """Calls of many consumers at many APIs, 1,000 a second."""
    chance = random.Random(int(begin * 1_000))
    for number in range(count):
        yield line(
            begin + number / _PER_SECOND,
            client=f"consumer-{chance.randrange(_CONSUMERS)}",
            api=f"api-{chance.randrange(_APIS)}",
            operation=f"GET /{{order}}/{chance.randrange(_OPERATIONS)}",
            refused="throttled" if chance.random() < 0.02 else None,
        )


def opened(place: Path) -> tuple[Database, UsageFollower, Path]:
    """A store, a follower, and its log."""
    logs = place / "gateway" / "log"
    logs.mkdir(parents=True)
    database = open_database(place)
    return database, UsageFollower(database, logs, SystemClock()), logs / "access.jsonl"


async def catch_up(place: Path, count: int) -> None:
    """A log that is there already."""
    database, follower, log = opened(place)
    with log.open("wb") as file:
        file.writelines(calls(count, _recently()))
    began, used = time.perf_counter(), time.process_time()
    await follower.catch_up()
    took, cpu = time.perf_counter() - began, time.process_time() - used
    size = log.stat().st_size
    print(f"caught up       {count / took:10,.0f} lines/s, {count / cpu:,.0f} for each second of a core")
    print(f"                {size / count:.0f} bytes a line, {size / took / 1e6:.1f} MB/s")
    with database.read_engine.connect() as connection:
        rows = sum(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (usage_counts, usage_arrivals)
        )
    database.close()
    stored = sum(each.stat().st_size for each in place.glob("andon.db*"))
    empty = _empty(place.parent / "empty")
    print(f"on disk         {(stored - empty) / rows:10,.0f} bytes a row, {rows:,} rows")


def _empty(place: Path) -> int:
    place.mkdir()
    open_database(place).close()
    return sum(each.stat().st_size for each in place.glob("andon.db*"))


async def steady(place: Path, seconds: int) -> None:
    """1,000 lines a second, written ten times a second: what counting takes of a core, and how far behind it is."""
    database, follower, log = opened(place)
    parts = [b"".join(calls(_PER_SECOND // 10, _recently() + number / 10)) for number in range(seconds * 10)]
    behind = []
    follower.start()
    with log.open("ab", buffering=0) as file:
        used, began = time.process_time(), time.perf_counter()
        for number, part in enumerate(parts, 1):
            file.write(part)
            await asyncio.sleep(max(0.0, began + number / 10 - time.perf_counter()))
            behind.append(follower.behind() / len(parts[0]) / 10)
        cpu, took = time.process_time() - used, time.perf_counter() - began
    await follower.close()
    database.close()
    print(f"steady          {cpu / took:10.1%} of a core at {len(parts) * 100 / took:,.0f} calls/s")
    print(f"                {statistics.median(behind):.2f} s behind (most {max(behind):.2f})")


def simulate(minutes: int) -> None:
    """A week of two consumers at ten calls a second each."""
    run = Run(plant(), plant(), 0.0)

    def work() -> None:
        for second in range(minutes * 60):
            run.second(second, [Group(each, "production-orders", 10) for each in ("mes-p01", "mes-p03")])

    took = timed(work)
    print(
        f"simulated       {run.result().calls / took:10,.0f} calls/s, counted by the second ({minutes * 60:,} seconds)"
    )


def _recently() -> float:
    """Seconds from the log's own beginning to an hour ago."""
    return (datetime.now(UTC) - timedelta(hours=1) - BEGIN).total_seconds()


if __name__ == "__main__":
    main()
