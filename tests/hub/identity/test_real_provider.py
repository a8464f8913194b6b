"""A hub whose people are those of a certified OpenID provider, both as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

HUB = "https://andon.example"  # what its tokens are for, wherever this process of it listens
SECRET = "of-a-test"

pytestmark = pytest.mark.timeout(300)


class Served:
    """A hub, its provider, and requests to the hub with a token."""

    def __init__(self, hub: Any, issuer: Any) -> None:
        self.hub, self.issuer = hub, issuer

    def ask(self, token: str, path: str = "/admin/v1/whoami", method: str = "GET", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, f"{self.hub.url}{path}", headers=headers, timeout=20, trust_env=False, **more)


@pytest.fixture(scope="module")
def served(issuer_factory: Any, hub_factory: Any, tmp_path_factory: pytest.TempPathFactory) -> Served:
    issuer = issuer_factory()
    settings = tmp_path_factory.mktemp("settings") / "hub.toml"
    settings.write_text(
        f'url = "{HUB}"\n[issuer]\nurl = "{issuer.url}"\n[issuer.roles]\nplant3-ops = "operator"\nleads = "admin"\n'
    )
    issuer.settings(scopes=["ingress.material-consumption", "ingress.goods-receipt"])
    issuer.account("ines", roles=["plant3-ops", "admin"], andon_plants=["P03"], andon_permissions=["reveal"])
    issuer.account("lena", roles=["leads"])
    issuer.account("zoe", roles=["admin"])
    issuer.client("night-job", SECRET, roles=["plant3-ops"])
    issuer.client("mes-p01", SECRET, andon_plants=["P01"])
    return Served(hub_factory("--config", str(settings)), issuer)


def test_a_person(served: Served) -> None:
    token = served.issuer.person_token("ines", HUB)["access_token"]
    who = served.ask(token).json()
    assert (who["subject"], who["kind"], who["issuer"]) == ("ines", "federated", served.issuer.url)
    assert who["roles"] == ["operator"]  # the provider's "admin" is not the hub's
    assert who["limits"] == {"plants": ["P03"], "flows": None, "risks": None}
    assert "reveal" in who["permissions"]
    assert served.ask(token, "/admin/v1/transactions").status_code == 200
    assert served.ask(token, "/admin/v1/audit").status_code == 403


def test_somebody_without_a_role_here(served: Served) -> None:
    token = served.issuer.person_token("zoe", HUB)["access_token"]
    answer = served.ask(token, "/admin/v1/transactions")
    assert answer.status_code == 403
    assert "zoe is signed in and may not do this" in answer.json()["detail"]


def test_a_program(served: Served) -> None:
    token = served.issuer.client_token("night-job", SECRET, HUB)
    who = served.ask(token).json()
    assert (who["subject"], who["name"], who["roles"]) == ("night-job", "night-job", ["operator"])


def test_a_source_by_its_scopes(served: Served) -> None:
    token = served.issuer.client_token("mes-p01", SECRET, HUB, scope="ingress.material-consumption")
    document = b"<MaterialConsumption/>"
    assert served.ask(token).json()["kind"] == "system"

    def send(flow: str, plant: str) -> httpx.Response:
        return served.ask(
            token,
            f"/ingress/{flow}?plant={plant}",
            "POST",
            content=document,
        )

    assert send("goods-receipt", "P01").status_code == 403
    assert send("material-consumption", "P01").status_code == 415  # past the gate: the document has no type
    assert served.ask(token, "/admin/v1/transactions").status_code == 403


def test_a_token_for_another_api_and_an_id_token(served: Served) -> None:
    assert served.ask(served.issuer.client_token("night-job", SECRET, "https://other.example")).status_code == 401
    tokens = served.issuer.person_token("ines", HUB)
    answer = served.ask(tokens["id_token"])
    assert answer.status_code == 401
    assert "it is of the type" in answer.json()["detail"]
    assert served.ask(tokens["refresh_token"]).status_code == 401


def test_a_token_with_a_letter_changed(served: Served) -> None:
    token = served.issuer.person_token("ines", HUB)["access_token"]
    header, claims, signature = token.split(".")
    at = len(signature) // 2
    other = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]
    assert "its signature is not of the issuer's key" in served.ask(f"{header}.{claims}.{other}").json()["detail"]


def test_keys_turn_over(served: Served) -> None:
    """With overlap nobody notices; without, tokens of the old key end."""
    old = served.issuer.person_token("lena", HUB)["access_token"]
    assert served.ask(old).status_code == 200
    served.issuer.rotate(keep=True)
    new = served.issuer.person_token("lena", HUB)["access_token"]
    assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
    before = served.issuer.asked("/jwks")
    assert served.ask(new).status_code == 200
    assert served.ask(old).status_code == 200
    assert served.issuer.asked("/jwks") == before + 1
    # Random ids fetch nothing more within the half minute.
    forged = jwt.encode({"iss": served.issuer.url}, "s" * 32, headers={"typ": "at+jwt", "kid": "random"})
    for _ in range(5):
        assert served.ask(forged).status_code == 401
    assert served.issuer.asked("/jwks") == before + 1


def test_there_is_neither_a_bootstrap_token_nor_a_key_of_the_hubs_own(served: Served) -> None:
    assert served.hub.token == ""
    names = {path.name for path in Path(served.hub.data).iterdir()}
    assert names.isdisjoint({"bootstrap.token", "issuer.key"})


def test_users_are_refused_with_the_reason(served: Served) -> None:
    token = served.issuer.person_token("lena", HUB)["access_token"]
    done = subprocess.run(
        [sys.executable, "-m", "commands", "hub", "users", "add", "kim", "--role", "viewer"],
        env={**os.environ, **served.hub.env, "ANDON_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 6
    assert served.issuer.url in done.stderr
    assert done.stdout == ""


def test_what_clients_are_told(served: Served) -> None:
    said = httpx.get(f"{served.hub.url}/.well-known/oauth-protected-resource", trust_env=False).json()
    assert said["resource"] == HUB
    assert said["authorization_servers"] == [served.issuer.url]
    metadata = httpx.get(f"{served.issuer.url}/.well-known/openid-configuration", trust_env=False).json()
    assert json.dumps(metadata["issuer"]) == json.dumps(said["authorization_servers"][0])
