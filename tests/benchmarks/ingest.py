"""Documents a second through the ingress, each durable before it is answered, against the same loop on a bare sink."""

from __future__ import annotations

import argparse
import statistics

from measuring import folder, hub, machine, until
from traffic import post_all, settings, switch, target


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few documents")
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    rounds, size = (1, 500) if options.quick else (3, 5_000)
    print(machine())
    with folder() as work, target(work) as sink, hub(work / "data", "--config", str(settings(work, sink))) as api:
        switch(sink, "apply")
        place = {"action": "hold", "reason": "measuring the ingress alone", "options": {"target": "ERP"}}
        plan = api.call("POST", "/admin/v1/plans", place)
        batch = api.call("POST", f"/admin/v1/plans/{plan['hash']}/run")
        until(lambda: api.call("GET", f"/admin/v1/batches/{batch['id']}")["finished_at"], "the hold", 30)
        post_all(api.url, api.token, range(200), options.concurrency)
        bare, taken = [], []
        for turn in range(rounds):
            numbers = range(1_000 + turn * size, 1_000 + (turn + 1) * size)
            bare.append(post_all(sink, api.token, numbers, options.concurrency))
            taken.append(post_all(api.url, api.token, numbers, options.concurrency))
        kept = api.count("flow:material-consumption")
    sent = 200 + rounds * size
    print(f"bare sink       {statistics.median(bare):8,.0f} documents/s")
    print(f"ingress         {statistics.median(taken):8,.0f} documents/s   (delivery held)")
    print(f"ratio {statistics.median(taken) / statistics.median(bare):.2f}, concurrency {options.concurrency}")
    print(f"{kept} of {sent} documents are in the store: {'all' if kept == sent else 'SOME ARE MISSING'}")


if __name__ == "__main__":
    main()
