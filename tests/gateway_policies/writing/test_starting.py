"""Policies to begin with: they load and lint clean on any day, and the example is that of the simulated systems."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from gateway_policies.contracts.change import Level
from gateway_policies.contracts.comparing import compare
from gateway_policies.contracts.contract import open_contract
from gateway_policies.contracts.texts import FolderTexts
from gateway_policies.linting import lint
from gateway_policies.loading import environments_of, load
from gateway_policies.model import Api, Consumer, Grant, Layer, Lifecycle, PolicySet, Risk, Scope, Version
from gateway_policies.planning.applying import apply_changes
from gateway_policies.planning.making import make_plan
from gateway_policies.state import GatewayState, fingerprint_of
from gateway_policies.writing.files import AlreadyThere, write_texts
from gateway_policies.writing.layout import laid_out
from gateway_policies.writing.starting import WRITTEN_ON, beginnings

DAYS = [WRITTEN_ON, WRITTEN_ON - timedelta(days=400), date(2028, 2, 29), date(2027, 12, 31), date(2031, 7, 1)]
CATALOGUE: dict[str, Any] = tomllib.loads((resources.files("hub") / "catalogue.toml").read_text(encoding="utf-8"))


def begun(folder: Path, today: date, *, example: bool) -> PolicySet:
    write_texts(beginnings(today, example=example), folder)
    return clean(folder, today)


def clean(folder: Path, today: date, environment: str | None = None) -> PolicySet:
    loaded = load(folder, environment)
    assert loaded.findings == []
    assert loaded.policies is not None
    assert loaded.policies.suppressions == ()
    assert [each.message for each in lint(loaded.policies, loaded.places, today)] == []
    return loaded.policies


@pytest.mark.parametrize("example", [False, True])
@pytest.mark.parametrize("today", DAYS)
def test_they_load_and_lint_clean_on_any_day(tmp_path: Path, today: date, example: bool) -> None:
    policies = begun(tmp_path, today, example=example)
    for each in policies.resources.values():
        if isinstance(each, Grant):
            assert each.expires_on is not None
            assert today + timedelta(days=180) < each.expires_on < today + timedelta(days=400)


@pytest.mark.parametrize("example", [False, True])
def test_they_are_in_the_layout_and_every_file_is_explained(example: bool) -> None:
    for file, text in beginnings(WRITTEN_ON, example=example).items():
        if file.endswith(".toml"):
            assert laid_out(text) == text, file
            assert "#" in text, file
            assert max(map(len, text.splitlines())) <= 120
        elif file.endswith(".json"):
            assert json.loads(text)["openapi"].startswith("3.")


def test_the_scaffold_grants_nothing_that_wants_two_people(tmp_path: Path) -> None:
    policies = begun(tmp_path, WRITTEN_ON, example=False)
    assert {each.risk for each in policies.resources.values() if isinstance(each, Scope)} <= {
        Risk.LOW,
        Risk.OPERATIONAL,
    }
    assert {type(each).__name__ for each in policies.resources.values()} == {
        "Api", "Version", "Scope", "Throttle", "Consumer", "Grant", "Issuer"
    }  # fmt: skip


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "scopes.toml").write_text("mine")
    with pytest.raises(AlreadyThere, match=r"scopes\.toml is in"):
        write_texts(beginnings(WRITTEN_ON), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["scopes.toml"]
    assert (tmp_path / "scopes.toml").read_text() == "mine"


def test_the_example_has_every_system_and_every_flow_of_the_catalogue(tmp_path: Path) -> None:
    found = begun(tmp_path, WRITTEN_ON, example=True).resources
    consumers = [each for each in found.values() if isinstance(each, Consumer)]
    apis = [each for each in found.values() if isinstance(each, Api)]
    grants = {(each.consumer, each.scope) for each in found.values() if isinstance(each, Grant)}
    assert {each.system for each in consumers} - {None} == set(CATALOGUE["system"])
    for name, system in CATALOGUE["system"].items():
        plants = sorted(each.plant or "" for each in consumers if each.system == name)
        assert plants == (sorted(CATALOGUE["plant"]) if system.get("local") else [""])
    for name, flow in CATALOGUE["flow"].items():
        scope = found[f"scope.{name}.write"]
        assert isinstance(scope, Scope)
        assert (scope.risk, scope.owner) == (flow["risk"], flow["owner"])
        senders = {each.system for each in consumers if (each.name, f"{name}.write") in grants}
        assert senders == set(flow["sources"]), name
        [(api, operation)] = [(a, o) for a in apis for o in a.operations if o.scope == f"{name}.write"]
        assert api.layer is not Layer.SYSTEM
        assert operation.path == f"/{name}"
        for target in flow["targets"]:
            assert ("andon-hub", f"{target.lower()}.deliver") in grants


@pytest.mark.parametrize("today", DAYS)
def test_the_example_has_two_environments_that_lint_as_clean(tmp_path: Path, today: date) -> None:
    base = begun(tmp_path, today, example=True)
    assert environments_of(tmp_path) == ["production", "test"]
    test, production = (clean(tmp_path, today, each) for each in ("test", "production"))
    assert len({base.gateway, test.gateway, production.gateway}) == 3
    assert base.resources.keys() == production.resources.keys() != test.resources.keys()


@pytest.mark.parametrize("environment", [None, "test", "production"])
def test_the_example_is_applied_whole_and_nothing_is_left_to_do(tmp_path: Path, environment: str | None) -> None:
    begun(tmp_path, WRITTEN_ON, example=True)
    policies = clean(tmp_path, WRITTEN_ON, environment)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    state = GatewayState(
        gateway=policies.gateway, revision=0, fingerprint=fingerprint_of({}, {}, {}), live={}, owners={}, applied={}
    )
    plan = make_plan(policies, state, made_at=now)
    assert not any(each.blockers for each in plan.changes)
    state = apply_changes(state, plan)
    assert state.live == policies.resources
    assert make_plan(policies, state, made_at=now).empty


def test_the_example_shows_a_version_that_goes_and_the_next_takes_nothing_away(tmp_path: Path) -> None:
    found = begun(tmp_path, WRITTEN_ON, example=True).resources
    (going,) = [each for each in found.values() if isinstance(each, Version) and each.lifecycle is not Lifecycle.ACTIVE]
    assert (going.lifecycle, going.successor) == (Lifecycle.DEPRECATED, "v2")
    assert going.sunset_on is not None
    assert going.brownouts
    after = found[f"api.{going.api}.version.{going.successor}"]
    assert isinstance(after, Version)
    texts = FolderTexts(tmp_path)
    old, new = (open_contract(texts, each.contract or "")[0] for each in (going, after))
    assert old is not None
    assert new is not None
    # The path has the version, so moving is moving to another URL; that is all there is to move.
    assert [each.id for each in compare(old, new) if each.level is Level.BREAKING] == ["server-removed"]


def test_the_contracts_of_the_example_are_what_its_policies_say(tmp_path: Path) -> None:
    found = begun(tmp_path, WRITTEN_ON, example=True).resources
    for version in (each for each in found.values() if isinstance(each, Version)):
        assert version.contract is not None
        document = json.loads((tmp_path / version.contract).read_text(encoding="utf-8"))
        api = found[f"api.{version.api}"]
        assert isinstance(api, Api)
        said = {
            (method.upper(), path, operation["security"][0]["plant-idp"][0])
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        has = {
            (m, o.path, o.scope)
            for o in api.operations
            for m in o.methods
            if version.name in (o.versions or [version.name])
        }
        assert said == has, version.address


def test_nothing_in_them_is_somebodys() -> None:
    text = "".join([*beginnings(WRITTEN_ON).values(), *beginnings(WRITTEN_ON, example=True).values()])
    hosts = set(re.findall(r"https?://([^/\"\s]+)", text))
    assert all(each.endswith((".example", "json-schema.org")) for each in hosts), hosts
