"""Runs of plans: the arithmetic of progress, the list, and one followed to its end."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from console_doubles import NOW, MemorySource
from hypothesis import given
from hypothesis import strategies as st

from console.screens.batch import BatchScreen, again
from console.screens.batches import BatchesScreen, bar, batch_row, batch_title, finished, undone
from console.screens.transaction import TransactionScreen
from transactions.batches import Batch, BatchItem, BatchState, ItemState
from transactions.errors import Unreachable
from transactions.model import Status
from transactions.plans import Action, PlanRequest


def batch(state: BatchState = BatchState.RUNNING, **counts: int) -> Batch:
    by_state = {name.replace("_", "-"): count for name, count in counts.items()}
    return Batch(
        id="01M7YB0000BATCH0000000001",
        plan="0" * 64,
        action=Action.REPLAY,
        state=state,
        reason="material extended",
        started_by="ann",
        started_at=NOW - timedelta(minutes=2),
        finished_at=None if state is BatchState.RUNNING else NOW,
        total=sum(counts.values()),
        counts=by_state,
    )


async def run(source: MemorySource, count: int = 9) -> Batch:
    ids = [f"tx-{n:08d}-7f3a9c" for n in range(count)]
    plan = await source.make_plan(PlanRequest(action=Action.REPLAY, reason="mended", ids=ids))
    return await source.run(plan.hash)


@given(st.integers(min_value=0, max_value=10**6), st.integers(min_value=1, max_value=60), st.data())
def test_a_bar_is_as_long_as_it_should_be_and_full_only_at_the_end(total: int, width: int, data: st.DataObject) -> None:
    done = data.draw(st.integers(min_value=0, max_value=total))
    drawn = bar(done, total, width)
    assert len(drawn) == width
    assert set(drawn) <= {"█", "░"}
    assert ("░" not in drawn) is (done == total)


@pytest.mark.parametrize(
    ("counts", "done", "bad"),
    [
        ({"processed": 5}, 5, 0),
        ({"processed": 5, "failed": 2}, 7, 2),
        ({"planned": 4, "sent": 1, "intended": 1}, 0, 0),
        ({"in_doubt": 3, "planned": 1}, 3, 3),
        ({"skipped": 2, "cancelled": 1}, 3, 3),
    ],
)
def test_what_is_finished_and_what_did_not_get_there(counts: dict[str, int], done: int, bad: int) -> None:
    assert (finished(batch(**counts)), undone(batch(**counts))) == (done, bad)


@pytest.mark.parametrize("state", list(BatchState))
def test_a_row_says_state_share_and_what_went_wrong(state: BatchState) -> None:
    row = batch_row(batch(state, processed=1, failed=1, planned=2), NOW)
    texts = [cell.text for cell in row.cells]
    assert str(state) in texts[0]
    assert texts[1].endswith(" 50%")
    assert texts[2:5] == ["replay", "4", "1"]
    assert texts[5] == "2m"


def test_a_run_of_nothing_is_complete() -> None:
    assert batch_row(batch(BatchState.DONE), NOW).cells[1].text.endswith("100%")


def test_why_it_stopped_is_said_instead_of_why_it_began() -> None:
    stopped = msgspec.structs.replace(batch(BatchState.STOPPED, failed=3), because="the same failure three times")
    assert batch_row(stopped, NOW).cells[-1].text == "the same failure three times"


def test_a_title_names_the_action_and_keeps_both_ends_of_the_id() -> None:
    title = batch_title(batch())
    assert title.startswith("replay 01M7Y")
    assert title.endswith("000001")
    assert "\x1b" not in batch_title(msgspec.structs.replace(batch(), id="x\x1b[0m"))


async def test_no_runs_yet_says_how_to_begin_one(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: "Nothing was run yet" in shown(app))


async def test_the_list_opens_the_run_under_the_cursor(make_app, until, shown) -> None:
    source = MemorySource()
    await run(source, 2)
    await run(source, 3)
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, BatchesScreen) and "100%" in shown(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))
        assert app.screen.followed.id == "batch-0000", "the newest comes first"


@pytest.mark.parametrize(
    ("counts", "state", "words"),
    [
        ({"processed": 2}, BatchState.DONE, "All of them got where they were meant to"),
        ({"processed": 2, "failed": 1}, BatchState.DONE, "One did not get where it was meant to"),
        ({"processed": 2, "failed": 7}, BatchState.DONE, "7 did not get where they were meant to"),
        ({"planned": 5}, BatchState.RUNNING, "goes on if this page or the console is left"),
        ({"planned": 5}, BatchState.PAUSED, "goes on if this page or the console is left"),
    ],
)
async def test_the_outcome_is_a_sentence(make_app, until, shown, counts, state, words: str) -> None:
    source = MemorySource()
    made = batch(state, **counts)
    source.made[made.id], source.items[made.id] = made, []
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: words in " ".join(shown(app).split()))


async def test_what_went_wrong_comes_first_and_its_reason_whole(make_app, until, shown) -> None:
    source = MemorySource()
    made = await run(source)
    items = source.items[made.id]
    reason = "ERP says: " + "posting only possible in periods that are open, " * 2
    items[6] = msgspec.structs.replace(items[6], state=ItemState.FAILED, status=Status.FAILED, reason=reason)
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: "■ failed" in shown(app))
        assert app.screen.query_one("#items").row_at(0).id == items[6].id
        await until(pilot, lambda: "periods that are open, posting" in " ".join(shown(app).split()))
        app.screen.query_one("#items").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen))
        assert app.screen.transaction_id == items[6].id


async def test_more_items_than_are_shown_are_told(make_app, until, shown) -> None:
    from transactions.pages import Page

    source = MemorySource()
    made = msgspec.structs.replace(await run(source, 3), total=5000)
    source.made[made.id] = made

    async def first_page(id: str, limit: int, cursor: str | None):  # noqa: A002
        return Page(items=source.items[id], next_cursor="more")

    source.batch_items = first_page
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: "first 3 of 5,000" in shown(app))


async def test_no_answer_while_it_runs_is_said_and_nothing_is_forgotten(make_app, until, shown) -> None:
    source = MemorySource(settle=False)
    made = await run(source)
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: app.screen.fetched_at is not None)
        source.fail = Unreachable("No answer from the hub.")
        app.screen.again()
        await until(pilot, lambda: "No answer from the hub" in shown(app) and "shown as of" in shown(app))
        assert "1 of 9" in shown(app)
        source.fail = None
        source.finish(made.id)
        await until(pilot, lambda: "9 of 9" in shown(app) and "No answer" not in shown(app))


async def test_a_cancel_that_is_refused_says_so(make_app, until, shown) -> None:
    source = MemorySource(settle=False)
    made = await run(source)

    async def refuse(id: str):  # noqa: A002
        raise Unreachable("The hub went away in between.")

    source.cancel = refuse
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: app.screen.fetched_at is not None)
        await pilot.press("c")
        await until(pilot, lambda: "The hub went away in between." in shown(app))
        assert app.commands_done[-1][1] == f"andon batches cancel {made.id}"


async def test_space_pauses_and_goes_on(make_app, until, shown) -> None:
    source = MemorySource(settle=False)
    made = await run(source)
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: app.screen.fetched_at is not None)
        await pilot.press("space")
        await until(pilot, lambda: source.made[made.id].state is BatchState.PAUSED and "paused by ann" in shown(app))
        await pilot.press("space")
        await until(pilot, lambda: source.made[made.id].state is BatchState.RUNNING)
        assert [line for _, line in app.commands_done[-2:]] == [
            f"andon batches pause {made.id}",
            f"andon batches resume {made.id}",
        ]
        await pilot.press("r")
        await until(pilot, lambda: "Nothing failed in it" in shown(app))


async def test_when_it_has_ended_the_footer_offers_what_is_left(make_app, until, shown) -> None:
    source = MemorySource(settle=False)
    made = await run(source)
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: app.screen.fetched_at is not None)
        await until(pilot, lambda: "cancel the rest" in shown(app))
        source.finish(made.id)
        await until(pilot, lambda: "✓ done" in shown(app))
        await until(pilot, lambda: "cancel the rest" not in shown(app) and "pause" not in shown(app))


async def test_read_only_cancels_nothing(make_app, until, shown) -> None:
    source = MemorySource(settle=False)
    made = await run(source)
    app = make_app(source, read_only=True)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: app.screen.fetched_at is not None)
        await pilot.press("c")
        await until(pilot, lambda: "This session is read-only" in shown(app))
        assert source.made[made.id].state is BatchState.RUNNING


async def test_y_copies_the_id_of_the_run(make_app, until) -> None:
    source = MemorySource()
    made = await run(source)
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: app.screen.is_current and app.screen.fetched_at is not None)
        await pilot.press("y")
        assert app.clipboard == made.id


def item(n: int, state: ItemState, status: Status | None = None, **links: str) -> BatchItem:
    return BatchItem(
        n=n,
        id=f"tx-{n:08d}-7f3a9c",
        flow="material-consumption",
        plant="P02",
        target="ERP",
        state=state,
        status=status,
        reason=None,
        updated_at=NOW,
        **links,
    )


async def corrected(source: MemorySource, *items: BatchItem) -> Batch:
    made = await run(source, len(items))
    source.items[made.id] = list(items)
    counts = {str(state): sum(each.state is state for each in items) for state in ItemState}
    source.made[made.id] = msgspec.structs.replace(made, action=Action.CORRECT, counts=counts)
    return source.made[made.id]


async def test_a_correction_names_what_was_posted_what_reverses_it_and_what_is_posted_instead(
    make_app, until, shown
) -> None:
    source = MemorySource()
    wrong = item(0, ItemState.PROCESSED, Status.COMPENSATED, reversal="tx-00000077-7f3a9c")
    other = item(1, ItemState.PROCESSED, Status.COMPENSATED, reversal="tx-00000078-7f3a9c")
    instead = item(2, ItemState.PROCESSED, Status.PROCESSED, corrects=wrong.id)
    made = await corrected(source, wrong, other, instead)
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        app.open(BatchScreen(made))
        await until(pilot, lambda: "instead of tx-00000000" in shown(app))
        lines = shown(app).splitlines()
        places = [next(n for n, line in enumerate(lines) if text in line and "tx-00" in line) for text in (
            "reversed by tx-00000077", "instead of tx-00000000", "reversed by tx-00000078")]  # fmt: skip
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("action", "failed", "wanted"),
    [
        (Action.REPLAY, [item(1, ItemState.FAILED, Status.FAILED)], (Action.REPLAY, [1])),
        (Action.EDIT, [item(1, ItemState.FAILED, Status.FAILED)], (Action.REPLAY, [1])),
        (Action.CORRECT, [item(2, ItemState.FAILED, Status.FAILED, corrects="x")], (Action.REPLAY, [2])),
        (
            Action.CORRECT,
            [item(1, ItemState.FAILED, Status.COMPENSATION_FAILED), item(2, ItemState.FAILED, Status.FAILED)],
            (Action.COMPENSATE, [1]),
        ),
    ],
)
def test_what_failed_is_taken_again_as_what_it_is(action, failed, wanted) -> None:
    draft = again(action, failed)
    assert (draft.action, draft.ids) == (wanted[0], [f"tx-{n:08d}-7f3a9c" for n in wanted[1]])
