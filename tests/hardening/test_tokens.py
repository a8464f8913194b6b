"""Guessing a token: by the time an answer takes, by tokens that are bombs, and what is kept of tokens."""

from __future__ import annotations

import ast
import base64
import json
from pathlib import Path

import pytest

import hub
from hub.api.access import Access, Principal
from transactions.errors import Unauthenticated

SOURCES = sorted(Path(hub.__file__).parent.rglob("*.py"))
SECRET = ("token", "secret", "password", "signature", "authorization")


def naive_compare(known: str, given: str) -> int:
    """How many characters ``==`` looks at before it knows: what a clock tells the attacker."""
    for n, (one, other) in enumerate(zip(known, given, strict=False)):
        if one != other:
            return n + 1
    return min(len(known), len(given))


def test_a_comparison_that_stops_early_tells_how_far_it_came() -> None:
    known = "andon_7fK2"
    told = [naive_compare(known, guess) for guess in ("xxxxxxxxxx", "andon_xxxx", "andon_7fxx")]
    assert told == [1, 7, 9]  # and so a token is guessed a character at a time


async def test_a_token_is_compared_by_a_hash_of_all_of_it_and_with_every_token_there_is(monkeypatch) -> None:
    seen: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        seen.append((one, other))
        return one == other

    monkeypatch.setattr("hub.api.access.hmac.compare_digest", compare)
    access = Access()
    for name in ("first", "second", "third"):
        access.accept(f"{name}-token", Principal(subject=name, kind="user"))
    for given in ("first-token", "third-token", "first-tokem", "x"):
        seen.clear()
        try:
            await access.who(f"Bearer {given}")
        except Unauthenticated:
            assert given in ("first-tokem", "x")
        assert len(seen) == 3  # as many for a good one as for a wrong one, wherever it stands
        assert {len(one) for pair in seen for one in pair} == {32}


def test_no_secret_is_compared_with_an_equals_sign() -> None:
    """Over the hub's whole source: a secret goes through ``hmac.compare_digest``, or a signature's own check."""
    assert secrets_compared("if token == given: pass") == ["token == given"]
    assert secrets_compared("if self.control_token != x['token']: pass")
    found = {path.name: secrets_compared(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert len(found) > 80
    assert {name: lines for name, lines in found.items() if lines} == {}


def secrets_compared(source: str) -> list[str]:
    """Comparisons for equality in which one side is called like a secret and the other is no constant."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            sides = [node.left, *node.comparators]
            names = [str(getattr(side, "id", getattr(side, "attr", ""))).lower() for side in sides]
            named = any(word in name for word in SECRET for name in names)
            if named and not any(_is_fixed(side) for side in sides):
                found.append(ast.unparse(node))
    return found


def _is_fixed(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def deep_token(part: int) -> str:
    """A JWT of nested brackets where header (0) or claims (1) should be."""
    parts = [json.dumps({"alg": "RS256", "typ": "at+jwt"}), json.dumps({"iss": "x"})]
    parts[part] = "[" * 5_000 + "]" * 5_000
    encoded = [base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in parts]
    return ".".join([*encoded, "c2ln"])


@pytest.mark.parametrize(
    "token",
    [deep_token(0), deep_token(1), "a" * 100_000, "\xff", "." * 1_000, "e30.e30.", "null", "Bearer", "a\tb"],
    ids=["deep header", "deep claims", "long", "no ASCII", "dots", "empty", "null", "scheme", "tab"],
)
async def test_a_token_that_is_a_bomb_is_a_wrong_token(client_of, problem, token: str) -> None:
    if token == deep_token(0):
        with pytest.raises(RecursionError):
            json.loads("[" * 5_000 + "]" * 5_000)
    headers = [("Authorization", f"Bearer {token}".encode("latin-1"))]
    for path in ("/admin/v1/whoami", "/ingress/downtime-event"):
        answer = await client_of(token=None).post(path, headers=headers)
        if answer.status_code == 431:
            assert len(token) > 32_000
            continue
        problem(answer, 401, "unauthenticated")
        assert token not in answer.text


async def test_a_refusal_says_nothing_of_the_token(client_of) -> None:
    answer = await client_of(token="almost-ann-token").get("/admin/v1/whoami")
    assert "almost-ann-token" not in answer.text + str(answer.headers)
