"""``andon tx list -o json`` against httpie fetching the same page, pair by pair. Bar: no slower."""

from __future__ import annotations

import argparse
import subprocess
import sys

from measuring import andon, folder, hub, machine, pairs, quietly, ratio, seeded, spread


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few pairs, a small store")
    parser.add_argument("--httpie", help="the http command of an httpie that is there already")
    options = parser.parse_args()
    pair_count, size = (5, 1_000) if options.quick else (31, 100_000)
    print(machine())
    with folder() as work:
        http = options.httpie
        if http is None:
            quietly([sys.executable, "-m", "venv", str(work / "httpie")])
            quietly([str(work / "httpie/bin/pip"), "install", "-q", "httpie"])
            http = str(work / "httpie/bin/http")
        print(f"seeding {size}: {seeded(work / 'data', size):,.0f} a second")
        with hub(work / "data") as api:
            env = api.environment
            ours = [*andon(), "tx", "list", "-o", "json"]
            theirs = [http, "--ignore-stdin", "--check-status", "--body", f"{api.url}/admin/v1/transactions?limit=50"]
            theirs.append(f"Authorization:Bearer {api.token}")
            shown = subprocess.run(ours, env=env, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
            print(f"one page of 50, {len(shown):,} bytes, of {size:,} failed transactions")
            httpie, listed = pairs(lambda: quietly(theirs, env), lambda: quietly(ours, env), pair_count)
    print(f"http GET …              {spread(httpie)}")
    print(f"andon tx list -o json   {spread(listed)}")
    times = ratio(listed, httpie)
    print(f"ratio {times:.2f} (bar: 1.0 or less): {'met' if times <= 1 else 'MISSED'}")


if __name__ == "__main__":
    main()
