"""Four eyes on a real hub: one person asks in one console, another decides in another, and nobody decides alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from textual.widgets import Button, Input

from console.app import AndonApp
from console.drafts import Draft
from console.platform_source import PlatformSource
from console.screens.approval import ApprovalScreen
from console.screens.approvals import ApprovalsScreen
from console.screens.batch import BatchScreen
from console.screens.plan import PlanScreen
from platforms.contexts import Resolved
from platforms.events import ConnectionState
from transactions.plans import Action

FINANCIAL = "status:failed risk:financial"


@pytest.fixture(scope="module")
def shift(hub_factory: Callable[..., Any], eventually: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """A hub with two people and a few failed postings."""
    hub = hub_factory("--simulate", "--speed", "30", "--seed", "5")
    headers = {"Authorization": f"Bearer {hub.token}"}
    with httpx.Client(base_url=f"{hub.url}/admin/v1/", headers=headers, timeout=40) as client:
        client.put("simulator/faults", json={"on": True, "name": "missing-material"}).raise_for_status()

        def failed_ones() -> list[dict[str, Any]]:
            page = client.get("transactions", params={"filter": FINANCIAL, "limit": 3}).raise_for_status().json()
            return list(page["items"])

        eventually("failed postings", lambda: len(failed_ones()) == 3)
        client.post("simulator/pause").raise_for_status()
        tokens = {}
        for name, roles in (("devi", ["operator"]), ("noor", ["approver"])):
            client.post("users", json={"name": name, "roles": roles}).raise_for_status()
            tokens[name] = client.post(f"users/{name}/token", json={}).raise_for_status().json()["token"]
        yield {"url": hub.url, "tokens": tokens, "ids": [one["id"] for one in failed_ones()]}


def console(shift: dict[str, Any], name: str) -> AndonApp:
    context = Resolved(
        name="night",
        platform="hub",
        url=shift["url"],
        production=False,
        read_only=False,
        colour=None,
        ca=None,
        chosen_by="a test",
        token=shift["tokens"][name],
        token_from="a test",
    )
    return AndonApp(context, PlatformSource(context))


async def ask(app: AndonApp, pilot: Any, until: Any, ids: list[str]) -> ApprovalScreen:
    """From a draft to a plan that waits."""
    await until(pilot, lambda: app.session.who is not None and app.connection is ConnectionState.LIVE)
    app.draft(Draft(action=Action.DISCARD, ids=ids, count=len(ids)))
    await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("#reason"))
    page = app.screen
    await pilot.press(*"replaced", "enter")
    await until(pilot, lambda: page.plan is not None)
    assert str(page.query_one("#run", Button).label) == "ask for approval"
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ApprovalScreen) and app.screen.plan is not None)
    return app.screen


async def decide(app: AndonApp, pilot: Any, until: Any, shown: Any, key: str) -> None:
    """From the bar to a decision."""
    await until(pilot, lambda: "1 to approve" in shown(app))
    await pilot.press("p")
    await until(pilot, lambda: isinstance(app.screen, ApprovalsScreen) and app.screen.current() is not None)
    assert "devi" in shown(app)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, ApprovalScreen) and app.screen.query_one("#reason").has_focus)
    await pilot.press(*"seen", "enter")


async def test_what_one_asks_for_another_starts(shift, until, shown) -> None:
    asker = console(shift, "devi")
    async with asker.run_test(size=(120, 40)) as pilot:
        page = await ask(asker, pilot, until, shift["ids"][:1])
        await until(pilot, lambda: "yours: somebody else decides" in shown(asker))
        assert f"andon approvals approve {page.plan_hash[:12]} --reason TEXT" in shown(asker)
        await pilot.press("a")
        await until(pilot, lambda: "may not approve or reject" in shown(asker))

        approver = console(shift, "noor")
        async with approver.run_test(size=(120, 40)) as other:
            await decide(approver, other, until, shown, "a")
            await until(other, lambda: isinstance(approver.screen, BatchScreen) and "✓ done" in shown(approver))
            assert "by devi" in shown(approver), "it runs in the name of the one who asked"
            assert approver.commands_done[-1][1] == (
                f"andon approvals approve {page.plan_hash[:12]} --reason seen --yes"
            )
        await until(pilot, lambda: "approved by noor" in shown(asker))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(asker.screen, BatchScreen) and "✓ done" in shown(asker))


async def test_what_is_rejected_never_runs_and_says_who_and_why(shift, until, shown) -> None:
    asker = console(shift, "devi")
    async with asker.run_test(size=(120, 40)) as pilot:
        asked = (await ask(asker, pilot, until, shift["ids"][1:2])).plan_hash
    approver = console(shift, "noor")
    async with approver.run_test(size=(80, 24)) as pilot:
        await decide(approver, pilot, until, shown, "x")
        await until(pilot, lambda: isinstance(approver.screen, ApprovalsScreen) and "nothing waits" in shown(approver))
    again = console(shift, "devi")
    async with again.run_test(size=(80, 24)) as pilot:
        again.obey(f"approvals {asked[:12]}")
        await until(pilot, lambda: "■ rejected by noor" in shown(again) and ": seen." in shown(again))
        assert "Nothing was sent." in shown(again)


async def test_who_may_only_decide_cannot_act_and_is_told_before_trying(shift, until, shown) -> None:
    app = console(shift, "noor")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "noor · approver" in shown(app))
        app.draft(Draft(action=Action.DISCARD, ids=shift["ids"][2:], count=1))
        await until(pilot, lambda: "may not make plans" in shown(app))
        assert not isinstance(app.screen, PlanScreen)
        assert not app.screen.query(Input)
