"""``andon policy drift`` on real files and a real directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from gateway_conformance import bring
from policies_and_gateway import GATEWAY, apply, change, prepare, write

from commands.main import main
from gateway_policies.directory import Directory, file_name
from gateway_policies.model import Consumer

Run = Callable[..., tuple[int, str, str]]
LIVE = Path("gw/live")
SCOPE = LIVE / file_name("scope.orders.release")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``andon policy``."""
    prepare(tmp_path, monkeypatch)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(["policy", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return running


def by_hand(path: Path, before: str, after: str) -> None:
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def test_no_drift_after_applying_and_none_from_what_is_only_in_the_files(run: Run) -> None:
    apply()
    change("scopes.toml", "to execution", "in the files")
    code, out, _ = run("drift", *GATEWAY, "--exit-code")
    assert (code, out) == (0, "No drift: the gateway is as it was last applied.\n")


def test_drift_says_what_was_done_by_hand_and_changes_nothing(run: Run) -> None:
    apply()
    by_hand(SCOPE, "to execution", "by hand")
    (LIVE / file_name("consumer.mes-p03.grant.orders.release")).unlink()
    (LIVE / file_name("scope.hand")).write_text('{"kind": "scope", "name": "hand"}')
    before = {each: each.read_bytes() for each in Path("gw").rglob("*") if each.is_file()}
    code, out, _ = run("drift", *GATEWAY, "--exit-code")
    assert code == 10
    assert out.splitlines() == [
        "1 changed and 1 deleted at the gateway since the policies were applied",
        "  deleted consumer.mes-p03.grant.orders.release",
        "  changed scope.orders.release",
        "      description: Release production orders to execution → Release production orders by hand",
        "1 made by hand, which no policy set owns",
    ]
    assert run("drift", *GATEWAY)[0] == 0
    assert "  made scope.hand" in run("drift", *GATEWAY, "-v")[1]
    assert run("drift", *GATEWAY, "-o", "id")[1].split() == [
        "consumer.mes-p03.grant.orders.release",
        "scope.orders.release",
    ]
    found = json.loads(run("drift", *GATEWAY, "-o", "json")[1])
    assert [each["how"] for each in found["drifted"]] == ["deleted", "changed"]
    assert found["made_by_hand"] == ["scope.hand"]
    assert {each: each.read_bytes() for each in Path("gw").rglob("*") if each.is_file()} == before


def test_noise_is_no_drift(run: Run) -> None:
    apply()
    by_hand(SCOPE, "to execution", "by hand")
    Path("policies/andon.toml").write_text(
        Path("policies/andon.toml").read_text() + '\n[drift]\nignore = ["scope.*:description"]\n'
    )
    assert run("drift", *GATEWAY, "--exit-code")[0] == 0
    assert run("plan", *GATEWAY, "--exit-code")[0] == 0


NOISE = '\n[drift]\nignore = ["scope.*:description"]\n'


def drifted_and_noisy() -> None:
    """The description of a scope, which is noise, and the owner of a consumer, which is not."""
    apply()
    by_hand(SCOPE, "to execution", "by hand")
    by_hand(LIVE / file_name("consumer.mes-p03"), "plant-3-it", "somebody")
    with Path("policies/andon.toml").open("a") as file:
        file.write(NOISE)


def test_drift_needs_no_sound_files_and_says_which_are_not(run: Run) -> None:
    drifted_and_noisy()
    change("scopes.toml", 'risk = "financial"', 'risk = "grave"\nriks = 1')
    change("consumers/mes-p03.toml", "[consumer]", "[consumer")
    code, out, err = run("drift", *GATEWAY, "--exit-code", "--quiet")
    assert code == 10
    assert out.splitlines() == [
        "1 changed at the gateway since the policies were applied",
        "  changed consumer.mes-p03",
        "      owner: plant-3-it → somebody",
    ]
    assert err == (
        "andon: The policies have 3 errors in policies/consumers/mes-p03.toml and policies/scopes.toml. Drift is told "
        "all the same: it is what moved since they were last applied. 'andon policy validate' lists them.\n"
    )
    found = json.loads(run("drift", *GATEWAY, "-o", "json")[1])
    assert [each["address"] for each in found["drifted"]] == ["consumer.mes-p03"]
    code, out, err = run("drift", *GATEWAY, "--patch")
    assert (code, out) == (6, ""), "a patch is of the files"
    assert "cannot be used: 3 errors" in err


@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        ('"scope.*:description"', '"scope.*:describtion"', "policies/andon.toml:7:11: error: drift.ignore"),
        ('["scope.*:description"]', '"scope.*:description"', "policies/andon.toml:7:10: error: drift.ignore is a text"),
        ("ignore", "ignroe", "policies/andon.toml:7:1: error: Unknown key 'ignroe' in [drift]"),
        ("[drift]", "[dirft]", "policies/andon.toml:6:1: error: Unknown key 'dirft'"),
    ],
)
def test_what_could_not_be_read_of_the_noise_is_told_as_drift_and_said(
    run: Run, before: str, after: str, at: str
) -> None:
    drifted_and_noisy()
    change("andon.toml", before, after)
    code, out, err = run("drift", *GATEWAY, "--exit-code")
    assert code == 10
    assert out.startswith("2 changed at the gateway")
    assert at in err
    assert "What is listed above of [drift] could not be read: it is not taken for noise, and told as drift." in err


def test_an_error_elsewhere_in_the_settings_leaves_the_noise(run: Run) -> None:
    drifted_and_noisy()
    change("andon.toml", "[drift]", "[lint]\nscope-unused = 3\n[drift]")
    code, out, err = run("drift", *GATEWAY)
    assert (code, out.splitlines()[0]) == (0, "1 changed at the gateway since the policies were applied")
    assert "policies/andon.toml:7:16: error: lint.scope-unused" in err
    assert "not taken for noise" not in err


@pytest.mark.parametrize(
    "spoilt", ["[gateway]\nnmae = 'plant-gateway'\n", "[gateway\n", "[gateway]\nname = ''\n", None]
)
def test_without_the_gateways_name_it_is_the_only_set_that_there_is(run: Run, spoilt: str | None) -> None:
    drifted_and_noisy()
    if spoilt is None:
        Path("policies/andon.toml").unlink()
    else:
        Path("policies/andon.toml").write_text(spoilt)
    code, out, err = run("drift", *GATEWAY, "--exit-code")
    assert code == 10
    assert out.startswith("2 changed at the gateway")
    assert "This is the drift of 'policies', the only one here, and nothing is taken for noise." in err


def test_whose_drift_it_is_is_not_guessed(run: Run) -> None:
    drifted_and_noisy()
    bring(Directory(Path("gw"), ""), [Consumer(name="office", owner="it")], "office")
    change("andon.toml", "[gateway]", '[gateway]\nste = "office"')
    code, out, err = run("drift", *GATEWAY)
    assert (code, out) == (6, "")
    assert "does not say which policy set it is, and the gateway has several: office, policies" in " ".join(err.split())
    assert "policies/andon.toml:2:1: error: Unknown key 'ste'" in err


def test_another_set_alone_is_found_by_its_name(run: Run) -> None:
    bring(Directory(Path("gw"), "plant-gateway"), [Consumer(name="office", owner="it")], "office")
    by_hand(LIVE / file_name("consumer.office"), '"it"', '"somebody"')
    Path("policies/andon.toml").write_text("[gateway\n")
    _, out, err = run("drift", *GATEWAY)
    assert "changed consumer.office" in out
    assert "the drift of 'office'" in err


def test_an_environment_that_is_broken_leaves_the_noise_of_the_base(run: Run) -> None:
    drifted_and_noisy()
    write(Path("policies/environments/test/andon.toml"), "[drift\n")
    code, out, err = run("drift", *GATEWAY, "--environment", "test")
    assert (code, out.splitlines()[0]) == (0, "1 changed at the gateway since the policies were applied")
    assert "policies/environments/test/andon.toml:1:" in err
    assert "What is listed above of [drift] could not be read" in err
    assert run("drift", *GATEWAY, "--environment", "tset")[0] == 7
    assert run("drift", "nowhere", *GATEWAY)[0] == 7


def test_policies_for_another_gateway_have_no_drift_here(run: Run) -> None:
    drifted_and_noisy()
    change("andon.toml", "plant-gateway", "office-gateway")
    change("scopes.toml", "risk", "riks")
    code, _, err = run("drift", *GATEWAY)
    assert code == 6
    assert "are for the gateway 'office-gateway'" in err
