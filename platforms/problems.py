"""Problem documents (RFC 9457) back into the errors they were: one mapping for every client."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from platforms.errors import UnexpectedAnswer
from transactions import errors
from transactions.errors import PROBLEM_BASE, AndonError
from transactions.untrusted import parse_json

_MEMBERS = frozenset({"type", "title", "status", "detail", "instance"})

_BY_STATUS: dict[int, type[AndonError]] = {
    400: errors.Invalid,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    408: errors.TooSlow,
    409: errors.Refused,
    412: errors.Stale,
    413: errors.TooLarge,
    414: errors.AddressTooLong,
    415: errors.UnsupportedMedia,
    421: errors.Misdirected,
    422: errors.Invalid,
    428: errors.Stale,
    429: errors.TooManyRequests,
    431: errors.HeadersTooLarge,
    503: errors.Unavailable,
}


@cache
def _by_name() -> dict[str, type[AndonError]]:
    return {kind.problem: kind for kind in _walk(AndonError) if kind.__module__ == errors.__name__}


def _walk(kind: type[AndonError]) -> Iterator[type[AndonError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _walk(child)


def error_of(status: int, content_type: str, body: bytes, address: str, location: str | None = None) -> AndonError:
    """The error that a response stands for.

    A problem type that this version does not know is taken by its status; an answer without a problem document comes
    from something that is not an admin API (a proxy, another server), and says so.
    """
    document = _problem(content_type, body)
    if document is None:
        return _foreign(status, address, location)
    name = str(document.get("type", "")).removeprefix(PROBLEM_BASE)
    detail = str(document.get("detail") or document.get("title") or f"{address} answered with status {status}.")
    extra = {str(key): value for key, value in document.items() if key not in _MEMBERS}
    if "instance" in document:
        extra["instance"] = document["instance"]
    kind = _by_name().get(name)
    if kind is None:
        kind = _BY_STATUS.get(status, AndonError)
        extra["type"] = name
    # Subclasses word their own details from other arguments; what came over the wire is already worded.
    error = kind.__new__(kind)
    AndonError.__init__(error, detail, **{key: value for key, value in extra.items() if key != "self"})
    return error


def _problem(content_type: str, body: bytes) -> dict[str, Any] | None:
    if content_type.partition(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        return parse_json(body, dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A broken problem document is as foreign as none; _foreign() tells the status.
        return None


def _foreign(status: int, address: str, location: str | None) -> AndonError:
    if status in (502, 503, 504):
        return errors.Unreachable(
            f"A proxy at {address} answered {status}: the platform behind it gave no answer. "
            "Nothing is known to have been done. Check that the platform runs, then try again."
        )
    if 300 <= status < 400:
        return UnexpectedAnswer(
            f"{address} redirects to {location or 'another address'}. "
            "Redirects are not followed, so that the token goes nowhere else. "
            "If the new address is right, set it with 'andon context add NAME --url URL'."
        )
    return UnexpectedAnswer(
        f"{address} answered with status {status} and no problem document. "
        "So it is probably not the admin API of a platform, or something stands in front of it. "
        "Check the address with 'andon context show'."
    )
