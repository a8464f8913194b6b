"""A large set of policies: load, lint and plan, in a process of its own. Bar: 2 s warm, 6 s cold, 300 MiB."""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from measuring import machine

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    PolicySet,
    Resource,
    Scope,
    Severity,
    Throttle,
    Version,
    by_address,
)

TODAY = date(2026, 11, 21)
APIS, CONSUMERS = 1_000, 5_000
SYSTEMS = ("ERP", "MES", "WMS", "QMS", "CMMS", "PLM", "TMS", "CRM", "APS")


def policy_set(share: float) -> PolicySet:
    """APIs with three versions each, consumers with four grants each; ``share`` of all of them."""
    apis, consumers = int(APIS * share), int(CONSUMERS * share)
    found: list[Resource] = [Issuer(name="plant-idp", url="https://idp.example/realms/plant")]
    found += [Throttle(name=f"t-{n}", requests=100 + n, per_seconds=60, burst=50) for n in range(20)]
    found += [Throttle(name=f"api-{n}", requests=1000 + n, per_seconds=1) for n in range(20)]
    for n in range(apis):
        name = f"api-{n:04}"
        scopes = [f"{name}.{verb}" for verb in ("read", "write")]
        found += [Scope(name=scope, description=f"What {scope} allows", owner="integration") for scope in scopes]
        found.append(
            Api(
                name=name,
                owner="integration",
                base_path=f"/s{n % 40}/{name}",
                upstream=f"system:{SYSTEMS[n % len(SYSTEMS)]}",
                system=SYSTEMS[n % len(SYSTEMS)],
                throttle=f"api-{n % 20}",
                operations=(
                    Operation(methods=("GET",), path="/{order}", scope=scopes[0]),
                    Operation(methods=("POST",), path="/{order}/release", scope=scopes[1], versions=("v2", "v3")),
                ),
            )
        )
        stages = (
            ("v1", Lifecycle.DEPRECATED, TODAY - timedelta(days=90), TODAY + timedelta(days=200), "v2"),
            ("v2", Lifecycle.ACTIVE, None, None, "v3"),
            ("v3", Lifecycle.DRAFT, None, None, None),
        )
        found += [
            Version(api=name, name=version, lifecycle=stage, deprecated_on=since, sunset_on=end, successor=after)
            for version, stage, since, end, after in stages
        ]
    for n in range(consumers):
        name = f"consumer-{n:04}"
        found.append(
            Consumer(
                name=name,
                owner=f"plant-{n % 30}-it",
                system=SYSTEMS[n % len(SYSTEMS)],
                plant=f"P{n % 30:02}",
                throttle=f"t-{n % 20}",
                credential=Credential(issuer="plant-idp", client_id=name, expires_on=TODAY + timedelta(days=300)),
            )
        )
        found += [
            Grant(
                consumer=name,
                scope=f"api-{(n * 7 + k) % apis:04}.{'read' if k else 'write'}",
                reason="reads and releases orders",
                expires_on=TODAY + timedelta(days=250),
            )
            for k in range(4)
        ]
    off = {"version-no-contract": Severity.OFF}  # contracts are not part of this measurement
    return PolicySet(gateway="plant-gateway", resources=by_address(found), lint=off)


def child(folder: Path, cache: Path) -> dict[str, Any]:
    """One whole run: the times of its parts in seconds, and the most memory that it had, in MiB."""
    begun = time.perf_counter()
    from gateway_policies.linting import lint
    from gateway_policies.loading import Cache, load
    from gateway_policies.planning.making import make_plan
    from gateway_policies.state import GatewayState

    times = {"imports": time.perf_counter() - begun}

    def part(name: str, action: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = action()
        times[name] = time.perf_counter() - start
        return result

    loaded = part("load", lambda: load(folder, cache=Cache(cache)))
    assert loaded.policies is not None, loaded.findings[:5]
    found = part("lint", lambda: lint(loaded.policies, loaded.places, TODAY))
    wanted = loaded.policies.resources
    # As it is from the second plan on: a hundred resources differ.
    live = {key: each for n, (key, each) in enumerate(wanted.items()) if n % (len(wanted) // 100)}
    owners = dict.fromkeys(live, loaded.policies.name)
    state = GatewayState(
        gateway="plant-gateway", revision=1, fingerprint="", live=live, owners=owners, applied=dict(live)
    )
    made = datetime(2026, 11, 21, tzinfo=UTC)
    gc.disable()  # as `andon policy plan` does
    plan = part("plan", lambda: make_plan(loaded.policies, state, made_at=made, places=loaded.places))
    assert len(plan.changes) == len(wanted) - len(live)
    empty = GatewayState(gateway="plant-gateway", revision=0, fingerprint="", live={}, owners={}, applied={})
    first = part("first plan", lambda: make_plan(loaded.policies, empty, made_at=made, places=loaded.places))
    assert len(first.changes) == len(wanted)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"times": times, "memory": memory, "findings": len(found), "files": loaded.files}


def run(folder: Path, cache: Path) -> dict[str, Any]:
    """A run in a process of its own."""
    command = [sys.executable, __file__, "--child", str(folder), "--cache", str(cache)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ})
    return dict(json.loads(done.stdout))


def tell(name: str, runs: list[dict[str, Any]], bar: float) -> None:
    """Print the medians of some runs, and of what they come to with the one plan and with the other."""
    parts = {part: statistics.median(each["times"][part] for each in runs) for part in runs[0]["times"]}
    print(f"{name:<5} " + "  ".join(f"{part} {seconds:5.2f}" for part, seconds in parts.items()) + " s")
    memory = max(each["memory"] for each in runs)
    for told, left in (("a hundred changes", "first plan"), ("everything is new", "plan")):
        whole = statistics.median(sum(each["times"].values()) - each["times"][left] for each in runs)
        met = whole < bar and memory < 300
        print(
            f"      {told}: {whole:5.2f} s, {memory:4.0f} MiB (bar: {bar:g} s, 300 MiB): {'met' if met else 'MISSED'}"
        )


def main() -> None:
    """Write the policies, measure and print."""
    from gateway_policies.writing.files import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the policies, once")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(given.child, given.cache)))
        return
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "policies"
        policies = policy_set(0.02 if given.quick else 1.0)
        files = len(write(policies, folder))
        print(f"{len(policies.resources):,} resources in {files:,} files")
        count = 1 if given.quick else 5
        cold = [run(folder, Path(name) / f"cache-{number}") for number in range(count)]
        warm = [run(folder, Path(name) / "cache-0") for _ in range(count)]
    tell("cold", cold, 6)
    tell("warm", warm, 2)
    print(f"findings of lint: {warm[0]['findings']:,}")


if __name__ == "__main__":
    main()
