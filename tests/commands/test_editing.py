"""Editing from the command line: steps, files, drafts, and the person's own editor."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from commands.editing import editor_of
from transactions.edits import Draft, FieldDifference, PayloadDifference
from transactions.history import Payload
from transactions.plans import Action


@pytest.mark.parametrize("text", ["$.a", "$.n:=nope"])
def test_what_is_no_value_at_a_path(andon, stocked, text) -> None:
    ran = andon("tx", "edit", "tx1", "--set", text, "--reason", "r", "--yes")
    assert ran.code == 2
    assert f"--set '{text}'" in ran.err
    assert "Nothing was done" in ran.err


def test_the_editor_is_the_persons_own() -> None:
    assert editor_of({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_of({"EDITOR": "nano"}) == ["nano"]
    assert editor_of({}) == ["vi"]
    assert editor_of({"EDITOR": "it's"}) == ["it's"]


def planned(platform: Any) -> dict[str, Any]:
    asked = [json.loads(each.body) for each in platform.asked if (each.method, each.path) == ("POST", "plans")]
    return dict(asked[-1]) if asked else {}


def test_sets_go_into_the_plan_of_many(andon, stocked) -> None:
    ran = andon("tx", "edit", "--filter", "code:BM311", "--set", "$.u=KG", "--set", "$.n:=1", "--reason", "r", "--yes")
    assert ran.code in (0, 5), ran.err
    assert planned(stocked)["options"]["patch"] == [
        {"op": "set", "path": "$.u", "value": "KG", "loose": True},
        {"op": "set", "path": "$.n", "value": 1},
    ]


def test_a_patch_from_a_file(andon, stocked, tmp_path) -> None:
    patch = tmp_path / "p.json"
    patch.write_text('[{"op": "move", "from": "/a", "path": "/b"}]')
    assert andon("tx", "edit", "tx1", "--patch", str(patch), "--reason", "r", "--yes").code == 0
    assert planned(stocked)["options"]["patch"] == [{"op": "move", "path": "/b", "from": "/a"}]
    patch.write_text('{"op": "move"}')
    ran = andon("tx", "edit", "tx1", "--patch", str(patch), "--reason", "r", "--yes")
    assert ran.code == 6
    assert "no JSON Patch" in ran.err
    assert andon("tx", "edit", "tx1", "--patch", str(tmp_path / "no.json"), "--reason", "r", "--yes").code == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("tx1", "--set", "$.a=1", "--drafts"), "cannot be given together"),
        (("tx1", "tx2", "--file", "x"), "--file takes one transaction"),
        (("tx1", "tx2", "--draft", "--set", "$.a=1"), "--draft takes one"),
        (("tx1",), "no terminal for an editor"),
        (("--plan", "ab" * 32, "--set", "$.a=1"), "edited already"),
    ],
)
def test_lines_that_cannot_be(andon, stocked, line, said) -> None:
    ran = andon("tx", "edit", *line, "--reason", "r", "--yes")
    assert ran.code == 2
    assert said in ran.err
    assert planned(stocked) == {}


def test_a_correction_says_what_is_right(andon, stocked) -> None:
    ran = andon("tx", "correct", "tx1", "--reason", "r", "--yes")
    assert ran.code == 2
    assert "nothing says what to change" in ran.err
    ran = andon("tx", "correct", "tx1", "--set", "$.a=1", "--drafts", "--reason", "r", "--yes")
    assert ran.code == 2
    assert "--set and --drafts cannot be given together" in ran.err
    assert planned(stocked) == {}


def test_a_correction_takes_a_file_as_an_edit_does(andon, stocked, tmp_path) -> None:
    drafted(stocked)
    file = tmp_path / "right.json"
    file.write_text('{"a": 2}')
    ran = andon("tx", "correct", "tx1", "--file", str(file), "--date", "2026-12-01", "--reason", "r", "--yes")
    assert ran.code == 0, ran.err
    (asked,) = [each for each in stocked.asked if each.method == "PATCH"]
    assert asked.body == b'{"a": 2}'
    assert asked.params["correction"] == "true"
    plan = planned(stocked)
    assert (plan["action"], plan["options"]) == ("correct", {"date": "2026-12-01"})


def drafted(platform: Any, tx: str = "tx1") -> None:
    draft = platform.filled(
        Draft, id=tx, base=1, difference=[FieldDifference(path="$.a", before="1", after="2")], more=0, findings=[]
    )
    platform.on("PATCH", f"transactions/{tx}/payload", draft)


def test_a_file_is_stored_as_a_draft_and_then_planned(andon, stocked, tmp_path) -> None:
    drafted(stocked)
    file = tmp_path / "new.json"
    file.write_text('{"a": 2}')
    ran = andon("tx", "edit", "tx1", "--file", str(file), "--reason", "r", "--yes")
    assert ran.code == 0, ran.err
    (asked,) = [each for each in stocked.asked if each.method == "PATCH"]
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert asked.body == b'{"a": 2}'
    assert headers["content-type"] == stocked.transactions["tx1"].content_type.partition(";")[0]
    assert headers["if-match"] == f'"{stocked.transactions["tx1"].etag}"'
    assert asked.params["reason"] == "r"
    assert "patch" not in planned(stocked)["options"]


def test_a_draft_alone_makes_no_plan(andon, stocked) -> None:
    drafted(stocked)
    ran = andon("tx", "edit", "tx1", "--set", "$.a=2", "--draft", "--reason", "r")
    assert ran.code == 0, ran.err
    assert "$.a  1 → 2" in ran.out
    assert planned(stocked) == {}


def test_where_two_revisions_differ(andon, stocked) -> None:
    found = PayloadDifference(
        id="tx1", from_="1", to="draft", same=False, more=0,
        differences=[FieldDifference(path="$.a", before=None, after="x\x1b[2J")],
    )  # fmt: skip
    stocked.on("GET", "transactions/tx1/payload/diff", found)
    ran = andon("tx", "payload", "tx1", "--diff", "1", "draft")
    assert ran.code == 0, ran.err
    assert "$.a  nothing → " in ran.out
    assert "\x1b[2J" not in ran.out
    assert stocked.asked[-1].params == {"from": "1", "to": "draft"}
    assert andon("tx", "payload", "tx1", "--diff", "1", "2", "--raw").code == 2


# the editor, as a program of its own


@pytest.fixture
def editing(stocked, tmp_path, monkeypatch) -> Any:
    """Run the editor's part with a script as the editor; ``answers`` are typed."""
    from commands.acting import Acting
    from commands.editing import _in_editor
    from commands.session import Session
    from transactions.plans import Action

    stocked.on("GET", "transactions/tx1/payload", stocked.filled(
        Payload, id="tx1", revision=1, content_type="application/json", encoding="text", content='{"a":1}',
        withheld=None, draft=None, masked=[],
    ))  # fmt: skip
    drafted(stocked)

    def run(script: str, *answers: str, action: Action = Action.EDIT) -> Any:
        program = tmp_path / "editor.py"
        program.write_text(f"import sys, os, stat\npath = sys.argv[1]\n{script}\n")
        environ = {
            "ANDON_URL": stocked.url, "ANDON_TOKEN": "t", "ANDON_CONFIG_DIR": str(tmp_path / "config"),
            "EDITOR": f"{sys.executable} {program}",
        }  # fmt: skip
        typed = list(answers)

        class Typing(Session):
            interactive = True  # type: ignore[assignment]

            def ask(self, question: str) -> str:
                return typed.pop(0)

        session = Typing(environ, tmp_path)
        try:
            return _in_editor(session, "tx1", "r", Acting(action=action))
        finally:
            session.close()

    return run


def test_what_comes_back_from_the_editor_is_stored(editing, stocked, tmp_path) -> None:
    seen = tmp_path / "seen"
    script = f"""
mode = stat.S_IMODE(os.stat(path).st_mode)
open({str(seen)!r}, 'w').write(f'{{mode:o}} {{path}}')
text = open(path).read()
open(path, 'w').write(text.replace('1', '2'))
"""
    draft = editing(script)
    assert draft is not None
    mode, path = seen.read_text().split()
    assert int(mode, 8) == stat.S_IRUSR | stat.S_IWUSR
    assert not Path(path).exists()
    assert [json.loads(each.body) for each in stocked.asked if each.method == "PATCH"] == [{"a": 2}]


def test_unchanged_is_nothing_done(editing, stocked) -> None:
    assert editing("pass") is None
    assert not [each for each in stocked.asked if each.method == "PATCH"]


def test_an_editor_that_fails_stores_nothing(editing, stocked) -> None:
    from commands.exits import Declined

    with pytest.raises(Declined, match="ended with 3"):
        editing("sys.exit(3)")
    assert not [each for each in stocked.asked if each.method == "PATCH"]


def test_what_cannot_be_read_is_asked_again_or_kept(editing, stocked, tmp_path) -> None:
    from transactions.errors import Refused

    def refuse(_asked: Any) -> Any:
        raise Refused("The edit cannot be made: the new document cannot be read: line 1. Nothing was stored.")

    stocked.on("PATCH", "transactions/tx1/payload", refuse)
    with pytest.raises(Refused, match="line 1"):
        editing("open(path, 'a').write('x')", "y", "n")
    kept = tmp_path / "tx1.json"
    assert kept.read_text().endswith("xx")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_correction_goes_through_the_editor_as_well(editing, stocked) -> None:
    assert editing("open(path, 'w').write('{\"a\": 2}')", action=Action.CORRECT) is not None
    (asked,) = [each for each in stocked.asked if each.method == "PATCH"]
    assert (asked.body, asked.params["correction"]) == (b'{"a": 2}', "true")
