"""A cause: what lies behind trouble, what it blocks, why it is taken for it, what to do first, and what not to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.screens.base import AndonScreen, FetchFailed
from console.text import number, one_line
from console.widgets.sentences import labelled
from transactions.causes.model import Cause, Doing, Step
from transactions.causes.places import listed
from transactions.durations import short
from transactions.errors import AndonError


class CauseScreen(AndonScreen):
    """One page of words, and the way to the transactions."""

    CSS_PATH = "cause.tcss"
    AUTO_FOCUS = "VerticalScroll"
    crumb = "cause"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,f", "failed", "its transactions", id="cause.transactions"),
        Binding("y", "copy", "copy commands", id="cause.copy"),
    ]

    class Arrived(Message):
        """The cause as it is now, with its rank; None where it is gone."""

        def __init__(self, cause: Cause | None, rank: int) -> None:
            super().__init__()
            self.cause, self.rank = cause, rank

    def __init__(self, id: str) -> None:  # noqa: A002  # the id of a cause
        super().__init__()
        self._of = id
        self._cause: Cause | None = None
        self._rank = 0

    def body(self) -> Iterable[Widget]:
        """Words only."""
        with VerticalScroll():
            yield Static("loading …", id="words", markup=False)

    def fetch(self) -> None:
        """Ask for the board, which has it."""
        self._fetch()

    @work(group="cause", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        try:
            board = await self.andon.source.board()
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            found = [(rank, one) for rank, one in enumerate(board.causes, 1) if one.id == self._of]
            rank, cause = found[0] if found else (0, None)
            self.post_message(self.Arrived(cause, rank))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more."""
        super().fetch_failed(error)
        if self._cause is None:
            self.query_one("#words", Static).update("")

    def on_cause_screen_arrived(self, message: Arrived) -> None:
        """Show it; one that is gone stays to be read, and says that it is gone."""
        self.arrived()
        words = self.query_one("#words", Static)
        if message.cause is not None:
            self._cause, self._rank = message.cause, message.rank
            self.tick(self.andon.clock.now())
        elif self._cause is None:
            words.update(Text("● It is gone: nothing is in trouble because of it any more.", self._tones()["fine"]))
        else:
            self._rank = 0
            self.tick(self.andon.clock.now())

    def tick(self, now: datetime) -> None:
        """It grows older."""
        if self._cause is not None:
            self.query_one("#words", Static).update(_words(self._cause, self._rank, now, self._tones()))

    def action_failed(self) -> None:
        """What is in trouble because of it."""
        if self._cause is not None:
            self.andon.obey(f"failed {self._cause.filter}")

    def action_copy(self) -> None:
        """The commands of its steps, to be typed elsewhere."""
        if self._cause is not None:
            self.andon.copy([step.command for step in self._cause.first if step.command is not None])

    def _tones(self) -> dict[str, str]:
        return dict(self.app.theme_variables)


def _words(cause: Cause, rank: int, now: datetime, tones: dict[str, str]) -> Group:
    quiet, plain = tones["quiet"], tones["foreground"]
    title = Text(f"{rank}  " if rank else "● gone  ", tones["failed"] if rank else tones["fine"])
    title.append(one_line(cause.title), f"bold {tones['bright']}")
    parts: list[Text | Table] = [title, Text(), labelled(_facts(cause, now, plain, tones["late"]), quiet)]
    parts += _section("why", [("·", text, plain) for text in cause.evidence], quiet, quiet)
    steps: list[tuple[str, str, str]] = []
    for place, step in enumerate(cause.first, 1):
        steps.append((f"{place}", _step(step), plain))
        if step.command is not None:
            steps.append(("", one_line(step.command), tones["accent"]))
    parts += _section(f"first   (place {cause.order} in the order over all causes)", steps, quiet, quiet)
    parts += _section("never", [("▲", text, plain) for text in cause.care], quiet, tones["late"])
    return Group(*parts)


def _facts(cause: Cause, now: datetime, plain: str, late: str) -> list[tuple[str, str, str]]:
    blocks = cause.blocks
    about = [f"{number(many)} {name}" for name, many in (("orders", blocks.orders), ("lots", blocks.lots)) if many]
    risk = [str(blocks.risk)] if blocks.risk is not None else []
    facts = [
        ("blocks", ", ".join([f"{number(blocks.transactions)} transactions", *about, *risk]), plain),
        ("overdue", number(blocks.overdue) if blocks.overdue else "", late),
        ("where", one_line(", ".join([*cause.targets, *cause.plants])), plain),
        ("flows", one_line(", ".join(name.replace("-", " ") for name in cause.flows)), plain),
        ("from", one_line(", ".join(cause.sources)), plain),
        ("since", "" if cause.since is None else f"{short(now - cause.since)} ago", plain),
        ("helps", one_line(f"{cause.help}, {cause.owner}" if cause.owner else str(cause.help)), plain),
    ]
    facts += [(name, one_line(listed(cause.objects.get(name, []))), plain) for name in ("material", "lot")]
    return [fact for fact in facts if fact[1]]


def _section(name: str, lines: list[tuple[str, str, str]], quiet: str, mark: str) -> list[Text | Table]:
    return [Text(f"\n{name}", quiet), labelled(lines, mark, width=2)] if lines else []


def _step(step: Step) -> str:
    who = f" ({step.who})" if step.do is Doing.MEND and step.who else ""
    return one_line(f"{step.text}{who}")
