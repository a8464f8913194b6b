"""Who works on a transaction, in a line."""

from __future__ import annotations

import msgspec
import pytest

from transactions.ownership import owned


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, ""),
        ({"owner": "mdm-team"}, "team mdm-team"),
        ({"assignee": "kim", "ticket": "INC-4"}, "kim works on it, ticket INC-4"),
        ({"assignee": "kim", "ticket": "INC-4", "owner": "mdm"}, "kim works on it, ticket INC-4, team mdm"),
    ],
)
def test_whose_it_is(a_transaction, fields, line) -> None:
    empty = {"assignee": None, "ticket": None, "owner": None}
    assert owned(msgspec.structs.replace(a_transaction(), **{**empty, **fields})) == line
