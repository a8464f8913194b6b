"""Calls of an admin API as data: what to ask, and how to read the answer. No I/O here.

A :class:`Call` says what is meant; :func:`request_for` makes the HTTP request of it and :func:`read_answer` reads the
response, so that the synchronous and the asynchronous sender differ in nothing but how bytes travel.
"""

from __future__ import annotations

import re
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from platforms.errors import ReadOnly, UnexpectedAnswer
from platforms.problems import error_of
from transactions.errors import Invalid, NotFound
from transactions.untrusted import parse_json

T = TypeVar("T")

JSON = "application/json"
OCTETS = "application/octet-stream"
PATIENCE_SECONDS = 30.0
TRIES = 4
"""How often a read is asked before a platform that answers 429 is taken at its word."""
LONGEST_PAUSE_SECONDS = 15
"""A platform that wants a longer pause than this is not waited for."""

_NOUNS = {
    "transactions": ("transaction", "transactions"),
    "batches": ("batch", "batches"),
    "plans": ("plan", "plans"),
    "groups": ("group", "groups"),
}
# Empty, with a slash, made of dots alone, with what cannot be encoded or printed; or a word of the API's own.
_NO_ID = re.compile(r"^$|^\.+$|^count$|[/\\\s\x00-\x1f\x7f\ud800-\udfff]")


class Call(Struct, Generic[T], frozen=True, kw_only=True):
    """One call of an admin API.

    Attributes:
        path: below the API's base, segments already quoted (see :func:`segments`).
        answers: the type of the answer; ``bytes`` takes the body as it is.
        params: query parameters; what is None is left out.
        body: the request's body, encoded.
        changes: whether it has an effect that a read-only session must not have.
        patience: seconds to wait for the answer.
    """

    method: str
    path: str
    answers: type[T]
    params: dict[str, str] = msgspec.field(default_factory=dict)
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    changes: bool = False
    patience: float = PATIENCE_SECONDS


class Request(Struct, frozen=True, kw_only=True):
    """An HTTP request: ``target`` is path and query below the origin."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None = None
    patience: float = PATIENCE_SECONDS


class Response(Struct, frozen=True, kw_only=True):
    """An HTTP response, read whole; ``retry_after`` is the header of that name, as it came."""

    status: int
    content_type: str
    body: bytes
    location: str | None = None
    retry_after: str | None = None


def segments(*parts: str) -> str:
    """A path of quoted segments.

    Raises:
        NotFound: an id that would lead to something else: servers undo the quoting of a slash before they route.
    """
    if parts[0] in _NOUNS and len(parts) > 1 and _NO_ID.search(parts[1]):
        noun, plural = _NOUNS[parts[0]]
        raise NotFound(
            f"There is no {noun} {parts[1]!r}: no id looks like that. Nothing was asked. "
            f"Take an id from the list of {plural}."
        )
    return "/".join(quote(part, safe="") for part in parts)


def params(**values: str | int | None) -> dict[str, str]:
    """Query parameters without those that are None."""
    return {name: str(value) for name, value in values.items() if value is not None}


def json_body(value: object) -> bytes:
    """``value`` as the API reads it."""
    return msgspec.json.encode(value)


def request_for(call: Call[T], *, base_path: str, token: str | None, agent: str, read_only: bool = False) -> Request:
    """The HTTP request of a call.

    Args:
        call: what is meant.
        base_path: path of the admin API below the origin, without a slash at its end.
        token: bearer token; None sends none.
        agent: value of User-Agent.
        read_only: refuse what changes something.

    Raises:
        ReadOnly: the call changes something, and ``read_only`` forbids it.
    """
    if read_only and call.changes:
        raise ReadOnly(
            "This session is read-only, and the command would change something. Nothing was sent. "
            "Leave out --read-only, or set read_only = false in the context."
        )
    headers = {"Accept": call.accept, "User-Agent": agent, **call.headers}
    if call.body is not None:
        headers["Content-Type"] = call.content_type
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable():
            # RFC 9110, section 5.5: what else a field may hold is nothing that every server reads alike.
            raise Invalid(
                f"{name} cannot be {value!r}: it travels in a header, which takes printable ASCII only. "
                "Nothing was sent. Write it without other characters."
            )
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    query = f"?{urlencode(call.params, quote_via=quote)}" if call.params else ""
    return Request(
        method=call.method,
        target=f"{base_path}/{call.path}{query}",
        headers=headers,
        body=call.body,
        patience=call.patience,
    )


def pause_of(request: Request, response: Response, tries: int) -> float | None:
    """Seconds to wait before a read that came too often is asked again; None where the answer stands as it is.

    Args:
        request: what was asked; what changes something is never asked again by itself.
        response: what came back.
        tries: how often it was asked already.
    """
    if response.status != 429 or request.method != "GET" or tries >= TRIES:
        return None
    said = (response.retry_after or "").strip()
    if not said.isascii() or not said.isdigit() or len(said) > 4 or int(said) > LONGEST_PAUSE_SECONDS:
        return None
    return float(said)


def read_answer(call: Call[T], response: Response, address: str) -> T:
    """The answer of a call, or the error the platform sent.

    Args:
        call: what was asked.
        response: what came back.
        address: where it came from, for messages.

    Raises:
        AndonError: the type that the problem document names.
        UnexpectedAnswer: the answer is not one of the admin API.
    """
    if not 200 <= response.status < 300:
        raise error_of(response.status, response.content_type, response.body, address, response.location)
    if call.answers is bytes:
        return response.body  # type: ignore[return-value]
    try:
        return parse_json(response.body, call.answers)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnexpectedAnswer(
            f"{address} answered {call.method} {call.path} with something this version of andon cannot read ({error}). "
            "Either that address is not the admin API of a platform, or it runs another version. "
            "Check the address with 'andon context show', and both versions with 'andon doctor'."
        ) from error
