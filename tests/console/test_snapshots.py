"""A few pages as pictures, at both sizes: fixed clock, fixed data, nothing that blinks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from console_doubles import MemorySource, who
from policy_doubles import drifted_from
from policy_folder import made
from textual.widgets import Button

from console.screens.batch import BatchScreen
from console.screens.plan import PlanScreen
from transactions.people import Limits, Role

SIZES = [(80, 24), (120, 40)]
IDS = ["80x24", "120x40"]


@pytest.fixture
def picture(snap_compare, make_app, until, shown):
    """Compare a page with its picture, once it shows ``text``."""

    def compare(
        size: tuple[int, int], line: str, text: str, *, theme: str = "andon-dark", keys: tuple[str, ...] = ()
    ) -> bool:
        app = make_app(MemorySource())

        async def ready(pilot) -> None:
            app.obey(f"theme {theme}")
            app.obey(line)
            await until(pilot, lambda: text in shown(app) and "● live" in shown(app))
            await pilot.press(*keys)
            await pilot.wait_for_scheduled_animations()
            await pilot.pause()

        return snap_compare(app, terminal_size=size, run_before=ready)

    return compare


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_board(picture, size) -> None:
    assert picture(size, "board", "shipment release")


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_cause(snap_compare, make_app, until, shown, size) -> None:
    app = make_app(MemorySource())

    async def ready(pilot) -> None:
        await until(pilot, lambda: "shipment release" in shown(app) and "● live" in shown(app))
        app.screen.query_one("#causes").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "over all causes" in shown(app))
        await pilot.wait_for_scheduled_animations()

    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_failed(picture, size) -> None:
    assert picture(size, "failed", "1 of 266", keys=("down", "space", "space"))


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_kpis(picture, size) -> None:
    assert picture(size, "kpis", "goods receipt", keys=("down",) * 4)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize(
    ("page", "text", "keys"),
    [
        ("calendar", "production-orders v1", ("down",)),
        ("consumers", "supplier-portal", ("down", "right")),
        ("throttles", "plant-standard", ("down", "down")),
    ],
    ids=["calendar", "consumers", "throttles"],
)
def test_gateway(picture, size, page, text, keys) -> None:
    assert picture(size, f"gateway {page}", text, keys=keys)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("page", ["drift", "plan"])
def test_drift_and_plan(snap_compare, make_app, until, shown, tmp_path, monkeypatch, size, page) -> None:
    monkeypatch.chdir(tmp_path)
    source = MemorySource()
    source.gateway["policies"] = drifted_from(made(tmp_path / "policies"))
    app = make_app(source, policies_folder=Path("policies"))

    async def ready(pilot) -> None:
        app.obey(f"gateway {page}")
        await until(pilot, lambda: "drifted" in shown(app) and "comparing" not in shown(app))
        await until(pilot, lambda: "● live" in shown(app))
        await pilot.press("down")
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=ready)


def test_the_calendar_in_the_light_theme(picture) -> None:
    assert picture((200, 50), "gateway", "production-orders v1", theme="andon-light", keys=("down",))


def test_failed_in_the_light_theme(picture) -> None:
    assert picture((120, 40), "failed", "1 of 266", theme="andon-light")


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("keys", [(), ("space", "end", "equals_sign")], ids=["list", "compared"])
def test_groups(picture, size, keys) -> None:
    assert picture(size, "groups", "1 of 4", keys=keys)


def test_transaction(picture) -> None:
    assert picture((80, 24), "transaction tx-00000003-7f3a9c", "M7021")


def test_systems(picture) -> None:
    assert picture((120, 40), "systems", "connection refused")


def test_plan(snap_compare, make_app, until) -> None:
    app = make_app(MemorySource(), production=True)

    async def ready(pilot) -> None:
        app.obey("failed")
        await until(pilot, lambda: app.screen.query("TransactionTable") and app.screen._counted)
        await pilot.press("A", "r")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("#reason"))
        page = app.screen
        await pilot.press(*"mended", "enter")
        await until(pilot, lambda: page.plan is not None and not page.query_one("#run", Button).disabled)
        page.query_one("#run").focus()
        await pilot.pause()

    assert snap_compare(app, terminal_size=(120, 40), run_before=ready)


def test_batch(snap_compare, make_app, until) -> None:
    source = MemorySource()
    app = make_app(source)

    async def ready(pilot) -> None:
        from transactions.plans import Action, PlanRequest

        ids = [f"tx-{n:08d}-7f3a9c" for n in range(9)]
        plan = await source.make_plan(PlanRequest(action=Action.REPLAY, reason="mended", ids=ids))
        app.open(BatchScreen(await source.run(plan.hash)))
        await until(pilot, lambda: app.screen.fetched_at is not None)
        await pilot.pause()

    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("keys", [(), ("down", "a")], ids=["list", "approve"])
def test_approvals(snap_compare, make_app, until, size, keys) -> None:
    source = MemorySource()
    source.me = who(Role.APPROVER, name="Shift Lead", limits=Limits(plants=["P01", "P02", "P03"]))
    app = make_app(source)

    async def ready(pilot) -> None:
        await source.asked_by("ben", ids=tuple(range(1, 13)))
        await source.asked_by("ann", ids=(5,), reason="double booking")
        await source.glass_broken_by("dora", ago=timedelta(hours=26))
        app.obey("approvals")
        await until(pilot, lambda: app.screen.fetched_at is not None and app.session.who is not None)
        await until(pilot, lambda: app.connection is not None)
        await pilot.pause()
        await pilot.press(*keys)
        if keys:
            await until(pilot, lambda: getattr(app.screen, "plan", None) is not None)
            await until(pilot, lambda: app.screen.query_one("#reason").has_focus)
            app.screen.query_one("#decide").focus()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=ready)
