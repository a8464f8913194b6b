"""``andon gateway import``: the log of another gateway counted on a real hub, once, also when it has grown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from policies_and_gateway import prepare
from served_hub import Served

from commands.main import main

Run = Callable[..., tuple[int, str, str]]
PATH = "/erp/production-orders/v1/4711/release"
USAGE = ("gateway_usage_counts", "gateway_usage_kinds", "gateway_usage_arrivals", "gateway_usage_imports")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    hub = Served(tmp_path_factory.mktemp("hub"), alone=True)
    yield hub
    hub.end()


@pytest.fixture
def run(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``andon``; the policies are applied, and nothing was counted."""
    served.empty()
    served.run(*((f"DELETE FROM {table}", ()) for table in USAGE))
    prepare(tmp_path, monkeypatch)
    monkeypatch.setenv("ANDON_URL", served.url)

    def running(*arguments: str, token: str = "a-token") -> tuple[int, str, str]:
        monkeypatch.setenv("ANDON_TOKEN", token)
        code = main(arguments)
        out, err = capfd.readouterr()
        return code, out, err

    assert running("policy", "apply", "--yes")[0] == 0
    return running


def kong(number: int, **more: Any) -> str:
    at = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=number)
    told = {
        "started_at": int(at.timestamp() * 1000),
        "request": {"method": "POST", "uri": PATH},
        "response": {"status": 200},
        "consumer": {"username": "mes-p03"},
    }
    return json.dumps({**told, **more}) + "\n"


def counted(run: Run) -> int:
    return int(json.loads(run("gateway", "usage", "-o", "json")[1])["calls"])


def test_a_log_counts_once_and_what_was_added_to_it_too(run: Run) -> None:
    log = Path("kong.log")
    log.write_text("".join(map(kong, range(5))))
    code, out, err = run("gateway", "import", "kong.log", "--format", "kong")
    assert (code, out) == (0, "✓ kong.log: 5 calls counted\n"), err
    assert counted(run) == 5
    _, out, _ = run("gateway", "import", "kong.log", "--format", "kong")
    assert out == "✓ kong.log: nothing that was not counted before.\n"
    with log.open("a") as file:
        file.write(kong(6) + kong(7)[:20])  # the last line is not finished
    code, out, _ = run("gateway", "import", "kong.log", "--format", "kong")
    assert out.splitlines()[0] == "✓ kong.log: 1 call counted"
    assert "bytes were counted before" in out
    log.rename("rotated.log")
    run("gateway", "import", "rotated.log", "--format", "kong")
    assert counted(run) == 6


def test_lines_that_cannot_be_read_are_told_by_their_numbers_and_the_rest_counts(run: Run) -> None:
    other = kong(3, request={"method": "GET", "uri": "/elsewhere"})
    Path("kong.log").write_text(kong(0) + "junk\n" + kong(1) + "{}\n" + other)
    code, out, _ = run("gateway", "import", "kong.log", "--format", "kong")
    assert code == 0
    assert "2 calls counted" in out
    assert "2 lines cannot be read: 2, 4" in out
    assert "1 call to no API of the gateway" in out
    with Path("kong.log").open("a") as file:
        file.write("more junk\n")
    told = json.loads(run("gateway", "import", "kong.log", "--format", "kong", "-o", "json")[1])
    assert (told["unreadable"], told["lines"], told["known"] > 0) == ([6], 0, True)


def test_plans_know_of_it(run: Run) -> None:
    Path("kong.log").write_text("".join(map(kong, range(3))))
    run("gateway", "import", "kong.log", "--format", "kong")
    path = Path("policies/consumers/mes-p03.toml")
    path.write_text(path.read_text().partition("[[grant]]")[0])
    assert "is still used by mes-p03: 3 calls" in run("policy", "plan")[1]


def test_places_that_are_named(run: Run) -> None:
    Path("own.log").write_text(
        json.dumps({"t": datetime.now(UTC).isoformat(), "s": 200, "m": "POST", "u": PATH, "who": {"is": "mes-p03"}})
        + "\n"
    )
    maps = [f"--map={each}" for each in ("at=t", "status=s", "method=m", "path=u", "client=who.is")]
    code, out, err = run("gateway", "import", "own.log", *maps)
    assert (code, "1 call counted" in out) == (0, True), err
    told = json.loads(run("gateway", "usage", "--by", "consumer,operation", "-o", "json")[1])
    assert [(each["consumer"], each["operation"]) for each in told["items"]] == [("mes-p03", "POST /{order}/release")]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("absent.log",), 2, "The log absent.log cannot be read"),
        (("policies",), 2, "cannot be read"),
        (("kong.log", "--format", "kng"), 2, "is none of andon, envoy, kong, nginx.\n       Did you mean 'kong'?"),
        (("kong.log", "--map", "client"), 2, "Write FIELD=MEMBER"),
        (("kong.log", "--map", "cleint=a"), 2, "Did you mean 'client'?"),
        (("kong.log", "--map", "client="), 2, "Write FIELD=MEMBER"),
    ],
)
def test_what_cannot_be_used(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    Path("kong.log").write_text(kong(0))
    found, out, err = run("gateway", "import", *arguments)
    assert (found, out) == (code, "")
    assert said in err


def test_who_may_only_look_counts_nothing(run: Run) -> None:
    Path("kong.log").write_text(kong(0))
    code, _, err = run("gateway", "import", "kong.log", "--format", "kong", token="reader-token")
    assert code == 4
    assert "policy-apply" in err
    assert run("gateway", "import", "kong.log", "--format", "kong", "--read-only")[0] == 6
    assert counted(run) == 0


def test_calls_of_a_time_that_nothing_is_kept_of_are_told(run: Run) -> None:
    Path("kong.log").write_text(kong(0) + kong(1, started_at=1_000_000_000_000) + kong(2, started_at=9_000_000_000_000))
    code, out, err = run("gateway", "import", "kong.log", "--format", "kong")
    assert (code, out.splitlines()[0]) == (0, "✓ kong.log: 1 call counted"), err
    assert "2 calls more than a year ago, or to come: not counted" in out


def test_an_empty_log(run: Run) -> None:
    Path("empty.log").write_text("")
    assert run("gateway", "import", "empty.log")[1] == "✓ empty.log: nothing that was not counted before.\n"
