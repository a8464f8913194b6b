"""The audit chain: whatever is done to it afterwards is found, and where."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.audit import GENESIS, entry_hash, link, verify
from transactions.clock import EPOCH
from transactions.history import AuditEntry


def a_chain(length: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for seq in range(1, length + 1):
        entries.append(
            link(
                AuditEntry(
                    seq=seq,
                    at=EPOCH + timedelta(minutes=seq),
                    actor="ann",
                    action="transaction.replayed",
                    subject=f"01JN{seq:04d}",
                    reason="period reopened",
                    before={"status": "failed", "revision": 1},
                    after={"status": "processed", "document": f"49{seq:08d}"},
                    previous=entries[-1].hash if entries else GENESIS,
                    hash="",
                )
            )
        )
    return entries


def test_a_whole_chain_holds_and_so_does_an_empty_one() -> None:
    assert verify(a_chain(20)) is None
    assert verify([]) is None


def test_an_entry_goes_round_through_json_with_its_hash() -> None:
    entry = a_chain(1)[0]
    again = msgspec.json.decode(msgspec.json.encode(entry), type=AuditEntry)
    assert again == entry
    assert entry_hash(again) == entry.hash


EDITS: list[dict[str, Any]] = [
    {"at": EPOCH},
    {"actor": "bob"},
    {"action": "transaction.discarded"},
    {"subject": "01JN9999"},
    {"reason": None},
    {"reason": "period reopened "},
    {"before": None},
    {"after": {"status": "processed", "document": "4900000099"}},
]


@given(n=st.integers(0, 9), edit=st.sampled_from(EDITS))
def test_an_edited_entry_is_found_where_it_is(n: int, edit: dict[str, Any]) -> None:
    entries = a_chain(10)
    entries[n] = msgspec.structs.replace(entries[n], **edit)
    broken = verify(entries)
    assert broken is not None
    assert broken.seq == n + 1
    assert "content does not match its hash" in broken.because


@given(n=st.integers(0, 8))
def test_an_entry_edited_with_a_new_hash_breaks_the_next_link(n: int) -> None:
    entries = a_chain(10)
    entries[n] = link(msgspec.structs.replace(entries[n], actor="bob"))
    broken = verify(entries)
    assert broken is not None
    assert broken.seq == n + 2
    assert "does not link" in broken.because


@given(n=st.integers(0, 8), count=st.integers(1, 4))
def test_removed_entries_are_found(n: int, count: int) -> None:
    entries = a_chain(10)
    del entries[n : min(n + count, 9)]
    broken = verify(entries)
    assert broken is not None
    assert broken.seq == n + 1
    assert f"entry {n + 1} is missing" in broken.because


@given(n=st.integers(0, 8))
def test_a_removed_entry_is_found_though_the_rest_was_renumbered(n: int) -> None:
    entries = a_chain(10)
    del entries[n]
    renumbered = [msgspec.structs.replace(entry, seq=seq) for seq, entry in enumerate(entries, 1)]
    broken = verify(renumbered)
    assert broken is not None
    assert broken.seq == n + 1


@given(st.permutations(range(8)))
def test_reordered_entries_are_found(order: list[int]) -> None:
    entries = a_chain(8)
    broken = verify([entries[n] for n in order])
    assert (broken is None) == (order == sorted(order))


def test_an_entry_that_stands_twice_is_found() -> None:
    entries = a_chain(5)
    assert verify([*entries[:3], entries[2], *entries[3:]]) is not None


@given(n=st.integers(1, 9))
def test_a_chain_cut_at_its_start_is_found(n: int) -> None:
    entries = a_chain(10)
    broken = verify(entries[n:])
    assert broken is not None
    assert broken.seq == 1


@given(n=st.integers(1, 9))
def test_a_part_is_held_against_what_it_must_link_to(n: int) -> None:
    entries = a_chain(10)
    assert verify(entries[n:], previous=entries[n - 1].hash, first=n + 1) is None
    assert verify(entries[n:], previous="f" * 64, first=n + 1) is not None


@pytest.mark.parametrize("kept", [0, 1, 9])
def test_a_chain_cut_at_its_end_is_found_by_whoever_knows_the_head(kept: int) -> None:
    entries = a_chain(10)
    head = entries[-1]
    assert verify(entries, head=(head.seq, head.hash)) is None
    broken = verify(entries[:kept], head=(head.seq, head.hash))
    assert broken is not None
    assert broken.seq == kept + 1
    assert "cut" in broken.because


def test_a_chain_written_anew_from_the_start_does_not_have_the_head() -> None:
    entries = a_chain(3)
    other = [link(msgspec.structs.replace(entries[0], actor="bob"))]
    for entry in entries[1:]:
        other.append(link(msgspec.structs.replace(entry, previous=other[-1].hash)))
    assert verify(other) is None  # sound in itself
    broken = verify(other, head=(3, entries[-1].hash))
    assert broken is not None
    assert broken.seq == 3
