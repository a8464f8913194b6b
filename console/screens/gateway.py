"""The gateway: when versions go, who may do what, which throttle counts, what drifted, and what a plan would do."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, Static, Tab, Tabs

from console.governing import Governed
from console.screens.over_gateway import OverGateway
from console.stopped import filter_of
from console.text import clean, number
from console.widgets.gateway.pages import MAKERS, PAGES, TITLES
from console.widgets.gateway.pane import Pane
from gateway_policies.model import PolicySet
from gateway_policies.overview.stopped import Call, Page, explained, page_of, stops
from transactions.errors import Refused

if TYPE_CHECKING:
    from console.widgets.gateway.plan import PlanPane


class GatewayScreen(OverGateway):
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

    def __init__(self, page: Page = Page.CALENDAR, *, address: str | None = None, call: Call | None = None) -> None:
        """
        Args:
            page: the one to begin with.
            address: what to put the cursor on.
            call: one that was refused: the page and the row are those that explain it.
        """
        super().__init__()
        self.page = page
        self._address, self._call = address, call
        self._because = ""
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
        self.read_policies()

    async def on_over_gateway_arrived(self, message: OverGateway.Arrived) -> None:
        """Show it on the page that shows; the others take it when they are gone to."""
        self.arrived()
        if message.governed is not None:
            self.governed = message.governed
            self._explain(message.governed)
            await self._show_page()
            if self.page not in (Page.DRIFT, Page.PLAN):
                self._go_to_address()

    def on_over_gateway_policies_read(self, message: OverGateway.PoliciesRead) -> None:
        """From here on every row knows where it is written."""
        self.policies = message.policies
        loaded = message.policies.loaded.settings
        name = PolicySet.DEFAULT_NAME if loaded is None else loaded.name
        if name != self.policy_set:
            # What was last applied is another thing for another policy set.
            self.policy_set = name
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
            self.find_drift(governed, None if policies is None else policies.loaded.settings)
        elif policies is not None:
            self.make_plan(governed, policies)
        elif self.andon.policies is None and isinstance(pane, _plan_pane()):
            pane.say_why_none(NO_FOLDER)

    def on_over_gateway_drift_found(self, message: OverGateway.DriftFound) -> None:
        """Show it, where the gateway is still that one."""
        from console.widgets.gateway.drift import DriftPane

        pane = self.query(DriftPane).first() if self.query(DriftPane) else None
        if pane is not None and message.governed is self.governed:
            pane.show_drift(message.found)
            self._tell()
            self._go_to_address()

    def on_over_gateway_plan_made(self, message: OverGateway.PlanMade) -> None:
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
            overlay = f" --environment {shlex.quote(self.environment)}" if self.environment else ""
            self.andon.log_command(f"andon policy plan {shlex.quote(str(message.policies.folder))}{overlay}")
        self._tell()

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
            self.read_policies()

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
