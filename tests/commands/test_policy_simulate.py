"""``andon policy simulate``: recorded traffic through the throttles of the files, told to people and to machines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from access_log import BEGIN, line, lines
from policies_and_gateway import GATEWAY, apply, change, prepare
from served_hub import Served

from commands.main import main

Run = Callable[..., tuple[int, str, str]]
THROTTLES = """\
[throttle.tight]
requests = 60
per = "1m"
burst = 5
"""


def throttled(requests: int = 60, burst: int = 5) -> None:
    Path("policies/throttles.toml").write_text(
        THROTTLES.replace("= 60", f"= {requests}").replace("burst = 5", f"burst = {burst}")
    )
    path = Path("policies/consumers/mes-p03.toml")
    if "throttle" not in path.read_text():
        change("consumers/mes-p03.toml", 'owner = "plant-3-it"', 'owner = "plant-3-it"\nthrottle = "tight"')


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``andon policy simulate`` on the files, with a gateway in a directory that has them without a throttle."""
    prepare(tmp_path, monkeypatch)
    apply()

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(("policy", "simulate", *arguments))
        out, err = capfd.readouterr()
        return code, out, err

    return running


def test_a_log_call_by_call(run: Run) -> None:
    throttled()
    Path("access.jsonl").write_bytes(lines(20, every=0.1) + lines(5, every=10.0, begin=100))
    code, out, err = run(*GATEWAY, "--log", "access.jsonl")
    assert (code, err) == (0, "")
    head, *rest = out.splitlines()
    assert head.startswith(
        "25 calls: 14 would be refused (56.00 %), 0 with the live throttles  2026-11-20 10:00:00 to "
    )
    assert "consumer.mes-p03  throttle tight (now none): 14 of 25 refused, 0 with the live one" in out
    assert "  busiest minute 20 calls at 2026-11-20 10:00" in rest
    assert "2026-11-20 10:00:00 to 10:00:01: 14" in out
    assert "# passed  x refused" in out
    assert any(set(each.strip().split()[-1]) <= {"x", "#"} for each in rest if each.strip())
    assert "\x1b[" not in out


def test_what_the_gateway_refused_for_other_reasons_and_strangers_are_no_traffic(run: Run) -> None:
    throttled()
    Path("access.jsonl").write_bytes(
        lines(3) + lines(9, refused="scope-missing", status=403) + line(4, client="who") + line(5, client=None)
    )
    assert json.loads(run(*GATEWAY, "--log", "access.jsonl", "-o", "json")[1])["calls"] == 3


def test_what_was_throttled_then_is_traffic_too(run: Run) -> None:
    throttled()
    Path("access.jsonl").write_bytes(lines(3, every=0) + lines(9, every=0, refused="throttled", status=429))
    told = json.loads(run(*GATEWAY, "--log", "access.jsonl", "-o", "json")[1])
    assert (told["calls"], told["refused"]) == (12, 7)


def test_lines_that_cannot_be_read_are_told(run: Run) -> None:
    throttled()
    Path("access.jsonl").write_bytes(line() + b"junk\n")
    code, out, err = run(*GATEWAY, "--log", "access.jsonl")
    assert code == 0
    assert "Left out, since it cannot be read: 1 line of access.jsonl." in err
    assert out.startswith("1 call:")


def test_exit_code_says_whether_more_is_refused_than_now(run: Run) -> None:
    Path("access.jsonl").write_bytes(lines(20, every=0.1))
    assert run(*GATEWAY, "--log", "access.jsonl", "--exit-code")[0] == 0
    throttled()
    assert run(*GATEWAY, "--log", "access.jsonl", "--exit-code")[0] == 10
    throttled(6_000, 100)
    code, out, _ = run(*GATEWAY, "--log", "access.jsonl", "--exit-code")
    assert code == 0
    assert "Never refused: consumer.mes-p03 (busiest 20/min)" in out


def test_no_throttle_at_all(run: Run) -> None:
    Path("access.jsonl").write_bytes(lines(2))
    _, out, _ = run(*GATEWAY, "--log", "access.jsonl")
    assert "No throttle holds anybody, neither at the gateway nor in the files." in out


def test_an_empty_log_has_no_traffic(run: Run) -> None:
    Path("access.jsonl").write_bytes(b"")
    _, out, _ = run(*GATEWAY, "--log", "access.jsonl")
    assert out == "There is no traffic to simulate: nothing is known of calls in that time.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "7d", "--log", "x"), "Give one of them."),
        ((*GATEWAY,), "A directory has no traffic."),
        ((*GATEWAY, "--log", "absent.jsonl"), "The log absent.jsonl cannot be read"),
        ((*GATEWAY, "--log", "policies"), "The log policies cannot be read"),
    ],
)
def test_what_cannot_be_used(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    hub = Served(tmp_path_factory.mktemp("hub"), alone=True)
    yield hub
    hub.end()


def test_what_the_hub_has_counted(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path, monkeypatch)
    monkeypatch.setenv("ANDON_URL", served.url)
    monkeypatch.setenv("ANDON_TOKEN", "a-token")
    assert main(("policy", "apply", "--yes")) == 0
    capfd.readouterr()
    begin = round((datetime.now(UTC) - timedelta(hours=1) - BEGIN).total_seconds()) // 60 * 60
    (served.data / "gateway" / "log").mkdir(parents=True, exist_ok=True)
    (served.data / "gateway" / "log" / "access.jsonl").write_bytes(lines(20, every=0.05, begin=begin))
    throttled()
    told = {"calls": 0}
    end = time.monotonic() + 30
    while told["calls"] < 20:
        assert time.monotonic() < end
        assert main(("policy", "simulate", "--since", "2h", "-o", "json")) == 0
        told = json.loads(capfd.readouterr()[0])
        time.sleep(0.05)
    # Five are there, and one comes each second.
    assert (told["refused"], told["refused_before"], told["by_second"]) == (15, 0, True)
    assert main(("policy", "simulate", "--since", "2h")) == 0
    out = capfd.readouterr()[0]
    assert "15 would be refused (75.00 %)" in out
    assert "Counted by the second" in out
    assert main(("policy", "simulate", "--since", "never")) == 2
    assert "The time cannot be used" in capfd.readouterr()[1]
