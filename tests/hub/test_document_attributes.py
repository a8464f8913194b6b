"""One element with very many attributes would keep the hub busy for minutes."""

from __future__ import annotations

import time

import pytest

from hub.documents import DEFAULT_LIMITS, Limits, read_document
from transactions.errors import Unreadable


def element(count: int, prefix: str = "") -> bytes:
    attributes = " ".join(f'{prefix}a{n}="{n}"' for n in range(count))
    return f'<root xmlns:n="urn:n"><line {attributes}/></root>'.encode()


@pytest.mark.parametrize("prefix", ["", "n:"])
def test_as_many_as_allowed_are_read(prefix: str) -> None:
    found = read_document(element(DEFAULT_LIMITS.max_attributes, prefix), "application/xml").tree[0]
    assert found.get("a255") == "255"
    assert len(found.attrib) == DEFAULT_LIMITS.max_attributes


@pytest.mark.parametrize("prefix", ["", "n:"])
def test_one_more_is_refused_and_says_why(prefix: str) -> None:
    with pytest.raises(Unreadable, match="more than 3 attributes"):
        read_document(element(4, prefix), "application/xml", limits=Limits(max_attributes=3))


def test_a_hundred_thousand_are_refused_in_no_time() -> None:
    content = element(100_000, "n:")
    before = time.process_time()
    with pytest.raises(Unreadable):
        read_document(content, "application/xml")
    assert time.process_time() - before < 5  # it took minutes
