"""Diagnosis: seeded incidents of one to four faults on a real hub. Are the causes named, does the advice help?

Prints precision and recall of the top-ranked causes against the faults that show (bar: 95 %), how often the order that
is recommended recovers the books where they can be (bar: 100 %), and how many double postings that made (bar: none).
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from incidents import Incident, incident, matched, unmasked
from measuring import folder, hub, machine
from shift import Shift

BEFORE, DURING = 36, 80
"""Documents of a healthy shift, and those sent while the faults are on."""
_ROUNDS = 12
_OPEN = "-status:processed,duplicate,compensated,resolved,discarded"


@dataclass
class Outcome:
    """What became of an incident."""

    incident: Incident
    shown: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    listed: int = 0
    right: int = 0
    named: int = 0
    misses: list[str] = field(default_factory=list)
    rounds: int = 0
    recovered: bool = False
    left: str = ""
    kept: bool = False
    doubles: int = 0
    seconds: float = 0.0


def play(what: Incident) -> Outcome:
    """One incident, from the healthy shift to the end of the recovery."""
    begun = time.monotonic()
    outcome = Outcome(what)
    told = ("--simulate", "--seed", str(what.seed), "--speed", "60", "--paused")
    with folder() as work, hub(work / "data", *told) as api:
        shift = Shift(api.url, api.token)
        try:
            _play(outcome, shift)
        finally:
            shift.close()
    outcome.seconds = time.monotonic() - begun
    return outcome


def _play(outcome: Outcome, shift: Shift) -> None:
    shift.emit(BEFORE)
    for fault in outcome.incident.faults:
        shift.api.put("simulator/faults", json={"on": True, "name": fault.name, **fault.setting}).raise_for_status()
        outcome.incident.active.append(fault)
    shift.emit(DURING)
    shift.until(lambda: False, 3.0)  # late postings land, and what the sources recorded last counts as well
    told = shift.causes()
    judge(outcome, told["items"], shift)
    _recover(outcome, shift, told)


def judge(outcome: Outcome, causes: list[dict[str, Any]], shift: Shift) -> None:
    """Hold the causes against what was switched on."""
    faults = outcome.incident.faults
    shown = unmasked(faults, shift.found(), _hidden(shift))
    outcome.shown = [str(fault) for fault in shown]
    outcome.masked = [str(fault) for fault in faults if fault not in shown]
    pairs = matched(causes, shown + [fault for fault in faults if fault not in shown])
    top = {place: fault for place, fault in pairs.items() if place < len(shown) and fault in shown}
    outcome.listed, outcome.right, outcome.named = len(causes), len(pairs), len(top)
    outcome.misses += [f"not among the first: {fault}" for fault in shown if fault not in top.values()]
    outcome.misses += [f"no fault: {cause['title']}" for place, cause in enumerate(causes) if place not in pairs]


def _hidden(shift: Shift) -> dict[str, set[str]]:
    """What shows only in the books of the systems: quantities that are off, and what a target lied about."""
    mismatched = {flow["flow"] for flow in shift.books()["flows"] if flow["mismatched"]}
    kinds = ("orders", "holds", "lots", "shipments")
    lost = {
        name
        for kind in kinds
        for name in shift.operator.get(f"reconciliation/{kind}").raise_for_status().json()["reopenable"]
    }
    return {"wrong-master-data": mismatched, "lying-target": lost}


def _recover(outcome: Outcome, shift: Shift, told: dict[str, Any]) -> None:
    doubles = int(shift.books()["double"])
    before: object = None
    for _ in range(_ROUNDS):
        if not told["order"]:
            break
        outcome.rounds += 1
        shift.work_off(outcome.incident, told)
        now = int(shift.books()["double"])
        outcome.doubles += max(0, now - doubles)
        doubles = now
        told = shift.causes()
        state = ([step["text"] for step in told["order"]], sorted(one["id"] for one in shift.found(_OPEN)))
        if state == before:
            break  # nothing came of it
        before = state
    books = shift.books()
    outcome.recovered = bool(books["agree"]) and not books["in_flight"]
    wrong = int(books["mismatched"]) + int(books["double"])
    settled = not (books["missing"] or books["unresolved"] or books["in_flight"])
    outcome.kept = settled and 0 < wrong <= len(shift.kept)
    if not outcome.recovered:
        open_ones = Counter(
            (one["status"], (one["failure"] or {}).get("code"), one["flow"], one["target"])
            for one in shift.found(_OPEN)
        )
        figures = {name: books[name] for name in ("missing", "double", "mismatched", "in_flight", "unresolved")}
        active = [str(fault) for fault in outcome.incident.active]
        causes = [cause["title"] for cause in told["items"]]
        outcome.left = (
            f"{figures} still on: {active} open: {dict(open_ones)} causes: {causes} notes: {shift.notes[-6:]}"
        )


def main() -> None:
    """Play incidents and print what they came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six incidents")
    parser.add_argument("--incidents", type=int, default=100, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="seed of the first; each has the next one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="J", help="at one time")
    parser.add_argument("--verbose", action="store_true", help="every incident, not only those with something missed")
    options = parser.parse_args()
    count = 6 if options.quick else options.incidents
    print(machine())
    begun = time.monotonic()
    outcomes = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(play, map(incident, range(options.seed, options.seed + count))):
            outcomes.append(outcome)
            _tell(outcome, verbose=options.verbose)
    _conclude(outcomes, time.monotonic() - begun)


def _tell(outcome: Outcome, *, verbose: bool) -> None:
    wrong = outcome.misses or outcome.doubles or not (outcome.recovered or outcome.kept)
    if wrong or verbose:
        print(f"{outcome.incident}  [{outcome.rounds} rounds, {outcome.seconds:.0f} s]", flush=True)
        for line in outcome.masked:
            print(f"    hidden: {line}")
        for line in outcome.misses:
            print(f"    ■ {line}")
        if outcome.doubles:
            print(f"    ■ {outcome.doubles} double postings were made")
        if not outcome.recovered:
            said = "cannot be recovered: something was built on it" if outcome.kept else "not recovered"
            print(f"    {'▲' if outcome.kept else '■'} {said}: {outcome.left}", flush=True)


def _conclude(outcomes: list[Outcome], seconds: float) -> None:
    shown = sum(len(one.shown) for one in outcomes)
    listed = sum(one.listed for one in outcomes)
    recall = sum(one.named for one in outcomes) / max(1, shown)
    precision = sum(one.right for one in outcomes) / max(1, listed)
    recovered = sum(one.recovered for one in outcomes)
    doubles = sum(one.doubles for one in outcomes)
    print(
        f"{len(outcomes)} incidents, {sum(len(one.incident.faults) for one in outcomes)} faults, {shown} of them show"
    )
    print(f"precision {precision:.1%} of {listed} causes that were named (bar: 95 %): {_met(precision >= 0.95)}")
    print(f"recall    {recall:.1%} among the top-ranked (bar: 95 %): {_met(recall >= 0.95)}")
    kept = sum(one.kept for one in outcomes)
    able = len(outcomes) - kept
    print(f"recovered {recovered} of {able} that could be (bar: all): {_met(recovered == able)}")
    print(f"not to be recovered {kept}: what was posted wrong had been built on, and the target does not reverse it")
    print(f"double postings made {doubles} (bar: none): {_met(not doubles)}")
    print(f"in {seconds:.0f} s")


def _met(good: bool) -> str:
    return "met" if good else "MISSED"


if __name__ == "__main__":
    main()
