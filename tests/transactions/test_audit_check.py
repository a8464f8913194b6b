"""An exported chain: whatever is done to the file afterwards is found, and the first place is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from transactions.audit import GENESIS, entry_hash, link
from transactions.audit_check import ExportCheck, Verification
from transactions.audit_export import LONGEST_LINE, End, end_line, entry_line, signed_content
from transactions.audit_key import TrustedKey, base64url
from transactions.clock import EPOCH
from transactions.history import AuditEntry

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def trusted(key: Ed25519PrivateKey, platform: str | None = "plant-1") -> TrustedKey:
    return TrustedKey(base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)), platform)


KEY = trusted(PRIVATE)


def an_entry(seq: int, previous: str, **fields: Any) -> AuditEntry:
    usual: dict[str, Any] = {
        "seq": seq,
        "at": EPOCH + timedelta(minutes=seq, microseconds=7),
        "actor": "ann",
        "action": "transaction.replayed",
        "subject": f"01JN{seq:04d}",
        # What a reader of bytes could trip over: its own marks inside of strings and members.
        "reason": 'é "previous":"' + previous + '","reason": \\ \u2028 \x1b',
        "before": {"status": "failed", "revision": 1, "hash": "f" * 64, "previous": previous, "reason": None},
        "after": {"status": "processed", "rate": 2.0, "many": [1, -0.5, {"x": None}], "document": f"49{seq:08d}"},
        "previous": previous,
        "hash": "",
    }
    return link(AuditEntry(**{**usual, **fields}))


def a_chain(first: int, last: int, previous: str = GENESIS) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for seq in range(first, last + 1):
        entries.append(an_entry(seq, entries[-1].hash if entries else previous))
    return entries


def an_end(entries: Sequence[AuditEntry], key: Ed25519PrivateKey = PRIVATE, **fields: Any) -> bytes:
    usual: dict[str, Any] = {
        "platform": "plant-1",
        "first": entries[0].seq if entries else 1,
        "last": entries[-1].seq if entries else 0,
        "count": len(entries),
        "head": entries[-1].hash if entries else GENESIS,
        "previous": entries[0].previous if entries else GENESIS,
        "at": EPOCH + timedelta(days=400),
    }
    end = End(**{**usual, **fields})
    name = trusted(key).fingerprint
    return end_line(end, name, base64url(key.sign(signed_content(end, name))))


def an_export(entries: Sequence[AuditEntry], **fields: Any) -> list[bytes]:
    return [*(entry_line(entry) for entry in entries), an_end(entries, **fields)]


def check(lines: Sequence[bytes], key: TrustedKey = KEY) -> Verification:
    reader = ExportCheck(key)
    for line in lines:
        reader.feed(line)
    return reader.finish()


def broken(lines: Sequence[bytes], key: TrustedKey = KEY) -> tuple[int, int | None, str]:
    found = check(lines, key)
    assert not found.ok
    assert found.broken is not None
    assert found.entries < found.broken.line
    assert (found.first is None) == (found.entries == 0)
    return found.broken.line, found.broken.seq, found.broken.why


CHAIN = a_chain(1, 8)
EXPORT = an_export(CHAIN)
HASH = f'"hash":"{CHAIN[2].hash}",'.encode()


def test_a_whole_export_holds() -> None:
    assert check(EXPORT) == Verification(
        ok=True, entries=8, first=1, last=8, head=CHAIN[-1].hash, key=KEY.fingerprint, broken=None
    )


def test_a_part_of_the_chain_holds_and_says_where_it_begins() -> None:
    part = CHAIN[3:6]
    found = check(an_export(part))
    assert (found.ok, found.entries, found.first, found.last, found.head) == (True, 3, 4, 6, part[-1].hash)


def test_an_export_without_entries_holds() -> None:
    found = check(an_export([]))
    assert (found.ok, found.entries, found.first, found.last, found.head) == (True, 0, None, None, None)


def test_a_line_is_canonical_json_whose_hash_is_over_the_rest() -> None:
    for entry, line in zip(CHAIN, EXPORT, strict=False):
        read = json.loads(line)
        assert list(read) == sorted(read)
        assert msgspec.json.decode(line, type=AuditEntry) == entry
        assert entry_hash(entry) == entry.hash == read["hash"]


def test_a_key_without_a_platform_takes_any() -> None:
    assert check(an_export(CHAIN, platform="elsewhere"), trusted(PRIVATE, None)).ok


# What is done to the file, and what has to be named: line, entry, a word of the reason.
def again(entry: AuditEntry, **fields: Any) -> bytes:
    """The entry with other content, and a hash that fits it."""
    return entry_line(link(msgspec.structs.replace(entry, **fields)))


TAMPERED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int, int | None, str]] = {
    "edited": (lambda x: [*x[:2], x[2].replace(b'"ann"', b'"bob"'), *x[3:]], 3, 3, "does not match its hash"),
    "edited at the start": (lambda x: [x[0].replace(b'"ann"', b'"bob"'), *x[1:]], 1, 1, "does not match its hash"),
    "seq edited": (lambda x: [*x[:2], x[2].replace(b'"seq":3', b'"seq":9'), *x[3:]], 3, 3, "does not match its hash"),
    "first seq edited": (lambda x: [x[0].replace(b'"seq":1', b'"seq":9'), *x[1:]], 1, 1, "does not match its hash"),
    "edited and hashed anew": (lambda x: [*x[:2], again(CHAIN[2], actor="bob"), *x[3:]], 3, 3, "hash made anew"),
    "first edited and hashed anew": (lambda x: [again(CHAIN[0], actor="bob"), *x[1:]], 1, 1, "hash made anew"),
    "last edited and hashed anew": (lambda x: [*x[:7], again(CHAIN[7], actor="b"), x[8]], 8, 8, "signed as the newest"),
    "removed": (lambda x: [*x[:4], *x[5:]], 5, 5, "entry 5 is missing"),
    "swapped": (lambda x: [*x[:2], x[3], x[2], *x[4:]], 3, 3, "entry 3 is missing: entry 4 stands in its place"),
    "moved back": (lambda x: [*x[:5], x[1], *x[5:]], 6, 2, "out of its place"),
    "twice": (lambda x: [*x[:3], x[2], *x[3:]], 4, 3, "stands twice"),
    "inserted": (
        lambda x: [*x[:3], entry_line(an_entry(4, CHAIN[2].hash, actor="eve")), *x[3:]], 4, 4, "was inserted"
    ),
    "inserted as of another chain": (
        lambda x: [*x[:3], entry_line(an_entry(4, "0" * 64)), *x[3:]], 4, 4, "does not link to entry 3"
    ),
    "cut at the end": (lambda x: x[:6], 7, 7, "signed end is missing"),
    "cut before the end": (lambda x: [*x[:6], x[8]], 7, 7, "entries 7 to 8 are missing"),
    "cut at the beginning": (lambda x: x[3:], 1, 1, "entries 1 to 3 are missing"),
    "cut at the beginning and edited": (
        lambda x: [*x[3:5], x[5].replace(b'"ann"', b'"bob"'), *x[6:]], 1, 1, "entries 1 to 3 are missing"
    ),
    "all entries gone": (lambda x: x[8:], 1, 1, "entries 1 to 8 are missing"),
    "only the end cut": (lambda x: x[:8], 9, 9, "signed end is missing"),
    "entry added": (lambda x: [*x[:8], entry_line(an_entry(9, CHAIN[7].hash)), x[8]], 9, 9, "it was added"),
    "two entries added": (
        lambda x: [*x[:8], *map(entry_line, a_chain(9, 10, CHAIN[7].hash)), x[8]], 9, 9, "it was added"
    ),
    "appended": (lambda x: [*x, x[0]], 10, None, "after the end"),
    "garbage appended": (lambda x: [*x, b"x"], 10, None, "after the end"),
    "an empty line appended": (lambda x: [*x, b"\n"], 10, None, "after the end"),
    "the end twice": (lambda x: [*x, x[8]], 10, None, "after the end"),
    "an empty line": (lambda x: [*x[:2], b"\n", *x[2:]], 3, 3, "empty"),
    "no JSON": (lambda x: [*x[:2], b"{nonsense}\n", *x[3:]], 3, 3, "no entry"),
    "no entry": (lambda x: [*x[:2], b'{"seq":3}\n', *x[3:]], 3, 3, "no entry"),
    "no object": (lambda x: [*x[:2], b"[1]\n", *x[3:]], 3, 3, "no entry"),
    "no UTF-8": (lambda x: [*x[:2], b'{"seq":3,"\xff\n', *x[3:]], 3, 3, "no entry"),
    "nested too deeply": (lambda x: [*x[:2], b'{"a":' * 100_000 + b"\n", *x[3:]], 3, 3, "no entry"),
    "too long": (lambda x: [*x[:2], b"x" * (LONGEST_LINE + 1), *x[3:]], 3, 3, "longer than"),
    "byte order mark": (lambda x: [b"\xef\xbb\xbf" + x[0], *x[1:]], 1, 1, "byte order mark"),
    "CR LF": (lambda x: [line[:-1] + b"\r\n" for line in x], 1, None, "CR LF"),
    "one CR LF": (lambda x: [*x[:4], x[4][:-1] + b"\r\n", *x[5:]], 5, 5, "CR LF"),
    "cut in a line": (lambda x: [*x[:4], x[4][:40]], 5, 5, "the line is cut"),
    "cut in the end": (lambda x: [*x[:8], x[8][:60]], 9, None, "the line is cut"),
    "last line feed gone": (lambda x: [*x[:8], x[8][:-1]], 9, None, "the line is cut"),
    "spaces": (lambda x: [*x[:2], json.dumps(json.loads(x[2])).encode() + b"\n", *x[3:]], 3, 3, "form of an export"),
    "members in another order": (
        lambda x: [*x[:2], msgspec.json.encode(CHAIN[2]) + b"\n", *x[3:]], 3, 3, "form of an export"
    ),
    "hash moved": (
        lambda x: [*x[:2], b"{" + HASH + x[2].replace(HASH, b"")[1:], *x[3:]], 3, 3, "form of an export"
    ),
    "hash twice": (
        lambda x: [*x[:2], b"{" + HASH + x[2][1:], *x[3:]], 3, 3, "match its hash"
    ),
    "begins nowhere": (lambda _: an_export(a_chain(1, 3, "1" * 64)), 1, 1, "does not begin the chain"),
    "signed by somebody else": (lambda x: [*x[:8], an_end(CHAIN, OTHER)], 9, None, "another key"),
    "of another platform": (lambda x: [*x[:8], an_end(CHAIN, platform="plant-2")], 9, None, "platform plant-2"),
    "signature of another end": (
        lambda x: [*x[:8], x[8].replace(b'"count":8', b'"count":7')], 9, None, "signature of the end does not hold"
    ),
    "end with more in it": (
        lambda x: [*x[:8], x[8].replace(b'"key":', b'"extra":1,"key":')], 9, None, "no end of an export"
    ),
    "end with another range": (
        lambda x: [*x[3:8], x[8].replace(b'"first":1', b'"first":4')], 6, None, "signature of the end does not hold"
    ),
    "empty": (lambda _: [], 1, None, "empty"),
    "count that nobody counted": (lambda x: [*x[:8], an_end(CHAIN, count=9)], 9, None, "9 entries were signed"),
    "other beginning": (lambda x: [*x[3:8], an_end(CHAIN[3:], previous="1" * 64)], 1, 4, "none of this export"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TAMPERED))
def test_what_is_done_to_the_file_is_found_and_named(name: str) -> None:
    tamper, line, seq, why = TAMPERED[name]
    found = broken(tamper(list(EXPORT)))
    assert found[:2] == (line, seq)
    assert why in found[2]


def test_a_chain_that_was_written_anew_has_not_the_head_that_was_signed() -> None:
    forged = [link(msgspec.structs.replace(CHAIN[0], actor="eve"))]
    for entry in CHAIN[1:]:
        forged.append(link(msgspec.structs.replace(entry, previous=forged[-1].hash)))
    line, seq, why = broken([*map(entry_line, forged), EXPORT[-1]])
    assert (line, seq) == (8, 8)
    assert "written anew" in why
    line, seq, why = broken(an_export(forged, key=OTHER))
    assert line == 9
    assert "another key" in why


def test_two_changes_name_the_first() -> None:
    lines = [line.replace(b'"ann"', b'"bob"') if n in (2, 5) else line for n, line in enumerate(EXPORT)]
    assert broken(lines)[:2] == (3, 3)
    assert broken([again(CHAIN[0], actor="bob"), *EXPORT[1:4], *EXPORT[5:]])[:2] == (2, 2)


def test_what_holds_before_the_broken_place_is_told() -> None:
    found = check([*EXPORT[:2], again(CHAIN[2], actor="bob"), *EXPORT[3:]])
    assert (found.entries, found.first, found.last, found.head) == (2, 1, 2, CHAIN[1].hash)
    found = check(EXPORT[3:])
    assert (found.entries, found.first, found.last, found.head) == (0, None, None, None)


WHOLE = b"".join(EXPORT)


@given(at=st.integers(0, len(WHOLE) - 1), by=st.integers(1, 255))
def test_any_byte_that_is_changed_is_found_on_its_line(at: int, by: int) -> None:
    content = WHOLE[:at] + bytes([WHOLE[at] ^ by]) + WHOLE[at + 1 :]
    line, _, _ = broken(lines_of(content))
    assert line == WHOLE[:at].count(b"\n") + 1


@given(at=st.integers(0, len(WHOLE)), byte=st.integers(0, 255))
def test_any_byte_that_is_added_is_found(at: int, byte: int) -> None:
    line, _, _ = broken(lines_of(WHOLE[:at] + bytes([byte]) + WHOLE[at:]))
    assert line - 1 <= WHOLE[:at].count(b"\n") + 1


@given(cut=st.tuples(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE))).filter(lambda cut: cut[0] != cut[1]))
def test_anything_that_is_cut_out_is_found(cut: tuple[int, int]) -> None:
    start, end = sorted(cut)
    assert not check(lines_of(WHOLE[:start] + WHOLE[end:])).ok


@given(st.permutations(range(9)))
def test_any_other_order_of_lines_is_found(order: list[int]) -> None:
    found = check([EXPORT[n] for n in order])
    assert found.ok == (order == sorted(order))
    if not found.ok:
        assert found.broken is not None
        first_wrong = next(n for n, where in enumerate(order) if n != where)
        assert found.broken.line <= first_wrong + 1


words = st.text(max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e300, 1e300) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@given(
    fields=st.fixed_dictionaries(
        {"actor": words, "action": words, "subject": words, "reason": words | st.none()}
        | {name: st.dictionaries(words, values, max_size=3) | st.none() for name in ("before", "after")}
    )
)
def test_whatever_an_entry_says_its_line_holds(fields: dict[str, Any]) -> None:
    entry = an_entry(1, GENESIS, **fields)
    assert check(an_export([entry])).ok


def lines_of(content: bytes) -> list[bytes]:
    """As a file is read: a line ends with a line feed, and with nothing else."""
    *whole, rest = content.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])
