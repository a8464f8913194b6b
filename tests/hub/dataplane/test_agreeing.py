"""The real Envoy and what is worked out from the policies alone agree: the worked example, calls of every kind."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from gatehouse import Gatehouse

import gateway_policies
from gateway_policies.loading import load
from gateway_policies.routing.deciding import Call, Token, decide
from gateway_policies.routing.making import routing
from gateway_policies.routing.model import Routing
from hub.dataplane.blueprint import Target

EXAMPLE = Path(gateway_policies.__file__).parent / "example"
CALLS = 250


@pytest.fixture(scope="module")
def policies(gatehouse: Gatehouse) -> Routing:
    """The example's, in front of one target."""
    loaded = load(EXAMPLE)
    assert loaded.policies is not None
    live = dict(loaded.policies.resources)
    made = routing("plant-gateway", live, gatehouse.clock.now())
    for each in made.surfaces:
        gatehouse.sources.addresses[each.upstream] = [Target(url=gatehouse.target.url)]
    gatehouse.revision += 1
    told = gatehouse.run(lambda: gatehouse.plane.apply(live, gatehouse.revision))
    assert told is not None
    assert told.checked
    assert all(each.held for each in told.checked), [each for each in told.checked if not each.held]
    return made


def _any_call(chance: random.Random, made: Routing) -> Call:
    """Mostly what is there, with something wrong now and then."""
    surface = chance.choice(made.surfaces)
    entry = chance.choice(surface.entries)
    segments = [
        chance.choice(("4711", "open", "a b".replace(" ", "%20"))) if part.startswith("{") else part
        for part in entry.path.split("/")[1:]
    ]
    if chance.random() < 0.1:
        segments = segments[:-1] if chance.random() < 0.5 else [*segments, "more"]
    prefix = surface.prefix if chance.random() < 0.9 else surface.prefix + chance.choice(("0", "x", "/v1", "-"))
    method = chance.choice(entry.methods) if chance.random() < 0.85 else chance.choice(("GET", "POST", "DELETE", "PUT"))
    token = None
    if chance.random() < 0.9:
        caller = chance.choice(made.callers)
        scopes = set(chance.sample(sorted(caller.scopes), min(2, len(caller.scopes))))
        if entry.scope is not None and chance.random() < 0.8:
            scopes.add(entry.scope)
        client = caller.client_id if chance.random() < 0.9 else "stranger"
        token = Token(issuer=caller.issuer, client_id=client, scopes=frozenset(scopes))
    return Call(method=method, path="/".join((prefix, *segments)), token=token)


def test_every_call_is_answered_as_the_policies_say(gatehouse: Gatehouse, policies: Routing) -> None:
    """Status and refusal; and each kind of answer came at least once."""
    chance = random.Random(7)
    met: set[str | None] = set()
    for _ in range(CALLS):
        call = _any_call(chance, policies)
        token = None if call.token is None else gatehouse.token(call.token.client_id, *sorted(call.token.scopes))
        answer = gatehouse.call(call.method, call.path, token)
        expected = decide(policies, call)
        assert (answer.refused, answer.status) == (expected.refusal, expected.status or 200), call
        if expected.allow:
            assert answer.header("allow") == ", ".join(expected.allow)
        met.add(expected.refusal)
    assert met >= {None, "unauthenticated", "unknown-consumer", "scope-missing", "no-such-route", "method-not-allowed"}
