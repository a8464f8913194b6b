"""Replay through the hub against a bare httpx loop that makes the same requests at the same concurrency. Bar: 0.6.

N documents are refused by a local target until they have failed. The target then applies, and one plan replays all of
them: each is delivered and verified by a lookup, with every guarantee. The bare loop makes as many deliveries and
lookups, of the same documents, as the target counted.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time

import httpx
from measuring import Api, folder, hub, machine, until
from traffic import document, post_all, settings, switch, target

CONCURRENCY = 16  # what the hub allows itself to one target


def replay(api: Api) -> tuple[int, float, float]:
    """Replay everything that failed; returns how many, and the seconds for plan and run."""
    begun = time.perf_counter()
    request = {"action": "replay", "reason": "the master data is maintained", "filter": "status:failed"}
    plan = api.call("POST", "/admin/v1/plans", request)
    planned = time.perf_counter() - begun
    begun = time.perf_counter()
    batch = api.call("POST", f"/admin/v1/plans/{plan['hash']}/run")
    until(lambda: api.call("GET", f"/admin/v1/batches/{batch['id']}")["finished_at"], "the batch", 900)
    ran = time.perf_counter() - begun
    done = api.call("GET", f"/admin/v1/batches/{batch['id']}")
    if done["counts"].get("processed") != done["total"]:
        raise SystemExit(f"not everything was processed: {done['counts']}")
    return done["total"], planned, ran


async def bare(url: str, deliveries: int, lookups: int) -> float:
    """The same requests, by nothing but httpx; returns seconds."""
    todo = iter(range(max(deliveries, lookups)))
    limits = httpx.Limits(max_connections=CONCURRENCY)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:

        async def work() -> None:
            for n in todo:
                key = f"MES:P01:material-consumption:MC-{n:08d}:ERP"
                headers = {
                    "content-type": "application/json",
                    "idempotency-key": key,
                    "ce-type": "material-consumption",
                }
                if n < deliveries:
                    await client.post("/documents/material-consumption", content=document(n), headers=headers)
                if n < lookups:
                    await client.get(f"/postings/{key}")

        begun = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
        return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few transactions")
    options = parser.parse_args()
    rounds, size = (1, 300) if options.quick else (3, 3_000)
    print(machine())
    through, direct, planning = [], [], []
    with folder() as work, target(work) as url, hub(work / "data", "--config", str(settings(work, url))) as api:
        for turn in range(rounds):
            switch(url, "refuse")
            post_all(api.url, api.token, range(turn * size, (turn + 1) * size), 32)
            until(lambda: api.count("status:failed") == size, "all refused", 300)
            switch(url, "apply")
            total, planned, ran = replay(api)
            counted = switch(url, "apply")
            seconds = asyncio.run(bare(url, counted["deliveries"], counted["lookups"]))
            through.append(total / ran)
            direct.append(total / seconds)
            planning.append(total / planned)
            asked = f"{counted['deliveries']} deliveries, {counted['lookups']} lookups"
            print(f"round {turn + 1}: {total} replayed in {ran:.1f} s, bare {seconds:.1f} s ({asked})")
    print(f"planned            {statistics.median(planning):8,.0f} transactions/s")
    print(f"replayed           {statistics.median(through):8,.0f} transactions/s")
    print(f"bare httpx loop    {statistics.median(direct):8,.0f} transactions/s, concurrency {CONCURRENCY}")
    times = statistics.median(one / other for one, other in zip(through, direct, strict=True))
    print(f"ratio {times:.2f} (bar: 0.6 or more): {'met' if times >= 0.6 else 'MISSED'}")


if __name__ == "__main__":
    main()
