"""A handover as Markdown and as a page: everything is in it, and nobody else's words are markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from handover_doubles import NOW, handover, transaction
from hypothesis import given
from hypothesis import strategies as st

from transactions.handover.markdown import markdown
from transactions.handover.model import Remark
from transactions.handover.page import page
from transactions.handover.sections import moment, sections
from transactions.model import Status

TOLD = (
    "Handover: night shift of 2026-03-28",
    "1,200 transactions came in",
    "100 failed",
    "7 of what is open should have been processed by now",
    "Material M-1 is not in plant P01",
    "Maintain it. Care: Do not edit it.",
    "INC-7",
    "goods-receipt to ERP P01 order 4711",
    "overdue",
    "M3351",
    "Waits for a second person: discard of 1 transaction, plan cdcdcdcdcdcd, asked by ann",
    "Ran without its second person: discard by ann",
    "Review OVERDUE since",
    "Hold of CRM by bob",
    "Breaker of ERP is open",
    "Batch b2 (replay) of ann is paused: 2 processed, 1 failed",
    "8 of 9 replayed",
    "andon groups show 0a1b",
    "replay of 3 transactions, done: 2 processed, 1 failed. ticket 7",
    "ann: hold. patching",
    "batch.replay",
    "Entries 3 to 9, head ab12",
)


def test_what_is_overdue_is_a_part_of_what_a_cause_blocks_and_says_so() -> None:
    """214 wait for 90 that failed, and 107 of them are late: more than failed, so both are told."""
    causes = next(each for each in sections(handover()) if each.title.startswith("What is left"))
    assert causes.table is not None
    row = dict(zip(causes.table.heads, causes.table.rows[0], strict=True))
    assert (row["count"], row["blocks"], row["overdue"]) == ("90", "214", "107")


def without_escapes(text: str) -> str:
    return re.sub(r"\\([\\`*_{}\[\]<>|~#&+.=-])", r"\1", text)


class Words(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.mark.parametrize("told", TOLD)
def test_everything_is_in_both(told: str) -> None:
    assert told in without_escapes(markdown(handover()))
    assert told in Words(page(handover())).text


def test_times_go_by_the_plants_clock_also_in_the_night_it_changes() -> None:
    assert moment(handover().begin, "Europe/Berlin") == "2026-03-28 22:30 +01:00"
    assert moment(NOW, "Europe/Berlin") == "2026-03-29 05:30 +02:00"
    assert "2026-03-28 22:30 +01:00 to 2026-03-29 05:30 +02:00" in without_escapes(markdown(handover()))


def test_a_table_has_as_many_cells_in_every_row() -> None:
    rows = [line for line in markdown(handover()).splitlines() if line.startswith("|")]
    tables = re.split(r"\n(?!\|)", markdown(handover()))
    assert rows
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines() if line.startswith("|")}
        assert len(widths) <= 1, table


@given(st.text(max_size=60))
def test_words_of_others_are_no_markup(text: str) -> None:
    remark = Remark(at=NOW, by="ann", plant=None, text=f"x{text}")
    told = handover(remarks=[remark], taken=[transaction(assignee="ann", waiting_on=text)])
    plain = handover(remarks=[Remark(at=NOW, by="ann", plant=None, text="x")], taken=[transaction(assignee="ann")])
    assert Words(page(told)).tags == Words(page(plain)).tags
    written, other = markdown(told), markdown(plain)
    assert len(written.splitlines()) == len(other.splitlines())
    for sign in ("|", "*", "<", "[", "`"):
        assert len(re.findall(rf"(?<!\\){re.escape(sign)}", written)) == len(
            re.findall(rf"(?<!\\){re.escape(sign)}", other)
        )


def test_a_page_runs_nothing_and_loads_nothing() -> None:
    text = page(handover())
    assert "default-src 'none'" in text
    assert not {"script", "img", "link", "iframe"} & set(Words(text).tags)


def test_an_empty_shift_says_so() -> None:
    empty = handover(
        came_in=[], batches=[], deeds=[], notes=[], counts={Status.PROCESSED: 4}, overdue=0, causes=[], taken=[],
        urgent=[], approvals=[], broken_glass=[], holds=[], breakers={}, running=[], comes_back=[], remarks=[],
        audit=None,
    )  # fmt: skip
    text = markdown(empty)
    assert "Nothing needs anybody." in text
    assert "Nothing is held, broken or under way." in text
    assert "Nothing waits for a second person, and nothing ran without one." in text
    assert "Whoever may see the whole audit chain is told its range here." in text
    assert not any(section.alarming for section in sections(empty))
    assert "|" not in text
