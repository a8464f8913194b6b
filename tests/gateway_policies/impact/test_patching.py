"""What was found, as changes of files: what nobody uses goes, what is used lasts, the rest is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway_policies.impact.finding import impact_of
from gateway_policies.impact.patching import Mended, mend
from gateway_policies.loading import load
from gateway_policies.model import Grant, by_address
from gateway_policies.planning.usage import Calls, Usage
from gateway_policies.state import GatewayState

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
RELEASE, READ = "consumer.mes-p03.grant.orders.release", "consumer.mes-p03.grant.orders.read"
API = """\
[api]
name = "orders"
owner = "erp"
base_path = "/orders"
upstream = "system:ERP"

[[version]]
name = "v1"
lifecycle = "active"

[[operation]]
methods = ["POST"]
path = "/{order}/release"
scope = "orders.release"

[[operation]]
methods = ["GET"]
path = "/{order}"
scope = "orders.read"
"""
CONSUMER = """\
[consumer]
name = "mes-p03"
owner = "plant-3-it"
credential = { issuer = "idp", client_id = "mes-p03", expires_on = CREDENTIAL }

# dispatching
[[grant]]
scope = "orders.release"
reason = "dispatches released orders"
expires_on = GRANT

[[grant]]
scope = "orders.read"
reason = "shows orders" # at the line
"""


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    for name, text in {
        "andon.toml": '[gateway]\nname = "plant"\n[issuer.idp]\nurl = "https://idp.example"\n',
        "scopes.toml": '[scope."orders.release"]\n[scope."orders.read"]\n',
        "apis/orders.toml": API,
        "consumers/mes-p03.toml": CONSUMER.replace("CREDENTIAL", "2027-06-30").replace("GRANT", "2026-12-01"),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def mended(folder: Path, *used: str, watched: int = 30, seen: bool = True, **more: Any) -> Mended:
    loaded = load(folder)
    assert loaded.policies is not None, loaded.findings
    live = {**loaded.policies.resources, **by_address(more.get("by_hand", []))}
    state = GatewayState(gateway="plant", revision=1, fingerprint="", live=live, owners={}, applied={})
    calls = tuple(
        Calls(consumer="mes-p03", api="orders", version="v1", operation="x", scope=each, calls=4, last_seen=NOW)
        for each in used
    )
    usage = Usage(since=NOW - timedelta(days=watched), until=NOW, calls=calls)
    report = impact_of(state, usage if seen else None, [], today=TODAY)
    return mend(folder, loaded, report, timedelta(days=90))


def test_what_nobody_uses_goes_and_what_is_used_lasts(policies: Path) -> None:
    found = mended(policies, "orders.release")
    assert (found.removed, found.extended, found.left) == ([READ], [RELEASE], [])
    text = found.changed["consumers/mes-p03.toml"]
    assert text is not None
    assert "expires_on = 2027-02-19" in text
    assert "# dispatching" in text
    assert "orders.read" not in text
    assert found.before["consumers/mes-p03.toml"] == (policies / "consumers/mes-p03.toml").read_text()


def test_what_was_not_watched_for_a_week_stays(policies: Path) -> None:
    found = mended(policies, "orders.release", watched=6)
    assert (found.removed, found.extended) == ([], [RELEASE])
    assert [each.address for each in found.left] == [READ]
    assert "watched only since 2026-11-15" in found.left[0].why


def test_what_ends_and_is_not_known_to_be_used_is_left_to_end(policies: Path) -> None:
    found = mended(policies, seen=False)
    assert (found.removed, found.extended, found.changed) == ([], [], {})
    assert [(each.address, each.why) for each in found.left] == [
        (RELEASE, "it ends on 2026-12-01, and nobody is known to use it")
    ]


def test_what_has_ended_goes_whether_it_was_used_or_not(policies: Path) -> None:
    path = policies / "consumers/mes-p03.toml"
    path.write_text(path.read_text().replace("2026-12-01", "2026-11-01"))
    found = mended(policies, "orders.release", "orders.read")
    assert (found.removed, found.extended) == ([RELEASE], [])


def test_a_credential_is_renewed_at_its_issuer(policies: Path) -> None:
    path = policies / "consumers/mes-p03.toml"
    path.write_text(path.read_text().replace("2027-06-30", "2026-11-22"))
    found = mended(policies, "orders.release", "orders.read")
    assert [each.address for each in found.left] == ["consumer.mes-p03"]
    assert "renew it at the issuer first" in found.left[0].why


def test_what_the_files_do_not_have_is_told(policies: Path) -> None:
    found = mended(policies, "orders.release", "orders.read", by_hand=[Grant(consumer="portal", scope="orders.read")])
    assert [(each.address, each.why) for each in found.left] == [
        ("consumer.portal.grant.orders.read", "nobody used it, and the files do not have it")
    ]


def test_nothing_found_is_no_change(policies: Path) -> None:
    path = policies / "consumers/mes-p03.toml"
    path.write_text(path.read_text().replace("expires_on = 2026-12-01\n", ""))
    assert mended(policies, "orders.release", "orders.read").changed == {}
