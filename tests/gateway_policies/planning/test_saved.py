"""A plan as a file is read back only as it was written, by whom it was meant for, in its time, once."""

from __future__ import annotations

import json
from datetime import timedelta

import jsonschema
import msgspec
import pytest
import rfc8785
from gateway_doubles import NOW, gateways, policies_of, replaced, state_of
from hypothesis import given, settings
from plant_doubles import MES3, STANDARD, plan, plant, usage

from gateway_policies.canonical import canonical
from gateway_policies.errors import Blocked, Moved, PlanAltered
from gateway_policies.model import Resource, Scope
from gateway_policies.planning.applying import apply_changes, changeset_of
from gateway_policies.planning.making import make_plan, sealed
from gateway_policies.planning.model import Plan
from gateway_policies.planning.saved import check_age, from_bytes, to_bytes
from gateway_policies.planning.schema import FILE, plan_schema, schema_text
from gateway_policies.state import GatewayState


def made() -> Plan:
    files = plant() | {"scope.größe": Scope(name="größe", description="Größe → \u2028 \x7f „quoted“")}
    files[STANDARD] = replaced(files[STANDARD], requests=60)
    del files[f"{MES3}.grant.orders.release"]
    return plan(files, usage=usage())


def test_what_was_written_is_read() -> None:
    assert from_bytes(to_bytes(made())) == made()
    assert from_bytes(b"\n" + to_bytes(made()) + b"\n") == made()


def test_it_is_the_canonical_json_of_the_standard() -> None:
    plain = msgspec.to_builtins(made())
    assert canonical(made()) == rfc8785.dumps(plain)
    assert canonical(made().body()) == rfc8785.dumps({name: each for name, each in plain.items() if name != "hash"})


@settings(max_examples=10, deadline=None)
@given(gateways())
def test_every_plan_is_read_back_and_fits_the_schema(found: tuple[dict[str, Resource], GatewayState]) -> None:
    files, state = found
    one = make_plan(policies_of(files), state, made_at=NOW)
    assert from_bytes(to_bytes(one)) == one
    jsonschema.validate(json.loads(to_bytes(one)), plan_schema())


def test_the_schema_that_is_shipped_is_the_one_of_the_code() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), "python -m gateway_policies.planning.schema"


def test_the_same_plan_is_the_same_bytes() -> None:
    assert to_bytes(made()) == to_bytes(made())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"requests":60', '"requests":61'),
        ('"second_person":true', '"second_person":false'),
        ('"guard":"grant-used"', '"guard":"still-called"'),
        ('"revision":0', '"revision":0,"revision":0'),
        ('"revision":0', '"revision": 0'),
        ('"revision":0', '"revision":0,"more":1'),
        ('"only":[]', '"only":["x"]'),
        ('"schema_version":1', '"schema_version":1.0'),
    ],
)
def test_an_edited_plan_is_refused(before: str, after: str) -> None:
    text = to_bytes(made()).decode()
    assert before in text
    with pytest.raises(PlanAltered, match="Nothing was changed"):
        from_bytes(text.replace(before, after, 1).encode())


def test_a_blocker_that_was_taken_out_is_noticed() -> None:
    found = json.loads(to_bytes(made()))
    for each in found["changes"]:
        each.pop("blockers", None)
    with pytest.raises(PlanAltered, match="edited after it was made"):
        from_bytes(json.dumps(found, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"items": []}', b'{"schema_version": "1"}'])
def test_what_is_no_plan_is_refused(content: bytes) -> None:
    with pytest.raises(PlanAltered, match="no plan as 'andon policy plan --out' writes it"):
        from_bytes(content)


def test_a_plan_of_another_form_says_so() -> None:
    with pytest.raises(PlanAltered, match="has the form 2, and this andon reads the form 1"):
        from_bytes(to_bytes(sealed(msgspec.structs.replace(made().body(), schema_version=2))))


def test_a_plan_is_good_for_a_day() -> None:
    one = made()
    check_age(one, NOW + timedelta(hours=23, minutes=59))
    with pytest.raises(Moved, match="was good until 2026-11-22 08:00 UTC"):
        check_age(one, NOW + timedelta(hours=24))


def test_a_plan_for_another_gateway_or_state_is_refused() -> None:
    files = plant() | {"scope.a": Scope(name="a")}
    one, state = plan(files), state_of(plant())
    with pytest.raises(PlanAltered, match="is for the gateway plant-gateway, and this is office"):
        changeset_of(one, msgspec.structs.replace(state, gateway="office"), by="x")
    with pytest.raises(Moved, match="has changed since the plan was made"):
        changeset_of(one, apply_changes(state, one), by="x")


def test_a_plan_for_the_gateway_of_another_platform_of_the_same_name_is_refused() -> None:
    """Gateways that have nothing yet are all alike, and what they are called is the same everywhere."""
    here = msgspec.structs.replace(state_of({}), platform="plant-1")
    found = make_plan(policies_of(plant()), here, made_at=NOW)
    assert found.target.platform == "plant-1"
    assert apply_changes(here, found).live
    for there, told in (("plant-2", "the platform plant-2"), (None, "a directory")):
        with pytest.raises(PlanAltered, match=f"of the platform plant-1, and this is that of {told}. Nothing was"):
            apply_changes(msgspec.structs.replace(here, platform=there), found)


def test_a_blocked_plan_says_everything_that_stands_against_it() -> None:
    with pytest.raises(Blocked) as caught:
        changeset_of(made(), state_of(plant()), by="x")
    first, *rest = str(caught.value).splitlines()
    assert first == "The plan is blocked:"
    assert len(rest) == 2
    assert any("is still used by mes-p03" in each for each in rest)
    assert any("400 calls in a minute" in each for each in rest)
