"""What a target's answer means, in every dialect and whatever it contains."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.delivery.answers import Answer, Found, Outcome, Result
from hub.delivery.classify import classify, classify_lookup, code_table, retry_after
from transactions.model import FailureKind, Help

K = FailureKind

SOAP_11 = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>
<faultcode>soap:{who}</faultcode><faultstring>{message}</faultstring>
<detail><error><code>{code}</code><system>CMMS</system></error></detail>
</soap:Fault></soap:Body></soap:Envelope>"""

SOAP_12 = """<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body><env:Fault>
<env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>m:{code}</env:Value></env:Subcode></env:Code>
<env:Reason><env:Text xml:lang="en">{message}</env:Text></env:Reason>
</env:Fault></env:Body></env:Envelope>"""

NGINX_CERTIFICATE = """<html>\r\n<head><title>400 The SSL certificate error</title></head>\r\n<body>\r\n
<center><h1>400 Bad Request</h1></center>\r\n<center>The SSL certificate error</center>\r\n<hr><center>nginx</center>"""


def answer(status: int, body: object = b"", content_type: str = "", **headers: str) -> Answer:
    if isinstance(body, dict | list):
        content, content_type = json.dumps(body).encode(), content_type or "application/json"
    else:
        content = body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[call-overload]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers={"content-type": content_type, **named}, body=content)


def odata(code: str, message: str = "said so") -> dict[str, object]:
    return {"error": {"code": code, "message": {"lang": "en", "value": message}}}


def problem(code: str, status: int = 422) -> dict[str, object]:
    return {"type": "https://errors.example/x", "title": "T", "status": status, "detail": "said so", "code": code}


def kind_of(outcome: Outcome) -> FailureKind | None:
    return outcome.failure.kind if outcome.failure else None


# success


@pytest.mark.parametrize(
    ("status", "body", "result", "document"),
    [
        (201, {"status": "applied", "document": "4900012345"}, Result.APPLIED, "4900012345"),
        (200, {"status": "duplicate", "document": 4900012345}, Result.DUPLICATE, "4900012345"),
        (202, {"status": "accepted"}, Result.ACCEPTED, None),
        (200, {"status": "Applied"}, Result.APPLIED, None),
        (202, b"", Result.ACCEPTED, None),
        (204, b"", Result.APPLIED, None),
        (200, b"OK", Result.APPLIED, None),
        (200, "<answer><status>applied</status><document>77</document></answer>", Result.APPLIED, "77"),
        (409, {"status": "duplicate", "document": "49"}, Result.DUPLICATE, "49"),
    ],
)
def test_success(status: int, body: object, result: Result, document: str | None) -> None:
    outcome = classify(answer(status, body), "ERP")
    assert (outcome.result, outcome.document, outcome.failure) == (result, document, None)


def test_parked_is_no_success_and_wants_care() -> None:
    body = {"status": "parked", "document": "77", "code": "COGI", "message": "Movement is in postprocessing"}
    outcome = classify(answer(200, body), "ERP")
    assert outcome.result is Result.PARKED
    assert outcome.document == "77"
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.help, outcome.failure.code) == (K.PARKED, Help.CARE, "COGI")
    assert not outcome.definitive
    assert not outcome.retry


def test_partial_names_the_lines_that_were_not_taken() -> None:
    rejected = [{"line": 2, "code": "M7021", "message": "Deficit"}, {"line": "3"}]
    outcome = classify(answer(207, {"status": "partial", "document": "49", "rejected": rejected}), "ERP")
    assert outcome.result is Result.PARTIAL
    assert outcome.failure is not None
    assert outcome.failure.message == "line 2: M7021 Deficit; line 3"


@pytest.mark.parametrize(
    ("status", "body", "kind", "definitive"),
    [
        (200, {"status": "rejected", "code": "M7053", "message": "no"}, K.PERIOD_CLOSED, True),
        (200, {"status": "rejected", "message": "no"}, K.BUSINESS_RULE, True),
        (200, {"status": "error", "message": "internal"}, K.UNKNOWN_OUTCOME, False),
        (200, odata("M7053"), K.PERIOD_CLOSED, True),
        (200, odata("SOMETHING"), K.UNKNOWN_OUTCOME, False),
        (200, SOAP_11.format(who="Client", code="F5201", message="Period"), K.PERIOD_CLOSED, True),
        (200, "<html><title>Sign in</title></html>", K.UNKNOWN_OUTCOME, False),
        (207, b"", K.UNKNOWN_OUTCOME, False),
    ],
)
def test_two_hundred_that_is_none(status: int, body: object, kind: FailureKind, definitive: bool) -> None:
    outcome = classify(answer(status, body), "ERP")
    assert kind_of(outcome) is kind
    assert outcome.definitive is definitive
    assert outcome.result is (Result.FAILED if definitive else Result.UNKNOWN)


# codes


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("M7053", K.PERIOD_CLOSED),
        ("M7/053", K.PERIOD_CLOSED),
        ("F5201", K.PERIOD_CLOSED),
        ("M7021", K.BUSINESS_RULE),
        ("BS007", K.BUSINESS_RULE),
        ("BS013", K.BUSINESS_RULE),
        ("BM311", K.MAPPING),
        ("M3351", K.MASTER_DATA),
        ("LOT_UNKNOWN", K.MASTER_DATA),
        ("lot_unknown", K.MASTER_DATA),
        ("MATERIAL_NOT_FOUND", K.MASTER_DATA),
        ("SCHEMA_VIOLATION", K.SCHEMA),
        ("CO469", K.LOCKED),
        ("APPROVAL_PENDING", K.LATE_APPROVAL),
        ("KEY_REUSED", K.CONFLICT),
        ("LOT_RESTRICTED", K.BUSINESS_RULE),
    ],
)
@pytest.mark.parametrize("status", [400, 409, 422, 500])
@pytest.mark.parametrize("dialect", ["odata", "rest", "soap11", "soap12", "xml"])
def test_the_code_decides_whatever_status_and_dialect(code: str, kind: FailureKind, status: int, dialect: str) -> None:
    body: object = {
        "odata": odata(code),
        "rest": problem(code, status),
        "soap11": SOAP_11.format(who="Server", code=code, message="said so"),
        "soap12": SOAP_12.format(code=code, message="said so"),
        "xml": f"<error xmlns='http://example.invalid/d'><code>{code}</code><message>said so</message></error>",
    }[dialect]
    outcome = classify(answer(status, body), "ERP")
    assert outcome.failure is not None
    assert outcome.failure.kind is kind
    assert outcome.failure.help is kind.help
    assert outcome.failure.code == code.replace("/", "")
    assert outcome.failure.message == "said so"
    assert outcome.failure.system == "ERP"
    assert outcome.definitive
    assert outcome.retry is (kind is K.LOCKED)


def test_an_inner_code_counts_where_the_outer_one_says_nothing() -> None:
    inner = {"errordetails": [{"code": "/IWBEP/CX_MGW_BUSI_EXCEPTION"}, {"code": "M7/021", "message": "Deficit"}]}
    body = {"error": {"code": "SY/530", "message": {"value": "An exception was raised"}, "innererror": inner}}
    assert kind_of(classify(answer(400, body), "ERP")) is K.BUSINESS_RULE


def test_a_code_in_the_text_is_not_a_code() -> None:
    outcome = classify(answer(400, {"message": "see note M7053 about LOCKED objects"}), "ERP")
    assert kind_of(outcome) is K.SCHEMA
    assert not outcome.retry


def test_every_code_of_the_table_is_of_a_kind_and_written_once() -> None:
    table = code_table()
    assert len(table) > 50
    assert all(code == code.upper() for code in table)


# status


@pytest.mark.parametrize(
    ("status", "kind", "definitive", "retry"),
    [
        (301, K.MAPPING, True, False),
        (400, K.SCHEMA, True, False),
        (401, K.UNAUTHORIZED, True, False),
        (403, K.FORBIDDEN, True, False),
        (404, K.MAPPING, True, False),
        (408, K.UNKNOWN_OUTCOME, False, False),
        (409, K.CONFLICT, True, False),
        (410, K.VERSION_RETIRED, True, False),
        (412, K.CONFLICT, True, False),
        (413, K.SCHEMA, True, False),
        (415, K.SCHEMA, True, False),
        (418, K.MAPPING, True, False),
        (422, K.SCHEMA, True, False),
        (423, K.LOCKED, True, True),
        (428, K.CONFLICT, True, False),
        (429, K.THROTTLED, True, True),
        (495, K.CERTIFICATE, True, False),
        (496, K.CERTIFICATE, True, False),
        (500, K.UNKNOWN_OUTCOME, False, False),
        (501, K.MAPPING, True, False),
        (502, K.UNREACHABLE, False, True),
        (503, K.UNREACHABLE, False, True),
        (504, K.UNKNOWN_OUTCOME, False, False),
        (599, K.UNKNOWN_OUTCOME, False, False),
    ],
)
def test_a_bare_status(status: int, kind: FailureKind, definitive: bool, retry: bool) -> None:
    outcome = classify(answer(status), "WMS/P01")
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.definitive, outcome.retry) == (kind, definitive, retry)
    assert outcome.failure.code == f"http-{status}"
    assert outcome.failure.message


def test_a_503_that_names_a_time_has_refused() -> None:
    outcome = classify(answer(503, retry_after="5"), "ERP")
    assert outcome.definitive
    assert outcome.retry
    assert outcome.retry_after == 5.0


@pytest.mark.parametrize("title", ["The SSL certificate error", "No required SSL certificate was sent"])
def test_a_proxy_that_refuses_the_certificate(title: str) -> None:
    page = NGINX_CERTIFICATE.replace("The SSL certificate error", title)
    outcome = classify(answer(400, page, "text/html", server="nginx"), "ERP")
    assert kind_of(outcome) is K.CERTIFICATE
    assert outcome.failure is not None
    assert title in outcome.failure.message


def test_a_missing_csrf_token_is_no_scope_fault() -> None:
    body = "CSRF token validation failed"
    assert kind_of(classify(answer(403, body, "text/plain", x_csrf_token="Required"), "ERP")) is K.UNAUTHORIZED
    assert kind_of(classify(answer(403, "Forbidden", "text/plain"), "ERP")) is K.FORBIDDEN


@pytest.mark.parametrize(
    ("body", "content_type", "code", "message"),
    [
        ({"message": "no Route matched with those values"}, "", "http-404", "no Route matched with those values"),
        ({"error_msg": "404 Route Not Found"}, "", "http-404", "404 Route Not Found"),
        ({"type": "urn:andon:problem:not-found", "title": "Not found"}, "", "not-found", "Not found"),
        ({"type": "about:blank", "title": "Not found"}, "", "http-404", "Not found"),
        ({"error": "invalid_request", "error_description": "No such thing"}, "", "invalid_request", "No such thing"),
        ({"errors": [{"code": "E1", "message": "First"}]}, "", "E1", "First"),
        ("nothing here\r\n\x1b[31m", "text/plain", "http-404", "nothing here [31m"),
        ("<html><head><title>404 Not Found</title></head></html>", "text/html", "http-404", "404 Not Found"),
        (b"", "", "http-404", "HTTP 404 Not Found"),
        ('{"broken": ', "application/json", "http-404", '{"broken":'),
    ],
)
def test_the_message_is_what_was_said(body: object, content_type: str, code: str, message: str) -> None:
    outcome = classify(answer(404, body, content_type), "ERP")
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.message) == (code, message)


# Retry-After


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", "", 120.0),
        ("0", "", 0.0),
        ("99999999", "", 86_400.0),
        ("-5", "", None),
        ("soon", "", None),
        ("", "", None),
        ("Sat, 21 Nov 2026 04:00:30 GMT", "Sat, 21 Nov 2026 04:00:00 GMT", 30.0),
        ("Sat, 21 Nov 2026 03:00:00 GMT", "Sat, 21 Nov 2026 04:00:00 GMT", 0.0),
        ("Sat, 99 Nov 2026 03:00:00 GMT", "", None),
    ],
)
def test_retry_after(value: str, date: str, seconds: float | None) -> None:
    assert retry_after(answer(429, retry_after=value, date=date)) == seconds


# lookup

SHA = "ab" * 32


def test_a_lookup_that_found_it() -> None:
    found = classify_lookup(answer(200, {"status": "applied", "sha256": SHA.upper(), "document": "49"}))
    assert (found.status, found.sha256, found.document) == (Found.APPLIED, SHA, "49")


@pytest.mark.parametrize("status", list(Found))
def test_every_word_of_a_lookup(status: Found) -> None:
    assert classify_lookup(answer(200, {"status": str(status)})).status is status


def test_a_rejection_carries_its_kind() -> None:
    found = classify_lookup(answer(200, {"status": "rejected", "code": "M7053", "message": "Period"}))
    assert (found.status, found.code, found.kind, found.message) == (Found.REJECTED, "M7053", K.PERIOD_CLOSED, "Period")


@pytest.mark.parametrize(
    "odd",
    [
        answer(404),
        answer(404, {"status": "applied"}),
        answer(404, problem("NOT_FOUND", 404)),
        answer(500, {"status": "absent"}),
        answer(200, {"status": "gone"}),
        answer(200, b"absent"),
        answer(200, "<html>absent</html>"),
        answer(200, [1, 2]),
    ],
)
def test_what_is_not_plain_is_unknown_and_never_absent(odd: Answer) -> None:
    found = classify_lookup(odd)
    assert found.status is Found.UNKNOWN
    assert found.message is not None
    assert found.message.startswith(f"HTTP {odd.status}")


def test_a_404_that_says_absent_is_believed() -> None:
    assert classify_lookup(answer(404, {"status": "absent"})).status is Found.ABSENT


# hostile

JSONS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "status", "errors", "rejected", "innererror", "document", "type"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
BODIES = st.one_of(
    st.binary(max_size=300),
    JSONS.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.text(alphabet="<>/fault:codevalue ='\"&;[!-", max_size=80).map(str.encode),
)
TYPES = st.sampled_from(
    [
        "",
        "application/json",
        "text/xml; charset=utf-16",
        "application/problem+json",
        "text/html",
        "text/plain; charset=x",
    ]
)


@given(st.integers(100, 999), BODIES, TYPES, st.text(max_size=20))
@example(500, b'{"error":' * 5000, "application/json", "")
@example(500, b"[" * 200_000, "application/json", "")
@example(500, b"<a>" * 100_000, "text/xml", "")
@example(500, b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "text/xml", "")
@example(400, b'{"error": {"code": "\\ud800", "message": "\\ud800"}}', "application/json", "")
def test_no_answer_breaks_the_reader(status: int, body: bytes, content_type: str, wait: str) -> None:
    hostile = Answer(
        status=status, headers={"content-type": content_type, "retry-after": wait, "date": wait}, body=body
    )
    outcome = classify(hostile, "ERP")
    if outcome.failure is not None:
        assert outcome.failure.code
        assert 0 < len(outcome.failure.message) <= 4_000
        json.dumps(outcome.failure.message).encode("utf-8")
        outcome.failure.message.encode("utf-8")
        outcome.failure.code.encode("utf-8")
    else:
        assert outcome.result in (Result.APPLIED, Result.ACCEPTED, Result.DUPLICATE)
    assert not (outcome.definitive and outcome.result is Result.UNKNOWN)
    assert isinstance(classify_lookup(hostile).status, Found)
