"""Policies of a gateway that is called: plans on a real hub know whom they would stop, and what is in use blocks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from access_log import BEGIN, lines
from policies_and_gateway import change, prepare
from served_hub import Served

from commands.main import main

Run = Callable[..., tuple[int, str, str]]
GRANT = "consumer.mes-p03.grant.orders.release"
CALLED = 40


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    hub = Served(tmp_path_factory.mktemp("hub"), alone=True)
    yield hub
    hub.end()


@pytest.fixture
def run(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``andon``, by grete; the policies are applied."""
    served.empty()
    prepare(tmp_path, monkeypatch)
    monkeypatch.setenv("ANDON_URL", served.url)
    monkeypatch.setenv("ANDON_TOKEN", "a-token")

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capfd.readouterr()
        return code, out, err

    assert running("policy", "apply", "--yes")[0] == 0
    return running


@pytest.fixture
def called(served: Served, run: Run) -> Run:
    """The gateway was called, the calls were counted, an hour ago."""
    folder = served.data / "gateway" / "log"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "access.jsonl").exists():
        begin = (datetime.now(UTC) - timedelta(hours=1) - BEGIN).total_seconds()
        (folder / "access.jsonl").write_bytes(lines(CALLED, every=0.1, begin=begin))
    end = time.monotonic() + 30
    while json.loads(run("gateway", "usage", "-o", "json")[1])["calls"] < CALLED:
        assert time.monotonic() < end
        time.sleep(0.05)
    return run


def revoke() -> None:
    path = Path("policies/consumers/mes-p03.toml")
    path.write_text(path.read_text().partition("[[grant]]")[0])


def test_what_is_used_is_blocked_with_callers_calls_and_when_last(called: Run) -> None:
    revoke()
    _, out, _ = called("policy", "plan", "--verbose")
    assert f"{GRANT} is still used by mes-p03: {CALLED} calls, last on " in out
    assert f"{CALLED} calls since " in out
    code, _, err = called("policy", "apply", "--yes")
    assert code == 6
    assert "still used by mes-p03" in err
    code, out, err = called("policy", "apply", "--yes", "--override", GRANT, "--reason", "moved to plant 4")
    assert code == 0, err
    assert "1 removed" in out


def test_retiring_what_is_still_called_is_blocked(called: Run) -> None:
    change("apis/production-orders.toml", '"active"', '"retired"')
    _, out, _ = called("policy", "plan")
    assert f"api.production-orders.version.v1 is still called by mes-p03: {CALLED} calls" in out


def test_a_throttle_below_what_was_seen_is_blocked(called: Run) -> None:
    Path("policies/throttles.toml").write_text('[throttle.tight]\nrequests = 10\nper = "1m"\n')
    change("consumers/mes-p03.toml", 'owner = "plant-3-it"', 'owner = "plant-3-it"\nthrottle = "tight"')
    _, out, _ = called("policy", "plan")
    assert "consumer.mes-p03 was seen with" in out
    assert "throttle.tight would let through 10 in 60 s" in out


def test_going_back_is_blocked_too(called: Run) -> None:
    code, out, err = called("policy", "rollback", "0", "--dry-run")
    assert code == 0, err
    assert "still called by mes-p03" in out or "still used by mes-p03" in out


def test_a_file_of_what_was_seen_counts_instead(called: Run) -> None:
    revoke()
    now = datetime.now(UTC).isoformat()
    Path("usage.json").write_text(json.dumps({"since": now, "until": now, "measured": []}))
    assert "blocked" not in called("policy", "plan", "--usage", "usage.json")[1]
