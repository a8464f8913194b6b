"""What is asked of whom: prompts on a terminal, in this process, with somebody at the keyboard."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

Andon = Callable[..., Any]


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody is there, and types."""
    monkeypatch.setattr("commands.session.Session.interactive", True)

    def types(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return types


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "yes\n", "what\ny\n"])
def test_yes_runs_the_plan(andon: Andon, stocked: Any, typing: Any, answer: str) -> None:
    typing(answer)
    ran = andon("tx", "replay", "tx1", "--reason", "r", "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.json["state"] == "done", "the question is on stderr, and stdout has the result alone"
    assert "Run it?" in ran.err


@pytest.mark.parametrize("answer", ["n\n", "\n", "no\n"])
def test_anything_else_runs_nothing_and_tells_how_to_go_on(
    andon: Andon, stocked: Any, typing: Any, answer: str
) -> None:
    typing(answer)
    ran = andon("tx", "replay", "tx1", "--reason", "r")
    assert (ran.code, ran.out) == (1, "")
    assert "The plan was not confirmed." in ran.err
    assert f"andon tx replay --plan {list(stocked.plans)[-1][:12]}" in ran.err
    assert stocked.sent("POST") == ["plans"]


def test_the_end_of_input_is_an_interruption(andon: Andon, stocked: Any, typing: Any) -> None:
    typing("")
    ran = andon("tx", "replay", "tx1", "--reason", "r")
    assert (ran.code, ran.out) == (130, "")
    assert "Nothing was done." in ran.err
    assert stocked.sent("POST") == ["plans"]


def test_the_plan_is_shown_before_the_question(andon: Andon, stocked: Any, typing: Any) -> None:
    typing("n\n")
    shown, _, question = andon("tx", "replay", "tx1", "tx2", "--reason", "r").err.partition("Run it?")
    for wanted in ("replay 2", "reason    r", "verdicts", "tx1", "tx2", "ERP 2", "hash"):
        assert wanted in shown
    assert question


def test_a_reason_is_asked_for_once_and_kept(andon: Andon, stocked: Any, typing: Any) -> None:
    typing("period is open again\ny\n")
    ran = andon("tx", "replay", "tx1")
    assert ran.code == 0, ran.err
    assert list(stocked.plans.values())[-1].reason == "period is open again"


def test_a_reason_of_blanks_is_none(andon: Andon, stocked: Any, typing: Any) -> None:
    typing("   \n")
    ran = andon("tx", "replay", "tx1")
    assert (ran.code, stocked.asked) == (2, [])


def test_an_empty_reason_on_the_line_is_not_asked_for_again(andon: Andon, stocked: Any, typing: Any) -> None:
    typing("never read\n")
    assert andon("tx", "replay", "tx1", "--reason", "").code == 2


@pytest.mark.parametrize(
    "line",
    [
        ("tx", "replay", "tx1", "--reason", "r", "--yes"),
        ("tx", "replay", "tx1", "--reason", "r", "--dry-run"),
        ("tx", "plan", "tx1", "--reason", "r"),
        ("tx", "replay", "--filter", "plant:none-such", "--reason", "r", "--yes"),
    ],
)
def test_nobody_is_asked_where_nothing_needs_an_answer(
    andon: Andon, stocked: Any, typing: Any, line: tuple[str, ...]
) -> None:
    typing("")
    ran = andon(*line)
    assert ran.code == 0
    assert "?" not in ran.err


def test_where_nothing_can_be_sent_nobody_is_asked(andon: Andon, stocked: Any, typing: Any) -> None:
    from transactions.plans import Verdict

    stocked.verdicts["tx1"] = (Verdict.REFUSED, "in doubt: look up first")
    typing("y\n")
    ran = andon("tx", "replay", "tx1", "--reason", "r")
    assert ran.code == 6
    assert "Run it?" not in ran.err


@pytest.mark.parametrize(
    ("typed", "code"), [("plant\n", 0), (" plant \n", 0), ("y\n", 1), ("PLANT\n", 1), ("plan\n", 1)]
)
def test_production_wants_its_name(andon: Andon, stocked: Any, typing: Any, typed: str, code: int) -> None:
    assert andon("context", "add", "plant", "--url", stocked.url, "--production").code == 0
    typing(typed + "\n")
    ran = andon("--context", "plant", "tx", "replay", "tx1", "--reason", "r")
    assert ran.code == code, ran.err
    assert "This is production. Type plant to run the plan" in ran.err


def test_a_document_from_the_terminal_says_how_it_ends(
    andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.session.Session.interactive", True)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
    ran = andon("hub", "send", "-", "--flow", "f", "-o", "id")
    assert (ran.code, ran.out) == (0, "tx1\n")
    assert "Ctrl+d ends it." in ran.err


@pytest.mark.parametrize(("word", "question"), [("approve", "Approve it, which starts it?"), ("reject", "Reject it")])
def test_who_decides_sees_the_plan_first(andon: Andon, stocked: Any, typing: Any, word: str, question: str) -> None:
    plan = "ab" * 32
    typing("n\n")
    ran = andon("approvals", word, plan, "--reason", "looked")
    assert (ran.code, ran.out) == (1, "")
    shown, _, _ = ran.err.partition(question)
    assert "reason    r" in shown
    assert "It was not decided." in ran.err
    assert stocked.sent("POST") == []
    typing("y\n")
    assert andon("approvals", word, plan, "--reason", "looked").code == 0
    assert stocked.sent("POST") == [f"plans/{plan}/{word}"]
    typing("")
    assert andon("approvals", word, plan, "--reason", "looked", "--yes").code == 0
