"""What every screen has: the bar, the keys, one notice line, and a way to fetch again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from console.text import clean
from console.widgets.topbar import TopBar
from transactions.errors import AndonError, Unreachable

if TYPE_CHECKING:
    from console.app import AndonApp
    from gateway_policies.overview.stopped import Call


class FetchFailed(Message):
    """A fetch of this screen got no answer."""

    def __init__(self, error: AndonError) -> None:
        super().__init__()
        self.error = error


class AndonScreen(Screen[None]):
    """A page of the console. Subclasses compose their body and start their fetches in :meth:`fetch`.

    Attributes:
        crumb: its name in the breadcrumbs.
        follows: types of stream events after which it fetches again.
        wants_act: its actions that change something: offered to those who may.
        wants_approve: its actions of a second person, likewise.
    """

    AUTO_FOCUS: ClassVar[str | None] = "Table"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]
    crumb: str = ""
    follows: ClassVar[frozenset[str]] = frozenset({"transaction", "batch", "hold", "system"})
    wants_act: ClassVar[frozenset[str]] = frozenset()
    wants_approve: ClassVar[frozenset[str]] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.fetched_at: datetime | None = None
        self.seen = -1

    @property
    def andon(self) -> AndonApp:
        """The app, as what it is."""
        return cast("AndonApp", self.app)

    def compose(self) -> ComposeResult:
        """The frame around a body."""
        yield TopBar()
        if self.andon.context.production:
            name = clean(self.andon.context.name)
            yield Static(f" PRODUCTION   {name}   every run wants its name typed ", id="production", markup=False)
        signed_out = Static(id="signed-out", markup=False)
        signed_out.display = False
        yield signed_out
        yield from self.body()
        notice = Static(id="notice", markup=False)
        notice.display = False
        yield notice
        yield Footer(compact=True, show_command_palette=False)

    def body(self) -> Iterable[Widget]:
        """What this page shows."""
        raise NotImplementedError

    def fetch(self) -> None:
        """Start fetching what this page shows, in workers."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Painted first, filled afterwards."""
        self.andon.show_place()
        self.call_after_refresh(self._first_fetch)

    def on_screen_resume(self) -> None:
        """Come back to: catch up with what happened meanwhile."""
        self.andon.show_place()
        if self.fetched_at is not None and self.seen != self.andon.changes_seen:
            self.again()

    def changed(self, types: frozenset[str]) -> None:
        """Something happened on the platform."""
        if types & self.follows:
            self.again()

    def again(self) -> None:
        """Fetch again."""
        self.seen = self.andon.changes_seen
        self.fetch()

    def arrived(self) -> None:
        """A fetch was answered: what shows is true now."""
        self.fetched_at = self.andon.clock.now()
        self.andon.told(None)
        self.query_one("#notice", Static).display = False

    def on_fetch_failed(self, message: FetchFailed) -> None:
        """Handlers of all base classes run, so pages override :meth:`fetch_failed` and not this."""
        message.stop()
        self.andon.told(message.error)
        self.fetch_failed(message.error)

    def fetch_failed(self, error: AndonError) -> None:
        """Say what happened, and of when what still shows is."""
        tones = self.app.theme_variables
        text = Text(no_wrap=False)
        unreachable = isinstance(error, Unreachable)
        text.append("▲ " if unreachable else "■ ", tones["late" if unreachable else "failed"])
        if self.fetched_at is not None:
            text.append(f"shown as of {self.fetched_at.astimezone():%H:%M:%S}. ", tones["late"])
        text.append(clean(error.detail), tones["foreground"])
        notice = self.query_one("#notice", Static)
        notice.update(text)
        notice.display = True

    def show_signed_out(self) -> None:
        """While the platform takes the token no more, say so above everything, and how to go on."""
        session = self.andon.session
        for line in self.query("#signed-out").results(Static):
            line.display = session.signed_out
            line.set_class(self.andon.context.production, "-below")
            line.update(f" SIGNED OUT   {clean(session.sign_in_again)} ")

    def approvals_changed(self) -> None:
        """Another number of plans waits for a second person."""

    def refused_call(self) -> Call | None:
        """What the cursor is on, as a call that a policy stopped; None where it is none."""
        return None

    # Keys follow rights

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What this person may not do is in neither footer nor help; its key says why (see :meth:`on_key`)."""
        session = self.andon.session
        if action in self.wants_act:
            return True if session.acts else None
        if action in self.wants_approve:
            return True if session.decides else None
        return True

    def on_key(self, event: events.Key) -> None:
        """The key of something that is not offered to this person: say why."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled or active.node is not self:
            return
        name = active.binding.action.partition("(")[0]
        session, what = self.andon.session, active.binding.description.capitalize()
        in_the_way = self.why_not(name)
        if name in self.wants_act and not session.acts:
            session.may_act(what)
        elif name in self.wants_approve and not session.decides:
            session.may_decide(own=False)
        elif in_the_way:
            self.notify(in_the_way)

    def why_not(self, action: str) -> str:
        """What is in the way of a key that everybody may press, in a sentence; nothing where nothing is."""
        return ""

    def tick(self, now: datetime) -> None:
        """A few seconds passed: relative times move on."""

    def _first_fetch(self) -> None:
        self.again()
