"""How the systems say no: one refusal, worded in the dialect of the system that says it."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

import msgspec
from aiohttp import web


class Refusal(Exception):
    """A document was not taken.

    Attributes:
        status: HTTP status in the REST and OData dialects; a SOAP fault is always a 500 (SOAP 1.1, 6.2), except
            where HTTP itself speaks (401, 403, 410, 423, 429).
        code: what support matches on (``M7053``).
        message: what a person reads.
        headers: further response headers (``Retry-After``, ``WWW-Authenticate``).
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


class ProxyRefusal(Exception):
    """The TLS-terminating proxy in front of the system refused: a page of its own, not the system's dialect.

    nginx answers 400 where its own code is 495 (SSL certificate error).
    """

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.title = title

    def response(self) -> web.Response:
        """nginx's error page."""
        page = (
            f"<html>\r\n<head><title>400 {self.title}</title></head>\r\n<body>\r\n"
            f"<center><h1>400 Bad Request</h1></center>\r\n<center>{self.title}</center>\r\n<hr><center>nginx</center>"
            "\r\n</body>\r\n</html>\r\n"
        )
        return web.Response(status=400, text=page, content_type="text/html", headers={"Server": "nginx"})


_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write; a document's own words may have them in JSON."""

_HTTP_SPEAKS = (401, 403, 404, 405, 410, 413, 423, 429)


def render(refusal: Refusal, dialect: str, system: str) -> web.Response:
    """The refusal as ``system`` words it in ``dialect`` (``rest``, ``odata`` or ``soap``)."""
    if dialect == "odata":
        body = {"error": {"code": refusal.code, "message": {"lang": "en", "value": refusal.message}}}
        return _json(refusal.status, body, "application/json", refusal.headers)
    if dialect == "soap":
        status = refusal.status if refusal.status in _HTTP_SPEAKS else 500
        return web.Response(
            status=status,
            text=_soap_fault(refusal, system),
            content_type="text/xml",
            charset="utf-8",
            headers=refusal.headers,
        )
    problem = {
        "type": f"https://errors.example/{refusal.code.lower()}",
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": refusal.status,
        "detail": refusal.message,
        "code": refusal.code,
    }
    return _json(refusal.status, problem, "application/problem+json", refusal.headers)


def _json(status: int, body: object, content_type: str, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type=content_type, headers=headers)


def _soap_fault(refusal: Refusal, system: str) -> str:
    code, message = (escape(_NOT_IN_XML.sub(" ", text)) for text in (refusal.code, refusal.message))
    who = "Server" if refusal.status >= 500 or refusal.status in (423, 429) else "Client"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
        f"<faultcode>soap:{who}</faultcode><faultstring>{message}</faultstring>"
        f"<detail><error><code>{code}</code><system>{escape(system)}</system>"
        f"<message>{message}</message></error></detail>"
        "</soap:Fault></soap:Body></soap:Envelope>\n"
    )
