"""Same cause, same fingerprint."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.grouping import fingerprint, template


@pytest.mark.parametrize(
    ("message", "shape"),
    [
        ("Lot P01-000123 does not exist", "Lot <id> does not exist"),
        ("Lot P01-OOO123.", "Lot <id>."),
        (
            "Plant data for material SO1215 is not maintained in P03",
            "Plant data for material <id> is not maintained in <id>",
        ),
        ("Deficit of SL Unrestricted-use 5.25 KG", "Deficit of SL Unrestricted-use <n> KG"),
        ("Deficit of -3,000 KG", "Deficit of <n> KG"),
        ("Version v1 of goods-receipt is retired; use v2", "Version v1 of goods-receipt is retired; use v2"),
        ("4711 is being processed by user MILLER", "<n> is being processed by user <user>"),
        ("Failed at 2026-11-21T06:30:00.123Z", "Failed at <time>"),
        ("Failed at 2026-11-21 06:30:00 +01:00, or 06:31", "Failed at <time>, or <time>"),
        ("Key 3fa85f64-5717-4562-b3fc-2c963f66afa6 used", "Key <id> used"),
        ("Hash 9f86d081884c7d659a2feaa0c55ad015", "Hash <id>"),
        ("Field \"Quantity\" and 'Unit' of «lot»", "Field <value> and <value> of <value>"),
        ("It doesn't exist, isn't open", "It doesn't exist, isn't open"),
        ("Too\n  many\tblanks ", "Too many blanks"),
        ("HTTP 503 Service Unavailable", "HTTP <n> Service Unavailable"),
        ('{"error": {"code": "M7/053", "message": {"value": "Period 10 of 2026"}}}', "fault M7/053"),
        ('[{"errorCode": "A1", "id": "x"}, {"errorCode": "B2"}, {"errorCode": "A1"}]', "fault A1 B2"),
        (
            "<s:Fault><faultcode>s:Client</faultcode><detail><code>F5201</code><id>77</id></detail></s:Fault>",
            "fault s:Client F5201",
        ),
        ("<html><h1>400 Bad Request</h1></html>", "<n> Bad Request"),
        (
            (
                "<env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>m:Locked</env:Value>"
                "</env:Subcode></env:Code><env:Reason><env:Text>4711 is locked</env:Text></env:Reason></env:Fault>"
            ),
            "fault env:Sender m:Locked",
        ),
        ('<error code="M7053" id="77"><text>Period 10</text></error>', "fault M7053"),
        ('{"message": "no Route matched with those values"}', "fault no Route matched with those values"),
        (
            '{"name": "not found", "message": "no entity \'4711\'", "code": 6, "fields": {"id": "4711"}}',
            "fault 6 no entity <value> not found",
        ),
        (
            '{"type": "https://erp.example/problems/locked", "title": "Locked", "status": 423}',
            "fault https://erp.example/problems/locked",
        ),
        ('{"type": "about:blank", "title": "Not Found", "status": 404}', "fault Not Found"),
        ('{"error": "invalid_scope", "error_description": "You must specify a scope"}', "fault invalid_scope"),
        (
            '{"fault": {"faultstring": "Rate limit of 50 exceeded", "detail": {"errorcode": "policies.Quota"}}}',
            "fault policies.Quota",
        ),
        (
            '{"message": "1 error", "errors": [{"entity": {"name": "P01-7", "errors": [{"type": "field"}]}}]}',
            "fault <n> error",
        ),
        ('{"order": "4711", "lot": true}', "{<value>: <value>, <value>: true}"),
        ("{broken 12", "{broken <n>"),
        ("", ""),
    ],
)
def test_what_differs_is_masked_and_what_says_the_cause_stays(message: str, shape: str) -> None:
    assert template(message) == shape


@given(st.from_regex(r"[A-Z]{1,3}[0-9]{2}-[0-9]{4,8}", fullmatch=True), st.integers(0, 10**9), st.uuids())
def test_the_same_words_with_other_names_and_numbers_are_one_group(lot: str, number: int, key: object) -> None:
    message = f"Lot {lot} has {number} of 12 KG (request {key})"
    assert template(message) == template("Lot P01-000001 has 5 of 3 KG (request 3fa85f64-5717-4562-b3fc-2c963f66afa6)")


@given(st.permutations(["message", "code", "name", "fields"]))
def test_members_of_a_fault_have_no_order(names: list[str]) -> None:
    said = {"message": "host: required field missing", "code": 2, "name": "schema violation", "fields": {"host": "x"}}
    shape = template(json.dumps({name: said[name] for name in names}))
    assert shape == "fault 2 host: required field missing schema violation"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"message": "Not found"}', '{"message": "no Route matched with those values"}'),
        ('{"code": 2, "message": "host: required field missing"}', '{"code": 2, "message": "unknown field"}'),
        ("<html><h1>415 Unsupported Media Type</h1></html>", "<html><h1>412 Precondition Failed</h1></html>"),
    ],
)
def test_other_faults_are_other_groups(one: str, other: str) -> None:
    assert template(one) != template(other)


@given(st.text(max_size=300) | st.text(alphabet="aA1-./:'\"<>{}[ v", max_size=300))
def test_any_message_has_a_template(message: str) -> None:
    shape = template(message)
    assert isinstance(shape, str)
    assert len(fingerprint("f", "t", "k", "c", shape)) == 16


@pytest.mark.parametrize(
    "long", ["a-" * 100_000, "1" * 200_000, "{" * 200_000, "<" * 200_000, "'" * 200_000, "a1b" * 70_000]
)
def test_long_messages_are_cut(long: str) -> None:
    assert len(template(long)) <= 4_000


def test_every_part_tells_groups_apart() -> None:
    base = ("flow", "ERP", "locked", "M1", "shape")
    others = {fingerprint(*(part + "x" if at == n else part for at, part in enumerate(base))) for n in range(5)}
    assert len(others | {fingerprint(*base)}) == 6


def test_parts_do_not_run_into_each_other() -> None:
    assert fingerprint("ab", "c", "", "", "") != fingerprint("a", "bc", "", "", "")


def test_a_fingerprint_is_the_same_after_a_restart() -> None:
    expected = fingerprint("goods-receipt", "ERP", "locked", "CO469", "<n> is locked")
    code = (
        "from transactions.grouping import fingerprint;"
        "print(fingerprint('goods-receipt', 'ERP', 'locked', 'CO469', '<n> is locked'))"
    )
    again = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONHASHSEED": "7"},
    )
    assert again.stdout.strip() == expected
