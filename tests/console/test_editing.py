"""Editing from the page of a transaction: the editor, the draft, what differs, and the plan that sends it."""

from __future__ import annotations

import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from console_doubles import MemorySource, who
from textual.widgets import Input

from console.editor import edit, editable
from console.screens.edit import DifferenceScreen, EditScreen
from console.screens.plan import PlanScreen
from console.screens.transaction import TransactionScreen
from transactions.clock import SystemClock
from transactions.edits import Draft, FieldDifference, Finding, PayloadDifference
from transactions.errors import AndonError, Refused
from transactions.history import Payload
from transactions.model import Status, Transaction
from transactions.people import Role

ID = "tx-00000003-7f3a9c"


class EditedSource(MemorySource):
    """A platform that keeps drafts."""

    def __init__(self) -> None:
        super().__init__()
        self.me = who(Role.OPERATOR)
        self.edits: list[tuple[str, bytes, str, str, str]] = []
        self.refusal: AndonError | None = None
        self.corrections: list[bool] = []
        self.status = Status.FAILED
        self.compared: list[tuple[str | None, str | None]] = []

    async def edit(
        self,
        id: str,  # noqa: A002
        content: bytes,
        kind: str,
        etag: str,
        reason: str,
        *,
        correction: bool = False,
    ) -> Draft:
        self.edits.append((id, content, kind, etag, reason))
        self.corrections.append(correction)
        if self.refusal is not None:
            raise self.refusal
        return Draft(
            id=id, base=1, sha256="ab" * 32, size=len(content), content_type=kind, created_at=SystemClock().now(),
            created_by="ann", reason=reason, more=0, etag="e2",
            difference=[FieldDifference(path="$.unit", before="KIL", after="KG\x1b[2J")],
            findings=[Finding(path="$.x", message="does not fit")],
        )  # fmt: skip

    async def difference(self, id: str, before: str | None = None, after: str | None = None) -> PayloadDifference:  # noqa: A002
        self.compared.append((before, after))
        return PayloadDifference(
            id=id, from_="1", to="draft", same=False, more=2,
            differences=[FieldDifference(path="$.lot", before=None, after="L-1")],
        )  # fmt: skip

    async def transaction(self, id: str) -> Transaction:  # noqa: A002
        return msgspec.structs.replace(await super().transaction(id), status=self.status)

    async def payload(self, id: str, revision: int | None) -> Payload:  # noqa: A002
        found = await super().payload(id, revision)
        draft = msgspec.structs.replace(found.revisions[0], revision=2, created_by="kim", reason="unit is KG")
        return msgspec.structs.replace(found, draft=draft)


@pytest.fixture
def source() -> EditedSource:
    return EditedSource()


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An editor that replaces ``4711-22``; the test says with what."""

    def named(script: str) -> None:
        program = tmp_path / "editor.py"
        program.write_text(f"import sys, os\npath = sys.argv[1]\ntext = open(path).read()\n{script}\n")
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")

    return named


async def opened(app: Any, pilot: Any, until: Any, shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def suspend() -> Any:
        yield

    monkeypatch.setattr(app, "suspend", suspend)
    app.obey(f"transaction {ID}")
    await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and app.screen.transaction is not None)
    await pilot.press("2")
    await until(pilot, lambda: "order" in shown(app))


async def test_what_was_edited_is_stored_and_then_planned(make_app, until, shown, source, editor, monkeypatch) -> None:
    editor("open(path, 'w').write(text.replace('4711-22', '4711-23'))")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown, monkeypatch)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        assert source.edits == []
        await pilot.press(*"unit", "enter")
        await until(pilot, lambda: "KIL" in shown(app))
        assert "▲ $.x does not fit" in shown(app)
        assert "\x1b[2J" not in shown(app)
        ((id_, content, kind, etag, reason),) = source.edits
        assert (id_, kind, reason) == (ID, "application/json", "unit")
        assert b"4711-23" in content
        assert etag
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert app.screen.draft.equivalent("r") == f"andon tx edit {ID} --drafts --reason r --yes"


async def test_what_is_refused_can_be_edited_again(make_app, until, shown, source, editor, monkeypatch) -> None:
    source.refusal = Refused("The edit cannot be made: the business key 'order' stays. Nothing was stored.")
    editor("open(path, 'w').write(text + ' ')")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown, monkeypatch)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        await pilot.press("x", "enter")
        await until(pilot, lambda: "business key 'order' stays" in shown(app))
        editor("pass")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and "business key" not in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen))


async def test_where_revisions_differ(make_app, until, shown, source, editor, monkeypatch) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown, monkeypatch)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DifferenceScreen))
        assert "revision 1 → draft" in shown(app)
        assert "+ L-1" in shown(app)
        assert "and 2 more" in shown(app)


def test_the_file_is_only_the_persons_and_gone_afterwards(editor, tmp_path) -> None:
    import os

    seen = tmp_path / "seen"
    editor(f"open({str(seen)!r}, 'w').write(f'{{os.stat(path).st_mode:o}} {{path}}')")
    assert edit("text", "x.json", os.environ) is None
    mode, path = seen.read_text().split()
    assert stat.S_IMODE(int(mode, 8)) == 0o600
    assert path.endswith("x.json")
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("script", "said"), [("sys.exit(2)", "ended with 2"), ("open(path, 'wb').write(b'\\xff')", "no UTF-8")]
)
def test_an_editor_that_fails(editor, script, said) -> None:
    import os

    editor(script)
    with pytest.raises(Refused, match=said):
        edit("text", "x.json", os.environ)
    with pytest.raises(Refused, match="cannot be used"):
        edit("text", "x.json", {"EDITOR": "/nothing/there"})


async def test_what_is_withheld_is_not_edited_here(source) -> None:
    payload = await source.payload(ID, None)
    assert editable(payload).count("\n") > 2
    with pytest.raises(Refused, match="hidden"):
        editable(msgspec.structs.replace(payload, withheld="all of it is hidden"))


async def test_what_was_posted_is_corrected_in_the_editor_and_planned_with_a_day(
    make_app, until, shown, source, editor, monkeypatch
) -> None:
    source.status = Status.PROCESSED
    editor("open(path, 'w').write(text.replace('4711-22', '4711-23'))")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown, monkeypatch)
        await pilot.press("e")
        await until(pilot, lambda: "Only a failed one is edited, and this is processed." in shown(app))
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        assert f"Correction of {ID}" in shown(app)
        assert not app.screen.query_one("#day").display
        await pilot.press(*"unit", "enter")
        await until(pilot, lambda: "to reverse what was posted and to post this instead" in shown(app))
        assert source.corrections == [True]
        app.screen.query_one("#day", Input).value = "2026-12-01"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert app.screen.draft.equivalent("r") == (
            f"andon tx correct {ID} --drafts --date 2026-12-01 --reason r --yes"
        )


async def test_enter_on_a_revision_tells_what_it_changed(make_app, until, shown, source, editor, monkeypatch) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown, monkeypatch)
        await pilot.press("5")
        await until(pilot, lambda: "draft" in shown(app) and "unit is KG" in shown(app))
        table = app.screen.query_one("#revision-list")
        table.focus()
        await pilot.press("enter")
        await until(pilot, lambda: "It is the first one" in shown(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, DifferenceScreen))
        assert source.compared == [("1", "draft")]
