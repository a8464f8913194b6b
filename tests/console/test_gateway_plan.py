"""Drift and plan in the console: what moved by hand, and what the files of a folder would do about it."""

from __future__ import annotations

import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
from console_doubles import MemorySource
from policy_doubles import consumer, state
from policy_folder import made, put

from console.governing import read
from console.place_editor import command_at, edit_at
from console.policies_folder import PoliciesFolder, policies_folder
from console.screens.gateway import GatewayScreen
from gateway_policies.loading import load
from gateway_policies.model import Resource, Throttle
from gateway_policies.overview.stopped import Page
from gateway_policies.state import GatewayState, fingerprint_of
from transactions.errors import Refused, Unreachable


async def open_page(app, pilot, until, line: str) -> GatewayScreen:
    app.obey(line)
    await until(pilot, lambda: isinstance(app.screen, GatewayScreen) and app.screen.pane is not None)
    page = app.screen
    await until(pilot, lambda: page.pane.governed is not None)
    return page


def gateway(live: dict[str, Resource], applied: dict[str, Resource], name: str = "plant-gateway") -> GatewayState:
    owners = dict.fromkeys(live, "policies")
    return GatewayState(
        gateway=name,
        revision=3,
        fingerprint=fingerprint_of(live, owners, {"policies": applied}),
        live=live,
        owners=owners,
        applied=applied,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of policies."""
    return made(tmp_path / "policies")


@pytest.fixture
def applied(folder: Path) -> MemorySource:
    """A gateway that is as the folder says."""
    policies = load(folder).policies
    assert policies is not None
    source = MemorySource()
    source.gateway["policies"] = gateway(dict(policies.resources), dict(policies.resources))
    return source


def drifted() -> GatewayState:
    before = state()
    live = dict(before.live)
    bucket = live["throttle.plant-standard"]
    assert isinstance(bucket, Throttle)
    live["throttle.plant-standard"] = msgspec.structs.replace(bucket, burst=7)
    del live["consumer.mes-p03.grant.orders.*"]
    live["consumer.hand"] = consumer("hand")
    return msgspec.structs.replace(before, live=live)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_drift_says_what_was_applied_and_what_is_live(make_app, until, shown, size) -> None:
    source = MemorySource()
    source.gateway["policies"] = drifted()
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        page = await open_page(app, pilot, until, "gateway drift")
        wanted = (
            "1 changed and 1 deleted at the gateway since the policies were applied.",
            "2 drifted, 1 made by hand",
            "■ deleted",
            "▲ changed",
            "○ by hand",
        )
        await until(pilot, lambda: all(text in shown(app) for text in wanted))
        lines = shown(app).splitlines()
        places = [
            next(n for n, line in enumerate(lines) if text in line) for text in ("■ deleted", "▲ changed", "○ by hand")
        ]
        assert places == sorted(places)
        await pilot.press("down")
        await until(pilot, lambda: "burst: 100 → 7" in shown(app) and page.pane.address == "throttle.plant-standard")
        await pilot.press("enter")
        await until(pilot, lambda: page.page is Page.THROTTLES and page.pane.address == "throttle.plant-standard")


async def test_what_is_no_page_of_its_own_stays_where_it_is(make_app, until, shown) -> None:
    source = MemorySource()
    source.gateway["policies"] = drifted()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway drift")
        await until(pilot, lambda: "■ deleted" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: page.page is Page.CONSUMERS and page.pane.table.current_id == "mes-p03")


async def test_no_drift_and_nothing_applied_are_said(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until, "gateway drift")
        await until(pilot, lambda: "No drift: the gateway is as it was last applied." in shown(app))
    source = MemorySource()
    source.gateway["policies"] = gateway({}, {})
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until, "gateway drift")
        await until(pilot, lambda: "No policies were applied to this gateway yet" in shown(app))


async def test_every_policy_set_is_asked_about(make_app, until, shown) -> None:
    source = MemorySource()
    whole = drifted()
    owners = {**whole.owners, "throttle.plant-standard": "throttling"}
    source.gateway["policies"] = msgspec.structs.replace(
        whole, owners=owners, applied={k: v for k, v in whole.applied.items() if k != "throttle.plant-standard"}
    )
    source.gateway["throttling"] = msgspec.structs.replace(
        whole, owners=owners, applied={"throttle.plant-standard": whole.applied["throttle.plant-standard"]}
    )
    app = make_app(source)
    async with app.run_test(size=(140, 40)) as pilot:
        await open_page(app, pilot, until, "gateway drift")
        await until(pilot, lambda: "throttling: 1 changed" in shown(app) and "policies: 1 deleted" in shown(app))
        assert source.sets == ["policies", "throttling"]


async def test_a_state_that_does_not_come_leaves_what_shows(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway drift")
        await until(pilot, lambda: "No drift" in shown(app))
        source.fail = Unreachable("The hub does not answer.")
        page.again()
        await until(pilot, lambda: "shown as of" in shown(app))
        assert "No drift" in shown(app)


async def test_without_a_folder_the_plan_says_how_to_have_one(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway plan")
        await until(pilot, lambda: "ANDON_POLICIES=DIR andon" in " ".join(shown(app).split()))
        await pilot.press("e", "y", "enter", "down")
        assert page.pane.address is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_the_verdict_comes_first_then_what_can_break_the_most(
    make_app, until, shown, folder: Path, applied: MemorySource, size
) -> None:
    put(folder, "throttles.toml", '[throttle.plant-standard]\nrequests = 600\nper = "1m"\nburst = 50\n')
    api = (folder / "apis/orders.toml").read_text()
    put(folder, "apis/orders.toml", api.replace('lifecycle = "deprecated"', 'lifecycle = "retired"'))
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=size) as pilot:
        page = await open_page(app, pilot, until, "gateway plan")
        wanted = ("0 to add, 2 to change, 0 to remove", "■ outage", "▲ cuts rate", "lifecycle: deprecated → retired")
        await until(pilot, lambda: all(text in shown(app) for text in wanted))
        lines = shown(app).splitlines()
        found = [
            next(n for n, line in enumerate(lines) if text in line) for text in ("0 to add", "■ outage", "▲ cuts rate")
        ]
        assert found == sorted(found)
        assert page.pane.place == f"{folder.as_posix()}/apis/orders.toml:10"
        await pilot.press("w")
        await until(pilot, lambda: app.clipboard == page.pane.place)
        await pilot.press("down")
        await until(pilot, lambda: "burst: 100 → 50" in shown(app))
        assert app.commands_done[-1][1] == f"andon policy plan {folder}"
        await pilot.press("slash", *"orders")
        await until(pilot, lambda: "1 of 2 changes" in shown(app))


async def test_a_plan_after_applying_is_empty_and_a_file_that_changes_is_read_again(
    make_app, until, shown, folder: Path, applied: MemorySource
) -> None:
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until, "gateway plan")
        await until(pilot, lambda: "Nothing to do: the gateway is as the files say." in shown(app))
        put(folder, "throttles.toml", '[throttle.plant-standard]\nrequests = 600\nper = "1m"\nburst = 99\n')
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "burst: 100 → 99" in shown(app))


async def test_what_is_wrong_with_the_files_is_told_with_its_place(
    make_app, until, shown, folder: Path, applied: MemorySource
) -> None:
    put(folder, "throttles.toml", '[throttle.plant-standard]\nrequests = 600\nper = "1m"\nburts = 50\n')
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(140, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway plan")
        wanted = ("There is no plan: the policies in", "throttles.toml:4:1", "burst")
        await until(pilot, lambda: all(text in shown(app) for text in wanted))
        assert page.pane.place.endswith("throttles.toml:4")


async def test_files_that_are_broken_still_say_what_is_noise(
    make_app, until, shown, folder: Path, applied: MemorySource
) -> None:
    before = applied.gateway["policies"]
    live = dict(before.live)
    bucket = live["throttle.plant-standard"]
    assert isinstance(bucket, Throttle)
    live["throttle.plant-standard"] = msgspec.structs.replace(bucket, burst=7)
    applied.gateway["policies"] = msgspec.structs.replace(before, live=live)
    text = (folder / "andon.toml").read_text()
    put(folder, "andon.toml", f'{text}\n[drift]\nignore = ["throttle.*:burst"]\n')
    put(folder, "scopes.toml", "[scope\n")
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway drift")
        await until(pilot, lambda: page.policies is not None)
        await until(pilot, lambda: "No drift" in shown(app))
        app.obey("gateway plan")
        await until(pilot, lambda: "scopes.toml:1:" in shown(app))


async def test_policies_of_another_gateway_make_no_plan(
    make_app, until, shown, folder: Path, applied: MemorySource
) -> None:
    applied.gateway["policies"] = gateway({}, {}, name="other-gateway")
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(160, 40)) as pilot:
        await open_page(app, pilot, until, "gateway plan")
        await until(pilot, lambda: "are for the gateway plant-gateway, and this one" in " ".join(shown(app).split()))


async def test_a_policy_set_of_another_name_is_asked_by_it(
    make_app, until, shown, folder: Path, applied: MemorySource
) -> None:
    put(
        folder,
        "andon.toml",
        '[gateway]\nname = "plant-gateway"\nset = "erp-team"\n\n'
        '[issuer.plant-idp]\nurl = "https://idp.example/realms/plant"\n',
    )
    loaded = load(folder)
    assert loaded.policies is not None
    assert loaded.policies.name == "erp-team"
    applied.gateway["erp-team"] = applied.gateway["policies"]
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(160, 40)) as pilot:
        await open_page(app, pilot, until, "gateway plan")
        await until(pilot, lambda: "blocked" in shown(app))
        assert "erp-team" in applied.sets


async def test_the_overlays_of_the_folder_are_a_key_away(
    make_app, until, shown, folder: Path, applied: MemorySource
) -> None:
    put(folder, "environments/production/throttles.toml", "[throttle.plant-standard]\nburst = 20\n")
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until, "gateway plan")
        await until(pilot, lambda: "Nothing to do" in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: "(environment production)" in shown(app) and "burst: 100 → 20" in shown(app))
        assert app.commands_done[-1][1].endswith("--environment production")
        await pilot.press("e")
        await until(pilot, lambda: "Nothing to do" in shown(app))


async def test_a_folder_without_overlays_says_so(make_app, until, shown, folder: Path, applied: MemorySource) -> None:
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(160, 40)) as pilot:
        await open_page(app, pilot, until, "gateway plan")
        await until(pilot, lambda: "Nothing to do" in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: "has no environments" in shown(app))


async def test_a_folder_that_goes_away_is_told(make_app, until, shown, folder: Path, applied: MemorySource) -> None:
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(160, 40)) as pilot:
        await open_page(app, pilot, until, "gateway plan")
        await until(pilot, lambda: "Nothing to do" in shown(app))
        shutil.rmtree(folder)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "There is no folder" in shown(app))
        await pilot.press("e", "w", "y", "enter")
        await until(pilot, lambda: "has no environments" in shown(app))


async def test_a_change_leads_to_the_page_of_its_resource(
    make_app, until, shown, folder: Path, applied: MemorySource
) -> None:
    api = (folder / "apis/orders.toml").read_text()
    put(folder, "apis/orders.toml", api.replace('lifecycle = "deprecated"', 'lifecycle = "active"'))
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway plan")
        await until(pilot, lambda: "1 change" in shown(app) and page.pane.address is not None)
        await pilot.press("enter")
        await until(pilot, lambda: page.page is Page.CALENDAR and page.pane.address == "api.orders.version.v1")


def test_the_folder_is_the_one_that_is_named_else_the_one_that_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert policies_folder({}) is None
    made(tmp_path / "policies")
    assert policies_folder({}, tmp_path) == PoliciesFolder(Path("policies"), tmp_path)
    monkeypatch.chdir(tmp_path / "policies")
    assert policies_folder({}) == PoliciesFolder(Path())
    assert policies_folder({"ANDON_POLICIES": "/elsewhere"}) == PoliciesFolder(Path("/elsewhere"))
    assert policies_folder({"ANDON_POLICIES": ""}) == PoliciesFolder(Path())


def test_what_files_came_to_is_kept(folder: Path, tmp_path: Path) -> None:
    kept = PoliciesFolder(folder, tmp_path / "cache")
    for number in range(200):  # fewer files leave nothing behind
        consumer = f'[consumer]\nname = "c-{number}"\nowner = "o"\n'
        put(folder, f"consumers/c-{number}.toml", consumer)
    first, again = read(kept, None), read(kept, None)
    assert any((tmp_path / "cache").iterdir())
    assert first.loaded.policies == again.loaded.policies
    assert again.shown_place("consumer.mes-p03").endswith("consumers/mes-p03.toml:1")
    assert again.shown_place("consumer.nobody") == ""


@pytest.mark.parametrize(
    ("editor", "wanted"),
    [
        ("vi", ["vi", "+12", "a/b.toml"]),
        ("/usr/bin/nvim -n", ["/usr/bin/nvim", "-n", "+12", "a/b.toml"]),
        ("hx", ["hx", "a/b.toml:12"]),
        ("code", ["code", "--wait", "--goto", "a/b.toml:12"]),
        ("code -w", ["code", "-w", "--goto", "a/b.toml:12"]),
        ("my-editor", ["my-editor", "a/b.toml"]),
    ],
)
def test_an_editor_is_opened_at_the_line_in_its_own_way(editor: str, wanted: list[str]) -> None:
    assert command_at(editor, Path("a/b.toml"), 12) == wanted


@pytest.mark.parametrize(
    ("editor", "said"),
    [("/nothing/there", "cannot be used"), ("'", "cannot be used"), (" ", "cannot be used"), ("false", "ended with 1")],
)
def test_an_editor_that_is_none_is_said(editor: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        edit_at(Path("a.toml"), 1, {"EDITOR": editor})


async def test_the_file_is_edited_where_it_is_written_and_read_again(
    make_app, until, shown, folder: Path, applied: MemorySource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "editor.py"
    program.write_text(
        "import sys, pathlib\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(path.read_text().replace('burst = 100', 'burst = 42'))\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")
    monkeypatch.delenv("VISUAL", raising=False)
    app = make_app(applied, policies_folder=folder)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "gateway throttle.plant-standard")
        await until(pilot, lambda: page.policies is not None and page.pane.address is not None)
        await pilot.press("E")
        await until(pilot, lambda: "There is no terminal here for an editor" in shown(app))
        monkeypatch.setattr(app, "suspend", nullcontext)
        await pilot.press("E", "5")
        await until(pilot, lambda: "burst: 100 → 42" in shown(app))
        await pilot.press("1", "down")
        monkeypatch.setenv("EDITOR", "/nothing/there")
        await until(pilot, lambda: page.pane.address == "api.orders.version.v2")
        await pilot.press("E")
        await until(pilot, lambda: "The editor '/nothing/there' cannot be used" in shown(app))
