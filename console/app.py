"""The console's app: screens, the stream of events, the effects, and what is said about all of them."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

import themes.loader
from console import second_person
from console.effects import DecisionAnswered, Effects, RunAnswered
from console.screens.base import AndonScreen
from console.session import Session
from console.text import clean
from console.verbs import PAGES_OF_GATEWAY, VERBS, UnknownVerb, read
from console.widgets.topbar import Place, TopBar
from platforms.events import Connection, ConnectionState
from transactions.clock import Clock, SystemClock
from transactions.errors import AndonError, Unreachable

if TYPE_CHECKING:
    from console.drafts import Draft
    from console.policies_folder import PoliciesFolder
    from console.source import Source
    from platforms.contexts import Resolved
    from transactions.approvals import ApprovalItem
    from transactions.landscape import WhoAmI

COALESCE_SECONDS = 0.4
TICK_SECONDS = 5.0
STREAM_AGAIN_SECONDS = 20.0
COLLECTED_EVERY = 12
"""Ticks between two full collections."""
OLDEST_GENERATION = 10_000
"""Collections of the younger generation before the oldest is looked at outside the tick."""


class AndonApp(App[None]):
    """The console on one platform."""

    # The board is there before any screen is pushed, and only pushing loads a screen's own sheet.
    CSS_PATH = ["app.tcss", "screens/board.tcss"]
    TITLE = "andon"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "failed", "failed", show=False, id="app.failed"),
        Binding("g", "groups", "groups", show=False, id="app.groups"),
        Binding("b", "batches", "batches", show=False, id="app.batches"),
        Binding("p", "approvals", "approvals", show=False, id="app.approvals"),
        Binding("s", "systems", "systems", show=False, id="app.systems"),
        Binding("G", "gateway", "gateway", show=False, id="app.gateway"),
        # With priority, so that it takes effect before the next key: what is typed behind the colon is a word, and
        # must not run as keys of the page.
        Binding("colon", "command", "command", key_display=":", id="app.command", priority=True),
        Binding("question_mark", "help", "help", key_display="?", id="app.help"),
        Binding("L", "log", "command log", show=False, id="app.log"),
        Binding("escape,backspace", "back", "back", show=False, id="app.back"),
        Binding("ctrl+r", "reload", "reload", show=False, id="app.reload"),
        Binding("q", "quit", "quit", id="app.quit"),
    ]

    def __init__(
        self,
        context: Resolved,
        source: Source | Callable[[], Source],
        *,
        read_only: bool = False,
        clock: Clock | None = None,
        config_folder: Path | None = None,
        policies: PoliciesFolder | None = None,
        own_process: bool = False,
    ) -> None:
        """
        Args:
            context: which platform this is; its token is not used here.
            source: where data comes from, or what makes it when data is first wanted.
            read_only: refuse everything that acts.
            clock: the time; the machine's by default.
            config_folder: where the person's themes and keys are; None has none.
            policies: of the gateway, to be held against it; None has none.
            own_process: the process lives as long as this app; see :meth:`_settle`.
        """
        # Textual turns colours to grey when asked for none; with native colours on it drops them altogether.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") is not None else None)
        self.context = context
        self._source = source
        self.read_only = read_only or context.read_only
        self.clock: Clock = clock or SystemClock()
        self.commands_done: list[tuple[datetime, str]] = []
        self.changes_seen = 0
        self.session = Session(self.context, self._say, read_only=self.read_only)
        self.effects = Effects(self)
        self.connection: ConnectionState | None = None
        self.connection_since: datetime | None = None
        self.policies = policies
        self._config_folder = config_folder
        self._own_process = own_process
        self._changed_types: set[str] = set()
        self._telling: Timer | None = None
        self._themes_stamp: tuple[tuple[str, int], ...] = ()
        self._clashes: set[str] = set()
        self._lived = False
        self._refused = False
        self._ticks = 0

    @cached_property
    def source(self) -> Source:
        """Where data comes from."""
        return self._source() if callable(self._source) else self._source

    # What Textual asks

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The console's own variables, for themes that do not know them."""
        return themes.loader.variable_defaults()

    def get_default_screen(self) -> Screen[None]:
        """The board."""
        from console.screens.board import BoardScreen

        return BoardScreen()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The words of the command line, and the themes, for the palette."""
        for verb in VERBS:
            if not verb.argument or verb.argument.startswith("["):
                yield SystemCommand(f":{verb.name}", verb.help, lambda name=verb.name: self.obey(name))
        for page, shows in PAGES_OF_GATEWAY.items():
            yield SystemCommand(f":gateway {page}", shows, lambda page=page: self.obey(f"gateway {page}"))
        for name in sorted(self.available_themes):
            if name.startswith("andon"):
                yield SystemCommand(f":theme {name}", "another theme", lambda name=name: self.obey(f"theme {name}"))

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Two actions on one key: said once."""
        for binding in clashed_bindings:
            if binding.id is not None and binding.id not in self._clashes:
                self._clashes.add(binding.id)
                self.notify(
                    f"Key {binding.key!r} is taken twice; {binding.id} lost it. Change keys.toml.", severity="warning"
                )

    def on_mount(self) -> None:
        """Themes before the first paint; everything else after it."""
        self._load_themes()
        self.theme = themes.loader.DEFAULT
        self.call_after_refresh(self._start)

    def _settle(self) -> None:
        # A full collection walks everything that was ever imported: 50 ms, felt as a key that hangs. Modules, classes
        # and styles stay for good, so the collector need not look at them again; what comes later is little.
        if self._own_process:
            gc.freeze()
            # What did come later is collected once a minute on the tick, and not whenever a key makes it due.
            gc.set_threshold(700, 10, OLDEST_GENERATION)

    def _start(self) -> None:
        self._settle()
        self._load_keys()
        self.follow()
        self.fetch_person()
        self.fetch_approvals()
        self.set_interval(TICK_SECONDS, self._tick)

    # Themes and keys

    @property
    def _theme_folders(self) -> list[Path]:
        own = [] if self._config_folder is None else [self._config_folder / "themes"]
        return [themes.loader.BUILT_IN, *own]

    def _load_themes(self) -> None:
        self._themes_stamp = themes.loader.stamp(self._theme_folders)
        found = themes.loader.load(self._theme_folders)
        for theme in found.themes.values():
            self.register_theme(theme)
        for fault in found.faults:
            self.notify(clean(fault.message), title="A theme cannot be used", severity="warning", timeout=10)

    def _load_keys(self) -> None:
        if self._config_folder is None or not (self._config_folder / "keys.toml").exists():
            return
        from console.bindings import known_ids
        from console.keys import load

        keys = load(self._config_folder / "keys.toml", known_ids())
        self.set_keymap(keys.keymap)
        for fault in keys.faults:
            self.notify(clean(fault), title="keys.toml", severity="warning", timeout=10)

    def _tick(self) -> None:
        if not self.is_running:
            # While it shuts down pages are there that have no widgets any more.
            return
        now = self.clock.now()
        self._ticks += 1
        if self._own_process and self._ticks % COLLECTED_EVERY == 0:
            gc.collect()
        if themes.loader.stamp(self._theme_folders) != self._themes_stamp:
            self._load_themes()
            self.refresh_css()
        # A page is the one in front before its widgets are there.
        if isinstance(self.screen, AndonScreen) and self.screen.is_mounted:
            self.screen.tick(now)
        if self.session.tell_end(now):
            self.fetch_person()
        self.show_place()

    # The stream

    @work(group="events", exclusive=True, exit_on_error=False)
    async def follow(self) -> None:
        """Listen to the platform for as long as the console runs."""
        try:
            async for event in self.source.events():
                self._refused = False
                if isinstance(event, Connection):
                    self._connection(event)
                    continue
                if event.type == "approval":
                    self.effects.decided_elsewhere(event)
                self.happened(event.type)
        except AndonError as error:
            # Only what trying again cannot heal comes here; it may still be mended on the other side.
            self._refused = not isinstance(error, Unreachable)
            self._connection(Connection(state=ConnectionState.LOST, because=error.detail))
            page = self.screen
            self.told(error)
            if (not isinstance(page, AndonScreen) or page.fetched_at is not None) and not self.session.signed_out:
                # A page that got nothing tells the same itself, and so does the line about being signed out.
                self.notify(clean(error.detail), title="No live updates", severity="warning", timeout=10)
            if isinstance(page, AndonScreen) and self._refused:
                # What it shows is old from here on, and its own fetch says so for as long as that is so.
                page.again()
            self.set_timer(STREAM_AGAIN_SECONDS, self.follow)

    @work(group="person", exclusive=True, exit_on_error=False)
    async def fetch_person(self) -> None:
        """Who the token belongs to."""
        try:
            who = await self.source.whoami()
        except AndonError:
            # Nothing is lost: the board's own fetch tells the same trouble, and a live connection asks again.
            return
        self.took_person(who)

    @work(group="waiting", exclusive=True, exit_on_error=False)
    async def fetch_approvals(self) -> None:
        """What waits for a second person, for the bar and the board."""
        try:
            page = await self.source.approvals(second_person.SHOWN, None)
        except AndonError:
            # As above; the page of approvals tells it where it matters.
            return
        self.took_approvals(page.items)

    def _connection(self, event: Connection) -> None:
        back = event.state is ConnectionState.LIVE and self.connection is ConnectionState.LOST
        if event.state is not self.connection:
            self.connection = event.state
            self.connection_since = self.clock.now()
        if back:
            # What happened while nobody listened is not in the stream's future: look again.
            self.happened("transaction")
            self.happened("batch")
            self.happened("system")
            self.happened("approval")
        if event.state is ConnectionState.LIVE and self.session.signed_out:
            # Whoever signed in need not be who it was before.
            self.session.who = None
            self.told(None)
        if event.state is ConnectionState.LIVE and not self._lived:
            # By now the client and its libraries are loaded too.
            self._lived = True
            self._settle()
        if event.state is ConnectionState.LIVE and self.session.who is None:
            self.fetch_person()
        self.show_place()

    def _tell(self) -> None:
        types, self._changed_types, self._telling = frozenset(self._changed_types), set(), None
        self.changes_seen += 1
        missed = "reset" in types  # something happened that nobody told: everything is asked anew
        if missed or "approval" in types:
            self.fetch_approvals()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, AndonScreen):
                screen.again() if missed else screen.changed(types)
                break

    def show_place(self) -> None:
        """Bring the bar up to date."""
        if not self.is_running or not self.screen_stack:
            return
        crumbs = tuple(screen.crumb for screen in self.screen_stack if isinstance(screen, AndonScreen))
        now = self.clock.now()
        place = Place(
            crumbs=crumbs,
            platform=self.context.name,
            person=self.person,
            read_only=self.read_only,
            connection=self.connection,
            since=self.connection_since,
            now=now,
            colour=self.context.colour,
            refused=self._refused,
            waiting=self.session.to_decide(now),
            ends_in=self.session.ends_in(now),
            name=self.session.name,
        )
        for screen in self.screen_stack:
            if isinstance(screen, AndonScreen):
                screen.show_signed_out()
            for bar in screen.query(TopBar):
                bar.show(place)

    # Who is here

    @property
    def person(self) -> str:
        """Who the token belongs to, for the bar; nothing before that is known."""
        return self.session.line

    def took_person(self, who: WhoAmI) -> None:
        """The platform said who this is."""
        self.session.who = who
        for screen in self.screen_stack:
            screen.refresh_bindings()
        self.show_place()

    def took_approvals(self, items: list[ApprovalItem]) -> None:
        """The platform said what waits for a second person."""
        self.session.approvals = items
        for screen in self.screen_stack:
            if isinstance(screen, AndonScreen):
                screen.approvals_changed()
        self.show_place()

    def told(self, error: AndonError | None) -> None:
        """A fetch was answered (None), or failed: the platform takes the token, or takes it no more."""
        if self.session.told(error):
            self.show_place()

    # Going somewhere

    def open(self, screen: AndonScreen) -> None:
        """Show a page on top of this one; back leads here again."""
        self.push_screen(screen)

    def back_to(self, depth: int) -> None:
        """Back to the page at this depth; the board is 0. What was filtered and chosen there is as it was left."""
        while len(self.screen_stack) - 1 > depth:
            self.pop_screen()

    def on_top_bar_crumb_clicked(self, message: TopBar.CrumbClicked) -> None:
        """A breadcrumb."""
        self.back_to(message.depth)

    def on_top_bar_word_clicked(self, message: TopBar.WordClicked) -> None:
        """Something else in the bar that is about a page."""
        self.obey(message.word)

    async def action_back(self) -> None:
        """One page back."""
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def action_failed(self) -> None:
        """The failed transactions."""
        self.obey("failed")

    def action_groups(self) -> None:
        """Failed transactions with the same cause, together."""
        self.obey("groups")

    def action_batches(self) -> None:
        """The batches."""
        self.obey("batches")

    def action_approvals(self) -> None:
        """What waits for a second person."""
        self.obey("approvals")

    def action_systems(self) -> None:
        """The systems."""
        self.obey("systems")

    def action_gateway(self) -> None:
        """The gateway; from something that a policy stopped, what explains it."""
        from console.screens.gateway import GatewayScreen

        call = self.screen.refused_call() if isinstance(self.screen, AndonScreen) else None
        if call is not None:
            self.open(GatewayScreen(call=call))
        else:
            self.obey("gateway")

    def action_log(self) -> None:
        """The command log."""
        self.obey("log")

    def action_reload(self) -> None:
        """Fetch again, by hand."""
        if isinstance(self.screen, AndonScreen):
            self.screen.again()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """As Textual's, but never as markup, whoever asks (a widget always does): brackets in a platform's words are
        brackets."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    def action_help(self) -> None:
        """The keys that run here."""
        from console.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_help_quit(self) -> None:
        """Ctrl+C is pressed to end a program; say which key does."""
        self.notify("q ends the console; where you type, ctrl+q does.", title="ctrl+c does not quit")

    async def action_command(self) -> None:
        """The command line; where one types, a colon is a colon."""
        from textual.widgets import Input

        from console.screens.command import CommandScreen

        box = self.focused
        if isinstance(box, Input):
            # It takes its turn behind what was typed before it.
            box.post_message(events.Key("colon", ":"))
            return
        line = CommandScreen()
        await self.push_screen(line, self._typed)
        line.query_one(Input).focus()

    def _typed(self, line: str | None) -> None:
        if line:
            self.obey(line)

    def obey(self, line: str) -> None:
        """Do what a line of the command line says."""
        try:
            verb, argument = read(line)
        except UnknownVerb as error:
            self.notify(clean(str(error)), severity="warning")
            return
        if verb.name == "board":
            self.back_to(0)
        elif verb.name == "quit":
            self.exit()
        elif verb.name == "help":
            self.action_help()
        elif verb.name == "theme":
            self._change_theme(argument)
        else:
            self._go(verb.name, argument)

    def _go(self, name: str, argument: str) -> None:
        from console.screens.registry import make

        screen = make(name, argument)
        if type(screen) is type(self.screen) and name != "transaction" and not argument:
            return
        self.open(screen)

    def _change_theme(self, name: str) -> None:
        names = sorted(theme for theme in self.available_themes if theme.startswith("andon"))
        own = sorted(theme for theme in self.available_themes if theme not in names)
        if not name:
            order = names or own
            place = order.index(self.theme) if self.theme in order else -1
            name = order[(place + 1) % len(order)]
        if name not in self.available_themes:
            self.notify(f"There is no theme {clean(name)!r}. Themes: {', '.join(names)}.", severity="warning")
            return
        self.theme = name

    # Acting

    def draft(self, draft: Draft) -> None:
        """Begin an action: its reason, its plan, its run."""
        if not self.session.may_act(draft.title):
            return
        from console.screens.plan import PlanScreen

        self.open(PlanScreen(draft))

    def on_run_answered(self, message: RunAnswered) -> None:
        """What came of a run."""
        self.effects.run_answered(message)

    def on_decision_answered(self, message: DecisionAnswered) -> None:
        """What came of a decision."""
        self.effects.decision_answered(message)

    def happened(self, kind: str) -> None:
        """Something of this kind changed: pages that show it look again, soon and once."""
        self._changed_types.add(kind)
        if self._telling is None:
            self._telling = self.set_timer(COALESCE_SECONDS, self._tell)

    def _say(self, title: str, sentence: str, seconds: float) -> None:
        self.notify(clean(sentence), title=title, severity="warning", timeout=seconds)

    def _fatal_error(self) -> None:
        # Textual's own prints local variables, and those hold payloads and tokens.
        from console import crash

        self.bell()
        self._exit_renderables.append(crash.report(self))
        self._close_messages_no_wait()

    def log_command(self, command: str) -> None:
        """Remember the command line that does what was done."""
        self.commands_done.append((self.clock.now(), command))

    def copy(self, ids: list[str]) -> None:
        """Copy ids whole."""
        if not ids:
            return
        self.copy_to_clipboard("\n".join(ids))
        self.notify(f"{ids[0] if len(ids) == 1 else f'{len(ids)} ids'} copied")

    async def on_unmount(self) -> None:
        """Let go of connections."""
        await self.source.aclose()


def run_console(context: Resolved, *, read_only: bool = False) -> int:
    """Open the console on a platform and stay until it is left.

    Args:
        context: which platform, and the token for it.
        read_only: refuse everything that acts.

    Returns:
        the exit code: 0, or what Textual gives after a crash.
    """
    from platformdirs import user_cache_path

    from console.policies_folder import policies_folder
    from platforms.context_file import config_folder

    def connect() -> Source:
        # The calls of the whole API take longer to import than the first paint may: they wait for the first fetch.
        from console.platform_source import PlatformSource

        return PlatformSource(context)

    app = AndonApp(
        context,
        connect,
        read_only=read_only,
        config_folder=config_folder(os.environ),
        policies=policies_folder(os.environ, user_cache_path("andon", appauthor=False) / "policies"),
        own_process=True,
    )
    app.run()
    return app.return_code or 0
