"""Who works on a transaction, in a line; what a request may change of that, and what a note may be."""

from __future__ import annotations

import msgspec
import pytest

from transactions.errors import Invalid
from transactions.ownership import ME, AssignRequest, NoteRequest, changes_of, note_text, owned


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


# what a request changes


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        ({"assignee": "kim"}, {"assignee": "kim"}),
        ({"assignee": ME}, {"assignee": "ann"}),
        ({"assignee": "ME"}, {"assignee": "ME"}),  # somebody may be called so
        ({"ticket": ME}, {"ticket": ME}),
        ({"assignee": None}, {"assignee": None}),
        ({"assignee": None, "ticket": "INC-4"}, {"assignee": None, "ticket": "INC-4"}),
        ({"waiting_on": "  the\tmaster \n data team "}, {"waiting_on": "the master data team"}),
        ({"assignee": " me "}, {"assignee": "ann"}),
    ],
)
def test_what_is_left_out_stays_and_null_clears(asked: dict[str, str | None], changed: dict[str, str | None]) -> None:
    assert changes_of(AssignRequest(**asked), "ann") == changed


def test_a_request_that_changes_nothing_names_what_it_could_change() -> None:
    with pytest.raises(Invalid, match="assignee, ticket, waiting_on"):
        changes_of(AssignRequest(), "ann")


@pytest.mark.parametrize("name", ["assignee", "ticket", "waiting_on"])
@pytest.mark.parametrize(
    ("value", "why"), [("", "is empty"), (" \t\n", "is empty"), ("none", "nobody"), ("None", "nobody")]
)
def test_emptiness_is_told_by_null_and_not_by_words(name: str, value: str, why: str) -> None:
    with pytest.raises(Invalid, match=why) as refused:
        changes_of(AssignRequest(**{name: value}), "ann")
    assert "Nothing was changed" in str(refused.value)
    assert name in str(refused.value)


@pytest.mark.parametrize(("name", "most"), [("assignee", 200), ("ticket", 100), ("waiting_on", 500)])
def test_a_value_has_a_longest_length(name: str, most: int) -> None:
    assert changes_of(AssignRequest(**{name: "x" * most}), "ann") == {name: "x" * most}
    assert changes_of(AssignRequest(**{name: " " + "x" * most + " "}), "ann") == {name: "x" * most}
    with pytest.raises(Invalid, match=f"has {most + 1} characters, and {most} is the most"):
        changes_of(AssignRequest(**{name: "x" * (most + 1)}), "ann")


def test_unknown_fields_are_refused_and_null_is_not_left_out() -> None:
    assert msgspec.json.decode(b'{"assignee":null}', type=AssignRequest) == AssignRequest(assignee=None)
    assert msgspec.json.encode(AssignRequest(ticket="T")) == b'{"ticket":"T"}'
    with pytest.raises(msgspec.ValidationError, match="asignee"):
        msgspec.json.decode(b'{"asignee":"kim"}', type=AssignRequest)


# notes


def test_a_note_keeps_its_lines_and_loses_what_surrounds_them() -> None:
    assert note_text(NoteRequest(text="\n called ERP:\n  they mend it \n")) == "called ERP:\n  they mend it"


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_an_empty_note_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="Nothing was noted"):
        note_text(NoteRequest(text=text))


def test_a_note_has_a_longest_length() -> None:
    assert len(note_text(NoteRequest(text="x" * 4_000 + "\n"))) == 4_000
    with pytest.raises(Invalid, match=r"has 4,001 characters, and 4,000 is the most"):
        note_text(NoteRequest(text="x" * 4_001))
