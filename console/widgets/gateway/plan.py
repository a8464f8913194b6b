"""What a plan would do: the verdict first, then the changes in the order of what they can break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from console.governing import Policies
from console.looks import Tone
from console.text import clean, number, one_line, shorten_middle
from console.widgets.gateway.pane import Pane
from console.widgets.many import ManyTable
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Row, Table
from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.planning.model import Change, Hazard, Plan
from gateway_policies.rendering import plan_words as words
from gateway_policies.rendering.plan_text import Tone as LineTone
from gateway_policies.rendering.plan_text import change_lines

COLUMNS = (
    Column("sign", "", 3),
    Column("what", "change", 30, flex=True),
    Column("hazard", "hazard", 14),
    Column("why", "", 20, flex=True, least=120),
    Column("place", "written in", 26, least=92),
)
HAZARDS = {
    Hazard.OUTAGE: ("■ outage", Tone.FAILED),
    Hazard.ACCESS: ("▲ cuts access", Tone.LATE),
    Hazard.THROTTLE: ("▲ cuts rate", Tone.LATE),
    Hazard.NONE: ("·", Tone.QUIET),
}
SIGNS = {"+": Tone.FINE, "-": Tone.FAILED}
TONES = {
    LineTone.BLOCKED: "failed",
    LineTone.DRIFT: "late",
}


class PlanPane(Pane):
    """The policies of the folder against the gateway."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "environment", "environment", id="plan-of-policies.environment"),
    ]

    class AnotherEnvironment(Message):
        """The policies are wanted with another overlay."""

    def __init__(self) -> None:
        super().__init__(id="plan")
        self._policies: Policies | None = None
        self._plan: Plan | None = None
        self._changes: dict[str, Change] = {}
        self._findings: dict[str, Finding] = {}

    def compose(self) -> ComposeResult:
        """The verdict, the changes, and all there is to say of one."""
        yield Static("reading the policies …", classes="verdict", markup=False)
        yield ManyTable(COLUMNS, self._row, id="plan-table")
        yield Divider()
        with VerticalScroll(classes="scroll", can_focus=False):
            yield Static(classes="about", markup=False)

    @property
    def table(self) -> ManyTable:
        """The changes, or what is wrong with the files."""
        return self.query_one(ManyTable)

    def say_why_none(self, text: str) -> None:
        """There is no plan, and why."""
        self._policies, self._plan = None, None
        self._changes, self._findings = {}, {}
        self.table.show_ids([])
        self._verdict(text, "late")
        self._tell()

    def show_findings(self, policies: Policies) -> None:
        """The files cannot be used: say everything that is wrong with them."""
        self._policies, self._plan = policies, None
        self.forget_texts()
        self.fill()

    def show_plan(self, policies: Policies, plan: Plan) -> None:
        """Show a plan."""
        self._policies, self._plan = policies, plan
        self.forget_texts()
        self.fill()

    def fill(self) -> None:
        """The changes that pass the filter; or the findings."""
        policies = self._policies
        if policies is None:
            return
        changes = () if self._plan is None else self._plan.changes
        found = [] if self._plan is not None else policies.loaded.findings
        self._changes = {each.id: each for each in changes if self.passes(each.id, _texts_of, each)}
        self._findings = {
            place: each
            for place, each in ((str(number), each) for number, each in enumerate(found))
            if self.passes(place, _texts_of_finding, each)
        }
        with_overlay = f"  (environment {policies.environment})" if policies.environment else ""
        if self._plan is not None:
            tone = "failed" if self._plan.verdict.blocked else "bright"
            self._verdict(f"{self._plan.verdict.text}{with_overlay}", tone)
        else:
            errors = sum(each.severity is Severity.ERROR for each in found)
            few = f"{errors} error{'' if errors == 1 else 's'}"
            self._verdict(f"There is no plan: the policies in {policies.folder} have {few}.{with_overlay}", "failed")
        self.table.show_ids([*self._changes, *self._findings])
        self._tell()

    def _verdict(self, text: str, tone: str) -> None:
        tones = self.app.theme_variables
        shown = Text(clean(text), f"bold {tones[tone]}")
        for note in () if self._plan is None else words.notes(self._plan):
            shown.append(f"\n{clean(note)}", tones["quiet"])
        self.query_one(".verdict", Static).update(shown)

    def go_to(self, address: str) -> bool:
        """To the change of a resource."""
        return any(self.table.go_to(id) for id, each in self._changes.items() if each.address == address)  # noqa: A001

    @property
    def address(self) -> str | None:
        """The resource's."""
        current = self.table.current_id or ""
        found = self._changes.get(current) or self._findings.get(current)
        return None if found is None else found.address

    @property
    def place(self) -> str:
        """Where it is written, as an editor opens it."""
        policies, current = self._policies, self.table.current_id or ""
        found = self._changes.get(current) or self._findings.get(current)
        if policies is None or found is None or found.place is None:
            return ""
        return f"{(policies.folder / found.place.file).as_posix()}:{found.place.line}"

    def counted(self) -> str:
        """How many changes, or findings."""
        if self._plan is None:
            return f"{number(len(self._findings))} findings" if self._findings else "no plan"
        total = len(self._plan.changes)
        shown = len(self._changes)
        counted = number(shown) if shown == total else f"{number(shown)} of {number(total)}"
        return f"{counted} change{'' if total == 1 else 's'}"

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another change."""
        message.stop()
        self._tell()

    def action_environment(self) -> None:
        """The next overlay."""
        self.post_message(self.AnotherEnvironment())

    def _tell(self) -> None:
        current = self.table.current_id or ""
        change, finding = self._changes.get(current), self._findings.get(current)
        tones = self.app.theme_variables
        if change is None and finding is None:
            self.title("")
        text = Text()
        if change is not None:
            for line in change_lines(change):
                text.append(f"{clean(line.text)}\n", tones[TONES.get(line.tone, "foreground")])
        elif finding is not None:
            text.append(f"{clean(finding.message)}\n", tones["foreground"])
            text.append(clean(finding.help), tones["quiet"])
        text.rstrip()
        self.query_one(".about", Static).update(text)
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self.post_message(self.Picked(self))

    def _short(self, place: str | None) -> str:
        return shorten_middle(one_line(place or ""), max(3, self.table.width_of("place")))

    def _row(self, current: str) -> Row:
        finding = self._findings.get(current)
        if finding is not None:
            error = finding.severity is Severity.ERROR
            cells = [
                Cell("■" if error else "▲", Tone.FAILED if error else Tone.LATE),
                Cell(one_line(finding.message)),
                Cell(one_line(finding.rule), Tone.QUIET),
                Cell(""),
                Cell(self._short(None if finding.place is None else str(finding.place)), Tone.QUIET),
            ]
            return Row(current, (finding, cells[4].text), cells)
        change = self._changes[current]
        sign = words.SIGNS[change.action]
        hazard, tone = HAZARDS[change.hazard]
        loud = change.hazard is not Hazard.NONE
        cells = [
            Cell(f"{sign} {'■' if change.blocked else '▲' if change.drifted else ''}", SIGNS.get(sign, Tone.PLAIN)),
            Cell(one_line(words.heading(change)), Tone.BRIGHT if loud else Tone.PLAIN),
            Cell(hazard, tone),
            Cell(one_line(words.why(change) or _fields(change)), Tone.QUIET),
            Cell(self._short(None if change.place is None else f"{change.place.file}:{change.place.line}"), Tone.QUIET),
        ]
        return Row(current, (change, cells[4].text), cells)


def _fields(change: Change) -> str:
    return "; ".join(map(words.field, change.fields))


def _texts_of(change: Change) -> Iterator[str | None]:
    yield from (change.address, change.from_, change.action, change.hazard, change.moved, *change.because)
    yield from ("blocked" if change.blocked else None, None if change.place is None else str(change.place))


def _texts_of_finding(finding: Finding) -> Iterator[str]:
    yield from (str(finding.place), finding.message, finding.rule)
