"""``andon --help`` against the bare interpreter, in alternating pairs. Bar: 150 ms, or 6 times the interpreter."""

from __future__ import annotations

import argparse
import statistics
import sys

from measuring import andon, machine, pairs, quietly, ratio, spread


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few pairs")
    count = 5 if parser.parse_args().quick else 41
    print(machine())
    bare, page = pairs(lambda: quietly([sys.executable, "-c", "pass"]), lambda: quietly([*andon(), "--help"]), count)
    print(f"python -c pass   {spread(bare)}")
    print(f"andon --help     {spread(page)}")
    times = ratio(page, bare)
    met = statistics.median(page) < 0.150 or times < 6
    print(f"ratio {times:.2f} (bar: under 150 ms or 6 times): {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
