"""One refusal in three dialects, and the proxy's own page."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hub.simulator.refusals import ProxyRefusal, Refusal, render

CODES = [
    (400, "M7053", "Posting only possible in the current and the previous period"),
    (400, "F5201", "Posting period is not open"),
    (400, "M3351", "Plant data for material FG-1001 is not maintained in P01"),
    (400, "UNREADABLE", "The document is neither XML nor JSON"),
    (401, "TOKEN_EXPIRED", "The access token expired"),
    (403, "INSUFFICIENT_SCOPE", "The token has no scope labor-time.write"),
    (404, "NOT_FOUND", "There is no posting with key k"),
    (405, "METHOD", "/probe takes GET, HEAD"),
    (409, "BS013", "System status CLSD is active (ORD 1000001)"),
    (409, "LOT_RESTRICTED", "Lot P01-000001 is restricted: quality has a hold on it"),
    (409, "KEY_REUSED", "Key a was used for other content: document 4900000001"),
    (409, "APPROVAL_PENDING", "1000001 waits for approval and cannot be changed"),
    (409, "NOT_POSTED", "Posting k is parked: there is nothing to reverse"),
    (410, "VERSION_RETIRED", "Version v1 of labor-time is retired; use v2"),
    (413, "TOO_LARGE", "The document is above 16777216 bytes"),
    (422, "M7021", "Deficit of SL Unrestricted-use 2.5 KG : RM P01 R01-000001"),
    (422, "BM311", "Unit of measure KIL is not defined; check your entry"),
    (422, "SCHEMA_VIOLATION", "Line 10: 'many' is not a decimal number"),
    (422, "LOT_UNKNOWN", "Lot P01-O00001 does not exist"),
    (422, "MATERIAL_NOT_FOUND", "Material FG-1001 is not known in plant P01"),
    (423, "CO469", "1000001 is being processed by another user"),
    (423, "LOCKED", "1000001 is being processed by another user"),
    (429, "TOO_MANY_REQUESTS", "The request rate is above the quota"),
]
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
HTTP_SPEAKS = {401, 403, 404, 405, 410, 413, 423, 429}


def fault(text: str) -> etree._Element:
    envelope = etree.fromstring(text.encode())
    assert envelope.tag == f"{SOAP}Envelope"
    found = envelope.find(f"{SOAP}Body/{SOAP}Fault")
    assert found is not None
    return found


@pytest.mark.parametrize(("status", "code", "message"), CODES)
def test_odata(status: int, code: str, message: str) -> None:
    response = render(Refusal(status, code, message), "odata", "ERP")
    assert (response.status, response.content_type) == (status, "application/json")
    assert isinstance(response.body, bytes)
    assert msgspec.json.decode(response.body) == {"error": {"code": code, "message": {"lang": "en", "value": message}}}


@pytest.mark.parametrize(("status", "code", "message"), CODES)
def test_rest(status: int, code: str, message: str) -> None:
    response = render(Refusal(status, code, message), "rest", "WMS")
    assert (response.status, response.content_type) == (status, "application/problem+json")
    assert isinstance(response.body, bytes)
    problem = msgspec.json.decode(response.body)
    assert (problem["status"], problem["code"], problem["detail"]) == (status, code, message)
    assert problem["type"] == f"https://errors.example/{code.lower()}"
    assert problem["title"] == code.replace("_", " ").capitalize()


@pytest.mark.parametrize(("status", "code", "message"), CODES)
def test_soap(status: int, code: str, message: str) -> None:
    response = render(Refusal(status, code, message), "soap", "CMMS")
    assert response.status == (status if status in HTTP_SPEAKS else 500)
    assert (response.content_type, response.charset) == ("text/xml", "utf-8")
    assert response.text is not None
    found = fault(response.text)
    who = "Server" if status in (423, 429) else "Client"
    assert found.findtext("faultcode") == f"soap:{who}"
    assert found.findtext("faultstring") == message
    detail = [found.findtext(f"detail/error/{name}") for name in ("code", "system", "message")]
    assert detail == [code, "CMMS", message]


@pytest.mark.parametrize("dialect", ["odata", "rest", "soap"])
def test_headers_go_with_it(dialect: str) -> None:
    headers = {"Retry-After": "1", "WWW-Authenticate": 'Bearer realm="ERP"'}
    response = render(Refusal(429, "TOO_MANY_REQUESTS", "slower", headers), dialect, "ERP")
    assert {name: response.headers[name] for name in headers} == headers
    assert render(Refusal(400, "X", "x"), dialect, "ERP").headers.get("Retry-After") is None


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_whatever_a_document_says_the_answer_can_be_read(words: str) -> None:
    refusal = Refusal(409, "APPROVAL_PENDING", f"{words} waits")
    odata, rest = (render(refusal, dialect, "ERP").body for dialect in ("odata", "rest"))
    assert isinstance(odata, bytes)
    assert isinstance(rest, bytes)
    assert msgspec.json.decode(odata)["error"]["message"]["value"] == refusal.message
    assert msgspec.json.decode(rest)["detail"] == refusal.message
    text = render(refusal, "soap", "APS").text
    assert text is not None
    assert (fault(text).findtext("faultstring") or "").endswith(" waits")


def test_characters_that_xml_cannot_write_become_blanks() -> None:
    text = render(Refusal(423, "LOCKED", "a\x00b\x1fc\ufffed<&>\U0001f512"), "soap", "APS").text
    assert text is not None
    assert fault(text).findtext("detail/error/message") == "a b c d<&>\U0001f512"


def test_the_proxy_has_a_page_of_its_own() -> None:
    response = ProxyRefusal("The SSL certificate error").response()
    assert (response.status, response.content_type, response.headers["Server"]) == (400, "text/html", "nginx")
    assert response.text is not None
    assert "<center>The SSL certificate error</center>" in response.text
    assert "400 Bad Request" in response.text
