from __future__ import annotations

import pytest

from platforms.errors import ContextError
from platforms.origins import read_address


@pytest.mark.parametrize(
    ("url", "origin", "shown"),
    [
        ("http://127.0.0.1:8470", "http://127.0.0.1:8470", "http://127.0.0.1:8470"),
        ("http://127.0.0.1:8470/", "http://127.0.0.1:8470", "http://127.0.0.1:8470"),
        ("https://Andon.Example.com", "https://andon.example.com:443", "https://andon.example.com"),
        ("https://andon.example.com:443/hub/", "https://andon.example.com:443", "https://andon.example.com/hub"),
        ("http://[::1]:9", "http://[::1]:9", "http://[::1]:9"),
        ("  http://hub  ", "http://hub:80", "http://hub"),
    ],
)
def test_one_origin_has_one_spelling(url: str, origin: str, shown: str) -> None:
    address = read_address(url, "--url")
    assert (address.origin, address.url) == (origin, shown)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "begin with http"),
        ("127.0.0.1:8470", "begin with http"),
        ("ftp://x", "begin with http"),
        ("http://", "name a host"),
        ("http://x:99999", "Port"),
        ("http://x:abc", "cannot be used"),
        ("http://user:hidden@x", "a user or a password"),
        ("http://x/?a=1", "a query"),
        ("http://x/#f", "a fragment"),
        ("http://a b/", "a space"),
        ("http://[::1", "cannot be used"),
    ],
)
def test_what_is_no_address_says_why_and_where_it_was_written(url: str, why: str) -> None:
    with pytest.raises(ContextError, match=why) as caught:
        read_address(url, "ANDON_URL")
    assert caught.value.detail.startswith("ANDON_URL is not an address")
    assert "hidden" not in caught.value.detail


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("localhost", True),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("hub", False),
    ],
)
def test_only_this_machine_is_this_machine(host: str, loopback: bool) -> None:
    assert read_address(f"http://{host}:1", "x").loopback is loopback
