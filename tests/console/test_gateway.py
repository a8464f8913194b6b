"""The gateway in the console: one state, looked at from several sides, and the ways in and out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from console_doubles import NOW, MemorySource, transaction
from policy_doubles import api, consumer, grant, on, state, wants

from console.screens.failed import FailedScreen
from console.screens.gateway import GatewayScreen
from console.screens.over_gateway import STALE
from console.screens.transaction import TransactionScreen
from console.text import clean
from console.verbs import PAGES_OF_GATEWAY
from console.widgets.gateway.calendar import CalendarTable
from console.widgets.gateway.matrix import MatrixTable
from console.widgets.gateway.pages import PAGES
from console.widgets.rule import Divider
from gateway_policies.model import Lifecycle, Risk, Scope, Version
from gateway_policies.overview.stopped import Page
from gateway_policies.planning.usage import Calls, Usage
from gateway_policies.state import GatewayState
from transactions.errors import Forbidden
from transactions.filters import parse
from transactions.model import Failure, FailureKind

ADDRESS = "api.production-orders.version.v1"


async def open_page(app, pilot, until, line: str = "gateway") -> GatewayScreen:
    app.obey(line)
    await until(pilot, lambda: isinstance(app.screen, GatewayScreen) and app.screen.pane is not None)
    page = app.screen
    await until(pilot, lambda: page.pane.governed is not None)
    # What is told of the cursor's row is told last, when the row itself is there.
    await until(pilot, lambda: page.pane.address is None or clean(page.pane.address) in shown_title(page))
    await pilot.pause()
    return page


def shown_title(page: GatewayScreen) -> str:
    return page.pane.query_one(Divider)._title


def empty() -> GatewayState:
    return GatewayState(gateway="plant-gateway", revision=0, fingerprint="f", live={}, owners={}, applied={})


async def test_a_key_leads_there_and_numbers_to_its_pages(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.fetched_at is not None)
        await pilot.press("G")
        await until(pilot, lambda: "production-orders v1" in shown(app))
        assert "gateway calendar" in shown(app)
        await pilot.press("2")
        await until(pilot, lambda: "6 consumers by 5 scopes" in shown(app))
        await pilot.press("3")
        await until(pilot, lambda: "4 throttles" in shown(app))
        await pilot.press("1")
        await until(pilot, lambda: "7 versions" in shown(app))
        assert app.source.sets == ["policies"], "one state for all of them"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_the_calendar_shows_bars_today_and_what_comes_next(make_app, until, shown, size) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await open_page(app, pilot, until)
        wanted = (
            "▼",
            "■ past sunset",
            "sunset 12d ago",
            "brownout in 11d",
            "deprecated in 150d",
            "┈ draft",
            "✕ retired",
        )
        await until(pilot, lambda: all(text in shown(app) for text in wanted))
        page = shown(app)
        rows = [line for line in page.splitlines() if "━━" in line and "active" in line and "production" in line]
        (bar,) = rows
        assert bar.index("━") < bar.index("│") < bar.index("▲") < bar.index("╍"), "active, today, announced, deprecated"
        overdue = next(line for line in page.splitlines() if "■ past sunset" in line)
        assert "╍" in overdue
        assert "✕" in overdue


async def test_under_the_bars_it_says_who_is_still_on_it(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("down")
        wanted = (
            f"─ {ADDRESS} ",
            "brownout 2026-12-01 06:00 to 06:30 UTC; sunset 2026-12-17, in 27 days",
            "4 consumers: analytics, mes-p01, mes-p02 and mes-p03; how many calls is not known",
            "of the policy set policies",
        )
        await until(pilot, lambda: all(text in shown(app) for text in wanted))


async def test_what_was_seen_is_told_beside_what_may_be(make_app, until, shown) -> None:
    app = make_app()
    since = NOW - timedelta(days=7)
    app.source.usage = Usage(
        since=since,
        until=NOW,
        calls=(
            Calls(
                consumer="mes-p03",
                api="production-orders",
                version="v1",
                operation="POST /{order}/release",
                scope="orders.release",
                calls=12_431,
                last_seen=NOW,
            ),
        ),
    )
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        await pilot.press("down")
        said = f"12,431 since {since:%Y-%m-%d %H:%M}, last on {NOW:%Y-%m-%d %H:%M}: mes-p03 12,431"
        await until(pilot, lambda: said in shown(app))
        assert "how many calls is not known" not in shown(app)
        assert page.governed is not None
        assert page.governed.seen.since == since


def test_the_palette_names_every_page() -> None:
    assert list(PAGES_OF_GATEWAY) == [page.value for page in Page] == [page.value for page in PAGES]


async def test_months_move_and_zoom_and_come_back(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)

        def months() -> str:
            return next(line for line in shown(app).splitlines() if "version" in line and "state" in line)

        begun = months()
        assert begun.index("2026") < begun.index("Oct") < begun.index("2027")
        await pilot.press("right")
        await until(pilot, lambda: months() != begun)
        assert months().index("2026") < months().index("Nov") < months().index("Aug")
        await pilot.press("0")
        await until(pilot, lambda: months() == begun)
        await pilot.press("z")
        await until(pilot, lambda: "2028" in months())
        await pilot.press("z", "z")
        await until(pilot, lambda: months() == begun)
        await pilot.press(*(["right"] * 12))
        await until(pilot, lambda: "▼" not in shown(app))
        assert isinstance(page.pane.table, CalendarTable)


async def test_order_by_what_comes_first_or_by_api(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        assert page.pane.table.ids[0] == "api.stock.version.v1"
        await pilot.press("o")
        await until(pilot, lambda: "by API (o)" in shown(app))
        assert list(page.pane.table.ids) == sorted(page.pane.table.ids)
        assert page.pane.table.current_id == "api.stock.version.v1", "the cursor stays on what it was on"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_the_matrix_shows_every_kind_of_cell_by_sign(make_app, until, shown, size) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await open_page(app, pilot, until, "gateway consumers")

        def cells(name: str) -> list[str]:
            line = next(line for line in shown(app).splitlines() if line[2:].startswith(name))
            return [each for each in line.split() if each[0] in "●○▲✕·"]

        # financial, quality, operational, low, low
        assert cells("andon-hub") == ["●", "●!", "·", "·", "·"]
        assert cells("mes-p02") == ["▲!", "·", "▲", "·", "·"]
        assert cells("mes-p03") == ["✕", "·", "▲", "▲", "·"]
        assert "F" in shown(app)
        for word in ("granted", "by wildcard", "ends soon", "ended", "risky"):
            assert word in shown(app)


async def test_a_cell_says_why_until_when_and_what_is_risky(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway consumers")
        await pilot.press("down", "right")
        await until(pilot, lambda: "quality risk, never ends, no reason is given" in shown(app))
        assert page.pane.address == "consumer.andon-hub.grant.lot.release"
        await pilot.press("right")
        await until(pilot, lambda: "no: calls that want it are refused" in shown(app))
        assert page.pane.address == "consumer.andon-hub"
        await pilot.press("n")
        await until(pilot, lambda: page.pane.table.scope_name == "confirmation.write")


async def test_what_wants_a_look_comes_first_when_asked(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway consumers")
        await pilot.press("o")
        await until(pilot, lambda: "what wants a look (o)" in shown(app))
        assert list(page.pane.table.ids)[:3] == ["mes-p03", "mes-p02", "andon-hub"]


def crowd(consumers: int, scopes: int) -> GatewayState:
    """A gateway with very many of both."""
    made = [
        *(Scope(name=f"system-{n % 40:02d}.read-{n:03d}", risk=list(Risk)[n % 4]) for n in range(scopes)),
        *(consumer(f"client-{n:05d}", "MES", "P01") for n in range(consumers)),
    ]
    made += [
        grant(f"client-{n:05d}", f"system-{at % 40:02d}.read-{at:03d}")
        for n in range(consumers)
        for at in (n * 7 % scopes, n * 13 % scopes)
    ]
    return state(*{each.address: each for each in made}.values())


async def test_five_thousand_consumers_draw_only_what_is_in_sight(make_app, until, shown) -> None:
    source = MemorySource()
    source.gateway["policies"] = crowd(5000, 300)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway consumers")
        table = page.pane.table
        assert isinstance(table, MatrixTable)
        made: list[str] = []
        make = table._make

        def counted(name: str):
            made.append(name)
            return make(name)

        table._make = counted
        await pilot.press("end")
        await until(pilot, lambda: "supplier-portal" in shown(app))
        for _ in range(5):
            await pilot.press("pageup")
        await until(pilot, lambda: table.cursor < 5000)
        assert len(set(made)) < 400, "rows are made when their line is drawn"
        before = table._first
        await pilot.press(*(["right"] * (table._room + 3)))
        await until(pilot, lambda: table._first > before)
        assert table.scope_name in table._shown_scopes
        await pilot.press("slash", *"client-00042")
        await until(pilot, lambda: list(table.ids) == ["client-00042"])


async def test_throttles_say_whom_they_hold_and_which_one_counts(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway throttles")
        await pilot.press("down")
        wanted = ("erp-quota counts for", "by all who call production-orders")
        await until(pilot, lambda: all(text in shown(app) for text in wanted))
        await pilot.press("tab")
        await until(pilot, lambda: page.pane.pairs.has_focus)
        await until(pilot, lambda: "shared by 5 that may call" in shown(app))
        line = next(line for line in shown(app).splitlines() if "mes-p01" in line and "production-orders" in line)
        assert line.split().count("plant-standard") == 2, "rate and burst are its own"
        assert "◇ erp-quota" in line, "the quota is the API's"
        assert (page.pane.address or "").startswith("consumer.")


async def test_words_narrow_every_page_and_escape_takes_them_back(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        await pilot.press("slash", *"erp deprecated")
        await until(pilot, lambda: list(page.pane.table.ids) == [ADDRESS] and "1 of 7 versions" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: page.pane.table.has_focus)
        await pilot.press("escape")
        await until(pilot, lambda: len(page.pane.table.ids) == 7)
        await pilot.press("slash", *"nothing like it")
        await until(pilot, lambda: "No version is like that." in shown(app))
        await pilot.press("escape", "2", "slash", *"risky P02")
        await until(pilot, lambda: "1 of 6 consumers" in shown(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app.screen, GatewayScreen))


async def test_where_nothing_is_left_it_becomes_quiet(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway throttles")
        shows: list[object] = []
        pairs = page.pane.pairs
        show = pairs.show_ids

        def counted(ids):
            shows.append(ids)
            show(ids)

        pairs.show_ids = counted
        await pilot.press("slash", *"xyz")
        await until(pilot, lambda: "No throttle is like that." in shown(app))
        for _ in range(20):
            await pilot.pause()
        assert len(shows) <= 4, "once for each letter, and not for ever"


async def test_the_address_and_the_place_are_copied(make_app, until, shown, tmp_path: Path) -> None:
    (tmp_path / "andon.toml").write_text('[gateway]\nname = "plant-gateway"\n')
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis/po.toml").write_text(
        '[api]\nname = "production-orders"\nowner = "o"\nbase_path = "/o"\nupstream = "system:ERP"\n\n'
        '[[version]]\nname = "v1"\nlifecycle = "active"\n'
    )
    app = make_app(policies_folder=tmp_path)
    async with app.run_test(size=(160, 40)) as pilot:
        page = await open_page(app, pilot, until)
        await until(pilot, lambda: page.policies is not None)
        await pilot.press("down")
        place = f"{tmp_path.as_posix()}/apis/po.toml:7"
        await until(pilot, lambda: place in shown(app))
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == ADDRESS)
        await pilot.press("w")
        await until(pilot, lambda: app.clipboard == place)
        await pilot.press("up", "w")
        await until(pilot, lambda: "says it" in shown(app))


async def test_without_a_folder_it_is_said_how_to_have_one(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("w")
        await until(pilot, lambda: "ANDON_POLICIES=DIR andon" in " ".join(shown(app).split()))


# From a policy to what it stops, and back


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            "gateway api.stock.version.v1",
            (
                "status:failed,retrying,held (policy_ref:api.stock.version.v1,api.stock.version.v1.* "
                "or (policy_ref:none kind:version-retired target:WMS))"
            ),
        ),
        (
            "gateway consumer.mes-p01.grant.orders.release",
            (
                "status:failed,retrying,held (policy_ref:consumer.mes-p01.grant.orders.release,"
                "consumer.mes-p01.grant.orders.release.* or "
                "(policy_ref:none kind:forbidden,unauthorized,certificate source:MES plant:P01))"
            ),
        ),
        (
            "gateway throttle.erp-quota",
            (
                "status:failed,retrying,held (policy_ref:throttle.erp-quota,throttle.erp-quota.* "
                "or (policy_ref:none kind:throttled target:ERP))"
            ),
        ),
        (
            "gateway api.stock.version.v2",
            "status:failed,retrying,held policy_ref:api.stock.version.v2,api.stock.version.v2.*",
        ),
    ],
)
async def test_a_row_leads_to_the_transactions_that_it_stops(make_app, until, line: str, wanted: str) -> None:
    parse(wanted)  # it is a filter
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, line)
        assert page.pane.address == line.removeprefix("gateway ")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.filter == wanted
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is page)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))


def stopped_by(kind: FailureKind, policy: str | None = None, source: str = "MES", target: str = "WMS"):
    failure = Failure(kind=kind, help=kind.help, code="403", message="no", system=target, policy_ref=policy)
    return msgspec.structs.replace(transaction(0), failure=failure, source=source, target=target, plant="P03")


@pytest.mark.parametrize(
    ("failure", "page", "address", "sure"),
    [
        (stopped_by(FailureKind.FORBIDDEN, "consumer.mes-p02.grant.orders.release"), Page.CONSUMERS,
         "consumer.mes-p02.grant.orders.release", True),
        (stopped_by(FailureKind.VERSION_RETIRED), Page.CALENDAR, "api.stock.version.v1", False),
        (stopped_by(FailureKind.THROTTLED, target="ERP"), Page.THROTTLES, "throttle.erp-quota", False),
    ],
)  # fmt: skip
async def test_a_transaction_that_a_policy_stopped_leads_to_the_row_that_explains_it(
    make_app, until, shown, failure, page: Page, address: str, sure: bool
) -> None:
    source = MemorySource()
    source.changed[failure.id] = failure
    app = make_app(source)
    async with app.run_test(size=(160, 40)) as pilot:
        app.obey(f"transaction {failure.id}")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and app.screen.transaction is not None)
        await until(pilot, lambda: ("G shows it" if sure else "G shows which it may be") in shown(app))
        await pilot.press("G")
        await until(pilot, lambda: isinstance(app.screen, GatewayScreen) and app.screen.pane is not None)
        await until(pilot, lambda: app.screen.pane.governed is not None and app.screen.pane.address == address)
        assert app.screen.page is page
        await until(pilot, lambda: ("names no policy: this fits best" in shown(app)) is not sure)


async def test_from_the_list_of_failures_too_and_what_no_policy_stopped_leads_to_the_calendar(
    make_app, until, shown
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("failed")
        await until(pilot, lambda: app.screen.query("TransactionTable") and app.screen.fetched_at is not None)
        failed = app.screen
        await pilot.press("down")
        await until(pilot, lambda: failed.refused_call() is not None)
        await pilot.press("G")
        await until(pilot, lambda: isinstance(app.screen, GatewayScreen) and app.screen.page is Page.THROTTLES)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is failed)
        await pilot.press("up", "G")
        await until(pilot, lambda: isinstance(app.screen, GatewayScreen) and app.screen.page is Page.CALENDAR)


async def test_from_a_group_too(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(160, 40)) as pilot:
        app.obey("groups")
        await until(pilot, lambda: app.screen.query("GroupTable") and app.screen.fetched_at is not None)
        groups = app.screen
        await until(pilot, lambda: groups.query_one("GroupTable").row_count() == 4)
        await pilot.press("down")
        await until(pilot, lambda: groups.refused_call() is not None)
        await pilot.press("G")
        await until(pilot, lambda: isinstance(app.screen, GatewayScreen) and app.screen.page is Page.THROTTLES)
        await until(pilot, lambda: "the failure (throttled, ERP) names no policy" in shown(app))


async def test_what_the_gateway_has_no_more_is_said(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until, "gateway consumer.gone")
        await until(pilot, lambda: "No row here is about consumer.gone" in shown(app))


async def test_an_issuer_leads_to_who_is_known_by_it_past_a_filter(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway issuer.plant-idp")
        assert page.page is Page.CONSUMERS
        assert page.pane.table.current_id == "analytics"
        await pilot.press("slash", *"mes")
        await until(pilot, lambda: "3 of 6 consumers" in shown(app))
        page._address = "consumer.andon-hub"
        page._go_to_address()
        await until(pilot, lambda: "6 consumers by" in shown(app) and page.pane.table.current_id == "andon-hub")


# States of the page


async def test_loading_trouble_and_what_stays_on_the_screen(make_app, until, shown) -> None:
    source = MemorySource()
    source.waiting = asyncio.Event()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("gateway")
        await until(pilot, lambda: isinstance(app.screen, GatewayScreen) and "loading" in shown(app))
        source.waiting.set()
        page = app.screen
        await until(pilot, lambda: page.fetched_at is not None and "7 versions" in shown(app))
        source.lose()
        page.again()
        await until(pilot, lambda: "shown as of" in shown(app) and "production-orders v1" in shown(app))


async def test_a_refusal_is_told_and_nothing_loads_any_more(make_app, until, shown) -> None:
    source = MemorySource()
    source.fail = Forbidden("ann may not look at the gateway.")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("gateway")
        await until(pilot, lambda: isinstance(app.screen, GatewayScreen) and "may not look at" in shown(app))
        assert "loading" not in shown(app)
        await pilot.press("o", "y", "t")
        await until(pilot, lambda: "There is nothing here that stops a call" in shown(app))


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("calendar", "The gateway has no version of an API."),
        ("consumers", "The gateway has no consumer."),
        ("throttles", "The gateway has no throttle."),
    ],
)
async def test_an_empty_gateway(make_app, until, shown, page: str, said: str) -> None:
    source = MemorySource()
    source.gateway["policies"] = empty()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_page(app, pilot, until, f"gateway {page}")
        await until(pilot, lambda: said in shown(app))
        await pilot.press("down", "n", "left", "right", "o", "z", "end", "enter", "t")
        await until(pilot, lambda: "There is nothing here that stops a call" in shown(app))


async def test_it_is_asked_again_after_a_while_and_the_cursor_stays(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        await pilot.press("down")
        held = page.pane.table.current_id
        first = Version(api="aaa", name="v1", lifecycle=Lifecycle.DEPRECATED, sunset_on=on(-100))
        source.gateway["policies"] = state(api("aaa", "MES", wants(None)), first, revision=13)
        app.clock.moment = NOW + STALE + timedelta(seconds=1)
        app._tick()
        await until(pilot, lambda: "revision 13" in shown(app) and "8 versions" in shown(app))
        assert page.pane.table.ids[0] == "api.aaa.version.v1"
        assert page.pane.table.current_id == held


async def test_signs_are_enough_without_colours(make_app, until, shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway consumers")
        table = page.pane.table
        line = table.render_line(table.header_lines())
        reversed_ = [segment.text for segment in line if segment.style is not None and segment.style.reverse]
        plain = [segment.text for segment in line if segment.style is not None and not segment.style.reverse]
        assert reversed_, "the row under the cursor"
        assert plain == ["·"], "and the cell within it"


async def test_words_of_a_policy_cannot_command_the_terminal(make_app, until, shown) -> None:
    source = MemorySource()
    source.gateway["policies"] = state(
        consumer("aaa\x1b[2J", "ME\x07S"),
        grant("aaa\x1b[2J", "orders.release", None, "because\x1b]0;x"),
        api("aa\x1b[31m", "ERP", wants(None)),
        Version(api="aa\x1b[31m", name="v\x1b1", lifecycle=Lifecycle.ACTIVE),
    )
    app = make_app(source)
    async with app.run_test(size=(160, 40)) as pilot:
        for page in ("consumers", "calendar", "throttles"):
            await open_page(app, pilot, until, f"gateway {page}")
            assert "\x1b" not in shown(app)
            assert "\x07" not in shown(app)


async def test_a_click_moves_to_a_row_and_a_scope(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway consumers")
        table = page.pane.table
        left = table._left_of_cells(table._width)
        await pilot.click(MatrixTable, offset=(left + table._pitch, table.header_lines() + 1))
        await until(pilot, lambda: page.pane.address == "consumer.andon-hub.grant.lot.release")
