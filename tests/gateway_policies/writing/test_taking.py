"""What moved at the gateway is taken into the files: nothing is left to do then, and what nobody moved stays."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from gateway_doubles import NOW, SET, gateways, replaced, state_of
from hypothesis import HealthCheck, assume, given, settings

from gateway_policies.loading import Loaded, load
from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Lifecycle,
    Operation,
    PolicySet,
    Resource,
    Scope,
    Throttle,
    Version,
)
from gateway_policies.planning.applying import apply_changes
from gateway_policies.planning.drift import drift_of
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import Action, Moved
from gateway_policies.state import GatewayState
from gateway_policies.writing.exporting import Left
from gateway_policies.writing.files import write
from gateway_policies.writing.layout import laid_out
from gateway_policies.writing.taking import Taken, take_live

PROPERTIES = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

FILES = {
    "andon.toml": """\
[gateway]
name = "plant-gateway"  # as the hub calls it

[issuer.idp]
url = "https://idp.example"
""",
    "scopes.toml": """\
# Who may do what.
[scope."orders.read"]
description = "Look at orders"  # harmless
risk = "low"

# The grave one.
[scope."orders.release"]
risk = "financial"
""",
    "throttles.toml": """\
[throttle.standard]
requests = 600  # a shift change
per = "1m"
burst = 600

[throttle.careful]
requests = 60
per = "1m"
""",
    "apis/orders.toml": """\
[api]
name = "orders"
owner = "erp-integration"  # they answer the telephone
base_path = "/orders"
upstream = "system:ERP"
throttle = "standard"

[[version]]
name = "v1"
lifecycle = "active"  # until the next release

[[version]]
name = "v2"
lifecycle = "draft"

# Looking.
[[operation]]
methods = ["GET", "HEAD"]
path = "/{order}"
scope = "orders.read"

# Releasing.
[[operation]]
methods = ["POST"]
path = "/{order}/release"
scope = "orders.release"  # two people
""",
    "consumers/mes.toml": """\
[consumer]
name = "mes"
owner = "plant-it"
credential = { issuer = "idp", client_id = "mes", expires_on = 2027-06-30 }  # renewed each June

# They release.
[[grant]]
scope = "orders.release"
reason = "releases"
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file, text in FILES.items():
        path = tmp_path / "policies" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "policies"


def policies(folder: Path, environment: str | None = None) -> PolicySet:
    loaded = load(folder, environment)
    assert loaded.policies is not None, loaded.findings
    return loaded.policies


def gateway(folder: Path, *changed: Resource, gone: tuple[str, ...] = ()) -> GatewayState:
    """The gateway that the files were applied to, and that somebody changed since."""
    applied = dict(policies(folder).resources)
    live = {**applied, **{each.address: each for each in changed}}
    for each in gone:
        del live[each]
    return state_of(live, owned=list(applied), applied=applied)


def save(taken: Taken, folder: Path) -> None:
    for file, text in taken.changed.items():
        path = folder / file
        assert taken.before[file] == (path.read_text() if path.exists() else None)
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def take(folder: Path, state: GatewayState, *, adopt: bool = False) -> Taken:
    """Take it, and see that then there is nothing to do, and no drift once that is recorded."""
    taken = take_live(folder, load(folder), state, adopt=adopt)
    save(taken, folder)
    after = policies(folder)
    plan = make_plan(after, state, made_at=NOW)
    if not taken.left:
        assert [each for each in plan.changes if each.action is not Action.ADOPT or each.fields] == []
        assert drift_of(after, apply_changes(state, plan)).drifted == ()
    return taken


def test_nothing_moved(folder: Path) -> None:
    taken = take(folder, gateway(folder))
    assert (taken.changed, taken.taken, taken.left) == ({}, [], [])


def test_a_field_is_said_where_it_was_and_comments_stay(folder: Path) -> None:
    found = policies(folder).resources
    taken = take(
        folder,
        gateway(
            folder,
            replaced(found["scope.orders.read"], description="Look at production orders"),
            replaced(found["api.orders"], owner="erp-team", throttle="careful", protected=True),
            replaced(found["api.orders.version.v1"], lifecycle=Lifecycle.DEPRECATED, sunset_on=date(2027, 9, 1)),
            replaced(found["throttle.standard"], requests=1200, burst=1200),
        ),
    )
    assert sorted(taken.changed) == ["apis/orders.toml", "scopes.toml", "throttles.toml"]
    scopes, api = (folder / "scopes.toml").read_text(), (folder / "apis/orders.toml").read_text()
    assert scopes == FILES["scopes.toml"].replace("Look at orders", "Look at production orders")
    assert 'owner = "erp-team"  # they answer the telephone\n' in api
    assert 'throttle = "careful"\nprotected = true\n' in api
    assert 'lifecycle = "deprecated"  # until the next release\nsunset_on = 2027-09-01\n' in api
    assert 'requests = 1200  # a shift change\nper = "1m"\n' in (folder / "throttles.toml").read_text()


def test_what_was_deleted_goes_and_what_hangs_below_with_it(folder: Path) -> None:
    gone = ("api.orders", "api.orders.version.v1", "api.orders.version.v2", "consumer.mes.grant.orders.release")
    taken = take(folder, gateway(folder, gone=gone))
    assert taken.changed["apis/orders.toml"] is None
    assert "[[grant]]" not in (taken.changed["consumers/mes.toml"] or "")
    assert "api.orders.version.v2" in taken.taken


def orders(folder: Path, *operations: Operation) -> Resource:
    return replaced(policies(folder).resources["api.orders"], operations=operations)


LOOKING = Operation(methods=("GET", "HEAD"), path="/{order}", scope="orders.read")
RELEASING = Operation(methods=("POST",), path="/{order}/release", scope="orders.release")


@pytest.mark.parametrize(
    ("operations", "says", "says_not"),
    [
        # another scope for all of it: changed where it stands
        (
            (replaced(LOOKING, scope="orders.release"), RELEASING),
            '# Looking.\n[[operation]]\nmethods = ["GET", "HEAD"]\npath = "/{order}"\nscope = "orders.release"\n',
            "orders.read",
        ),
        # for a part of it: that becomes one of its own
        (
            (replaced(LOOKING, methods=("GET",)), replaced(LOOKING, methods=("HEAD",), scope=None), RELEASING),
            '# Looking.\n[[operation]]\nmethods = ["GET"]\n',
            '"GET", "HEAD"',
        ),
        # in one version only
        (
            (LOOKING, replaced(RELEASING, versions=("v2",))),
            'scope = "orders.release"  # two people\nversions = ["v2"]\n',
            "\r",
        ),
        # gone
        ((LOOKING,), "# Looking.\n", "/{order}/release"),
        # another one
        (
            (LOOKING, RELEASING, Operation(methods=("DELETE",), path="/{order}")),
            '[[operation]]\nmethods = ["DELETE"]\npath = "/{order}"\n',
            "\r",
        ),
        ((), "[[version]]", "[[operation]]"),
    ],
)
def test_operations(folder: Path, operations: tuple[Operation, ...], says: str, says_not: str) -> None:
    assert take(folder, gateway(folder, orders(folder, *operations))).left == []
    text = (folder / "apis/orders.toml").read_text()
    assert says in text
    assert says_not not in text


def test_what_no_file_can_say_is_left_and_told(folder: Path) -> None:
    two = (replaced(RELEASING, versions=("v1",)), replaced(RELEASING, scope=None, versions=("v2",)))
    taken = take(folder, gateway(folder, replaced(orders(folder, LOOKING, *two), owner="by-hand")))
    [left] = taken.left
    assert (left.address, taken.taken, taken.changed) == ("api.orders", [], {})
    assert "POST /{order}/release of api.orders 2 times" in left.why


SPANS = [
    Brownout(from_=datetime(2027, 2, day, 6, tzinfo=UTC), until=datetime(2027, 2, day, 7, tzinfo=UTC))
    for day in (1, 2, 3)
]


def test_brownouts_come_and_go_one_by_one(folder: Path) -> None:
    said = "\n".join(
        f"# Rehearsal {n}.\n[[version.brownout]]\nfrom = 2027-02-0{n}T07:00:00+01:00\nuntil = 2027-02-0{n}T07:00:00Z\n"
        for n in (2, 1)
    )
    path = folder / "apis/orders.toml"
    path.write_text(path.read_text().replace("until the next release\n", f"until the next release\n\n{said}"))
    version = policies(folder).resources["api.orders.version.v1"]
    assert isinstance(version, Version)
    assert version.brownouts == tuple(SPANS[:2])
    take(folder, gateway(folder, replaced(version, brownouts=(SPANS[1], SPANS[2]))))
    text = path.read_text()
    assert "# Rehearsal 2.\n[[version.brownout]]\nfrom = 2027-02-02T07:00:00+01:00\n" in text
    assert "2027-02-01" not in text
    assert "2027-02-03" in text
    assert take(folder, gateway(folder, replaced(version, brownouts=()))).left == []
    assert "2027-02" not in path.read_text()


@pytest.mark.parametrize(
    "credential",
    [
        None,
        Credential(issuer="idp", client_id="mes-new", expires_on=date(2027, 6, 30)),
        Credential(issuer="idp", client_id="mes", expires_on=None, secret="env:MES"),
    ],
)
def test_a_credential(folder: Path, credential: Credential | None) -> None:
    consumer = policies(folder).resources["consumer.mes"]
    taken = take(folder, gateway(folder, replaced(consumer, credential=credential)))
    assert list(taken.changed) == ["consumers/mes.toml"]
    assert "# They release.\n[[grant]]" in (taken.changed["consumers/mes.toml"] or "")


def test_a_secret_is_never_written(folder: Path) -> None:
    found = policies(folder).resources
    consumer, api = found["consumer.mes"], found["api.orders"]
    assert isinstance(consumer, Consumer)
    assert isinstance(api, Api)
    state = gateway(
        folder,
        replaced(consumer, owner="x", credential=replaced(consumer.credential, secret="hunter2")),  # type: ignore[type-var]
        replaced(api, upstream="https://user:hunter2@erp.example"),
    )
    taken = take(folder, state)
    assert [each.address for each in taken.left] == ["api.orders", "consumer.mes"]
    assert "hunter2" not in str(taken)
    assert 'owner = "x"' in (folder / "consumers/mes.toml").read_text()


def test_what_the_files_changed_meanwhile_stays(folder: Path) -> None:
    state = gateway(folder, replaced(policies(folder).resources["api.orders"], owner="by-hand"))
    path = folder / "apis/orders.toml"
    path.write_text(path.read_text().replace('base_path = "/orders"', 'base_path = "/new"'))
    taken = take_live(folder, load(folder), state)
    save(taken, folder)
    plan = make_plan(policies(folder), state, made_at=NOW)
    [change] = plan.changes
    assert [(each.field, each.moved) for each in change.fields] == [("base_path", Moved.PENDING)]


def test_where_both_moved_the_gateway_counts(folder: Path) -> None:
    state = gateway(
        folder,
        replaced(policies(folder).resources["api.orders"], owner="by-hand"),
        replaced(policies(folder).resources["consumer.mes.grant.orders.release"], reason="by hand"),
    )
    path = folder / "apis/orders.toml"
    path.write_text(path.read_text().replace("erp-integration", "somebody-else"))
    path = folder / "consumers/mes.toml"
    path.write_text(path.read_text().partition("\n# They release.")[0])
    assert take(folder, state).taken == ["api.orders", "consumer.mes.grant.orders.release"]
    assert 'reason = "by hand"' in path.read_text()


NEW: tuple[Resource, ...] = (
    Scope(name="lots.hold", owner="quality"),
    Throttle(name="portal", requests=10, per_seconds=1),
    Consumer(name="portal", owner="sales-it", throttle="portal"),
    Grant(consumer="portal", scope="lots.hold", reason="asks"),
)


def test_what_was_made_by_hand_is_taken_in_when_asked_for(folder: Path) -> None:
    state = gateway(folder, *NEW)
    assert take_live(folder, load(folder), state).changed == {}
    taken = take(folder, state, adopt=True)
    assert sorted(taken.taken) == sorted(each.address for each in NEW)
    assert taken.before["consumers/portal.toml"] is None
    assert (folder / "scopes.toml").read_text().startswith(FILES["scopes.toml"])


def test_what_others_own_is_not_and_neither_is_what_needs_it(folder: Path) -> None:
    state = gateway(folder, *NEW)
    state = replaced(state, owners={**state.owners, "throttle.portal": "sales"})  # type: ignore[type-var]
    taken = take(folder, state, adopt=True)
    assert taken.taken == ["scope.lots.hold"]
    assert taken.left == [
        Left("consumer.portal", "it refers to throttle.portal, which these files do not have"),
        Left("consumer.portal.grant.lots.hold", "it refers to consumer.portal, which these files do not have"),
    ]


def test_what_something_taken_refers_to_comes_along(folder: Path) -> None:
    api = policies(folder).resources["api.orders"]
    taken = take(folder, gateway(folder, *NEW, replaced(api, throttle="portal")))
    assert taken.taken == ["api.orders", "throttle.portal"]


def test_a_name_that_no_file_can_have_leads_nowhere(folder: Path) -> None:
    state = gateway(folder, Consumer(name="../../etc/passwd", owner="x"))
    taken = take(folder, state, adopt=True)
    assert taken.changed == {}
    assert [each.address for each in taken.left] == ["consumer.../../etc/passwd"]


def test_noise_is_left_alone(folder: Path) -> None:
    path = folder / "andon.toml"
    path.write_text(path.read_text() + '\n[drift]\nignore = ["scope.*:description"]\n')
    state = gateway(folder, replaced(policies(folder).resources["scope.orders.read"], description="by hand"))
    assert take(folder, state).changed == {}


def test_with_an_environment_it_is_said_where_it_has_the_last_word(folder: Path) -> None:
    over = folder / "environments/production/throttles.toml"
    over.parent.mkdir(parents=True)
    over.write_text("[throttle.standard]\nrequests = 900  # more of us\n")
    applied = dict(policies(folder, "production").resources)
    standard = applied["throttle.standard"]
    live = applied | {"throttle.standard": replaced(standard, requests=1000, per_seconds=1)}
    state = state_of(live, owned=list(applied), applied=applied)
    loaded = load(folder, "production")
    save(take_live(folder, loaded, state), folder)
    assert over.read_text() == "[throttle.standard]\nrequests = 1000  # more of us\n"
    assert 'per = "1s"' in (folder / "throttles.toml").read_text()
    assert make_plan(policies(folder, "production"), state, made_at=NOW).empty


def test_what_an_environment_goes_on_saying_of_what_is_gone_is_told(folder: Path) -> None:
    for file, text in {
        "scopes.toml": '[scope."orders.read"]\ndescription = "x"\n[scope."orders.release"]\nrisk = "quality"\n',
        "consumers/mes.toml": '[consumer]\nname = "mes"\nprotected = true\n',
        "apis/orders.toml": '[api]\nname = "orders"\n[[version]]\nname = "v2"\nremove = true\n',
    }.items():
        path = folder / "environments/production" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    gone = ("scope.orders.read", "consumer.mes.grant.orders.release", "api.orders.version.v2")
    taken = take_live(folder, load(folder), gateway(folder, orders(folder, RELEASING), gone=gone))
    assert sorted(taken.taken) == sorted((*gone, "api.orders"))
    assert [(each.address, each.why.partition(" ")[0]) for each in taken.left] == [
        ("api.orders.version.v2", "environments/production/apis/orders.toml"),
        ("scope.orders.read", "environments/production/scopes.toml"),
    ]


def test_a_line_that_nobody_changes_stays_as_it_was_written(folder: Path) -> None:
    path = folder / "consumers/mes.toml"
    path.write_text(
        '[consumer]\nname="mes"\nowner = "plant-it"\n'
        'credential = {issuer = "idp",  client_id = "mes", expires_on = 2027-06-30  }\n'
        '[[grant]]\nscope = "orders.release"\nreason = "releases"\n'
    )
    before = path.read_text()
    grant = policies(folder).resources["consumer.mes.grant.orders.release"]
    take(folder, gateway(folder, replaced(grant, reason="by hand")))
    assert path.read_text() == before.replace('"releases"', '"by hand"')


def test_what_was_in_the_layout_stays_in_it(folder: Path) -> None:
    for path in folder.rglob("*.toml"):
        path.write_text(laid_out(path.read_text()))
    state = gateway(folder, orders(folder, LOOKING), *NEW, gone=("consumer.mes.grant.orders.release",))
    taken = take(folder, state, adopt=True)
    assert set(taken.changed) >= {"consumers/mes.toml", "apis/orders.toml", "scopes.toml", "consumers/portal.toml"}
    for file, text in taken.changed.items():
        assert text is not None
        assert laid_out(text) == text, file


def written(files: dict[str, Resource], folder: Path) -> Loaded:
    write(PolicySet(gateway="plant-gateway", name=SET, resources=files), folder)
    loaded = load(folder)
    assert loaded.policies is not None, loaded.findings
    return loaded


@PROPERTIES
@given(gateways())
def test_whatever_moved_is_in_the_files_then(found: tuple[dict[str, Resource], GatewayState]) -> None:
    _, state = found
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = take_live(folder, written(dict(state.applied), folder), state, adopt=True)
        save(taken, folder)
        loaded = load(folder)
        assert loaded.policies is not None, loaded.findings
        assert taken.left == []
        plan = make_plan(loaded.policies, state, made_at=NOW)
        assert [each for each in plan.changes if each.fields or each.address not in state.live] == []
        assert drift_of(loaded.policies, apply_changes(state, plan)).drifted == ()


@PROPERTIES
@given(gateways())
def test_what_the_files_changed_is_still_to_be_done(found: tuple[dict[str, Resource], GatewayState]) -> None:
    files, state = found
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = take_live(folder, written(files, folder), state)
        save(taken, folder)
        after = load(folder).policies
        assume(after is not None and not taken.left)  # the two may have made what cannot stand together
        assert after is not None
        plan = make_plan(after, state, made_at=NOW)
        assert [each.address for each in plan.changes if each.moved is not Moved.PENDING] == []
