"""``andon handover``: the forms it takes, the file it writes, the words it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from handover_doubles import NOW, handover

from transactions.errors import Invalid
from transactions.handover.model import Remark

Andon = Callable[..., Any]


@pytest.fixture(autouse=True)
def told(platform: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    platform.on("GET", "handover", handover())
    platform.on("POST", "handover/remarks", Remark(at=NOW, by="ann", plant=None, text="look"))
    monkeypatch.chdir(tmp_path)


def test_people_get_markdown_and_machines_the_whole(andon: Andon, platform: Any) -> None:
    assert andon("handover").out.startswith("# Handover: night shift")
    assert platform.asked[-1].params == {}
    assert andon("handover", "-o", "json").json["label"] == "night shift of 2026-03-28"
    assert json.loads(andon("handover", "--format", "json").out)["platform"] == "plant-hub"
    assert andon("handover", "--format", "html").out.startswith("<!doctype html>")


def test_what_is_asked_is_what_was_said(andon: Andon, platform: Any) -> None:
    assert andon("handover", "--shift", "previous", "--plant", "P01").code == 0
    assert platform.asked[-1].params == {"shift": "previous", "plant": "P01"}
    assert andon("handover", "--from", "2026-03-01", "--to", "2026-03-02").code == 0
    assert platform.asked[-1].params == {"from": "2026-03-01T00:00:00+00:00", "to": "2026-03-02T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("name", "more", "begins"),
    [
        ("h.md", (), "# Handover"),
        ("h.html", (), "<!doctype html>"),
        ("h.HTM", (), "<!doctype html>"),
        ("h.json", (), "{"),
        ("h.txt", (), "# Handover"),
        ("h.md", ("--format", "html"), "<!doctype html>"),
    ],
)
def test_a_file_is_what_its_name_says(andon: Andon, name: str, more: tuple[str, ...], begins: str) -> None:
    ran = andon("handover", "--out", name, *more, "-o", "json")
    assert ran.code == 0, ran.err
    content = Path(name).read_text(encoding="utf-8")
    assert content.startswith(begins)
    assert ran.json["size"] == len(content.encode())


def test_a_remark_is_left_and_stands_alone(andon: Andon, platform: Any) -> None:
    ran = andon("handover", "--remark", "look at P02 first", "--plant", "P02")
    assert (ran.code, ran.out) == (0, "It is in the handover of P02.\n")
    assert json.loads(platform.asked[-1].body) == {"text": "look at P02 first", "plant": "P02"}
    count = len(platform.asked)
    ran = andon("handover", "--remark", "look", "--out", "h.md")
    assert ran.code == 2
    assert "Nothing was kept" in ran.err
    assert andon("--read-only", "handover", "--remark", "look").code == 6
    assert len(platform.asked) == count


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_remark_without_words_is_refused_in_words_of_the_line(andon: Andon, platform: Any, text: str) -> None:
    ran = andon("handover", "--remark", text)
    assert ran.code == 2
    assert "The remark has no words" in ran.err
    assert not [asked for asked in platform.asked if asked.method == "POST"]


def test_what_cannot_be_asked_is_wrong_with_the_line(andon: Andon, platform: Any) -> None:
    for line in (("--shift", "next"), ("--from", "sometime"), ("--format", "pdf")):
        assert andon("handover", *line).code == 2

    def refuse(_asked: Any) -> Any:
        raise Invalid("A handover is about 31 days at most. Choose a later `from`.")

    platform.on("GET", "handover", refuse)
    ran = andon("handover", "--from", "2020-01-01")
    assert ran.code == 2
    assert "31 days" in ran.err
