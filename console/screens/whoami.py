"""Who the token belongs to, what it allows, how far that reaches, and when it ends."""

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

from console.rights import calling
from console.screens.base import AndonScreen, FetchFailed
from console.text import one_line
from console.widgets.sentences import labelled
from transactions.durations import short
from transactions.errors import AndonError
from transactions.landscape import WhoAmI
from transactions.people import Permission

_KINDS = {
    "bootstrap": "the bootstrap token of the hub's machine, which is nobody in particular",
    "user": "one of the hub's own people",
    "federated": "somebody an identity provider vouches for",
    "system": "a system that sends documents",
}
_TECHNICAL = frozenset({Permission.INGRESS})
"""What no person misses."""


class WhoamiScreen(AndonScreen):
    """One page of words."""

    CSS_PATH = "whoami.tcss"
    AUTO_FOCUS = "VerticalScroll"
    crumb = "who you are"
    follows = frozenset()
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "copy subject", id="whoami.copy")]

    class Arrived(Message):
        """Who the platform takes the token for."""

        def __init__(self, who: WhoAmI) -> None:
            super().__init__()
            self.who = who

    def __init__(self) -> None:
        super().__init__()
        self._who: WhoAmI | None = None

    def body(self) -> Iterable[Widget]:
        """Who, and what that one may do."""
        with VerticalScroll():
            yield Static("loading …", id="who", markup=False)
            yield Static(id="rights", markup=False)

    def fetch(self) -> None:
        """Ask the platform, which may have changed its mind."""
        self._fetch()

    @work(group="whoami", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        try:
            who = await self.andon.source.whoami()
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(who))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more."""
        super().fetch_failed(error)
        if self._who is None:
            self.query_one("#who", Static).update("")

    def on_whoami_screen_arrived(self, message: Arrived) -> None:
        """Show it, and let the bar show the same."""
        self._who = message.who
        self.arrived()
        self.andon.took_person(message.who)
        self.tick(self.andon.clock.now())

    def tick(self, now: datetime) -> None:
        """The end of the token comes nearer."""
        if self._who is None:
            return
        tones = dict(self.app.theme_variables)
        self.query_one("#who", Static).update(self._facts(self._who, now, tones))
        self.query_one("#rights", Static).update(_rights(self._who, tones))

    def _facts(self, who: WhoAmI, now: datetime, tones: dict[str, str]) -> Group:
        context = self.andon.context
        plain, quiet = tones["foreground"], tones["quiet"]
        title = Text(calling(who), f"bold {tones['bright']}")
        title.append(f"   {_KINDS.get(who.kind, one_line(who.kind))}\n", quiet)
        ending = self.andon.session.ends_soon(now)
        lines = [
            ("subject", who.subject, plain),
            ("roles", ", ".join(who.roles) or "none", plain),
            ("reach", who.limits.describe(), plain if who.limits.unlimited else tones["late"]),
            ("platform", f"{context.name}, {context.url}", plain),
            ("issuer", who.issuer or "the platform itself", plain),
            ("token", f"from {context.token_from}", plain),
            ("ends", _ends(who.expires_at, now, renews=context.renews), tones["late"] if ending else plain),
        ]
        if self.andon.read_only:
            lines.append(("but", "this session is read-only: nothing can be changed from it", tones["late"]))
        return Group(title, labelled(lines, quiet))

    def action_copy(self) -> None:
        """Copy the subject whole: it is what an admin wants to be told."""
        if self._who is not None:
            self.andon.copy([self._who.subject])


def _ends(at: datetime | None, now: datetime, *, renews: bool) -> str:
    if at is None:
        return "not by itself"
    if at <= now:
        return f"it ended {short(now - at)} ago"
    after = "andon renews it by itself" if renews else "nothing renews it"
    return f"in {short(at - now)} ({at.astimezone():%Y-%m-%d %H:%M %Z}), {after}"


def _rights(who: WhoAmI, tones: dict[str, str]) -> Group:
    held = [permission for permission in Permission if permission in who.permissions]
    lacking = [one for one in Permission if one not in held and one not in _TECHNICAL]
    parts: list[Text | Table] = [Text("\nmay" if held else "\nmay nothing", tones["quiet"])]
    parts.append(labelled([("✓", one.meaning, tones["foreground"]) for one in held], tones["done"], width=2))
    if lacking:
        parts.append(Text("\nmay not", tones["quiet"]))
        parts.append(labelled([("·", one.meaning, tones["quiet"]) for one in lacking], tones["quiet"], width=2))
    return Group(*parts)
