"""Taking, giving back and noting by key: on the list and on the page of one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from console_doubles import MemorySource, who

from console.screens.failed import FailedScreen
from console.screens.note import NoteScreen
from console.screens.transaction import TransactionScreen
from transactions.errors import AndonError, Stale
from transactions.model import Transaction
from transactions.people import Role

ID = "tx-00000003-7f3a9c"


class OwnedSource(MemorySource):
    """A platform that remembers who works on what."""

    def __init__(self) -> None:
        super().__init__()
        self.me = who(Role.OPERATOR)
        self.assigned: list[tuple[str, str | None, str]] = []
        self.noted: list[tuple[str, str]] = []
        self.refusal: AndonError | None = None

    async def assign(self, id: str, to: str | None, etag: str) -> Transaction:  # noqa: A002
        if self.refusal is not None:
            raise self.refusal
        self.assigned.append((id, to, etag))
        name = self.me.subject if to == "me" else to
        self.changed[id] = msgspec.structs.replace(await self.transaction(id), assignee=name)
        return self.changed[id]

    async def note(self, id: str, text: str) -> None:  # noqa: A002
        if self.refusal is not None:
            raise self.refusal
        self.noted.append((id, text))


@pytest.fixture
def source() -> OwnedSource:
    return OwnedSource()


async def opened(app: Any, pilot: Any, until: Any, shown: Any) -> None:
    app.obey(f"transaction {ID}")
    await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and "M7021" in shown(app))


async def write_note(app: Any, pilot: Any, until: Any, text: str) -> None:
    await pilot.press("n")
    await until(pilot, lambda: isinstance(app.screen, NoteScreen))
    await pilot.press(*("space" if char == " " else char for char in text), "enter")


async def test_taking_one_and_giving_it_back(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        etag = app.screen.transaction.etag
        await pilot.press("a")
        await until(pilot, lambda: source.assigned == [(ID, "me", etag)])
        await until(pilot, lambda: app.screen.transaction.assignee == source.me.subject)
        await pilot.press("a")
        await until(pilot, lambda: [to for _, to, _ in source.assigned] == ["me", None])
        told = [command for _, command in app.commands_done]
        assert told == [f"andon transactions assign {ID} --to me", f"andon transactions assign {ID} --to none"]


async def test_what_somebody_else_works_on_is_left_there(make_app, until, shown, source) -> None:
    source.changed[ID] = msgspec.structs.replace(await source.transaction(ID), assignee="kim")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press("a")
        await until(pilot, lambda: any("kim works on it" in one.message for one in app._notifications))
        assert source.assigned == []


async def test_the_second_of_two_who_take_it_is_told(make_app, until, shown, source) -> None:
    source.refusal = Stale("it has changed since you looked at it. kim works on it now. Look at it again.")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press("a")
        await until(pilot, lambda: any("kim works on it now" in one.message for one in app._notifications))


async def test_a_note_is_written_with_a_key(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await write_note(app, pilot, until, "ask kim")
        await until(pilot, lambda: source.noted == [(ID, "ask kim")])
        assert [command for _, command in app.commands_done] == [f"andon transactions note {ID} 'ask kim'"]
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen))
        assert len(source.noted) == 1


async def test_on_the_list_what_is_marked_is_taken_and_noted(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("failed")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen) and app.screen.fetched_at)
        await pilot.press("space", "space")
        marked = {one.id for one in app.screen.table.selected()}
        assert len(marked) == 2
        await pilot.press("a")
        await until(pilot, lambda: {one for one, _, _ in source.assigned} == marked)
        await write_note(app, pilot, until, "two of them")
        await until(pilot, lambda: {one for one, _ in source.noted} == marked)


async def test_read_only_takes_and_notes_nothing(make_app, until, shown, source) -> None:
    app = make_app(source, read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press("a", "n")
        await until(pilot, lambda: len(app._notifications) >= 1)
        assert isinstance(app.screen, TransactionScreen)
        assert source.assigned == source.noted == []
