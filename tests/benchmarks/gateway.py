"""What the gateway costs and how soon a change is in force: requests through it against the bare target, and one change
among 1,000 APIs from the asking to the first call that is answered by it.

The target is a server that does as little as one can, in a process of its own; the same client calls both in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from measuring import machine, quantile, ratio
from policies import policy_set

sys.path[:0] = [str(Path(__file__).parents[1] / "doubles")]

from gatehouse import Gatehouse  # noqa: E402

from gateway_policies.model import (  # noqa: E402
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Throttle,
    Version,
)
from hub.dataplane.blueprint import Target  # noqa: E402

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"


class Bare(asyncio.Protocol):
    """Answers every request head with the same few bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody calls."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """One or more requests without a body."""
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def serve() -> None:
    """Be the bare target until the process is ended; its port is the only output."""
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


async def load(url: str, path: str, token: str, requests: int, connections: int) -> tuple[float, list[float]]:
    """Requests a second, and how long each took, over connections that are kept."""
    host, _, port = url.removeprefix("http://").partition(":")
    head = f"GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    times: list[float] = []

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(count):
            begun = time.perf_counter()
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            await reader.readexactly(2)
            times.append(time.perf_counter() - begun)
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(one(requests // connections) for _ in range(connections)))
    return len(times) / (time.perf_counter() - begun), times


def small() -> list[Resource]:
    """One API with everything on the way: a scope, two throttles that let all through, headers of its life."""
    wide = {"requests": 1_000_000, "per_seconds": 1}
    operation = Operation(methods=("GET",), path="/{order}", scope="orders.read")
    return [
        Issuer(name="hub", url="hub:"),
        Api(name="orders", owner="o", base_path="/o", upstream="system:ERP", operations=(operation,), throttle="a"),
        Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE),
        Scope(name="orders.read"),
        Throttle(name="a", **wide),
        Throttle(name="c", **wide),
        Consumer(name="mes", owner="o", throttle="c", credential=Credential(issuer="hub", client_id="mes")),
        Grant(consumer="mes", scope="orders.read"),
    ]


def throughput(house: Gatehouse, target: str, rounds: int, requests: int, connections: int) -> None:
    """The same calls at the target and through the gateway, in turn."""
    house.sources.addresses["system:ERP"] = [Target(url=target)]
    house.apply(*small())
    token = house.token("mes", "orders.read")
    gateway = house.plane.url
    assert gateway is not None
    bare: list[tuple[float, list[float]]] = []
    through: list[tuple[float, list[float]]] = []
    for _ in range(rounds + 1):  # the first does not count
        bare.append(asyncio.run(load(target, "/4711", token, requests, connections)))
        through.append(asyncio.run(load(gateway, "/o/v1/4711", token, requests, connections)))
    for name, found in (("bare target", bare[1:]), ("through the gateway", through[1:])):
        every = [each for _, times in found for each in times]
        print(
            f"{name:20} {statistics.median(rate for rate, _ in found):8,.0f} requests/s   median "
            f"{statistics.median(every) * 1000:6.2f} ms   p99 {quantile(every, 0.99) * 1000:6.2f} ms"
        )
    print(f"ratio of the rates   {ratio([rate for rate, _ in through[1:]], [rate for rate, _ in bare[1:]]):8.2f}")


def time_to_effect(house: Gatehouse, share: float, rounds: int) -> None:
    """One operation more, one grant less, one throttle higher, among many."""
    live = dict(policy_set(share).resources)
    house.sources.targets = lambda _upstream: [Target(url=house.target.url)]  # type: ignore[method-assign]
    counts = {kind: sum(isinstance(each, kind) for each in live.values()) for kind in (Api, Version, Consumer, Grant)}
    print(", ".join(f"{count:,} {kind.__name__}" for kind, count in counts.items()))

    def take(wanted: dict[str, Resource]) -> tuple[float, float]:
        house.revision += 1
        begun = time.perf_counter()
        prepared = house.run(lambda: house.plane.check(wanted))
        checked = time.perf_counter()
        house.run(lambda: house.plane.apply(wanted, house.revision, prepared))
        return checked - begun, time.perf_counter() - checked

    print("first                tried in {:.2f} s, in force after {:.2f} s more".format(*take(live)))
    api = next(each for each in live.values() if isinstance(each, Api))
    grants = [each for each in live.values() if isinstance(each, Grant)]
    throttle = next(each for each in live.values() if isinstance(each, Throttle))
    for name in ("an operation more", "a grant less", "a throttle higher"):
        times = []
        for n in range(rounds):
            if name == "an operation more":
                more = Operation(methods=("GET",), path=f"/more-{n}")
                live = {**live, api.address: msgspec.structs.replace(api, operations=(*api.operations, more))}
            elif name == "a grant less":
                live = {address: each for address, each in live.items() if address != grants[n].address}
            else:
                live = {**live, throttle.address: msgspec.structs.replace(throttle, requests=throttle.requests + n + 1)}
            times.append(take(live))
        whole = [sum(each) for each in times]
        print(
            f"{name:20} tried in {statistics.median(each[0] for each in times):.2f} s, in force after "
            f"{statistics.median(each[1] for each in times):.2f} s more: {statistics.median(whole):.2f} s "
            f"(slowest of {rounds}: {max(whole):.2f})"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
        return
    print(machine())

    with tempfile.TemporaryDirectory() as folder:
        house = Gatehouse(Path(folder))
        target = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE)
        try:
            assert target.stdout is not None
            port = int(target.stdout.readline())
            rounds, requests = (2, 400) if arguments.quick else (7, 8_000)
            throughput(house, f"http://127.0.0.1:{port}", rounds, requests, 8)
            time_to_effect(house, 0.02 if arguments.quick else 1.0, 2 if arguments.quick else 7)
        finally:
            target.kill()
            target.wait()
            house.close()


if __name__ == "__main__":
    main()
