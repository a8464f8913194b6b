from __future__ import annotations

import msgspec
from console_doubles import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from console.window import KEPT, PAGE, STRIDE, Ask, Window
from transactions.model import Transaction
from transactions.pages import Page

_ROW = transaction(0)


class Numbers:
    """A list of numbered rows behind keyset cursors, which counts what it is asked."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.asked = 0

    def answer(self, ask: Ask) -> Page[Transaction]:
        self.asked += 1
        start = 0 if ask.cursor is None else int(ask.cursor)
        assert start == ask.position, "the cursor leads to the position it is kept for"
        end = min(start + ask.limit, self.total)
        numbers = range(start, end) if ask.end == "head" else range(self.total - 1 - start, self.total - 1 - end, -1)

        rows = [msgspec.structs.replace(_ROW, id=str(n)) for n in numbers]
        return Page(items=rows, next_cursor=str(end) if end < self.total else None)


def look(window: Window, numbers: Numbers, first: int, last: int) -> None:
    while (ask := window.need(first, last)) is not None:
        assert 1 <= ask.limit <= STRIDE
        window.take(ask, numbers.answer(ask))


def ids(window: Window, first: int, last: int) -> list[str]:
    rows = [window.row(index) for index in range(first, last + 1)]
    return [row.id for row in rows if row is not None]


@given(
    st.integers(min_value=0, max_value=9000),
    st.lists(st.tuples(st.integers(min_value=0, max_value=8999), st.integers(min_value=0, max_value=60)), max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_wherever_one_looks_the_right_rows_are_there(total: int, looks: list[tuple[int, int]]) -> None:
    numbers, window = Numbers(total), Window()
    window.total = total
    for first, height in looks:
        last = min(first + height, total - 1)
        look(window, numbers, first, last)
        assert ids(window, first, last) == [str(n) for n in range(first, last + 1)]


def test_the_end_is_one_question_away() -> None:
    numbers, window = Numbers(1_000_000), Window()
    window.total = 1_000_000
    look(window, numbers, 999_960, 999_999)
    assert numbers.asked == 1
    assert window.row(999_999).id == "999999"


def test_the_middle_is_reached_in_strides_and_remembered() -> None:
    numbers, window = Numbers(100_000), Window()
    window.total = 100_000
    look(window, numbers, 50_000, 50_030)
    walked = numbers.asked
    assert walked <= 50_000 / STRIDE + 2
    look(window, numbers, 50_200, 50_230)
    assert numbers.asked <= walked + 2
    look(window, numbers, 70_000, 70_030)
    assert numbers.asked <= walked + 8, "cursors met on the way are kept"


def test_only_a_few_pages_are_kept() -> None:
    numbers, window = Numbers(PAGE * 40), Window()
    window.total = numbers.total
    for page in range(40):
        look(window, numbers, page * PAGE, page * PAGE + 30)
    held = sum(window.row(index) is not None for index in range(0, numbers.total, PAGE))
    assert held <= KEPT


def test_the_list_says_itself_where_it_ends() -> None:
    window = Window()
    window.total = 500
    ask = window.need(0, 10)
    window.take(ask, Page(items=[_ROW], next_cursor=None))
    assert window.total == 1


def test_rows_are_found_and_patched_by_id() -> None:

    numbers, window = Numbers(1000), Window()
    window.total = 1000
    look(window, numbers, 0, 10)
    look(window, numbers, 990, 999)
    assert window.find("7") == 7
    assert window.find("995") == 995
    assert window.find("500") is None
    assert window.patch(msgspec.structs.replace(_ROW, id="7", etag="newer"))
    assert window.row(7).etag == "newer"
    assert not window.patch(msgspec.structs.replace(_ROW, id="500"))


def test_after_a_change_what_shows_stays_until_it_is_replaced() -> None:
    numbers, window = Numbers(1000), Window()
    window.total = 1000
    look(window, numbers, 0, 30)
    window.forget_order(0)
    assert window.row(5) is not None
    assert window.need(0, 30, again=True) == Ask(end="head", position=0, limit=PAGE, cursor=None)


def test_nothing_is_asked_of_an_empty_list() -> None:
    window = Window()
    assert window.need(0, 40) is None
    assert window.row(0) is None


def test_of_a_count_that_is_not_exact_more_is_found_on_the_way() -> None:
    window, numbers = Window(), Numbers(3 * PAGE + 7)
    window.recount(PAGE // 2, exact=False)
    for end in (PAGE - 1, 2 * PAGE - 1, 3 * PAGE - 1, 3 * PAGE + 6):
        look(window, numbers, 0, min(end, window.total - 1))
        assert not window.exact or window.total == numbers.total
        look(window, numbers, min(end, window.total - 1), min(end, window.total - 1))
    assert (window.total, window.exact) == (numbers.total, True)
    window.recount(PAGE, exact=False)
    assert (window.total, window.exact) == (numbers.total, False)
