"""One transaction: summary, payload, timeline, lineage, revisions, headers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.console import Group
from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, TabbedContent, TabPane

from console import acting, owning
from console.acting import Chosen
from console.drafts import Draft
from console.highlighting import highlighted
from console.looks import Tone, of_status
from console.payloads import language, pretty, raw
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, one_line, pretty_name, shorten_middle
from console.widgets.lineage import LINEAGE, RELATED, related_rows, tree_rows, tree_title
from console.widgets.preview import explained
from console.widgets.rule import Divider
from console.widgets.sentences import labelled
from console.widgets.table import Cell, Column, Row, RowTable, Table
from transactions.deadlines import why_due
from transactions.durations import short
from transactions.edits import DRAFT
from transactions.errors import AndonError, NotFound, Refused
from transactions.filters.query import show_value
from transactions.history import Payload, Revision, TimelineEntry
from transactions.lineage import Lineage
from transactions.model import GATEWAY, Failure, FailureKind, Help, Status, Transaction
from transactions.plans import Action
from transactions.priority import why_first
from transactions.related import Related

if TYPE_CHECKING:
    from gateway_policies.explaining.stopped_call import StoppedCall
    from gateway_policies.overview.stopped import Call

TABS = ("summary", "payload", "timeline", "lineage", "revisions", "headers")
TIMELINE = (
    Column("at", "time", 8),
    Column("by", "who", 10),
    Column("what", "what", 24, flex=True),
    Column("status", "status", 16, least=70),
)
REVISIONS = (
    Column("revision", "revision", 8, right=True),
    Column("at", "made", 19),
    Column("by", "by", 12),
    Column("size", "bytes", 8, right=True),
    Column("sha256", "sha256", 17),
    Column("reason", "reason", 10, flex=True, least=90),
)
MOST_RELATED = 9
HEADERS = (Column("name", "header", 30), Column("value", "value", 20, flex=True))


class TransactionScreen(AndonScreen):
    """Everything the platform knows about one delivery."""

    CSS_PATH = "transaction.tcss"
    AUTO_FOCUS = "Tabs"
    wants_act = frozenset({"act", "edit", "correct", "resolve", "compensate", "take", "note"})
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(place), f"tab({name!r})", name, show=False) for place, name in enumerate(TABS, 1)),
        Binding("x", "raw", "raw/pretty", id="transaction.raw"),
        Binding("m", "reveal", "masks", id="transaction.reveal"),
        Binding("r", "act('replay')", "replay", id="transaction.replay"),
        Binding("e", "edit", "edit", id="transaction.edit"),
        Binding("d", "difference", "difference", show=False, id="transaction.difference"),
        Binding("D", "act('discard')", "discard", id="transaction.discard"),
        Binding("u", "act('restore')", "restore", show=False, id="transaction.restore"),
        Binding("v", "resolve", "resolve", show=False, id="transaction.resolve"),
        Binding("c", "compensate", "compensate", show=False, id="transaction.compensate"),
        Binding("C", "correct", "correct", show=False, id="transaction.correct"),
        Binding("a", "take", "take", show=False, id="transaction.take"),
        Binding("n", "note", "note", show=False, id="transaction.note"),
        Binding("y", "copy", "copy id", id="transaction.copy"),
    ]

    class Arrived(Message):
        """The transaction and its story."""

        def __init__(self, transaction: Transaction, timeline: list[TimelineEntry]) -> None:
            super().__init__()
            self.transaction = transaction
            self.timeline = timeline

    class StopArrived(Message):
        """The policy that stopped it, and where the files say it: empty where none are at hand."""

        def __init__(self, stopped: StoppedCall, place: str) -> None:
            super().__init__()
            self.stopped = stopped
            self.place = place

    class PayloadArrived(Message):
        """Its payload."""

        def __init__(self, payload: Payload) -> None:
            super().__init__()
            self.payload = payload

    class LineageArrived(Message):
        """Its process, and what shares a key with it."""

        def __init__(self, lineage: Lineage, related: Related) -> None:
            super().__init__()
            self.lineage = lineage
            self.related = related

    class Revealed(Message):
        """Its payload without masks, as somebody with a reason asked for it."""

        def __init__(self, payload: Payload, reason: str) -> None:
            super().__init__()
            self.payload = payload
            self.reason = reason

    class NotRevealed(Message):
        """The platform did not reveal it."""

        def __init__(self, error: AndonError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, id: str) -> None:  # noqa: A002
        """``id`` names the transaction."""
        super().__init__()
        self.transaction_id = id
        self.transaction: Transaction | None = None
        self._stopped: list[tuple[str, str]] = []
        self._payload: Payload | None = None
        self._revealed: Payload | None = None
        self._raw = False
        self._related = Related(of=id, items=[])

    @property
    def crumb(self) -> str:  # type: ignore[override]
        """The id, shortened in the middle."""
        return shorten_middle(clean(self.transaction_id), 18)

    def body(self) -> Iterable[Widget]:
        """Tabs."""
        with TabbedContent(id="tabs"):
            with TabPane("summary", id="summary"), VerticalScroll():
                yield Static("loading …", id="sentences", markup=False)
                yield Static(id="facts", markup=False)
            with TabPane("payload", id="payload"), VerticalScroll():
                yield Static(id="fields", markup=False)
                yield Static("loading …", id="content", markup=False)
            with TabPane("timeline", id="timeline"):
                yield RowTable(TIMELINE, id="story")
            with TabPane("lineage", id="lineage"):
                yield Divider("loading …", id="process")
                yield RowTable(LINEAGE, id="lineage-list")
                yield Divider("shares a key with", id="related-title")
                yield RowTable(RELATED, id="related-list")
            with TabPane("revisions", id="revisions"):
                yield RowTable(REVISIONS, id="revision-list")
            with TabPane("headers", id="headers"):
                yield RowTable(HEADERS, id="header-list")

    # Fetching

    def fetch(self) -> None:
        """The transaction with its story, and its payload."""
        self._fetch()
        self._fetch_payload()
        # Something may happen before its widgets are there.
        if any(tabs.active == "lineage" for tabs in self.query(TabbedContent)):
            self._fetch_lineage()

    @work(group="transaction", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        source = self.andon.source
        try:
            transaction = await source.transaction(self.transaction_id)
            timeline = await source.timeline(self.transaction_id)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(transaction, timeline))

    @work(group="stopped", exclusive=True, exit_on_error=False)
    async def _fetch_stopped(self) -> None:
        """What is known of the policy that stopped it, and where the folder of policies says it."""
        try:
            stopped = await self.andon.source.refusal(self.transaction_id)
        except (Refused, NotFound):
            # It has gone on since; the next look at it says how.
            return
        except AndonError as error:
            self.post_message(FetchFailed(error))
            return
        folder, place = self.andon.policies, None
        if folder is not None and stopped.policy is not None:
            from gateway_policies.explaining.at_hand import place_in_files

            place = await asyncio.to_thread(place_in_files, folder.path, stopped.policy)
        self.post_message(self.StopArrived(stopped, place or ""))

    @work(group="payload", exclusive=True, exit_on_error=False)
    async def _fetch_payload(self) -> None:
        try:
            payload = await self.andon.source.payload(self.transaction_id, None)
        except NotFound:
            # The transaction's own fetch says so.
            return
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.PayloadArrived(payload))

    @work(group="lineage", exclusive=True, exit_on_error=False)
    async def _fetch_lineage(self) -> None:
        source = self.andon.source
        try:
            lineage = await source.lineage(self.transaction_id)
            related = await source.related(self.transaction_id)
        except NotFound:
            # The transaction's own fetch says so.
            return
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.LineageArrived(lineage, related))

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """A process is looked at only when somebody wants to see it: it may be long."""
        if event.pane.id == "lineage":
            self._fetch_lineage()

    @work(group="reveal", exclusive=True, exit_on_error=False)
    async def _reveal(self, revision: int, reason: str) -> None:
        try:
            payload = await self.andon.source.reveal(self.transaction_id, revision, reason)
        except AndonError as error:
            self.post_message(self.NotRevealed(error))
        else:
            self.post_message(self.Revealed(payload, reason))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more where nothing came."""
        super().fetch_failed(error)
        if self.transaction is None:
            self.query_one("#sentences", Static).update("")
        if self._payload is None:
            self.query_one("#content", Static).update("")

    def on_transaction_screen_arrived(self, message: Arrived) -> None:
        """Show summary and story."""
        self.transaction = message.transaction
        self.arrived()
        failure = message.transaction.failure
        if failure is not None and failure.system == GATEWAY:
            self._fetch_stopped()
        else:
            self._stopped = []
        self._show_summary(message.transaction, self.andon.clock.now())
        self.query_one("#story", RowTable).show_rows(
            [_story_row(place, entry) for place, entry in enumerate(message.timeline)]
        )

    def on_transaction_screen_stop_arrived(self, message: StopArrived) -> None:
        """Show what is known of the policy."""
        found = message.stopped
        self._stopped = [
            ("called", found.called),
            ("since", found.since),
            ("to do", found.helps),
            ("in the files", message.place),
        ]
        if self.transaction is not None:
            self._show_summary(self.transaction, self.andon.clock.now())

    def on_transaction_screen_payload_arrived(self, message: PayloadArrived) -> None:
        """Show payload, revisions and headers."""
        self._payload = message.payload
        if self._revealed is not None and self._revealed.sha256 != message.payload.sha256:
            self._revealed = None  # another revision has other values to hide
        self._show_payload()
        revisions = [_revision_row(str(one.revision), one) for one in message.payload.revisions]
        if message.payload.draft is not None:
            revisions.append(_revision_row(DRAFT, message.payload.draft))
        self.query_one("#revision-list", RowTable).show_rows(revisions)
        headers = [
            Row(name, value, [Cell(one_line(name), Tone.QUIET), Cell(one_line(value))])
            for name, value in sorted(message.payload.headers.items())
        ]
        self.query_one("#header-list", RowTable).show_rows(headers)

    def on_transaction_screen_lineage_arrived(self, message: LineageArrived) -> None:
        """Show the tree and what is related."""
        table = self.query_one("#lineage-list", RowTable)
        first = not table.row_count()
        table.show_rows(tree_rows(message.lineage))
        if first:
            table.go_to(self.transaction_id)
        self.query_one("#process", Divider).show(*tree_title(message.lineage))
        self._related = message.related
        related = self.query_one("#related-list", RowTable)
        related.styles.height = min(len(message.related.items) + 1, MOST_RELATED)
        related.show_rows(related_rows(message.related))
        said = "shares a key with" if message.related.items else "shares no key with another transaction"
        self.query_one("#related-title", Divider).show(said)

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        if self.transaction is not None:
            self._show_summary(self.transaction, now)

    # What shows

    def _show_summary(self, transaction: Transaction, now: datetime) -> None:
        tones = dict(self.app.theme_variables)
        look = of_status(transaction.status)
        text = Text()
        text.append(f"{look.glyph} {look.word}", f"bold {tones[look.tone]}")
        # Only of these two is the moment known; an age behind any other word would be taken for that word's.
        since = transaction.failed_at or transaction.created_at
        what = "received " if transaction.failed_at is None else "failed "
        if transaction.status is Status.FAILED:
            what = ""
        text.append(f"  {what}{short(now - since)} ago", tones["quiet"])
        text.append(f"   {pretty_name(transaction.flow)}", f"bold {tones['bright']}")
        text.append(f"   {one_line(transaction.source)} → {one_line(transaction.target)}\n", tones["foreground"])
        self.query_one("#sentences", Static).update(Group(text, explained(transaction, tones)))
        told = [*_facts(transaction, now), *((name, one_line(value)) for name, value in self._stopped if value)]
        facts = [(name, value, tones["foreground"]) for name, value in told]
        self.query_one("#facts", Static).update(labelled(facts, tones["quiet"], width=15))

    def _show_payload(self) -> None:
        payload = self._payload
        if payload is None:
            return
        tones = self.app.theme_variables
        fields = Text()
        if not self._raw and self.transaction is not None:
            for name, value in self.transaction.business_keys.items():
                fields.append(f"{one_line(name):<16}", tones["quiet"])
                fields.append(f"{one_line(value)}\n", f"bold {tones['bright']}")
        mode = "as it came" if self._raw else "indented for reading"
        fields.append(f"{one_line(payload.content_type)}, {payload.size} bytes, {mode} (x)", tones["quiet"])
        if self._revealed is not None:
            fields.append("\nrevealed to you, on this page only; it is in the audit  (m masks it)", tones["failed"])
        elif payload.withheld:
            fields.append(f"\nwithheld: {clean(payload.withheld)}  (m reveals)", tones["late"])
        elif payload.masked:
            paths = ", ".join(one_line(path) for path in payload.masked)
            fields.append(f"\nmasked  {paths}  (m reveals)", tones["late"])
        self.query_one("#fields", Static).update(fields)
        payload = self._revealed or payload
        content = raw(payload) if self._raw else pretty(payload)
        shown = highlighted(content, language(payload), dict(tones))
        self.query_one("#content", Static).update(shown)

    def refused_call(self) -> Call | None:
        """This one, where a policy stopped it."""
        from console.stopped import call_of

        return call_of(self.transaction)

    # Acting

    def action_tab(self, name: str) -> None:
        """Another tab."""
        self.query_one(TabbedContent).active = name

    def action_raw(self) -> None:
        """As it came, or indented."""
        self._raw = not self._raw
        self.query_one(TabbedContent).active = "payload"
        self._show_payload()

    def action_reveal(self) -> None:
        """Ask why, and show what is masked; mask it again where it is shown."""
        payload = self._payload
        if payload is None:
            return
        self.query_one(TabbedContent).active = "payload"
        if self._revealed is not None:
            self._revealed = None
            self._show_payload()
        elif not payload.masked and not payload.withheld:
            self.notify("Nothing is masked in this payload.", title="masks")
        elif self.andon.session.may_reveal():
            from console.screens.reveal import RevealScreen

            self.app.push_screen(RevealScreen(payload), self._asked_to_reveal)

    def _asked_to_reveal(self, reason: str | None) -> None:
        if reason and self._payload is not None:
            self._reveal(self._payload.revision, reason)

    def on_transaction_screen_revealed(self, message: Revealed) -> None:
        """Show it, here and nowhere else."""
        from console.screens.reveal import equivalent

        self._revealed = message.payload
        self.andon.log_command(equivalent(self.transaction_id, message.payload.revision, message.reason))
        self._show_payload()

    def on_transaction_screen_not_revealed(self, message: NotRevealed) -> None:
        """Say why not."""
        self.notify(clean(message.error.detail), title="Not revealed", severity="warning", timeout=12)

    def action_edit(self) -> None:
        """Edit the payload in the person's editor; storing it sends nothing."""
        from console.screens.editing import begin

        if self.transaction is not None and self._payload is not None and self.andon.session.may_act("Editing"):
            begin(self, self.transaction, self._payload)

    def action_difference(self) -> None:
        """What the draft, or the last edit, changed."""
        self._fetch_difference(None, None)

    def on_table_opened(self, message: Table.Opened) -> None:
        """What a revision changed in the one before it; another transaction of the process; what shares a key."""
        if message.table.id in ("lineage-list", "related-list"):
            self._go_on(message.table, message.index)
        if message.table.id != "revision-list":
            return
        after, before = message.table.row_at(message.index), None
        if message.index:
            before = message.table.row_at(message.index - 1)
        if after is None or before is None:
            self.notify("It is the first one: there is none before it.", title="difference")
        else:
            self._fetch_difference(before.id, after.id)

    def _go_on(self, table: Table, index: int) -> None:
        row = table.row_at(index)
        if row is None:
            return
        if table.id == "related-list":
            group = next(each for each in self._related.items if each.by == row.id)
            self.andon.obey(f"failed {group.by}:{show_value(group.value)}")
        elif row.id != self.transaction_id:
            self.andon.obey(f"transaction {row.id}")

    @work(group="difference", exclusive=True, exit_on_error=False)
    async def _fetch_difference(self, before: str | None, after: str | None) -> None:
        from console.screens.editing import show_difference

        try:
            found = await self.andon.source.difference(self.transaction_id, before, after)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            show_difference(self, found)

    def action_correct(self) -> None:
        """Write the right document in the person's editor, to be posted instead of what was posted."""
        from console.screens.editing import begin

        if self.transaction is not None and self._payload is not None and self.andon.session.may_act("Correcting"):
            begin(self, self.transaction, self._payload, Action.CORRECT)

    def action_resolve(self) -> None:
        """Say what became of an unclear one, with what shows it; then the plan."""
        if self.transaction is not None:
            acting.resolve(self.andon, Chosen([self.transaction], None, 1))

    def action_compensate(self) -> None:
        """Take back what was posted: this one or its process; then the plan with its steps."""
        if self.transaction is not None:
            acting.compensate(self.andon, Chosen([self.transaction], None, 1))

    def action_take(self) -> None:
        """Make it mine; or give it back."""
        if self.transaction is not None:
            owning.take(self.andon, [self.transaction])

    def action_note(self) -> None:
        """Add a note."""
        owning.note(self.andon, [self.transaction_id])

    def action_copy(self) -> None:
        """Copy the id whole."""
        self.andon.copy([self.transaction_id])

    def action_act(self, name: str) -> None:
        """Plan an action on this one."""
        self.andon.draft(Draft(action=Action(name), ids=[self.transaction_id], count=1))


def _revision_row(name: str, one: Revision) -> Row:
    return Row(
        name,
        one.sha256,
        [
            Cell(name, Tone.BRIGHT),
            Cell(f"{one.created_at.astimezone():%Y-%m-%d %H:%M:%S}"),
            Cell(one_line(one.created_by)),
            Cell(str(one.size)),
            Cell(shorten_middle(one.sha256, 17), Tone.QUIET),
            Cell(one_line(one.reason or ""), Tone.QUIET),
        ],
    )


def _facts(transaction: Transaction, now: datetime) -> list[tuple[str, str]]:
    def moment(at: datetime | None) -> str:
        return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S %Z}  ({_distance(at, now)})"

    facts = [
        ("id", transaction.id),
        *transaction.business_keys.items(),
        ("plant", transaction.plant or ""),
        ("risk", transaction.risk),
        ("created", moment(transaction.created_at)),
        ("failed", moment(transaction.failed_at)),
        ("due", moment(transaction.due_at) + (f", {why_due(transaction)}" if transaction.due_because else "")),
        ("priority", why_first(transaction, now)),
        ("attempts", str(transaction.attempts)),
        ("document", transaction.document or ""),
        ("waits for", transaction.waiting_on or ""),
        ("superseded by", transaction.superseded_by or ""),
        ("correlation", transaction.correlation_id),
        ("causation", transaction.causation_id or ""),
        ("idempotency key", f"{transaction.idempotency_key}  (from {transaction.key_origin})"),
        ("payload", f"{transaction.content_type}  sha256 {transaction.payload_sha256}"),
        ("assignee", transaction.assignee or ""),
        ("ticket", transaction.ticket or ""),
        ("owner", transaction.owner or ""),
        ("stopped by", _stopped_by(transaction.failure)),
    ]
    return [(clean(name), value) for name, value in facts if value]


def _stopped_by(failure: Failure | None) -> str:
    if failure is None:
        return ""
    if failure.policy_ref is not None:
        return f"{failure.policy_ref}  (G shows it)"
    by_policy = failure.help is Help.POLICY or failure.kind is FailureKind.THROTTLED
    return "a policy that it does not name  (G shows which it may be)" if by_policy else ""


def _distance(at: datetime, now: datetime) -> str:
    return f"{short(now - at)} ago" if at <= now else f"in {short(at - now)}"


def _story_row(place: int, entry: TimelineEntry) -> Row:
    look = None if entry.status is None else of_status(entry.status)
    tone = {"attempt": Tone.PLAIN, "action": Tone.ACCENT, "note": Tone.BRIGHT}.get(entry.kind, Tone.QUIET)
    text = one_line(entry.text)
    if entry.attempt is not None and entry.attempt.failure is not None:
        tone = Tone.FAILED
    return Row(
        str(place),
        (entry.at, entry.text),
        [
            Cell(f"{entry.at.astimezone():%H:%M:%S}", Tone.QUIET),
            Cell(one_line(entry.by), Tone.QUIET),
            Cell(text, tone),
            Cell("" if look is None else f"{look.glyph} {look.word}", Tone.QUIET if look is None else look.tone),
        ],
    )
