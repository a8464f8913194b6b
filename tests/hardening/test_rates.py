"""One person or program cannot keep the hub from answering the others."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hub.api.limits import RateLimit, RateLimiter
from hub.app import application
from hub.caution import Caution
from hub.logs import set_up_logs
from transactions.errors import TooManyRequests

FEW = Caution(names=(), rate=RateLimit(requests_per_second=0.5, burst=5))
NONE = Caution(names=(), rate=RateLimit(requests_per_second=0))


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


async def test_without_a_limit_somebody_has_everything_answered(client_of) -> None:
    client = client_of(NONE)
    answers = [await client.get("/admin/v1/whoami") for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers


async def test_with_one_the_bucket_empties_and_says_when_to_come_back(client_of, problem) -> None:
    client = client_of(FEW)
    answers = [await client.get("/admin/v1/whoami") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert [answer.headers["ratelimit"].partition(";t")[0] for answer in answers[:5]] == [
        f'"admin";r={left}' for left in (4, 3, 2, 1, 0)
    ]
    refused = answers[-1]
    detail = problem(refused, 429, "too-many-requests")
    assert "ann has asked more often" in detail
    assert refused.headers["retry-after"] == "2" == str(refused.json()["retry_after"])
    assert refused.headers["ratelimit-policy"] == '"admin";q=5;w=10'
    assert refused.headers["ratelimit"].startswith('"admin";r=0')
    assert refused.headers["x-content-type-options"] == "nosniff"


async def test_each_person_has_a_bucket_of_their_own(client_of) -> None:
    client = client_of(FEW)
    for _ in range(8):
        await client.get("/admin/v1/whoami")
    answer = await client.get("/admin/v1/whoami", headers={"Authorization": "Bearer bea-token"})
    assert answer.status_code == 200


async def test_a_wrong_token_is_401_whoever_is_exhausted_and_takes_from_nobody(client_of, problem) -> None:
    client = client_of(FEW)
    for n in range(30):  # before: a stranger uses up nothing
        answer = await client.get("/admin/v1/whoami", headers={"Authorization": f"Bearer wrong-{n}"})
        problem(answer, 401, "unauthenticated")
        assert "ratelimit" not in answer.headers
    answers = [await client.get("/admin/v1/whoami") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    for header in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):  # and after
        problem(await client.get("/admin/v1/whoami", headers=header), 401, "unauthenticated")


async def test_what_is_forbidden_and_what_is_not_there_count_too(client_of, problem) -> None:
    client = client_of(FEW, "bea-token")
    codes = [(await client.get(path)).status_code for path in ("/admin/v1/audit", "/admin/v1/nothing") * 3]
    assert codes[:5] == [403, 404, 403, 404, 403]
    assert codes[5] == 429


async def test_documents_of_sources_and_health_are_not_counted(client_of) -> None:
    client = client_of(FEW, "mes-token")
    for _ in range(8):
        answer = await client.post("/ingress/nothing", json={})
        assert (answer.status_code, "ratelimit" in answer.headers) == (404, False)
        assert (await client.get("/healthz")).status_code == 200


async def test_two_issuers_may_each_have_somebody_of_one_name(seconds) -> None:
    limiter = RateLimiter(RateLimit(requests_per_second=1, burst=1), seconds)
    limiter.take("ann", "https://one.example")
    limiter.take("ann", "https://two.example")
    with pytest.raises(TooManyRequests):
        limiter.take("ann", "https://one.example")


def test_a_bucket_fills_again_and_holds_no_more_than_it_does(seconds) -> None:
    limiter = RateLimiter(RateLimit(requests_per_second=2, burst=3), seconds)
    assert [limiter.take("ann").remaining for _ in range(3)] == [2, 1, 0]
    with pytest.raises(TooManyRequests) as caught:
        limiter.take("ann")
    assert caught.value.extra == {"retry_after": 1}
    seconds.now += 0.5
    assert limiter.take("ann").remaining == 0
    with pytest.raises(TooManyRequests):
        limiter.take("ann")
    seconds.now += 3600
    assert limiter.take("ann").remaining == 2


def test_many_people_do_not_make_it_grow(seconds) -> None:
    naive: dict[str, tuple[float, float]] = {}
    limiter = RateLimiter(RateLimit(requests_per_second=10, burst=10), seconds, most=100)
    for n in range(1000):
        naive[f"person {n}"] = (9.0, seconds.now)
        limiter.take(f"person {n}")
    assert len(naive) == 1000
    assert len(limiter) == 100
    seconds.now += 2  # every bucket is full again, which is as good as none
    limiter.take("ann")
    assert len(limiter) == 1


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_never_more_than_the_burst_and_what_came_back_since(pauses: list[float]) -> None:
    seconds = Seconds()
    limiter = RateLimiter(RateLimit(requests_per_second=4, burst=6), seconds)
    granted, began, waits = 0, seconds.now, set()
    for pause in pauses:
        seconds.now += pause
        try:
            limiter.take("ann")
        except TooManyRequests as refused:
            waits.add(refused.extra["retry_after"])
        else:
            granted += 1
        assert granted <= 6 + 4 * (seconds.now - began) + 1e-6
    assert waits <= {1}


async def test_the_log_tells_of_refusals_and_is_not_written_full(client_of, capsys) -> None:
    before = structlog.get_config()
    set_up_logs()
    try:
        client = client_of(FEW, "bea-token")
        for n in range(50):
            await client.get("/admin/v1/whoami", headers={"Authorization": f"Bearer wrong-{n}"})
        for _ in range(50):
            await client.get("/admin/v1/audit")
    finally:
        structlog.configure(**before)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    kinds = [line["event"] for line in told]
    assert kinds.count("api.unauthenticated") == 1
    assert kinds.count("api.forbidden") == 5  # as many as are answered
    assert kinds.count("api.too-many-requests") == 1
    assert "bea" in next(line["because"] for line in told if line["event"] == "api.forbidden")
    assert not [line for line in told if "wrong-" in str(line) or "bea-token" in str(line)]


async def test_one_person_s_open_requests_do_not_take_every_place(bare_hub, client_of, serve, problem) -> None:
    """Streams cost a place each for as long as they are open; without an end to them, nobody else finds one."""

    async def streams(rate: RateLimit, number: int) -> list[int]:
        async with serve(application(bare_hub, Caution(names=(), rate=rate))) as port, httpx.AsyncClient() as client:
            opened: list[httpx.Response] = []
            headers = {"Authorization": "Bearer bea-token"}
            for _ in range(number):
                request = client.build_request("GET", f"http://127.0.0.1:{port}/admin/v1/events", headers=headers)
                opened.append(await client.send(request, stream=True))
            other = await client.get(
                f"http://127.0.0.1:{port}/admin/v1/whoami", headers={"Authorization": "Bearer ann-token"}
            )
            assert other.status_code == 200
            codes = [answer.status_code for answer in opened]
            for answer in opened:
                await answer.aclose()
            async with asyncio.timeout(30):  # what has ended makes room again
                while (
                    await client.get(f"http://127.0.0.1:{port}/admin/v1/whoami", headers=headers)
                ).status_code != 200:
                    await asyncio.sleep(0.01)
            return codes

    assert await streams(RateLimit(under_way=0), 12) == [200] * 12
    assert await streams(RateLimit(under_way=3), 5) == [200, 200, 200, 429, 429]


def test_what_is_under_way_is_counted_by_person_and_forgotten_when_it_ends() -> None:
    limiter = RateLimiter(RateLimit(under_way=2))
    for _ in range(2):
        limiter.begin("ann")
    limiter.begin("ann", "https://elsewhere.example")
    with pytest.raises(TooManyRequests, match="2 requests under way"):
        limiter.begin("ann")
    limiter.end("ann")
    limiter.begin("ann")
    for _ in range(2):
        limiter.end("ann")
    limiter.end("ann", "https://elsewhere.example")
    assert limiter._under_way == {}
