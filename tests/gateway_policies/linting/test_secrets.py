"""What looks like a secret, and what only sounds like one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway_policies.linting import lint
from gateway_policies.linting.files import texts_of
from gateway_policies.linting.secrets import found_in, secrets_of_files
from gateway_policies.loading import load
from gateway_policies.model import PolicySet, Severity
from gateway_policies.places import Nowhere, Place

# Put together here, so that no scanner takes the tests for a leak.
JWT = ".".join(("eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiJtZXMifQ", "c2lnbmF0dXJl"))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "-----BEGIN " + "PRIVATE KEY-----",
        JWT,
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a1" * 18,
        "glpat-" + "a1b2c3d4e5f6g7h8",
        "sk_live_" + "a1b2c3d4e5f6",
        "xoxb-" + "1234567890-abc",
        "Authorization: Bearer " + "a1b2c3d4e5f6g7h8i9",
        "Basic " + "dXNlcjpwYXNzd29yZA==",
        "postgresql://mes:" + "geheim@db.example/x",
        "password = " + "hunter2hunter2",
        "client_secret: '" + "s3cr3ts3cr3t'",
        'API-Key="' + 'a1b2c3d4"',
    ],
)
def test_a_secret_is_seen(text: str) -> None:
    assert len(list(found_in(f"before {text} after"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "dispatches released orders",
        "secret: rotated every quarter by the plant",
        "token = env:MES_TOKEN_2",
        "password: keyring:andon/mes-p03",
        "secret = file:/run/secrets/mes1",
        "token: ${TOKEN_2027}",
        "token expires_on 2027-06-30",
        "password: 2027-06-30 at the latest",
        "https://idp.example/realms/plant",
        "basic data of materials and bearers of costs",
        "the API key of plant 3 is in the vault",
        "a" * 5000,
        "a-" * 5000 + "token",
        "token:" * 1000,
    ],
)
def test_what_only_sounds_like_one_is_not(text: str) -> None:
    assert list(found_in(text)) == []


def test_comments_are_looked_at_and_nothing_is_repeated() -> None:
    text = 'name = "x"\n\n  # token: ' + JWT + "\n"
    [(place, message)] = secrets_of_files([("andon.toml", text)])
    assert place == Place("andon.toml", 3, 5)
    assert JWT not in message


def test_what_a_field_says_is_told_once(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "andon.toml").write_text('[gateway]\nname = "g"\n# password: ' + "hunter2hunter2\n")
    (folder / "scopes.toml").write_text('[scope."a.b"]\ndescription = "password: ' + 'hunter2hunter2"\n')
    loaded = load(folder)
    assert loaded.policies is not None
    found = [
        each
        for each in lint(loaded.policies, loaded.places, date(2026, 11, 21), texts=texts_of(folder))
        if each.rule == "secret-in-text"
    ]
    assert [(str(each.place), each.address) for each in found] == [
        ("andon.toml:3:3", None),
        ("scopes.toml:2:15", "scope.a.b"),
    ]
    assert all("hunter2" not in each.message + each.help for each in found)


def test_files_are_let_be_where_the_rule_is_off() -> None:
    quiet = PolicySet(gateway="g", lint={"secret-in-text": Severity.OFF})
    assert lint(quiet, Nowhere(), date(2026, 11, 21), texts=[("andon.toml", "# " + JWT)]) == []
