"""The gateway: when versions go, who may do what, which throttle counts, what drifted, and what a plan would do."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, work
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, Static, Tab, Tabs

from console.governing import Governed, Policies, planned, read
from console.screens.base import AndonScreen, FetchFailed
from console.stopped import filter_of
from console.text import clean, number
from console.widgets.gateway.pane import Pane
from gateway_policies.model import PolicySet
from gateway_policies.overview.stopped import Call, Page, explained, page_of, stops
from gateway_policies.state import GatewayState
from transactions.errors import AndonError, Refused

if TYPE_CHECKING:
    from console.policies_folder import PoliciesFolder
    from console.widgets.gateway.plan import PlanPane
    from gateway_policies.planning.drift import Drift
    from gateway_policies.planning.model import Plan

TITLES = {
    Page.CALENDAR: "calendar",
    Page.CONSUMERS: "consumers",
    Page.THROTTLES: "throttles",
    Page.DRIFT: "drift",
    Page.PLAN: "plan",
}
STALE = timedelta(seconds=60)
"""So old, the state is asked for again: nothing tells when a gateway changes."""


def _calendar() -> Pane:
    from console.widgets.gateway.calendar import CalendarPane

    return CalendarPane()


def _consumers() -> Pane:
    from console.widgets.gateway.matrix import ConsumersPane

    return ConsumersPane()


def _throttles() -> Pane:
    from console.widgets.gateway.throttles import ThrottlesPane

    return ThrottlesPane()


def _drift() -> Pane:
    from console.widgets.gateway.drift import DriftPane

    return DriftPane()


def _plan() -> Pane:
    from console.widgets.gateway.plan import PlanPane

    return PlanPane()


MAKERS: dict[Page, Callable[[], Pane]] = {
    Page.CALENDAR: _calendar,
    Page.CONSUMERS: _consumers,
    Page.THROTTLES: _throttles,
    Page.DRIFT: _drift,
    Page.PLAN: _plan,
}
PAGES = tuple(MAKERS)


class GatewayScreen(AndonScreen):
    """Pages over one state of the gateway; each is made when it is gone to."""

    CSS_PATH = "gateway.tcss"
    AUTO_FOCUS = ""
    follows = frozenset()
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(place), f"page({page.value!r})", page.value, show=False) for place, page in enumerate(PAGES, 1)),
        Binding("slash", "filter", "filter", key_display="/", id="gateway.filter", priority=True),
        Binding("o", "order", "order", id="gateway.order"),
        Binding("t", "stopped", "stopped", id="gateway.stopped"),
        Binding("y", "copy", "copy", id="gateway.copy"),
        Binding("w", "where", "copy file:line", show=False, id="gateway.where"),
        Binding("E", "edit", "edit the file", show=False, id="gateway.edit"),
        Binding("escape", "leave", "back", show=False, id="gateway.leave"),
    ]

    class Arrived(Message):
        """The gateway as it is now; None where it is as it was."""

        def __init__(self, governed: Governed | None) -> None:
            super().__init__()
            self.governed = governed

    class PoliciesRead(Message):
        """The folder of the policies was read."""

        def __init__(self, policies: Policies) -> None:
            super().__init__()
            self.policies = policies

    class DriftFound(Message):
        """What drifted of every policy set."""

        def __init__(self, governed: Governed, found: list[Drift]) -> None:
            super().__init__()
            self.governed = governed
            self.found = found

    class PlanMade(Message):
        """A plan; None where the files cannot be used, or are for another gateway."""

        def __init__(self, policies: Policies, plan: Plan | None, why_none: str = "") -> None:
            super().__init__()
            self.policies = policies
            self.plan = plan
            self.why_none = why_none

    def __init__(self, page: Page = Page.CALENDAR, *, address: str | None = None, call: Call | None = None) -> None:
        """
        Args:
            page: the one to begin with.
            address: what to put the cursor on.
            call: one that was refused: the page and the row are those that explain it.
        """
        super().__init__()
        self.page = page
        self.governed: Governed | None = None
        self.policies: Policies | None = None
        self._address, self._call = address, call
        self._because = ""
        self._set = PolicySet.DEFAULT_NAME
        self._environment: str | None = None
        self._compared: object = None
        """What the page of drift, or of the plan, was last worked out from."""

    @property
    def crumb(self) -> str:  # type: ignore[override]
        """The page is where one is."""
        return f"gateway {TITLES[self.page]}"

    def body(self) -> Iterable[Widget]:
        """Tabs, one line about the state, and the page."""
        tabs = Tabs(*(Tab(TITLES[page], id=f"tab-{page}") for page in PAGES), active=f"tab-{self.page}")
        tabs.can_focus = False
        yield tabs
        yield Static(id="when", markup=False)
        yield Input(placeholder="words that a row has: erp deprecated, mes-p03 financial", id="filter")
        yield ContentSwitcher(id="panes")

    def on_mount(self) -> None:
        """Until the state comes: say so."""
        self.query_one("#filter").display = False
        self.query_one("#when", Static).update(Text("loading …", self.app.theme_variables["quiet"]))
        self._read_policies()

    # Fetching

    def fetch(self) -> None:
        """Ask for the state."""
        self._fetch(self._set, self._today())

    def again(self) -> None:
        """Ask for the state, and read the files: somebody may have written in them."""
        if self.fetched_at is not None:
            self._read_policies()
        super().again()

    def _read_policies(self) -> None:
        folder = self.andon.policies
        if folder is not None:
            self._read(folder, self._environment)

    def _today(self) -> date:
        return self.andon.clock.now().astimezone(UTC).date()

    @work(group="gateway", exclusive=True, exit_on_error=False)
    async def _fetch(self, policy_set: str, today: date) -> None:
        try:
            state = await self.andon.source.gateway_state(policy_set)
        except AndonError as error:
            self.post_message(FetchFailed(error))
            return
        known = self.governed
        same = known is not None and known.state == state and known.today == today
        self.post_message(self.Arrived(None if same else await asyncio.to_thread(_looked_at, state, today, policy_set)))

    @work(group="policies", exclusive=True, exit_on_error=False)
    async def _read(self, folder: PoliciesFolder, environment: str | None) -> None:
        self.post_message(self.PoliciesRead(await asyncio.to_thread(read, folder, environment)))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more where nothing came."""
        super().fetch_failed(error)
        if self.governed is None:
            self.query_one("#when", Static).update("")

    async def on_gateway_screen_arrived(self, message: Arrived) -> None:
        """Show it on the page that shows; the others take it when they are gone to."""
        self.arrived()
        if message.governed is not None:
            self.governed = message.governed
            self._explain(message.governed)
            await self._show_page()
            if self.page not in (Page.DRIFT, Page.PLAN):
                self._go_to_address()

    def on_gateway_screen_policies_read(self, message: PoliciesRead) -> None:
        """From here on every row knows where it is written."""
        self.policies = message.policies
        loaded = message.policies.loaded.settings
        name = PolicySet.DEFAULT_NAME if loaded is None else loaded.name
        if name != self._set:
            # What was last applied is another thing for another policy set.
            self._set = name
            self.fetch()
        self._compare()
        self._tell()

    def _compare(self) -> None:
        """Work out what the page shows beside the state, where that is not done yet."""
        governed, policies = self.governed, self.policies
        if governed is None or self.page not in (Page.DRIFT, Page.PLAN):
            return
        pane, of = self.pane, (self.page, governed, policies)
        if pane is None or of == self._compared:
            return
        self._compared = of
        if self.page is Page.DRIFT:
            self._fetch_drift(governed, None if policies is None else policies.loaded.settings)
        elif policies is not None:
            self._make_plan(governed, policies)
        elif self.andon.policies is None and isinstance(pane, _plan_pane()):
            pane.say_why_none(NO_FOLDER)

    @work(group="drift", exclusive=True, exit_on_error=False)
    async def _fetch_drift(self, governed: Governed, policies: PolicySet | None) -> None:
        states = {governed.policy_set: governed.state}
        try:
            for name in sorted(set(governed.state.owners.values()) - states.keys()):
                states[name] = await self.andon.source.gateway_state(name)
        except AndonError as error:
            self.post_message(FetchFailed(error))
            return
        from gateway_policies.overview.drifting import drifts

        self.post_message(self.DriftFound(governed, await asyncio.to_thread(drifts, states, policies)))

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _make_plan(self, governed: Governed, policies: Policies) -> None:
        loaded = policies.loaded.policies
        if loaded is None:
            self.post_message(self.PlanMade(policies, None))
        elif loaded.gateway != governed.state.gateway:
            why = (
                f"There is no plan: the policies in {policies.folder} are for the gateway {loaded.gateway}, "
                f"and this one is {governed.state.gateway}."
            )
            self.post_message(self.PlanMade(policies, None, why))
        elif loaded.name == governed.policy_set:
            now = self.andon.clock.now()
            plan = await asyncio.to_thread(planned, policies, loaded, governed.state, now)
            self.post_message(self.PlanMade(policies, plan))

    def on_gateway_screen_drift_found(self, message: DriftFound) -> None:
        """Show it, where the gateway is still that one."""
        from console.widgets.gateway.drift import DriftPane

        pane = self.query(DriftPane).first() if self.query(DriftPane) else None
        if pane is not None and message.governed is self.governed:
            pane.show_drift(message.found)
            self._tell()
            self._go_to_address()

    def on_gateway_screen_plan_made(self, message: PlanMade) -> None:
        """Show it, where the files are still those."""
        from console.widgets.gateway.plan import PlanPane

        pane = self.query(PlanPane).first() if self.query(PlanPane) else None
        if pane is None or message.policies is not self.policies:
            return
        if message.why_none:
            pane.say_why_none(message.why_none)
        elif message.plan is None:
            pane.show_findings(message.policies)
        else:
            pane.show_plan(message.policies, message.plan)
            overlay = f" --environment {shlex.quote(self._environment)}" if self._environment else ""
            self.andon.log_command(f"andon policy plan {shlex.quote(str(message.policies.folder))}{overlay}")
        self._tell()

    async def on_plan_pane_another_environment(self) -> None:
        """The next overlay of the folder; after the last one, none."""
        policies = self.policies
        if policies is None:
            return
        names = [None, *policies.environments]
        if len(names) == 1:
            self.notify(clean(f"{policies.folder} has no environments."), severity="warning")
            return
        place = names.index(self._environment) if self._environment in names else 0
        self._environment = names[(place + 1) % len(names)]
        self._read_policies()

    def _explain(self, governed: Governed) -> None:
        call, self._call = self._call, None
        found = None if call is None else explained(call, governed.access)
        if call is None or found is None:
            return
        self._turn(found.page)
        self._address = found.address
        if not found.sure:
            fits = "nothing of the gateway fits" if found.address is None else "this fits best"
            between = f"{call.source} to {call.target}" if call.source else call.target
            self._because = f"the failure ({call.kind}, {between}) names no policy: {fits}"

    def _go_to_address(self) -> None:
        address, self._address = self._address, None
        pane = self.pane
        if address is None or pane is None or pane.go_to(address):
            return
        box = self.query_one("#filter", Input)
        if box.value:
            box.value, box.display = "", False
            self._narrow(pane)
            if pane.go_to(address):
                return
        self.notify(clean(f"No row here is about {address}: the gateway may not have it any more."), severity="warning")

    def tick(self, now: datetime) -> None:
        """The gateway moves on, and days pass."""
        if self.fetched_at is not None and now - self.fetched_at >= STALE and self.is_current:
            self.seen = self.andon.changes_seen
            self.fetch()

    # Pages

    @property
    def pane(self) -> Pane | None:
        """The page that shows; None while it is not there yet."""
        found = self.query(f"#{self.page}").results(Pane)
        return next(iter(found), None)

    def _turn(self, page: Page) -> None:
        self.page = page
        self.query_one(Tabs).active = f"tab-{page}"
        self.andon.show_place()

    async def _show_page(self) -> None:
        switcher = self.query_one(ContentSwitcher)
        pane = self.pane
        if pane is None:
            pane = MAKERS[self.page]()
            await switcher.add_content(pane)
        switcher.current = str(self.page)
        if self.governed is not None and pane.governed is not self.governed:
            pane.show(self.governed)
        self._narrow(pane)
        self._focus(pane)
        self._compare()
        self._tell()
        self.refresh_bindings()

    def _focus(self, pane: Pane) -> None:
        if not self.query_one("#filter", Input).has_focus:
            pane.query("Table").first().focus()

    async def on_tabs_tab_activated(self, message: Tabs.TabActivated) -> None:
        """Another page."""
        page = Page((message.tab.id or "").removeprefix("tab-"))
        if page is not self.page:
            self._because = ""
            self._turn(page)
        if self.governed is not None:
            await self._show_page()

    def action_page(self, name: str) -> None:
        """The page of that name."""
        self.query_one(Tabs).active = f"tab-{name}"

    def on_pane_picked(self, message: Pane.Picked) -> None:
        """Say where it is written."""
        if message.pane is self.pane:
            self._tell()

    def _tell(self) -> None:
        governed, pane = self.governed, self.pane
        if governed is None or pane is None or pane.governed is None:
            return
        tones = self.app.theme_variables
        line = Text(no_wrap=True)
        line.append(f"{clean(governed.state.gateway)} ", f"bold {tones['bright']}")
        line.append(f"revision {number(governed.state.revision)}  ", tones["quiet"])
        line.append(pane.counted(), tones["foreground"])
        if pane.order:
            line.append(f"  {pane.order} (o)", tones["quiet"])
        if self._because:
            line.append(f"  {clean(self._because)}", tones["late"])
        self.query_one("#when", Static).update(line)
        address = pane.address
        pane.title(clean(address or ""), clean(self._place_of(address)))

    def _place_of(self, address: str | None) -> str:
        pane = self.pane
        if pane is not None and pane.place:
            return pane.place
        return "" if address is None or self.policies is None else self.policies.shown_place(address)

    # Keys

    def action_filter(self) -> None:
        """Write words; in the line a slash is a slash."""
        box = self.query_one("#filter", Input)
        if self.focused is box:
            box.post_message(events.Key("slash", "/"))
            return
        box.display = True
        box.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Fewer rows with every letter."""
        pane = self.pane
        if pane is not None and pane.governed is not None:
            self._narrow(pane)
            self._tell()

    def _narrow(self, pane: Pane) -> None:
        words = tuple(self.query_one("#filter", Input).value.casefold().split())
        if words != pane.words:
            pane.narrow(words)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the rows."""
        event.input.display = bool(event.value)
        pane = self.pane
        if pane is not None:
            pane.query("Table").first().focus()

    def action_leave(self) -> None:
        """From the filter to the rows and to all of them; else back."""
        box, pane = self.query_one("#filter", Input), self.pane
        if pane is not None and (box.has_focus or box.value):
            box.value = ""
            box.display = False
            pane.query("Table").first().focus()
        else:
            self.andon.back_to(len(self.app.screen_stack) - 2)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Rows that have one order only are not offered another."""
        if action == "order" and self.is_mounted and (self.pane is None or len(self.pane.ORDERS) < 2):
            return None
        return super().check_action(action, parameters)

    def action_order(self) -> None:
        """Another order of the rows."""
        pane = self.pane
        if pane is not None and pane.next_order():
            self._tell()

    async def on_table_opened(self) -> None:
        """The transactions that it stops; from a change or what drifted, the page and the row of the resource."""
        address = None if self.pane is None else self.pane.address
        if self.page not in (Page.DRIFT, Page.PLAN):
            self.action_stopped()
            return
        page = None if address is None else page_of("", address)
        if page is not None:
            self._because, self._address = "", address
            self._turn(page)
            await self._show_page()
            self._go_to_address()

    def action_stopped(self) -> None:
        """The transactions that what is under the cursor stops."""
        address = None if self.pane is None else self.pane.address
        if address is None or self.governed is None:
            self.notify("There is nothing here that stops a call.", severity="warning")
            return
        self.andon.obey(f"failed {filter_of(stops(address, self.governed.access))}")

    def action_copy(self) -> None:
        """Copy the address."""
        address = None if self.pane is None else self.pane.address
        if address is not None:
            self.app.copy_to_clipboard(address)
            self.notify(f"{clean(address)} copied")

    def action_where(self) -> None:
        """Copy the file and line where it is written."""
        place = self._place_here()
        if place:
            self.app.copy_to_clipboard(place)
            self.notify(f"{clean(place)} copied")

    def action_edit(self) -> None:
        """Open the file where it is written, in the person's editor; then read it again."""
        place = self._place_here()
        if not place:
            return
        from console.place_editor import edit_at

        path, _, line = place.rpartition(":")
        try:
            with self.app.suspend():
                edit_at(Path(path), int(line), os.environ)
        except SuspendNotSupported:
            self.notify(f"There is no terminal here for an editor. It is written in {clean(place)}.")
        except Refused as error:
            self.notify(clean(error.detail), title="Editor", severity="warning", timeout=12)
        else:
            self._read_policies()

    def _place_here(self) -> str:
        """Where it is written; where that is nowhere, it is said why."""
        place = self._place_of(None if self.pane is None else self.pane.address)
        if place:
            return place
        if self.policies is None:
            self.notify(NO_FOLDER, title="No policies", severity="warning", timeout=8)
        else:
            self.notify(clean(f"No file in {self.policies.folder} says it."), severity="warning")
        return ""


def _plan_pane() -> type[PlanPane]:
    from console.widgets.gateway.plan import PlanPane

    return PlanPane


NO_FOLDER = (
    "The console was started where there is no folder of policies. Start it beside 'policies', "
    "or name one: ANDON_POLICIES=DIR andon"
)


def _looked_at(state: GatewayState, today: date, policy_set: str) -> Governed:
    governed = Governed(state, today, policy_set)
    governed.warm()
    return governed
