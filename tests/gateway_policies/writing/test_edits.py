"""Changes in files: what was asked for changes, nothing else does, and every comment stays."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from policy_strategies import apis, consumers, policy_sets, scopes, throttles

from gateway_policies.edits import Remove, SetField
from gateway_policies.loading import load
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
    Risk,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.references import dangling
from gateway_policies.writing.edits import CannotEdit, Edits
from gateway_policies.writing.files import write

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

FILES = {
    "andon.toml": '[gateway]  # the one\nname = "g"\n\n[issuer.idp]\nurl = "https://idp.example"\n# end\n',
    "scopes.toml": '# all of them\n[scope."orders.release"]\nrisk = "low"  # for now\n\n[scope."orders.read"]\n',
    "throttles.toml": '[throttle]\n# in a line\nplant = { requests = 5, per = "1s" }  # small\n',
    "apis/orders.toml": (
        '# The orders\n[api]\nname = "orders" # never change\nowner = \'erp\'\nbase_path = "/orders"\n'
        'upstream = "system:ERP"\n\n# the old one\n[[version]]\nname = "v1"\nlifecycle = "active"  # soon not\n\n'
        '# the new one\n[[version]]\nname = "v2"\n\n[[operation]]\n# releases\nmethods = [\n  "POST", # only\n]\n'
        'path = "/{order}/release"\nscope = "orders.release"\n# end\n'
    ),
    "consumers/mes.toml": (
        '[consumer]\nname = "mes"\nowner = "plant"\n# until the renewal\n'
        'credential = { issuer = "idp", client_id = "mes" }\n\n'
        '[[grant]]\nscope = "orders.release"\n# why\nreason = "dispatch"\n\n[[grant]]\nscope = "orders.read"\n'
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file, text in FILES.items():
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert load(tmp_path).findings == []
    return tmp_path


def edits(folder: Path) -> Edits:
    return Edits(folder, load(folder))


def policies(folder: Path) -> PolicySet:
    loaded = load(folder)
    assert loaded.policies is not None, loaded.findings
    return loaded.policies


def comments(folder: Path) -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.toml"))]
    return sorted(line.partition("#")[2] for text in texts for line in text.splitlines() if "#" in line)


def lines_of(folder: Path) -> dict[str, list[str]]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8").splitlines()
        for path in sorted(folder.rglob("*.toml"))
    }


@pytest.mark.parametrize(
    ("address", "field", "value"),
    [
        ("api.orders", "owner", "erp-integration"),
        ("api.orders", "throttle", "plant"),
        ("api.orders", "protected", True),
        ("api.orders.version.v1", "lifecycle", Lifecycle.DEPRECATED),
        ("api.orders.version.v1", "sunset_on", date(2027, 3, 1)),
        ("api.orders.version.v1", "successor", "v2"),
        ("api.orders.version.v2", "lifecycle", Lifecycle.ACTIVE),
        ("scope.orders.release", "risk", Risk.FINANCIAL),
        ("scope.orders.release", "owner", "quality"),
        ("scope.orders.read", "description", 'Reads "orders"'),
        ("throttle.plant", "requests", 7),
        ("throttle.plant", "burst", 70),
        ("throttle.plant", "per_seconds", 3600),
        ("consumer.mes", "plant", "P01"),
        ("consumer.mes", "credential", None),
        ("consumer.mes.grant.orders.release", "expires_on", date(2027, 1, 31)),
        ("consumer.mes.grant.orders.release", "reason", "other"),
        ("consumer.mes.grant.orders.read", "reason", "looks"),
        ("issuer.idp", "audience", "gateway"),
    ],
)
def test_a_field_gets_another_value_in_its_place(folder: Path, address: str, field: str, value: object) -> None:
    before, text, said = policies(folder).resources, lines_of(folder), comments(folder)
    change = edits(folder)
    change.set_field(address, field, value)
    [path] = change.save()
    after = policies(folder).resources
    assert getattr(after[address], field) == value
    assert {key: each for key, each in after.items() if each != before[key]}.keys() == {address}
    # a comment goes with the line that it stands on, and with no other
    gone = [each for each in said if each not in comments(folder)]
    assert not gone
    new = lines_of(folder)
    file = path.relative_to(folder).as_posix()
    assert {each for each in new if new[each] != text[each]} == {file}
    assert sum(line not in text[file] for line in new[file]) <= 2


def test_fields_inside_fields(folder: Path) -> None:
    change = edits(folder)
    change.set_field("consumer.mes", "credential.expires_on", date(2027, 6, 30))
    key = "operations[POST /{order}/release]"
    change.set_field("api.orders", f"{key}.scope", "orders.read")
    change.set_field("api.orders", f"{key}.versions", ("v1", "v2"))
    start, end = datetime(2027, 2, 1, 6, tzinfo=UTC), datetime(2027, 2, 1, 7, tzinfo=UTC)
    change.set_field("api.orders.version.v2", "brownouts", (Brownout(from_=start, until=end),))
    change.save()
    found = policies(folder).resources
    consumer, api, version = found["consumer.mes"], found["api.orders"], found["api.orders.version.v2"]
    assert isinstance(version, Version)
    assert version.brownouts == (Brownout(from_=start, until=end),)
    assert isinstance(consumer, Consumer)
    assert isinstance(api, Api)
    assert consumer.credential == Credential(issuer="idp", client_id="mes", expires_on=date(2027, 6, 30))
    assert api.operations == (
        Operation(methods=("POST",), path="/{order}/release", scope="orders.read", versions=("v1", "v2")),
    )
    assert "# only" in (folder / "apis/orders.toml").read_text(encoding="utf-8")


def test_operations_come_and_go(folder: Path) -> None:
    new = Operation(methods=("GET",), path="/{order}", scope="orders.read")
    change = edits(folder)
    change.set_field("api.orders", f"operations[{new.key}]", new)
    change.save()
    api = policies(folder).resources["api.orders"]
    assert isinstance(api, Api)
    assert [each.key for each in api.operations] == ["GET /{order}", "POST /{order}/release"]
    change = edits(folder)
    change.set_field("api.orders", "operations[POST /{order}/release]", None)
    change.set_field("api.orders", f"operations[{new.key}].scope", None)
    change.save()
    api = policies(folder).resources["api.orders"]
    assert isinstance(api, Api)
    assert api.operations == (Operation(methods=("GET",), path="/{order}"),)


NEW: list[Resource] = [
    Scope(name="lots.hold", risk=Risk.QUALITY),
    Throttle(name="small", requests=1, per_seconds=60),
    Version(api="orders", name="v3", lifecycle=Lifecycle.ACTIVE),
    Grant(consumer="mes", scope="lots.hold", reason="holds"),
    Api(name="lots", owner="quality", base_path="/lots", upstream="system:QMS"),
    Consumer(name="wms", owner="logistics"),
]


def test_what_is_added_is_there_and_what_was_removed_is_gone(folder: Path) -> None:
    before, said = policies(folder), comments(folder)
    change = edits(folder)
    for each in NEW:
        change.add(each)
    written = change.save()
    assert {path.relative_to(folder).as_posix() for path in written} == {
        *FILES,
        "apis/lots.toml",
        "consumers/wms.toml",
    } - {"andon.toml"}
    found = policies(folder).resources
    assert found == {**before.resources, **{each.address: each for each in NEW}}
    assert comments(folder) == said
    change = edits(folder)
    for each in reversed(NEW):
        change.remove(each.address)
    change.save()
    assert policies(folder) == before
    assert comments(folder) == said
    assert not (folder / "apis/lots.toml").exists()


def test_changes_are_made_as_they_were_described(folder: Path) -> None:
    put = folder / "andon.toml"
    put.write_text(
        FILES["andon.toml"] + '[[suppress]]\nrule = "x"\naddress = "*"\nreason = "old"\nuntil = 2026-01-01\n',
        encoding="utf-8",
    )
    change = edits(folder)
    change.make(SetField("api.orders", "throttle", "plant"))
    change.make(Remove("consumer.mes.grant.orders.read"))
    change.make(Remove("consumer.mes", "credential"))
    change.make(Remove("suppress[0]"))
    change.save()
    found = policies(folder)
    api, consumer = found.resources["api.orders"], found.resources["consumer.mes"]
    assert isinstance(api, Api)
    assert isinstance(consumer, Consumer)
    assert (api.throttle, consumer.credential, found.suppressions) == ("plant", None, ())
    assert "consumer.mes.grant.orders.read" not in found.resources
    assert "# end" in put.read_text(encoding="utf-8")


def test_several_changes_are_one(folder: Path) -> None:
    change = edits(folder)
    change.add(Scope(name="lots.hold"))
    change.set_field("scope.lots.hold", "risk", Risk.QUALITY)
    change.add(Consumer(name="qms", owner="quality"))
    change.add(Grant(consumer="qms", scope="lots.hold", reason="holds"))
    change.set_field("consumer.qms", "plant", "P02")
    assert (folder / "scopes.toml").read_text(encoding="utf-8") == FILES["scopes.toml"]
    assert set(change.changed) == {"scopes.toml", "consumers/qms.toml"}
    assert change.before("scopes.toml") == FILES["scopes.toml"]
    assert change.before("consumers/qms.toml") == ""
    change.save()
    found = policies(folder).resources
    assert found["consumer.qms.grant.lots.hold"] == Grant(consumer="qms", scope="lots.hold", reason="holds")
    assert found["consumer.qms"] == Consumer(name="qms", owner="quality", plant="P02")


def test_what_came_to_nothing_writes_nothing(folder: Path) -> None:
    change = edits(folder)
    change.set_field("api.orders", "throttle", "plant")
    change.set_field("api.orders", "throttle", None)
    assert change.changed == {}
    assert change.save() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda e: e.set_field("api.gone", "owner", "x"), "No file says api.gone"),
        (lambda e: e.remove("scope.gone"), "No file says scope.gone"),
        (lambda e: e.add(Scope(name="orders.read")), "is there already"),
        (lambda e: e.add(Grant(consumer="gone", scope="orders.read")), "No file says consumer.gone"),
        (lambda e: e.set_field("api.orders", "operations[GET /gone]", "x"), "has no operations"),
        (lambda e: e.set_field("api.orders", "operations", "x"), "takes a list"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, wrong: Any, said: str) -> None:
    change = edits(folder)
    with pytest.raises(CannotEdit, match=said):
        wrong(change)
    assert change.changed == {}


def test_a_file_that_somebody_else_changes_meanwhile_is_not_written_over(folder: Path) -> None:
    change = edits(folder)
    change.set_field("api.orders", "owner", "x")
    change.set_field("consumer.mes", "owner", "x")
    with (folder / "apis/orders.toml").open("a", encoding="utf-8") as stream:
        stream.write("# mine\n")
    with pytest.raises(CannotEdit, match="somebody else"):
        change.save()
    assert lines_of(folder)["consumers/mes.toml"] == FILES["consumers/mes.toml"].splitlines()


def test_permissions_and_line_ends_stay(folder: Path) -> None:
    path = folder / "apis/orders.toml"
    path.write_bytes(FILES["apis/orders.toml"].replace("\n", "\r\n").encode())
    path.chmod(0o640)
    change = edits(folder)
    change.set_field("api.orders", "owner", "x")
    change.save()
    content = path.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in path.parent.iterdir()) == ["orders.toml"]


def test_with_an_environment_a_change_is_made_where_the_last_word_is(folder: Path) -> None:
    over = folder / "environments/prod/apis"
    over.mkdir(parents=True)
    (over / "orders.toml").write_text(
        '[api]\nname = "orders"\n\n[[version]]\nname = "v1"\nlifecycle = "deprecated"\n', encoding="utf-8"
    )
    change = Edits(folder, load(folder, "prod"))
    change.set_field("api.orders.version.v1", "lifecycle", Lifecycle.BROWNOUT)
    change.set_field("api.orders.version.v1", "sunset_on", date(2027, 3, 1))
    change.save()
    found = load(folder, "prod").policies
    assert found is not None
    version = found.resources["api.orders.version.v1"]
    assert isinstance(version, Version)
    assert (version.lifecycle, version.sunset_on) == (Lifecycle.BROWNOUT, date(2027, 3, 1))
    base = policies(folder).resources["api.orders.version.v1"]
    assert isinstance(base, Version)
    assert base.lifecycle is Lifecycle.ACTIVE


@st.composite
def changes(draw: DrawFn) -> tuple[PolicySet, list[str], list[Resource]]:
    """Policies, what to take away of them, and what to put in: nothing dangles afterwards."""
    found = draw(policy_sets(2))
    left = dict(found.resources)
    gone = []
    for address in draw(st.lists(st.sampled_from(sorted(left)), max_size=3, unique=True)) if left else ():
        rest = {key: each for key, each in left.items() if key != address and not key.startswith(f"{address}.")}
        if address in left and not dangling(rest):
            left = rest
            gone.append(address)
    new: list[Resource] = [draw(scopes("zz.new")), draw(throttles("zz-long-new"))]
    new += draw(apis("zz-long-new", (), ()))
    new += draw(consumers("zz-long-new", ("zz.new",), ("zz-long-new",), ()))
    return found, gone, new


@given(changes())
@FEW
def test_any_sets_change_as_they_were_asked_to(asked: tuple[PolicySet, list[str], list[Resource]]) -> None:
    found, gone, new = asked
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in write(found, folder):
            path.write_text(f"# {path.name}\n{path.read_text(encoding='utf-8')}# end\n", encoding="utf-8")
        change = edits(folder)
        for address in gone:
            change.remove(address)
        for resource in new:
            change.add(resource)
        change.save()
        left = {
            key: each
            for key, each in found.resources.items()
            if not any(key == address or key.startswith(f"{address}.") for address in gone)
        }
        assert policies(folder).resources == dict(sorted((left | by_address(new)).items()))
