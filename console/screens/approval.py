"""One plan that wants two people: what it would do, who asked and why, and the second person's word."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual import events, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from console.looks import Look, Tone
from console.screens.base import AndonScreen, FetchFailed
from console.second_person import HASH_CELLS, SHOWN, YOURS, consequence, equivalent, look_of, overdue, word
from console.text import clean, one_line
from console.widgets.plan_preview import ITEMS, PLACED, details, facts, room, rows, sentence, totals
from console.widgets.rule import Divider
from console.widgets.sentences import Line, labelled
from console.widgets.table import Row, RowTable, Table
from transactions.approvals import ApprovalItem, ApprovalKind
from transactions.durations import short
from transactions.errors import AndonError, Stale, Unreachable
from transactions.plans import Decision, Plan, PlanState, PolicyChanges, PolicyDoes


class ApprovalScreen(AndonScreen):
    """The plan as it was frozen, and the decision below it. For the one who asked: how it stands."""

    CSS_PATH = "approval.tcss"
    AUTO_FOCUS = "#items"
    follows = frozenset({"approval", "batch"})
    wants_approve = frozenset({"decide"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('approve')", "approve", id="approval.approve"),
        Binding("x", "decide('reject')", "reject", id="approval.reject"),
        Binding("o", "batch", "its batch", id="approval.batch"),
        Binding("y", "copy", "copy command", id="approval.copy"),
        Binding("escape", "leave", "back", id="approval.leave"),
    ]

    class Arrived(Message):
        """The plan, and what waits for a decision about it."""

        def __init__(self, plan: Plan, item: ApprovalItem | None) -> None:
            super().__init__()
            self.plan = plan
            self.item = item

    def __init__(self, plan_hash: str, *, item: ApprovalItem | None = None, deciding: Decision | None = None) -> None:
        """
        Args:
            plan_hash: names the plan; the beginning of it will do.
            item: what was known of it in the list.
            deciding: begin with this decision.
        """
        super().__init__()
        self.plan_hash = plan_hash
        self.plan: Plan | None = None
        self.item = item
        self._deciding = deciding
        self._underway = False

    @property
    def crumb(self) -> str:  # type: ignore[override]
        """Which one."""
        if self.item is not None and self.item.kind is ApprovalKind.REVIEW:
            return f"review {clean(self.plan_hash[:HASH_CELLS])}"
        return f"approval {clean(self.plan_hash[:HASH_CELLS])}"

    def body(self) -> Iterable[Widget]:
        """What it is about, what it would do, and the decision."""
        yield Static("loading …", id="head", markup=False)
        yield Divider("plan", id="plan-title")
        yield Static(id="preview", markup=False)
        yield RowTable(ITEMS, id="items")
        yield Static(id="because", markup=False)
        with Vertical(id="decision"):
            yield Divider(id="decision-title")
            yield Static(id="consequence", markup=False)
            yield Static(id="said", markup=False)
            with Horizontal(classes="line"):
                yield Static("reason", classes="label")
                yield Input(placeholder="what was looked at; it stays with the plan", id="reason", max_length=500)
            with Horizontal(classes="line", id="confirm-line"):
                yield Static("confirm", classes="label")
                yield Input(id="confirm")
            with Horizontal(id="buttons"):
                yield Button("approve", id="decide")
                yield Button("cancel", id="cancel")
        yield Static(id="equivalent", markup=False)

    def on_mount(self) -> None:
        """Nothing to decide before there is something to look at."""
        for name in ("#items", "#because", "#decision", "#said", "#equivalent"):
            self.query_one(name).display = False
        self.query_one(
            "#confirm", Input
        ).placeholder = f"type {clean(self.andon.context.name)} to start this on production"

    # Fetching

    def fetch(self) -> None:
        """Ask how it stands."""
        self._fetch()

    @work(group="approval", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        source = self.andon.source
        try:
            plan = await source.plan(self.plan_hash)
            page = await source.approvals(SHOWN, None)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            item = next((item for item in page.items if item.hash == plan.hash), None)
            self.post_message(self.Arrived(plan, item))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more."""
        super().fetch_failed(error)
        if self.plan is None:
            self.query_one("#head", Static).update("")

    def on_approval_screen_arrived(self, message: Arrived) -> None:
        """Show it."""
        first = self.plan is None
        self.plan, self.plan_hash = message.plan, message.plan.hash
        # A review that is done is in no list any more, and was one all the same.
        self.item = message.item or self.item
        self._open = self._is_open(message.item)
        self.arrived()
        self._show(self.andon.clock.now())
        if first:
            self._show_plan(message.plan)
            if self._deciding is not None:
                self.action_decide(self._deciding)
        if not self._open and self._deciding is not None and not self._underway:
            self._say("Nothing waits for a decision under this hash any more; what was written here was not sent.")
            self.query_one("#decide", Button).disabled = True
        self.refresh_bindings()
        self.andon.show_place()

    _open = False
    """Something waits to be decided, as far as the platform said last."""

    def _is_open(self, item: ApprovalItem | None) -> bool:
        return item is not None or (self.plan is not None and self.plan.state is PlanState.AWAITING_APPROVAL)

    # What shows

    @property
    def _kind(self) -> ApprovalKind:
        if self.item is not None:
            return self.item.kind
        ran_alone = self.plan is not None and self.plan.options.break_glass and self.plan.state is PlanState.RUN
        return ApprovalKind.REVIEW if ran_alone else ApprovalKind.APPROVAL

    @property
    def _asker(self) -> str:
        if self.item is not None:
            return self.item.requested_by
        if self.plan is None:
            return ""
        return self.plan.approval.asked_by if self.plan.approval is not None else self.plan.requested_by

    @property
    def _own(self) -> bool:
        if self.item is not None:
            return self.item.own
        who = self.andon.session.who
        subject = "" if who is None else who.subject
        return self.plan is not None and subject in (self._asker, self.plan.requested_by)

    def tick(self, now: datetime) -> None:
        """Times move on."""
        self._show(now)

    def _show(self, now: datetime) -> None:
        plan = self.plan
        if plan is None:
            return
        tones = dict(self.app.theme_variables)
        standing, look = self._standing(plan, now)
        title = Text(_sentence(plan), f"bold {tones['bright']}")
        state = Text(f"{look.glyph} {standing}", tones[look.tone])
        asked = plan.approval.asked_at if plan.approval is not None else plan.created_at
        who = "you" if self._own else one_line(self._asker)
        lines: list[Line] = [
            (
                "run by" if self._kind is ApprovalKind.REVIEW else "asked by",
                f"{who}, {short(now - asked)} ago",
                tones["foreground"],
            ),
            ("reason", plan.reason, tones["foreground"]),
            ("why two", " ".join(plan.second_person), tones["bright"]),
        ]
        self.query_one("#head", Static).update(Group(title, state, labelled(lines, tones["quiet"])))
        waits = self._open and self._kind is ApprovalKind.APPROVAL
        remains = f"waits until {plan.expires_at.astimezone():%Y-%m-%d %H:%M}" if waits else ""
        self.query_one("#plan-title", Divider).show(f"plan {clean(plan.hash[:HASH_CELLS])}", remains)
        self._show_equivalent()

    def _standing(self, plan: Plan, now: datetime) -> tuple[str, Look]:
        approval = plan.approval
        if self._open and self.item is not None:
            look = look_of(self.item, now)
            if self._own:
                return f"{YOURS}{self._until(self.item, now)}", look._replace(tone=_loud(look.tone))
            what = (
                "a review by somebody else is owed" if self._kind is ApprovalKind.REVIEW else "waits for your decision"
            )
            if not self.andon.session.may_approve:
                what = f"waits for somebody who may {'review' if self._kind is ApprovalKind.REVIEW else 'approve'} it"
            return f"{what}{self._until(self.item, now)}", look
        if plan.state is PlanState.AWAITING_APPROVAL:
            said = YOURS if self._own else "waits for a second person"
            return f"{said}, {short(plan.expires_at - now)} left", Look("◆", "", Tone.HELD)
        decided = ""
        if approval is not None and approval.decided_by is not None and approval.decided_at is not None:
            decided = f" by {one_line(approval.decided_by)}, {short(now - approval.decided_at)} ago"
            decided += f": {one_line(approval.reason)}" if approval.reason else ""
        nothing = "Nothing was sent." if plan.policy is None else "Nothing was changed."
        if plan.state is PlanState.REJECTED:
            return f"rejected{decided}. {nothing}", Look("■", "", Tone.FAILED)
        if plan.state is PlanState.EXPIRED:
            return f"expired: nobody decided in time. {nothing}", Look("▲", "", Tone.LATE)
        if plan.state is PlanState.STALE:
            return f"overtaken: the gateway has changed since. {nothing}", Look("▲", "", Tone.LATE)
        if plan.state is PlanState.RUN:
            ran = "ran without a second person; its review is done" if not decided else f"approved{decided}"
            if not plan.second_person:
                ran = "was run; it wanted no second person"
            became = "o opens its batch." if plan.revision is None else f"It made revision {plan.revision}."
            return f"{ran}. {became}", Look("✓", "", Tone.DONE)
        return "nobody has asked for approval of it yet", Look("○", "", Tone.QUIET)

    def _until(self, item: ApprovalItem, now: datetime) -> str:
        if overdue(item, now):
            return f", and overdue by {short(now - item.expires_at)}"
        if item.kind is ApprovalKind.REVIEW:
            return f", due in {short(item.expires_at - now)}"
        return f", {short(item.expires_at - now)} left"

    def _show_plan(self, plan: Plan) -> None:
        # Frozen: it is drawn once.
        tones = dict(self.app.theme_variables)
        table = self.query_one("#items", RowTable)
        if plan.policy is not None:
            self._show_policy(plan.policy, table, tones)
            return
        placed = plan.action in PLACED
        numbers = Group(
            totals(plan, tones), labelled(facts(plan, tones, most=room(self.size.width)), tones["quiet"], width=7)
        )
        self.query_one("#preview", Static).update("" if placed else numbers)
        table.display = bool(plan.items)
        table.show_rows(rows(plan))
        if plan.items and self.focused is None:
            table.focus()

    def _show_policy(self, policy: PolicyChanges, table: RowTable, tones: dict[str, str]) -> None:
        from console.widgets import policy_preview

        numbers = labelled(policy_preview.facts(policy, tones), tones["quiet"], width=7)
        self.query_one("#preview", Static).update(Group(policy_preview.totals(policy, tones), numbers))
        table.columns = policy_preview.CHANGES
        table.display = True
        table.show_rows(policy_preview.rows(policy))
        if self.focused is None:
            table.focus()

    def _show_equivalent(self) -> None:
        line = self.query_one("#equivalent", Static)
        line.display = self._open
        if self._open and self.plan is not None:
            decision = self._deciding or Decision.APPROVE
            reason = self.query_one("#reason", Input).value.strip() or None
            lead = "for somebody else:  " if self._own else ""
            text = one_line(f"{lead}{equivalent(self.plan.hash, decision, reason)}")
            line.update(Text(text, self.app.theme_variables["quiet"], no_wrap=True, overflow="ellipsis"))

    def on_table_moved(self, message: Table.Moved) -> None:
        """The row under the cursor, whole: its reason, and what differs in its document."""
        row = self.query_one("#items", RowTable).current()
        told = Text() if self.plan is None else _details(self.plan, row, dict(self.app.theme_variables))
        line = self.query_one("#because", Static)
        line.update(told)
        line.display = bool(told)

    def on_table_opened(self, message: Table.Opened) -> None:
        """Look at one of them."""
        row = self.query_one("#items", RowTable).current()
        if row is None or self.plan is None:
            return
        if self.plan.policy is None:
            self.andon.obey(f"transaction {row.id}")
            return
        change = next(each for each in self.plan.policy.changes if each.address == row.id)
        if change.does is PolicyDoes.ADD:
            self.notify(clean(f"{change.address} is not at the gateway yet."))
        else:
            self.andon.obey(f"gateway {change.from_ or change.address}")

    # Deciding

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that lead nowhere do not show."""
        if action == "batch":
            return self.plan is not None and self.plan.batch is not None
        if action in ("decide", "copy") and self.plan is not None and not self._open:
            return False
        return super().check_action(action, parameters)

    def action_decide(self, name: str) -> None:
        """Open the line for the reason; nothing is decided by that."""
        plan = self.plan
        if plan is None or not self.andon.session.may_decide(own=self._own):
            self._deciding = None
            return
        self._deciding = decision = Decision(name)
        starts = self._starts(decision)
        tones = self.app.theme_variables
        self.query_one("#decision").display = True
        self.query_one("#decision-title", Divider).show(word(decision, self._kind))
        said = consequence(decision, self._kind, plan.action, _acting(plan), self._asker)
        self.query_one("#consequence", Static).update(Text(said, tones["bright" if starts else "foreground"]))
        self.query_one("#confirm-line").display = starts and self.andon.context.production
        button = self.query_one("#decide", Button)
        button.label = word(decision, self._kind)
        button.disabled = self._underway
        button.refresh(layout=True)
        self.add_class("-deciding")
        self._show_equivalent()
        self.query_one("#reason", Input).focus()

    def _starts(self, decision: Decision) -> bool:
        return decision is Decision.APPROVE and self._kind is ApprovalKind.APPROVAL

    def action_leave(self) -> None:
        """From the decision to the plan, keeping what was written; else back."""
        if self.has_class("-deciding"):
            self._close()
        else:
            self.andon.back_to(len(self.app.screen_stack) - 2)

    def _close(self) -> None:
        self.remove_class("-deciding")
        self.query_one("#decision").display = False
        self._deciding = None
        self._say("")
        items = self.query_one("#items")
        self.set_focus(items if items.display else None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """The command follows what is written."""
        self._show_equivalent()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """On production the name comes after the reason."""
        confirm = self.query_one("#confirm", Input)
        if event.input.id == "reason" and self.query_one("#confirm-line").display and not confirm.value:
            confirm.focus()
        else:
            self._decide()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Decide, or not."""
        if event.button.id == "decide":
            self._decide()
        else:
            self._close()

    def on_key(self, event: events.Key) -> None:
        """Up from the reason looks at the items again; tab comes back."""
        if event.key == "up" and isinstance(self.focused, Input) and self.query_one("#items").display:
            self.query_one("#items").focus()
            event.stop()

    def _decide(self) -> None:
        plan, decision = self.plan, self._deciding
        if plan is None or decision is None or self._underway or self.query_one("#decide", Button).disabled:
            return
        reason = self.query_one("#reason", Input).value.strip()
        if not reason:
            self._say(f"To {word(decision, self._kind)} wants a reason: say in a sentence what was looked at.")
            self.query_one("#reason", Input).focus()
            return
        context = self.andon.context
        if self._starts(decision) and context.production and self.query_one("#confirm", Input).value != context.name:
            self._say("The name does not match: nothing was started. Type it exactly to start this on production.")
            self.query_one("#confirm", Input).focus()
            return
        self._underway = True
        self.query_one("#decide", Button).disabled = True
        self._say("")
        self.andon.log_command(equivalent(plan.hash, decision, reason))
        self.andon.effects.decide(plan, decision, reason)

    def refused(self, error: AndonError) -> None:
        """The platform did not take the decision, or did not answer. What was written stays."""
        self._underway = False
        self._say(clean(error.detail))
        self.query_one("#decide", Button).disabled = False
        if isinstance(error, Stale | Unreachable):
            self.again()

    def _say(self, sentence: str) -> None:
        said = self.query_one("#said", Static)
        said.update(Text(sentence, self.app.theme_variables["late"]))
        said.display = bool(sentence)

    def action_batch(self) -> None:
        """Follow the run."""
        if self.plan is not None and self.plan.batch is not None:
            self.andon.effects.follow(self.plan.batch)

    def action_copy(self) -> None:
        """Copy the command that approves it, for whoever shall."""
        self.app.copy_to_clipboard(equivalent(self.plan_hash, Decision.APPROVE, None))
        self.notify("command copied: it wants a reason in the place of TEXT")


def _loud(tone: Tone) -> Tone:
    # In the list one's own steps back behind what one can decide; here it is all there is.
    return Tone.HELD if tone is Tone.QUIET else tone


def _acting(plan: Plan) -> int:
    return plan.count


def _sentence(plan: Plan) -> str:
    if plan.policy is None:
        return sentence(plan.action, plan.options, _acting(plan))
    from console.widgets import policy_preview

    return policy_preview.sentence(plan.policy)


def _details(plan: Plan, row: Row | None, tones: dict[str, str]) -> Text:
    if plan.policy is None:
        return details(plan, row, tones)
    from console.widgets import policy_preview

    return policy_preview.details(plan.policy, row, tones)
