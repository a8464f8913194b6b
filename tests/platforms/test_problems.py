from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from platforms.errors import UnexpectedAnswer
from platforms.problems import error_of
from transactions import errors
from transactions.errors import AndonError


def every_type(kind: type[AndonError] = AndonError) -> Iterator[type[AndonError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from every_type(child)


def problem(**members: object) -> bytes:
    return msgspec.json.encode(members)


def read(status: int, body: bytes, kind: str = "application/problem+json; charset=utf-8") -> AndonError:
    return error_of(status, kind, body, "http://hub")


@pytest.mark.parametrize("kind", list(every_type()), ids=lambda kind: kind.__name__)
def test_every_type_comes_back_as_itself(kind: type[AndonError]) -> None:
    error = read(
        kind.status, problem(type=f"urn:andon:problem:{kind.problem}", detail="What. Why.", status=kind.status)
    )
    assert type(error) is kind
    assert error.detail == str(error) == "What. Why."


def test_further_members_are_kept() -> None:
    error = read(
        400,
        problem(type="urn:andon:problem:bad-filter", detail="d", column=7, suggestions=["flow"], instance="/x", self=1),
    )
    assert error.extra == {"column": 7, "suggestions": ["flow"], "instance": "/x"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.Unauthenticated),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Refused),
        (412, errors.Stale),
        (418, AndonError),
        (422, errors.Invalid),
        (503, errors.Unavailable),
    ],
)
def test_an_unknown_type_is_taken_by_its_status(status: int, kind: type[AndonError]) -> None:
    error = read(status, problem(type="urn:andon:problem:of-next-year", title="New"))
    assert type(error) is kind
    assert error.detail == "New"
    assert error.extra["type"] == "of-next-year"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_without_a_platform_behind_it_is_unreachable(status: int) -> None:
    error = read(status, b"<html>bad gateway</html>", "text/html")
    assert type(error) is errors.Unreachable
    assert str(status) in error.detail


def test_a_redirect_is_not_followed_and_says_why() -> None:
    error = error_of(302, "text/html", b"", "http://hub", "https://elsewhere/login")
    assert isinstance(error, UnexpectedAnswer)
    assert "https://elsewhere/login" in error.detail
    assert "token" in error.detail


@pytest.mark.parametrize(
    ("kind", "body"), [("text/html", b"Not Found"), ("application/problem+json", b"{"), ("", b"[1]")]
)
def test_something_else_at_the_address_is_told_from_a_platform(kind: str, body: bytes) -> None:
    error = read(404, body, kind)
    assert isinstance(error, UnexpectedAnswer)
    assert "status 404" in error.detail
