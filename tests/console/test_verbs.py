from __future__ import annotations

import pytest

from console.verbs import VERBS, UnknownVerb, complete, read


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("board", "board", ""),
        (":q", "quit", ""),
        ("f status:held plant:P02", "failed", "status:held plant:P02"),
        ("tr tx-1", "transaction", "tx-1"),
        ("  sys ", "systems", ""),
        ("a 9f3c", "approvals", "9f3c"),
        ("w", "whoami", ""),
    ],
)
def test_any_unique_beginning_will_do(line: str, name: str, argument: str) -> None:
    verb, rest = read(line)
    assert (verb.name, rest) == (name, argument)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_read_by_its_own_name(verb) -> None:
    assert read(f"{verb.name} x")[0] is verb


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "There is no command 'nonsense'"),
        ("", "There is no command"),
        ("b", "begins board and batches"),
        ("t x", "begins transaction and theme"),
        ("transaction", "wants an id"),
    ],
)
def test_what_is_not_a_command_is_answered(line: str, said: str) -> None:
    with pytest.raises(UnknownVerb, match=said):
        read(line)


def test_completions_become_fewer_with_every_letter() -> None:
    assert complete("") == list(VERBS)
    assert [verb.name for verb in complete("b")] == ["board", "batches"]
    assert [verb.name for verb in complete("bo")] == ["board"]
    assert complete("xyz") == []
