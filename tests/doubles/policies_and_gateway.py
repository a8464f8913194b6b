"""Policies on the disk, an empty gateway beside them, no hub, token or home: what commands on policies work with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway_policies.directory import Directory
from gateway_policies.loading import load
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan

ANDON = """\
[gateway]
name = "plant-gateway"
[issuer.plant-idp]
url = "https://idp.example/realms/plant"
"""
SCOPES = """\
[scope."orders.release"]
description = "Release production orders to execution"
risk = "financial"
"""
API = """\
[api]
name = "production-orders"
owner = "erp-integration"
base_path = "/erp/production-orders"
upstream = "system:ERP"

[[version]]
name = "v1"
lifecycle = "active"

[[operation]]
methods = ["POST"]
path = "/{order}/release"
scope = "orders.release"
"""
CONSUMER = """\
[consumer]
name = "mes-p03"
owner = "plant-3-it"
credential = { issuer = "plant-idp", client_id = "mes-p03", expires_on = 2099-06-30 }
[[grant]]
scope = "orders.release"
reason = "dispatches released orders"
"""
GATEWAY = ("--gateway", "directory:gw")


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with policies and an empty gateway."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ANDON_CONFIG_DIR", str(folder / "config"))
    monkeypatch.setenv("ANDON_DATA_DIR", str(folder / "none"))
    for name in ("ANDON_URL", "ANDON_TOKEN", "ANDON_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for path, text in (
        ("andon.toml", ANDON),
        ("scopes.toml", SCOPES),
        ("apis/production-orders.toml", API),
        ("consumers/mes-p03.toml", CONSUMER),
    ):
        write(folder / "policies" / path, text)
    (folder / "gw").mkdir()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def change(path: str, before: str, after: str) -> None:
    text = Path("policies", path).read_text()
    assert before in text
    Path("policies", path).write_text(text.replace(before, after))


def apply() -> None:
    policies = load(Path("policies")).policies
    assert policies is not None
    gateway = Directory(Path("gw"), "plant-gateway")
    state = gateway.state(policies.name)
    now = datetime.now(UTC)
    gateway.apply(changeset_of(make_plan(policies, state, made_at=now), state, by="grete"), now)
