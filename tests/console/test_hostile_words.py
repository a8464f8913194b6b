"""Words of strangers in the console: escape sequences, marks that turn text around, and markup that is none."""

from __future__ import annotations

import msgspec
import pytest
from console_doubles import MemorySource, transaction
from textual.content import Content
from textual.markup import MarkupError

from console.screens.failed import FailedScreen
from console.screens.transaction import TransactionScreen
from transactions.errors import Refused, Unavailable
from transactions.history import Payload, TimelineEntry
from transactions.model import Transaction
from transactions.steering import STEERING

EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b31m\u202egnp.exe\u2066\u200b[red]r[/red][link=https://attacker.example]l[/link][/x][@click=app.quit]q[/]"
BRACKETS = "[/x]"


class HostileSource(MemorySource):
    """A platform whose every word steers."""

    def _row(self, n: int) -> Transaction:
        made = transaction(n)
        assert made.failure is not None
        words = dict.fromkeys(
            ("flow", "plant", "source", "target", "owner", "assignee", "waiting_on", "document"), EVIL
        )
        more = dict.fromkeys(("idempotency_key", "correlation_id", "content_type", "group"), EVIL)
        failure = msgspec.structs.replace(made.failure, code=EVIL, message=EVIL, system=EVIL)
        keys = {"order": EVIL, "material": EVIL, "lot": EVIL}
        return msgspec.structs.replace(made, failure=failure, business_keys=keys, **words, **more)

    async def payload(self, id: str, revision: int | None) -> Payload:  # noqa: A002
        made = await super().payload(id, revision)
        headers = {EVIL: EVIL}
        return msgspec.structs.replace(made, content=EVIL, content_type=EVIL, headers=headers)

    async def timeline(self, id: str) -> list[TimelineEntry]:  # noqa: A002
        return [msgspec.structs.replace(each, text=EVIL, by=EVIL) for each in await super().timeline(id)]


def harmless(page: str) -> bool:
    return not STEERING.search(page)


def test_markup_in_words_is_an_attack_on_what_reads_it() -> None:
    assert Content.from_markup("[red]failed[/red]").plain == "failed"  # words that are hidden
    with pytest.raises(MarkupError):
        Content.from_markup(f"ERP says {BRACKETS}")  # and words that end the console


async def test_no_page_of_the_console_is_steered(make_app, until, shown) -> None:
    app = make_app(HostileSource())
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen) and "[red]r" in shown(app))
        assert harmless(shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and "[red]r" in shown(app))
        for key in ("tab", "right", "right", "right", "left"):
            assert harmless(shown(app))
            await pilot.press(key)
            await pilot.pause()
        await pilot.press("r")
        await pilot.pause()
        assert harmless(shown(app))


@pytest.mark.parametrize("error", [Refused(f"It says {EVIL}. Nothing was done."), Unavailable(EVIL)])
async def test_an_error_of_the_platform_is_shown_as_it_is_worded(make_app, until, shown, error) -> None:
    class Failing(MemorySource):
        def _check(self) -> None:
            raise error

    app = make_app(Failing())
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: "[red]r" in shown(app))
        assert harmless(shown(app))


async def test_what_is_notified_is_never_markup(make_app) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        app.notify(f"ERP says {BRACKETS}", title=BRACKETS)
        app.screen.notify(BRACKETS)
        await pilot.pause()
        assert [note.markup for note in app._notifications] == [False, False]
