"""What may be called noise: only what can drift somewhere, and all that can."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from policy_folder import made, put

from gateway_policies.loading import load
from gateway_policies.loading.noise import NoisePattern
from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Layer,
    Lifecycle,
    Operation,
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
)
from gateway_policies.planning.facets import facets
from gateway_policies.planning.threeway import Noise


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "right"),
    [
        ("*", True), ("*:description", True), ("api.*:description", True), ("scope.orders.read", True), ("co*", True),
        ("throttles.*", False), ("mes-p03", False), ("apis.orders:owner", False), (":owner", False),
        ("throttle.std:burst", True), ("throttle.std:bursts", False), ("throttle.std:per", False),
        ("throttle.std:bur*", True), ("throttle.std:", False), ("throttle.std:name", False),
        ("scope.a.version.b:lifecycle", False), ("scope.a.version.b:risk", True),
        ("api.orders:lifecycle", False), ("api.orders:upstream", True), ("api.*:lifecycle", True),
        ("api.orders.version.v1:lifecycle", True), ("api.orders.version.v1:upstream", False),
        ("api.*.version.*:upstream", False), ("api.orders:operations", True), ("api.orders:operations[GET /]", True),
        ("api.orders:operations[GET /{id}].versions", True), ("throttle.std:operations[GET /]", False),
        ("consumer.mes:credential", True), ("consumer.mes:credential.expires_on", True),
        ("consumer.mes:credential.expires", False), ("consumer.mes.grant.a.b:expires_on", True),
        ("consumer.mes:expires_on", False), ("consumer.*:expires_on", True), ("issuer.idp:url", True),
        ("*:lifecycle", True), ("*:life", False), ("t*:zz", False), ("throttle.std:burst quota", False),
    ],
)  # fmt: skip
def test_noise_is_at_addresses_that_can_be(folder: Path, pattern: str, right: bool) -> None:
    text = (folder / "andon.toml").read_text()
    put(folder, "andon.toml", f'{text}\n[drift]\nignore = ["{pattern}"]\n')
    assert [each.rule for each in load(folder).findings] == ([] if right else ["bad-value"])
    assert (re.search(NoisePattern().schema()["pattern"], pattern) is not None) is right, "editors say the same"


@pytest.mark.parametrize(
    ("pattern", "message", "advice"),
    [
        (
            "throttle.std:bursts",
            "drift.ignore = 'throttle.std:bursts': nothing at throttle.std states 'bursts'. Did you mean 'burst'?",
            (
                "There is: requests, per_seconds, burst, quota, quota_per_seconds and protected. "
                "Without a colon all of it is ignored."
            ),
        ),
        ("throttle.*:per", "nothing at throttle.* states 'per'. Did you mean 'per_seconds'?", "There is: requests"),
        ("api.a.version.v1:brownout", "Did you mean 'brownouts'?", "There is: lifecycle, deprecated_on"),
        ("consumer.mes:credential.client", "Did you mean 'credential.client_id'?", "There is: owner, system"),
        ("api.a:zzz", "nothing at api.a states 'zzz'.", "There is: owner, base_path"),
        ("throttel.std:burst", "is not an address, or a pattern with *.", "Write it like"),
    ],
)
def test_noise_of_a_fact_that_nothing_states_is_told_with_the_nearest(
    folder: Path, pattern: str, message: str, advice: str
) -> None:
    text = (folder / "andon.toml").read_text()
    put(folder, "andon.toml", f'{text}\n[drift]\nignore = ["scope.*", "{pattern}"]\n')
    [finding] = load(folder).findings
    assert message in finding.message
    assert finding.help.startswith(advice)
    assert finding.place is not None
    assert finding.place.column == 22


def test_what_a_plan_calls_a_fact_can_be_called_noise(folder: Path) -> None:
    """Whoever copies a line of the drift gets what is ignored by it."""
    whole: list[Resource] = [
        Api(name="a", owner="it", base_path="/a", upstream="system:ERP", system="ERP", throttle="t", protected=True,
            description="d", layer=Layer.PROCESS, versioning="header:X-V",
            operations=(Operation(methods=("GET",), path="/{id}", scope="s", versions=("v1",)),)),
        Version(api="a", name="v1", lifecycle=Lifecycle.BROWNOUT, deprecated_on=date(2027, 1, 1),
                sunset_on=date(2027, 6, 1), successor="v2", contract="c", protected=True,
                brownouts=(Brownout(from_=datetime(2027, 1, 1, tzinfo=UTC), until=datetime(2027, 1, 2, tzinfo=UTC)),)),
        Scope(name="s", description="d", risk=Risk.LOW, owner="o", protected=True),
        Throttle(name="t", requests=1, per_seconds=1, burst=2, quota=3, quota_per_seconds=4, protected=True),
        Consumer(name="c", owner="o", system="MES", plant="P1", description="d", throttle="t", protected=True,
                 credential=Credential(issuer="i", client_id="c", expires_on=date(2027, 1, 1), secret="env:X")),
        Grant(consumer="c", scope="s", reason="r", expires_on=date(2027, 1, 1)),
        Issuer(name="i", url="https://idp.example", jwks_file="k", audience="a", protected=True),
    ]  # fmt: skip
    patterns = [f"{each.address}:{fact}" for each in whole for fact in facets(each)]
    text = (folder / "andon.toml").read_text()
    put(folder, "andon.toml", f"{text}\n[drift]\nignore = {json.dumps(patterns)}\n")
    loaded = load(folder)
    assert loaded.findings == []
    assert loaded.policies is not None
    assert loaded.policies.noise == tuple(patterns)
    for each in whole:
        assert {fact for fact in facets(each) if _is_noise(loaded.policies.noise, each.address, fact)} == set(
            facets(each)
        )


def _is_noise(noise: tuple[str, ...], address: str, fact: str) -> bool:
    return any(each.fullmatch(fact) for each in Noise(noise).fields_at(address))
