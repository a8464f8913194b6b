"""The offer to pin a key, to somebody at the keyboard."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platforms import context_file
from platforms.context_file import Context, ContextFile

Andon = Callable[..., Any]


def pin() -> str | None:
    return context_file.load(Path(os.environ["ANDON_CONFIG_DIR"])).context["night"].audit_key


@pytest.fixture
def typing(stocked: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody is there, whose context ``night`` names the platform, and types."""
    monkeypatch.setattr("commands.session.Session.interactive", True)
    monkeypatch.delenv("ANDON_URL")
    folder = Path(os.environ["ANDON_CONFIG_DIR"])
    context_file.save(folder, ContextFile(current="night", context={"night": Context(url=stocked.url)}))

    def types(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return types


@pytest.mark.parametrize("line", [("verify", "exported.jsonl"), ("export", "--out", "audit.jsonl")])
@pytest.mark.parametrize(("answer", "kept"), [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False)])
def test_the_first_key_is_offered_to_be_pinned(
    andon: Andon, typing: Any, line: tuple[str, ...], answer: str, kept: bool
) -> None:
    typing(answer)
    ran = andon("audit", *line, "-o", "json")
    assert ran.code == 0
    assert "Pin " in ran.err
    assert ran.raw.startswith(b"{")
    assert (pin() is not None) is kept
    again = andon("audit", *line)
    assert ("Pin " in again.err) is not kept


def test_a_key_that_did_not_hold_is_not_offered(andon: Andon, typing: Any) -> None:
    typing("y\n")
    path = Path("exported.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"ann"', b'"bob"'))
    ran = andon("audit", "verify", "exported.jsonl")
    assert ran.code == 1
    assert "Pin " not in ran.err
    assert pin() is None
