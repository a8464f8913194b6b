"""The admin API on 10,000 and on 1,000,000 failed transactions, over HTTP.

Bars at 1,000,000: first page and any next page under 20 ms; groups by status, plant, flow and target under 50 ms; text
search under 100 ms; a filter by an indexed field under 30 ms; ingest not slowed by more than a quarter against an empty
store. Growth is the median at the larger store against that at the smaller one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from measuring import Api, folder, hub, machine, quantile, seeded, until
from traffic import post_all

from transactions.pages import Cursor, encode_cursor

SORTS = ("-created_at", "-failed_at", "failed_at", "due_at", "priority", "flow", "plant", "status")
"""What the console offers, and what the API begins with."""


class Caller:
    """Asks over one connection, as the console does."""

    def __init__(self, api: Api) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=600)
        self._headers = {"Authorization": f"Bearer {api.token}"}

    def get(self, path: str) -> Any:
        """An answer's JSON."""
        self._connection.request("GET", f"/admin/v1/{path}", headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"GET {path}: HTTP {answer.status} {body[:300]!r}")
        return json.loads(body)

    def list(self, text: str = "", sort: str = "-created_at", limit: int = 50, cursor: str | None = None) -> Any:
        """A page of transactions."""
        return self.get(_list(text, sort, limit, cursor))


def _list(text: str, sort: str, limit: int = 50, cursor: str | None = None) -> str:
    rest = "" if cursor is None else f"&cursor={quote(cursor)}"
    return f"transactions?filter={quote(text)}&sort={sort}&limit={limit}{rest}"


def deep(caller: Caller, text: str, sort: str, place: float, span: tuple[int, int]) -> str:
    """A cursor far into a list, made of a transaction that is there."""
    name = sort.removeprefix("-")
    if name not in ("created_at", "failed_at", "due_at"):
        cursor = caller.list(text, sort, 1000)["next_cursor"] or caller.list(text, sort, 50)["next_cursor"]
        return str(cursor)
    moment = datetime.fromtimestamp((span[0] + (span[1] - span[0]) * place) / 1e6).astimezone().isoformat()
    one = caller.list(f"{text} {name}>{moment}".strip(), name, 1)["items"][0]
    micros = round(datetime.fromisoformat(one[name]).timestamp() * 1_000_000)
    return encode_cursor(Cursor(f"transactions:{sort}", micros, one["id"]))


def questions(caller: Caller) -> Iterator[tuple[str, float, list[str]]]:
    """What is measured, its bar in milliseconds, and the paths that are asked in turn."""
    newest, oldest = (caller.list(sort=sort, limit=1)["items"][0] for sort in ("-failed_at", "failed_at"))
    span = tuple(round(datetime.fromisoformat(one["failed_at"]).timestamp() * 1e6) for one in (oldest, newest))
    one = caller.list("order:* lot:*", "-created_at", 50)["items"][-1]
    keys = one["business_keys"]
    yield "nothing (whoami)", 0, ["whoami"]
    yield "first page", 20, [_list(text, sort) for text in ("", "status:failed") for sort in SORTS]
    places = (0.1, 0.5, 0.9)
    yield (
        "next page, anywhere",
        20,
        [
            _list(text, sort, cursor=deep(caller, text, sort, place, (span[0], span[1])))
            for text in ("", "status:failed")
            for sort in SORTS
            for place in (places if sort.endswith("_at") else places[:1])
        ],
    )
    groups = ("status:failed", "plant:P03", "flow:goods-receipt", "target:ERP", "status:failed plant:P01 target:MES")
    yield "groups", 50, ["groups", *(f"groups?filter={quote(text)}" for text in groups)]
    words = [
        keys["order"], keys["lot"], "certificate", '"deficit of SL"', "lot", '"is not maintained"', "nowhere-at-all",
        f'"{one["idempotency_key"]}"', "message:locked", "plant:P02 certificate", "-certificate", '"Posting period"',
    ]  # fmt: skip
    yield "search", 100, [_list(text, sort) for text in words for sort in ("-created_at", "-failed_at")]
    filters = [
        "status:failed", "status:held,in-doubt", "plant:P03", "flow:goods-receipt", "flow:goods*", "target:ERP",
        f"group:{one['group']}", f"id:{one['id']}", f"correlation_id:{one['correlation_id']}",
        f"idempotency_key:{one['idempotency_key']}", f"order:{keys['order']}", f"lot:{keys['lot']}",
        f"order:{keys['order'][:5]}*", "created_at>-1h", "failed_at>-2h", "failed_at<-2h", "due_at<+30m", "age>2h",
        "overdue:true", "priority:due", "assignee:ann", "ticket:INC-1", "status:failed plant:P03 flow:goods-receipt",
        "-target:ERP", "plant:P01 or target:WMS",
    ]  # fmt: skip
    yield "filter, indexed", 30, [_list(text, sort) for text in filters for sort in ("-created_at", "-failed_at")]
    counts = ("", "status:failed", "status:failed plant:P03", "age>2h", "kind:locked", "certificate")
    yield "count", 0, [f"transactions/count?filter={quote(text)}" for text in counts]
    other = ("attempts>1", "source:NOBODY", "document:4900*", "order:*77", "kind:locked", "content_type:*xml*")
    yield "other filters", 1000, [_list(text, "-created_at") for text in other]


def ask_all(api: Api, rounds: int, *, slowest: bool) -> dict[str, float]:
    """Ask everything, print what it took, and return the medians."""
    caller, medians = Caller(api), {}
    for name, bar, paths in questions(caller):
        by_path: dict[str, list[float]] = {}
        for path in paths:
            caller.get(path)  # the first one reads from the disk
            by_path[path] = [_time(lambda path=path: caller.get(path)) for _ in range(rounds)]
        times = [each for values in by_path.values() for each in values]
        slow = max(by_path.values(), key=statistics.median)
        median, p95 = statistics.median(times), quantile(times, 0.95)
        missed = bool(bar) and statistics.median(slow) * 1000 >= bar
        verdict = "" if not bar else f"(bar {bar:g}: {'MISSED' if missed else 'met'})"
        print(
            f"  {name:<20} median {median * 1000:7.1f} ms   p95 {p95 * 1000:7.1f}   slowest question: median "
            f"{statistics.median(slow) * 1000:7.1f}, best {min(slow) * 1000:7.1f} {verdict}",
            flush=True,
        )
        if slowest or missed:
            for path, values in sorted(by_path.items(), key=lambda pair: -statistics.median(pair[1]))[:4]:
                took = f"{statistics.median(values) * 1000:7.1f}, best {min(values) * 1000:7.1f}"
                print(f"      {took}  {unquote(path)[:110]}")
        medians[name] = median
    return medians


def _time(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


@contextmanager
def served(data: Path) -> Iterator[Api]:
    """A hub on a store, once its search has caught up."""
    with hub(data) as api:
        caller = Caller(api)
        behind = caller.get("status")["search_behind"]
        begun = time.perf_counter()
        until(lambda: caller.get("status")["search_behind"] == 0, "the index of the search", 3_600)
        if behind:
            print(f"  {behind:,} indexed behind the store in {time.perf_counter() - begun:.0f} s")
        yield api


def ingest(full: Path, empty: Path, rounds: int, size: int) -> None:
    """Documents a second into both stores, in turn, with deliveries held."""
    settings = Path(full.parent / "ingest.toml")
    settings.write_text('[system.ERP]\ntitle = "ERP"\nurl = "http://127.0.0.1:9"\n', encoding="utf-8")
    with ExitStack() as stack:
        apis = [stack.enter_context(hub(data, "--config", str(settings))) for data in (empty, full)]
        for api in apis:
            place = {"action": "hold", "reason": "measuring the ingress alone", "options": {"target": "ERP"}}
            plan = api.call("POST", "/admin/v1/plans", place)
            if plan.get("approval") is None:
                api.call("POST", f"/admin/v1/plans/{plan['hash']}/run")
        rates: list[list[float]] = [[], []]
        for turn in range(rounds + 1):
            for place_of, api in enumerate(apis):
                first = 1_000_000 * (turn + 1)
                rate = post_all(api.url, api.token, range(first, first + size), 64)
                if turn:  # the first round warms the caches
                    rates[place_of].append(rate)
    share = statistics.median(one / other for one, other in zip(rates[1], rates[0], strict=True))
    print(f"  ingest into an empty store {statistics.median(rates[0]):7,.0f} documents/s")
    print(f"  ingest into the full one   {statistics.median(rates[1]):7,.0f} documents/s")
    print(f"  ratio {share:.2f} (bar 0.75 or more: {'met' if share >= 0.75 else 'MISSED'})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small stores, few rounds")
    parser.add_argument("--data", type=Path, help="a folder that `andon hub seed` filled; stands in for the larger one")
    parser.add_argument("--slowest", action="store_true", help="the slowest questions of each kind too")
    options = parser.parse_args()
    sizes, rounds, posts = ([1_000, 5_000], 2, 200) if options.quick else ([10_000, 1_000_000], 7, 3_000)
    print(machine())
    with folder() as work:
        medians = []
        for size in sizes:
            data = work / str(size)
            if options.data is not None and size == sizes[-1]:
                data = options.data
            else:
                print(f"{size:,} transactions, seeded at {seeded(data, size):,.0f} a second, search included")
            store, index = ((data / name).stat().st_size / 2**20 for name in ("andon.db", "search.db"))
            with served(data) as api:
                print(f"{api.count(''):,} transactions: store {store:,.0f} MiB, index {index:,.0f} MiB")
                medians.append(ask_all(api, rounds, slowest=options.slowest))
        growth = {name: medians[1][name] / medians[0][name] for name in medians[0]}
        print("growth " + ", ".join(f"{name} {times:.1f}" for name, times in growth.items()))
        ingest(data, work / "empty", 1 if options.quick else 3, posts)


if __name__ == "__main__":
    main()
