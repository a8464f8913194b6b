"""Tokens that renew themselves: in time, once, by one process at a time, and in the clients that send them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from oidc_issuer import Issuer

from platforms.asynchronous import AsyncClient
from platforms.contexts import Resolved
from platforms.errors import NoStorage, SignInFailed
from platforms.events import ConnectionState
from platforms.hub import server
from platforms.signin.entries import Entry, Key, entry_of
from platforms.signin.file_store import FileStore
from platforms.signin.grants import Client, Granted, GrantRefused
from platforms.signin.locking import locked
from platforms.signin.renewal import ByCredentials, ByRefresh, Renewed
from platforms.synchronous import SyncClient
from transactions.errors import Unauthenticated, Unreachable

HUB = "http://127.0.0.1:8470"
KEY = Key(origin=HUB, issuer="https://idp.example")
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
WHO = b'{"subject": "devi", "kind": "federated", "roles": [], "permissions": [], "expires_at": null}'
REFUSED = (
    b'{"type": "urn:andon:problem:unauthenticated", "title": "Not signed in", "status": 401, "detail": "Expired."}'
)


class Hands:
    """A clock whose hands somebody else moves."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Making:
    """Makes tokens ``made-1``, ``made-2`` …, each good for five minutes."""

    def __init__(self, clock: Hands) -> None:
        self.clock = clock
        self.before: list[Entry | None] = []

    def __call__(self, before: Entry | None) -> Entry | None:
        self.before.append(before)
        number = len(self.before)
        return entry(f"made-{number}", f"refresh-{number}", now=self.clock.now())


def entry(token: str, refresh: str | None = "refresh-0", *, life: float | None = 300, now: datetime = START) -> Entry:
    granted = Granted(access_token=token, token_type="Bearer", expires_in=life, refresh_token=refresh)
    return entry_of(granted, client_id="andon", resource=HUB, now=now)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    (tmp_path / "signin").mkdir()
    return FileStore(tmp_path / "signin")


@pytest.fixture
def making(clock: Hands) -> Making:
    return Making(clock)


@pytest.fixture
def renewed(store: FileStore, making: Making, clock: Hands, tmp_path: Path) -> Renewed:
    store.save(KEY, entry("first"))
    return Renewed(KEY, store.load(KEY), store, tmp_path / "lock", making, clock)


def test_a_token_is_sent_while_it_is_fresh(renewed: Renewed, making: Making, clock: Hands) -> None:
    assert renewed.current() == "first"
    clock.move(269)
    assert renewed.current() == "first"
    clock.move(1)
    assert renewed.current() is None, "half a minute before its end it is renewed"
    assert not making.before


def test_one_that_is_old_is_renewed_and_kept(renewed: Renewed, store: FileStore, making: Making, clock: Hands) -> None:
    clock.move(299)
    assert renewed.renew(None) == "made-1"
    assert renewed.current() == "made-1"
    kept = store.load(KEY)
    assert kept is not None
    assert (kept.access_token, kept.refresh_token) == ("made-1", "refresh-1")
    assert [each and each.refresh_token for each in making.before] == ["refresh-0"]


def test_one_that_is_refused_is_renewed_whatever_the_clock_says(renewed: Renewed, clock: Hands) -> None:
    assert renewed.renew("first") == "made-1"
    clock.move(60)
    assert renewed.renew("made-1") == "made-2"


def test_a_platform_that_refuses_every_token_floods_no_issuer(renewed: Renewed, making: Making, clock: Hands) -> None:
    assert renewed.renew("first") == "made-1"
    for _ in range(50):
        assert renewed.renew("made-1") is None
        clock.move(1)
    assert len(making.before) == 1
    assert renewed.current() == "made-1"


def test_what_another_process_renewed_is_taken_over(renewed: Renewed, store: FileStore, making: Making) -> None:
    store.save(KEY, entry("theirs", "refresh-theirs"))
    assert renewed.renew("first") == "theirs"
    assert not making.before, "its refresh token was not spent again"
    assert renewed.renew("theirs") == "made-1"
    assert making.before[-1] is not None
    assert making.before[-1].refresh_token == "refresh-theirs"


def test_many_threads_renew_once(renewed: Renewed, making: Making) -> None:
    got: list[str | None] = []
    threads = [threading.Thread(target=lambda: got.append(renewed.renew("first"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["made-1"] * 8
    assert len(making.before) == 1


def test_two_processes_renew_once(
    renewed: Renewed, store: FileStore, making: Making, clock: Hands, tmp_path: Path
) -> None:
    other = Renewed(KEY, store.load(KEY), store, tmp_path / "lock", making, clock)
    with locked(tmp_path / "lock"):
        threads = [threading.Thread(target=each.renew, args=("first",)) for each in (renewed, other)]
        for thread in threads:
            thread.start()
        assert not making.before, "somebody renewed without the lock"
    for thread in threads:
        thread.join()
    assert renewed.current() == other.current() == "made-1"
    assert len(making.before) == 1


def test_a_token_that_cannot_be_kept_is_still_used_here(
    renewed: Renewed, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_key: Key, _entry: Entry) -> None:
        raise NoStorage("It is full.")

    monkeypatch.setattr(store, "save", full)
    with pytest.raises(NoStorage):
        renewed.renew("first")
    assert renewed.current() == "made-1"


def test_without_a_store_tokens_live_as_long_as_the_process(making: Making, clock: Hands, tmp_path: Path) -> None:
    alone = Renewed(KEY, None, None, tmp_path / "lock", making, clock)
    assert alone.current() is None
    assert alone.renew(None) == "made-1"
    assert alone.current() == "made-1"
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize(("life", "early"), [(300, 30), (60, 12), (5, 1), (None, None)])
def test_short_lives_are_renewed_in_their_last_fifth(life: float | None, early: float | None) -> None:
    made = entry("t", life=life)
    if life is None or early is None:
        assert made.fresh(START + timedelta(days=365))
        return
    assert made.fresh(START + timedelta(seconds=life - early - 0.1))
    assert not made.fresh(START + timedelta(seconds=life - early))


def test_an_issuer_that_gives_no_new_refresh_token_leaves_the_old_one() -> None:
    granted = Granted(access_token="t", token_type="Bearer", expires_in=60)
    kept = entry_of(granted, client_id="andon", resource=HUB, now=START, before=entry("old", "kept"))
    assert kept.refresh_token == "kept"


def test_a_real_sign_in_is_renewed_for_this_platform(issuer: Issuer, clock: Hands) -> None:
    got = issuer.person_token("rena", HUB)
    key = Key(origin=HUB, issuer=issuer.url)
    before = entry(got["access_token"], got["refresh_token"])
    made = ByRefresh(key, None, clock)(before)
    assert made is not None
    assert made.access_token != before.access_token
    with pytest.raises(SignInFailed, match=r"has ended.*Sign in again with 'andon login'"):
        ByRefresh(key, None, clock)(before)


def test_a_token_somebody_pasted_is_not_renewed(clock: Hands) -> None:
    assert ByRefresh(KEY, None, clock)(Entry(access_token="pasted")) is None


def test_who_signed_out_elsewhere_is_told(clock: Hands) -> None:
    with pytest.raises(SignInFailed, match="was ended by another command"):
        ByRefresh(KEY, None, clock)(None)


def test_an_issuer_that_is_down_ends_no_sign_in(clock: Hands) -> None:
    with pytest.raises(Unreachable):
        ByRefresh(Key(origin=HUB, issuer="http://127.0.0.1:1"), None, clock)(entry("t"))


def test_a_machine_gets_tokens_by_its_secret(issuer: Issuer, clock: Hands) -> None:
    issuer.client("renewing-job", "s3cret", roles=["viewer"])
    asked: list[str] = []

    def client(secret: str) -> Callable[[], Client]:
        def read() -> Client:
            asked.append(secret)
            return Client(id="renewing-job", secret=secret, resource=HUB)

        return read

    made = ByCredentials(Key(origin=HUB, issuer=issuer.url), client("s3cret"), None, clock)(None)
    assert made is not None
    assert made.expires_at is not None
    assert made.refresh_token is None
    with pytest.raises(GrantRefused):
        ByCredentials(Key(origin=HUB, issuer=issuer.url), client("wrong"), None, clock)(None)
    assert asked == ["s3cret", "wrong"]


def test_a_lock_that_nobody_lets_go_of_is_said(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "deep" / "lock"),
        pytest.raises(NoStorage, match="Another andon has held"),
        locked(tmp_path / "deep" / "lock", patience=0.1),
    ):
        pytest.fail("it was held twice")
    with locked(tmp_path / "deep" / "lock", patience=0):
        pass


class Once:
    """Tokens of which the first is refused: ``old``, then ``new``, or nothing where ``barren``."""

    def __init__(self, *, barren: bool = False, current: str | None = "old") -> None:
        self.token = current
        self.barren = barren
        self.refused: list[str | None] = []

    def current(self) -> str | None:
        return self.token

    def renew(self, refused: str | None) -> str | None:
        self.refused.append(refused)
        if self.barren:
            return None
        self.token = "new"
        return self.token


def bearers(peer: Any) -> list[bytes]:
    return [
        line.split()[-1]
        for request in peer.requests
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"authorization")
    ]


def test_a_refused_token_is_renewed_and_the_call_sent_again(peer: Any, context_at: Callable[..., Resolved]) -> None:
    peer.will_answer("401 Unauthorized", REFUSED, kind="application/problem+json")
    peer.will_answer("200 OK", WHO)
    with SyncClient(context_at(peer.url, tokens=Once())) as client:
        assert client.send(server.whoami()).subject == "devi"
    assert bearers(peer) == [b"old", b"new"]


async def test_so_it_is_in_the_console(peer: Any, context_at: Callable[..., Resolved]) -> None:
    peer.will_answer("401 Unauthorized", REFUSED, kind="application/problem+json")
    peer.will_answer("200 OK", WHO)
    async with AsyncClient(context_at(peer.url, tokens=Once())) as client:
        assert (await client.send(server.whoami())).subject == "devi"
    assert bearers(peer) == [b"old", b"new"]


def test_one_that_is_old_is_renewed_before_it_is_sent(peer: Any, context_at: Callable[..., Resolved]) -> None:
    peer.will_answer("200 OK", WHO)
    with SyncClient(context_at(peer.url, tokens=Once(current=None))) as client:
        client.send(server.whoami())
    assert bearers(peer) == [b"new"]


@pytest.mark.parametrize("tokens", [Once(barren=True), Once()])
def test_it_is_asked_again_once_at_most(peer: Any, context_at: Callable[..., Resolved], tokens: Once) -> None:
    for _ in range(3):
        peer.will_answer("401 Unauthorized", REFUSED, kind="application/problem+json")
    with SyncClient(context_at(peer.url, tokens=tokens)) as client, pytest.raises(Unauthenticated, match="Expired"):
        client.send(server.whoami())
    assert len(peer.requests) == (1 if tokens.barren else 2)


def test_a_stream_goes_on_with_the_new_token(
    peer: Any, context_at: Callable[..., Resolved], event: Callable[[int], bytes]
) -> None:
    peer.will_answer("401 Unauthorized", REFUSED, kind="application/problem+json")
    peer.will_stream(event(7))
    with SyncClient(context_at(peer.url, tokens=Once()), sleep=lambda _: None) as client:
        seen = client.events()
        states = [next(seen), next(seen)]
        assert [getattr(each, "state", None) for each in states] == [ConnectionState.LOST, ConnectionState.LIVE]
        assert getattr(next(seen), "seq", None) == 7
        seen.close()
    assert bearers(peer) == [b"old", b"new"]


async def test_so_does_the_consoles_and_ends_where_that_is_refused_too(
    peer: Any, context_at: Callable[..., Resolved]
) -> None:
    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    for _ in range(4):
        peer.will_answer("401 Unauthorized", REFUSED, kind="application/problem+json")
    tokens = Once()
    async with AsyncClient(context_at(peer.url, tokens=tokens), sleep=at_once) as client:
        with pytest.raises(Unauthenticated):
            async for _ in client.events():
                pass
    assert tokens.refused == ["old"]
    assert bearers(peer) == [b"old", b"new"]
