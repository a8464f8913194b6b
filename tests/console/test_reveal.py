"""Masked payloads on the page of a transaction: what is masked, why it is revealed, and where it shows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from console_doubles import MemorySource, who

from console.screens.reveal import RevealScreen, equivalent
from console.screens.transaction import TransactionScreen
from transactions.errors import AndonError, Forbidden
from transactions.history import MASK, Payload
from transactions.people import Permission, Role

ID = "tx-00000003-7f3a9c"
SECRET = "8731.25"


class MaskedSource(MemorySource):
    """A platform whose payloads have a masked price."""

    def __init__(self) -> None:
        super().__init__()
        self.me = who(Role.OPERATOR, granted=(Permission.REVEAL,))
        self.asked: list[tuple[str, int, str]] = []
        self.refusal: AndonError | None = None
        self.masked = ["$.price"]
        self.withheld: str | None = None
        self.sha256 = "ab" * 32

    async def payload(self, id: str, revision: int | None) -> Payload:  # noqa: A002
        shown = await super().payload(id, revision)
        content = f'{{"order":"1","price":"{MASK}"}}'
        return msgspec.structs.replace(
            shown, content=content, masked=self.masked, withheld=self.withheld, sha256=self.sha256
        )

    async def reveal(self, id: str, revision: int, reason: str) -> Payload:  # noqa: A002
        self.asked.append((id, revision, reason))
        if self.refusal is not None:
            raise self.refusal
        shown = await super().payload(id, revision)
        return msgspec.structs.replace(shown, content=f'{{"order":"1","price":{SECRET}}}', sha256=self.sha256)


@pytest.fixture
def source() -> MaskedSource:
    return MaskedSource()


async def opened(app: Any, pilot: Any, until: Any, shown: Any) -> None:
    app.obey(f"transaction {ID}")
    await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and "M7021" in shown(app))
    await pilot.press("2")
    await until(pilot, lambda: MASK in shown(app) or "order" in shown(app))


async def reveal(app: Any, pilot: Any, until: Any, reason: str) -> None:
    await pilot.press("m")
    await until(pilot, lambda: isinstance(app.screen, RevealScreen))
    await pilot.press(*("space" if char == " " else char for char in reason), "enter")


async def test_the_payload_says_what_is_masked_and_which_key_reveals_it(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await until(pilot, lambda: "masked  $.price  (m reveals)" in shown(app))
        assert MASK in shown(app)
        assert SECRET not in shown(app)


async def test_revealing_asks_why_and_shows_it_until_it_is_masked_again(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press("m")
        await until(pilot, lambda: "Reveal revision 1" in shown(app))
        assert "keeps in its audit" in shown(app)
        await pilot.press("enter")
        assert isinstance(app.screen, RevealScreen)
        assert source.asked == []
        await pilot.press("w", "h", "y", "enter")
        await until(pilot, lambda: SECRET in shown(app))
        assert source.asked == [(ID, 1, "why")]
        assert "revealed to you, on this page only" in shown(app)
        assert [command for _, command in app.commands_done] == [equivalent(ID, 1, "why")]
        await pilot.press("x")
        await until(pilot, lambda: f'"price":{SECRET}' in shown(app))
        await pilot.press("m")
        await until(pilot, lambda: SECRET not in shown(app))
        assert MASK in shown(app)


async def test_it_is_gone_with_the_page(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await reveal(app, pilot, until, "why")
        await until(pilot, lambda: SECRET in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, TransactionScreen))
        await opened(app, pilot, until, shown)
        assert SECRET not in shown(app)
        app.obey("log")
        await until(pilot, lambda: "--reveal" in shown(app))
        assert SECRET not in shown(app)


async def test_another_revision_is_masked_again(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await reveal(app, pilot, until, "why")
        await until(pilot, lambda: SECRET in shown(app))
        app.screen.again()
        await pilot.pause()
        assert SECRET in shown(app)
        source.sha256 = "cd" * 32
        app.screen.again()
        await until(pilot, lambda: SECRET not in shown(app))


async def test_escape_reveals_nothing(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, RevealScreen))
        await pilot.press("w", "escape")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen))
        assert source.asked == []


async def test_a_refusal_is_said_and_nothing_is_logged(make_app, until, shown, source) -> None:
    source.refusal = Forbidden("ann may not do this: it wants the permission 'reveal'.")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await reveal(app, pilot, until, "why")
        await until(pilot, lambda: "wants the permission" in shown(app))
        assert app.commands_done == []
        assert SECRET not in shown(app)


async def test_who_may_not_is_told_before_a_reason_is_asked_for(make_app, until, shown, source) -> None:
    source.me = who(Role.OPERATOR)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await until(pilot, lambda: app.session.who is not None)
        await pilot.press("m")
        await until(pilot, lambda: "may not see masked fields" in " ".join(shown(app).split()))
        assert isinstance(app.screen, TransactionScreen)


async def test_where_nothing_is_masked_it_says_so(make_app, until, shown, source) -> None:
    source.masked = []
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press("m")
        await until(pilot, lambda: "Nothing is masked in this payload." in shown(app))


async def test_a_withheld_document_says_why(make_app, until, shown, source) -> None:
    source.masked, source.withheld = [], "it cannot be read"
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await until(pilot, lambda: "withheld: it cannot be read  (m reveals)" in shown(app))


def test_the_command_quotes_what_a_shell_would_take_apart() -> None:
    assert equivalent("tx1", 2, "ann's call; $HOME") == (
        "andon transactions payload tx1 --revision 2 --reveal --reason 'ann'\"'\"'s call; $HOME'"
    )


async def test_a_crash_prints_no_payload(make_app, until, shown, source, capsys) -> None:
    app = make_app(source)

    def defect() -> None:
        payload = app.screen._revealed
        raise ZeroDivisionError(payload.revision)

    async def crash() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(app, pilot, until, shown)
            await reveal(app, pilot, until, "why")
            await until(pilot, lambda: SECRET in shown(app))
            app.screen.call_later(defect)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await crash()
    printed = "".join(capsys.readouterr())
    assert "ZeroDivisionError" in printed
    assert "in defect" in printed
    assert SECRET not in printed
