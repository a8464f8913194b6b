"""Documents that are weapons: for the parser, for the file system behind it, for whoever reads them after the hub."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lxml import etree

from hub.delivery.answers import Answer, Found, Result
from hub.delivery.classify import classify, classify_lookup
from hub.delivery.wording import wording
from hub.documents import extract_keys, read_document
from hub.simulator.reading import Reader
from transactions.errors import AndonError, Unreadable, UnsupportedMedia

NAIVE = etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False, huge_tree=True)
XML, JSON = "application/xml", "application/json"


def laughs(levels: int) -> bytes:
    """Ten times ten times ten … of the same word."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, levels + 1))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">{entities}]><a>&l{levels};</a>'.encode()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text("the bootstrap token")
    return file


@pytest.fixture
def somewhere() -> Iterator[tuple[str, list[str]]]:
    """An address that notes who asks, as an attacker's would."""
    asked: list[str] = []

    class Notes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'<!ENTITY stolen "it came from outside">')

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Notes)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join(10)
    server.server_close()


def refused(content: bytes, content_type: str = XML) -> str:
    """Why the hub does not take a document: as ingress reads it, as an answer of a target, and as a target reads it."""
    with pytest.raises((Unreadable, UnsupportedMedia)) as caught:
        read_document(content, content_type)
    said = wording(Answer(status=200, headers={"content-type": content_type}, body=content))
    assert said.status is None
    assert said.document is None
    return caught.value.detail


def test_billion_laughs() -> None:
    assert len(etree.fromstring(laughs(4), NAIVE).text) == 20_000  # from 300 bytes; nine levels are two gigabytes
    assert "DOCTYPE" in refused(laughs(9))


def test_quadratic_blowup() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 2_000 + b'">]><a>' + b"&b;" * 1_000 + b"</a>"
    assert len(ElementTree.fromstring(bomb).text or "") == 2_000_000  # of 5,000 bytes
    assert "DOCTYPE" in refused(bomb)


def test_a_file_of_the_machine(secret: Path) -> None:
    document = f'<!DOCTYPE a [<!ENTITY f SYSTEM "{secret.as_uri()}">]><a>&f;</a>'.encode()
    assert etree.fromstring(document, NAIVE).text == "the bootstrap token"
    assert "token" not in refused(document)


@pytest.mark.parametrize("form", ["%d;", "external subset"])
def test_a_dtd_from_elsewhere(somewhere, form: str) -> None:
    url, asked = somewhere
    if form == "%d;":
        document = f'<!DOCTYPE a [<!ENTITY % d SYSTEM "{url}/x.dtd"> %d;]><a>&stolen;</a>'.encode()
    else:
        document = f'<!DOCTYPE a SYSTEM "{url}/x.dtd"><a>&stolen;</a>'.encode()
    try:
        naive = etree.fromstring(document, NAIVE).text
    except etree.XMLSyntaxError:  # a libxml2 that was built without a network client
        naive = None
    if naive is not None:
        assert (naive, asked) == ("it came from outside", ["/x.dtd"])
    asked.clear()
    refused(document)
    assert asked == []


def test_xinclude(secret: Path) -> None:
    include = f'<xi:include href="{secret.as_uri()}" parse="text"/>'
    document = f'<a xmlns:xi="http://www.w3.org/2001/XInclude">{include}</a>'.encode()
    naive = etree.fromstring(document)
    naive.getroottree().xinclude()
    assert "the bootstrap token" in etree.tostring(naive).decode()
    tree = read_document(document, XML).tree  # it is an element like any other
    assert "token" not in etree.tostring(tree).decode()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-7", "utf-32", "cp037"])
def test_a_doctype_does_not_hide_in_another_charset(encoding: str, secret: Path) -> None:
    """A filter that looks for bytes does not see ``<!DOCTYPE`` in UTF-16 or UTF-7, and a parser does."""
    text = f'<!DOCTYPE a [<!ENTITY f SYSTEM "{secret.as_uri()}">]><a>&f;</a>'
    declared = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
    if encoding == "utf-16":
        content = text.encode(encoding)
        assert b"<!DOCTYPE" not in content
        assert etree.fromstring(content, NAIVE).text == "the bootstrap token"
    for shape in (text.encode(encoding), declared.encode(encoding), declared.encode(encoding, "replace")):
        for content_type in (XML, f"{XML}; charset={encoding}", f"{XML}; charset=utf-8", "text/xml"):
            try:
                tree = read_document(shape, content_type).tree
            except AndonError:
                continue
            assert "bootstrap token" not in etree.tostring(tree).decode()
            assert tree.getroottree().docinfo.doctype == ""


def test_deep_elements() -> None:
    deep = b"<a>" * 5_000 + b"</a>" * 5_000

    def levels(element: ElementTree.Element) -> int:
        return 1 + max((levels(child) for child in element), default=0)

    with pytest.raises(RecursionError):
        levels(ElementTree.fromstring(deep))
    assert "depth" in refused(deep)
    assert "deep" in refused(b"<a>" * 100 + b"</a>" * 100)


def test_huge_attributes() -> None:
    many = b"<a " + b" ".join(b'x:a%d="1"' % n for n in range(20_000)) + b' xmlns:x="urn:x"/>'
    assert len(etree.fromstring(many, NAIVE).attrib) == 20_000
    began = time.monotonic()
    assert "attributes" in refused(many)
    long = b'<a b="' + b"x" * 11_000_000 + b'"/>'
    assert len(etree.fromstring(long, NAIVE).get("b")) == 11_000_000
    with pytest.raises(AndonError, match="limit"):
        read_document(long, XML)
    assert time.monotonic() - began < 20


# JSON


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 5_000_000,
        b'{"a":[' * 50_000,
        b'[{"a":' * 65 + b"1" + b"}]" * 65,
    ],
    ids=["arrays", "objects", "unclosed", "mixed", "just over the limit"],
)
def test_depth_bombs(content: bytes) -> None:
    if content.startswith(b"[[") and content.endswith(b"]"):
        with pytest.raises(RecursionError):  # which a server that does not expect it answers with 500, or dies of
            json.loads(content)
    refused(content, JSON)


def test_a_number_that_takes_a_processor_away() -> None:
    """Python reads digits in quadratic time, and so has a limit of its own: which is another error than is expected."""
    digits = b"9" * 10_000
    with pytest.raises(ValueError, match="digits") as naive:
        json.loads(digits)
    assert not isinstance(naive.value, json.JSONDecodeError)
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        assert json.loads(digits) > 10**9_999  # without that limit it is read, and longer ones take minutes
    finally:
        sys.set_int_max_str_digits(limit)
    assert "digits" in refused(b'{"quantity": ' + digits + b"}", JSON)


@pytest.mark.parametrize("number", [b"1e999999", b"-1e999999", b"1E400", b"0." + b"1" * 5_000 + b"e-99999"])
def test_a_number_without_an_end_is_a_word(number: bytes) -> None:
    assert json.loads(b"1e999999") == float("inf")  # no JSON can be made of that again
    document = read_document(b'{"quantity": ' + number + b"}", JSON)
    from hub.declarations import KeyPaths

    assert extract_keys(document, KeyPaths(json={"q": "$.quantity"}))["q"] == number.decode()[:200]


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_constants_that_no_standard_knows(constant: bytes) -> None:
    assert json.loads(constant) != 0
    assert constant.decode() in refused(b'{"quantity": ' + constant + b"}", JSON)


def test_two_members_of_one_name_are_two_documents() -> None:
    content = b'{"order": "4711", "order": "4712"}'
    first = {}
    for name, value in json.loads(content, object_pairs_hook=lambda pairs: pairs):
        first.setdefault(name, value)
    assert (json.loads(content)["order"], first["order"]) == ("4712", "4711")
    assert "twice" in refused(content, JSON)
    assert "twice" in refused(b'{"\\u006frder": 1, "order": 2}', JSON)


def test_a_lone_surrogate_breaks_whoever_writes_it_down() -> None:
    content = b'{"order": "47\\ud80011"}'
    with pytest.raises(UnicodeEncodeError):
        json.loads(content)["order"].encode()
    from hub.declarations import KeyPaths

    keys = extract_keys(read_document(content, JSON), KeyPaths(json={"order": "$.order"}))
    assert keys["order"].encode() == b"47?11"
    said = wording(Answer(status=422, headers={"content-type": JSON}, body=b'{"message": "\\ud800 no", "code": "x"}'))
    assert (said.message or "").encode()


# What a target answers, and what the simulated targets read


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (XML, laughs(9)),
        (XML, b"<a>" * 100_000),
        (JSON, b"[" * 100_000 + b"]" * 100_000),
        (JSON, b'{"status": "applied", "n": ' + b"9" * 10_000 + b"}"),
        (JSON, b'{"status": "rejected", "status": "applied"}'),
        ("text/html", b"<html><title>" + b"<" * 1_000_000),
        ("text/plain", b"\xff\xfe\x00" * 100_000),
        (XML, b"<a " + b" ".join(b'a%d="1"' % n for n in range(20_000)) + b"/>"),
    ],
)
def test_an_answer_that_is_a_weapon_decides_nothing(content_type: str, body: bytes) -> None:
    answer = Answer(status=200, headers={"content-type": content_type}, body=body)
    began = time.monotonic()
    assert classify_lookup(answer).status is Found.UNKNOWN
    refusal = Answer(status=400, headers={"content-type": content_type}, body=body)
    outcome = classify(refusal, "ERP")
    assert outcome.result is Result.FAILED
    assert outcome.failure is not None
    assert len(outcome.failure.message) <= 2_000
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("body", [laughs(9), b"<a>" * 5_000, b"[" * 100_000, b'{"a": ' + b"9" * 10_000 + b"}", b"\xff"])
def test_simulated_targets_do_not_fall_over_either(body: bytes, catalogue) -> None:
    with pytest.raises(Unreadable):
        Reader(catalogue).read("material-consumption", body)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (XML, laughs(9)),
        (JSON, b"[" * 100_000 + b"]" * 100_000),
        (JSON, b'{"a": ' + b"9" * 10_000 + b"}"),
        (JSON, b'{"a": 1, "a": 2}'),
        (XML, b"<a>" * 5_000),
    ],
)
async def test_at_the_door_they_are_422_and_leave_nothing(client_of, problem, content_type: str, body: bytes) -> None:
    client = client_of(token="mes-token")
    answer = await client.post(
        "/ingress/downtime-event?plant=P01", content=body, headers={"Content-Type": content_type}
    )
    problem(answer, 422, "unreadable-document")
    assert (await client_of().get("/admin/v1/transactions/count")).json()["count"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"action": ' + b"[" * 100_000,
        b'{"action": "replay", "reason": ' + b"9" * 10_000 + b"}",
        b'{"action": "replay", "reason": "r", "options": {"rate": 1e999999}}',
        b'{"action": "replay", "reason": "\\ud800", "ids": []}',
        b'{"action": "discard", "action": "replay", "reason": "r", "ids": ["x"]}',
        b"\xff\xfe",
        b"",
    ],
)
async def test_on_the_admin_api_too(client_of, problem, body: bytes) -> None:
    answer = await client_of().post("/admin/v1/plans", content=body, headers={"Content-Type": JSON})
    problem(answer, 422, "invalid-request")


@pytest.mark.parametrize("query", ["(" * 5_000, "not " * 3_000 + "a", "-" * 5_000 + "a", '"' * 5_000, "a:" * 3_000])
async def test_a_filter_without_an_end(client_of, problem, query: str) -> None:
    answer = await client_of().get("/admin/v1/transactions", params={"filter": query})
    assert answer.status_code in (200, 400, 414), answer.text


async def test_a_cursor_that_is_a_bomb(client_of, problem) -> None:
    import base64

    cursor = base64.urlsafe_b64encode(b"[" * 9_000).decode().rstrip("=")
    problem(await client_of().get("/admin/v1/transactions", params={"cursor": cursor}), 400, "bad-cursor")


@pytest.fixture
def catalogue():
    from hub.declarations import shipped_catalogue

    return shipped_catalogue()
