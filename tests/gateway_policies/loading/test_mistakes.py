# ruff: noqa: E501
"""Every mistake that can be made in a policy file: told with its place, what is expected, and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest
from policy_folder import FILES, made, put

from gateway_policies.findings import Finding
from gateway_policies.loading import EXPLANATIONS, load
from gateway_policies.model import Severity

API, CONSUMER = "apis/orders.toml", "consumers/mes-p03.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path)


def spoil(folder: Path, file: str, old: str, new: str) -> list[Finding]:
    assert FILES[file].count(old) >= 1
    put(folder, file, FILES[file].replace(old, new, 1))
    loaded = load(folder)
    assert loaded.policies is None
    assert all(each.severity is Severity.ERROR for each in loaded.findings)
    assert all(each.rule in EXPLANATIONS for each in loaded.findings)
    return loaded.findings


def test_the_folder_is_right(folder: Path) -> None:
    loaded = load(folder)
    assert loaded.findings == []
    assert loaded.policies is not None
    assert loaded.files == len(FILES)


ONE = [
    # keys
    (API, "owner =", "ownr =", "unknown-key", "4:1|3:1", "Unknown key 'ownr' in [api]. Did you mean 'owner'?", "An API has"),
    (API, "[[operation]]", "[[operations]]", "unknown-key", "20:1", "Did you mean 'operation'?", "A file in apis has"),
    (API, "successor", "sucessor", "unknown-key", "11:1", "'sucessor' in [version]. Did you mean 'successor'?", ""),
    (CONSUMER, "client_id =", 'client_secret = "x"\nclient_id =', "unknown-key", "8:1", "'client_secret'", "A credential has"),
    ("andon.toml", "[issuer.plant-idp]", "[api]\n[issuer.plant-idp]", "unknown-key", "4:1", "[api] has no place in andon", "It belongs in a file in apis/"),
    (API, "[[version]]", "[consumer]\n[[version]]", "unknown-key", "8:1", "[consumer] has no place", "a file in consumers/"),
    (API, 'owner = "erp-integration"', "remove = true\nowner = 'x'", "unknown-key", "3:1", "only an environment", "Delete"),
    # what has to be there
    (API, 'owner = "erp-integration"\n', "", "missing-key", "1:1", "An API without 'owner'", 'owner = "'),
    (API, 'name = "v1"\n', "", "missing-key", "8:1", "A version without 'name'", ""),
    (API, 'path = "/{order}/release"\n', "", "missing-key", "20:1", "An operation without 'path'", ""),
    (CONSUMER, 'scope = "orders.release"\n', "", "missing-key", "10:1", "A grant without 'scope'", ""),
    (CONSUMER, 'issuer = "plant-idp"\n', "", "missing-key", "6:1", "A credential without 'issuer'", ""),
    ("throttles.toml", 'per = "1m"\n', "", "missing-key", "1:1", "A throttle without 'per'", "1m"),
    ("throttles.toml", "burst = 100", "quota = 100", "missing-key", "4:1", "'quota' without 'quota_per'", "Add quota_per"),
    ("throttles.toml", "burst = 100", 'quota_per = "1d"', "missing-key", "4:1", "'quota_per' without 'quota'", "Add quota,"),
    ("andon.toml", 'url = "https://idp.example/realms/plant"\n', "", "missing-key", "4:1", "neither 'url' nor 'jwks_file'", ""),
    ("andon.toml", "https://idp.example/realms/plant", "hub:8470", "bad-value", "5:7", "is not hub: or a URL", '"hub:" alone is the hub itself'),
    ("andon.toml", 'url = "', 'jwks_file = "x"\nurl = "', "bad-value", "4:1", "both 'url' and 'jwks_file'", ""),
    ("andon.toml", '[gateway]\nname = "plant-gateway"', "", "missing-key", "1:1", "without 'gateway'", ""),
    # types
    ("throttles.toml", "600", '"600"', "wrong-type", "2:12", "throttle.plant-standard.requests is a text, and a whole number", "without quotes"),
    ("throttles.toml", "600", "6.5", "wrong-type", "2:12", "a number with a fraction", ""),
    ("throttles.toml", "600", "true", "wrong-type", "2:12", "is true or false", ""),
    (API, '["POST"]', '"POST"', "wrong-type", "21:11", "operation.methods is a text, and a list", "brackets"),
    (API, "2027-02-01T06:00:00Z", '"2027-02-01T06:00:00Z"', "wrong-type", "14:8", "is a text", "without quotes"),
    (API, 'lifecycle = "deprecated"', "sunset_on = 2027-02-01T06:00:00Z", "wrong-type", "10:13", "is a date with a time, and a date", "without a time"),
    (API, "[[version.brownout]]", "[version.brownout]", "wrong-type", "13:1", "version.brownout is a table, and a list of tables", "two brackets"),
    (API, "[api]", "[[api]]", "wrong-type", "1:1", "api is a list, and a table", "one bracket"),
    (API, 'throttle = "plant-standard"', "protected = 'true'", "wrong-type", "6:13", "true or false is expected", ""),
    # values
    (API, '"orders"', '"Orders"', "bad-name", "2:8", "api.name = 'Orders' is not a name", "lower case"),
    (API, '"deprecated"', '"deprecatd"', "bad-value", "10:13", "Did you mean 'deprecated'?", "draft, active"),
    (API, '"POST"', '"post"', "bad-value", "21:12", "'post' is not an HTTP method. Did you mean 'POST'?", ""),
    (API, '["POST"]', "[]", "bad-value", "21:11", "operation.methods is empty", ""),
    (API, '["POST"]', '["POST", "POST"]', "duplicate", "21:20", "'POST' twice", ""),
    (API, '"/erp/orders"', '"erp/orders"', "bad-value", "4:13", "not a path", "/erp/production-orders"),
    (API, '"/erp/orders"', '"/erp/../orders"', "bad-value", "4:13", "not a path", ""),
    (API, '"/{order}/release"', '"/{order}:release"', "bad-value", "22:8", "not an operation's path", "whole segment"),
    (API, '"/{order}/release"', '"/{a}/{a}"', "bad-value", "22:8", "the parameter 'a' twice", ""),
    (API, '"system:ERP"', '"ERP"', "bad-value", "5:12", "is not system:NAME or a URL", "system:ERP"),
    (API, "until = 2027-02-01T06:30:00Z", "until = 2027-02-01T06:00:00Z", "bad-value", "15:9", "ends before it begins", ""),
    (API, "2027-02-01T06:00:00Z", "2027-02-01T06:00:00", "bad-value", "14:8", "no offset", "Z"),
    (API, "2027-02-01T06:00:00Z", "0001-02-01T06:00:00Z", "bad-value", "14:8", "the year 1", ""),
    ("throttles.toml", '"1m"', '"1 minute"', "bad-value", "3:7", "not a span of time", "1m"),
    ("throttles.toml", '"1m"', '"0s"', "bad-value", "3:7", "not a span of time", ""),
    ("throttles.toml", '"1m"', '"250ms"', "bad-value", "3:7", "not a span of time", "units s, m, h, d or w"),
    ("throttles.toml", "600", "0", "bad-value", "2:12", "out of range", "from 1"),
    ("throttles.toml", "plant-standard]", '"plant standard"]', "bad-name", "1:1", "'plant standard' in [throttle] is not a name", ""),
    ("scopes.toml", '[scope."orders.read"]', "[scope.lots.read]", "bad-name", "4:1", "lots.read has dots and no quotes", '[scope."lots.read"]'),
    ("scopes.toml", '"operational"', '"high"', "bad-value", "2:8", "is not a risk", "financial"),
    ("andon.toml", "[issuer", "[lint]\nx = 'fatal'\n[issuer", "bad-value", "5:5", "is not a severity", "error, warning and off"),
    # secrets
    (CONSUMER, "client_id", 'secret = "hunter2"\nclient_id', "secret-in-file", "8:10", "not a reference to a secret", "env:NAME"),
    (CONSUMER, "client_id", 'secret = "env:"\nclient_id', "secret-in-file", "8:10", "not a reference", ""),
    (CONSUMER, "client_id", "secret = 12345\nclient_id", "secret-in-file", "8:10", "not a reference", ""),
    (CONSUMER, "client_id", 'secret = "keyring:mes"\nclient_id', "secret-in-file", "8:10", "not a reference", "SERVICE/NAME"),
    ("andon.toml", "https://idp", "https://me:hunter2@idp", "secret-in-file", "5:7", "a user and a password", "Change the password"),
    # names of others
    (API, 'throttle = "plant-standard"', 'throttle = "plant-standrd"', "unknown-reference", "6:12", "Did you mean 'plant-standard'?", "throttles.toml"),
    (API, 'scope = "orders.release"', 'scope = "order.release"', "unknown-reference", "23:9", "Did you mean 'orders.release'?", "scopes.toml"),
    (API, '["v1", "v2"]', '["v1", "v3"]', "unknown-reference", "24:19", "in the version 'v3', and there is none", ""),
    (API, 'successor = "v2"', 'successor = "v3"', "unknown-reference", "11:13", "has no such version", ""),
    (API, 'successor = "v2"', 'successor = "v1"', "unknown-reference", "11:13", "its own successor", ""),
    (API, 'successor = "v2"', 'contract = "x.json"', "unknown-reference", "11:12", "there is no such file", ""),
    (API, 'successor = "v2"', 'contract = "../x.json"', "bad-value", "11:12", "not a file below", ""),
    (CONSUMER, 'throttle = "plant-standard"', 'throttle = "gone"', "unknown-reference", "4:12", "the throttle 'gone'", ""),
    (CONSUMER, 'issuer = "plant-idp"', 'issuer = "plant-id"', "unknown-reference", "7:10", "Did you mean 'plant-idp'?", "andon.toml"),
    (CONSUMER, 'scope = "orders.release"', 'scope = "orders.relase"', "unknown-reference", "11:9", "Did you mean 'orders.release'?", ""),
    (CONSUMER, 'scope = "orders.release"', 'scope = "lots.*"', "unknown-reference", "11:9", "fits no scope", ""),
    # syntax
    (API, 'name = "orders"', 'name = "orders', "syntax", "2:15", "This is not TOML", "ends on its line"),
    (API, 'name = "orders"', "name = orders", "syntax", "2:8", "invalid value", "Texts stand in quotes"),
    (API, 'name = "orders"', 'name = "orders"; layer = "system"', "syntax", "2:16", "expected newline", "no semicolons"),
    (API, 'owner = "erp-integration"', 'name = "x"', "syntax", "3:11", "cannot overwrite", "there twice"),
    ("scopes.toml", '[scope."orders.read"]', '[scope."orders.release"]', "syntax", "4:24", "twice", "[[two brackets]]"),
    (API, "[[operation]]", "[[operation]\n", "syntax", "20:", "This is not TOML", ""),
    (API, 'name = "orders"', f"name = {'9' * 5000}", "syntax", "1:1", "a number that is far too long", ""),
    # twice
    (CONSUMER, "[[grant]]", '[[grant]]\nscope = "orders.release"\n[[grant]]', "duplicate", "12:1", "consumer.mes-p03.grant.orders.release is there twice: first in consumers/mes-p03.toml:10:1", ""),
    (API, 'name = "v2"', 'name = "v1"', "duplicate", "17:1", "api.orders.version.v1 is there twice: first in apis/orders.toml:8:1", ""),
    (API, "[[operation]]", '[[operation]]\nmethods = ["POST"]\npath = "/{order}/release"\n[[operation]]', "duplicate", "23:1", "'POST /{order}/release' is there twice", "one scope"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "at", "says", "helps"), ONE, ids=[f"{c[3]}-{c[2][:20]!r}" for c in ONE]
)
def test_one_mistake(folder: Path, file: str, old: str, new: str, rule: str, at: str, says: str, helps: str) -> None:
    findings = spoil(folder, file, old, new)
    found = [each for each in findings if each.rule == rule and says in each.message]
    assert found, [(str(each.place), each.rule, each.message) for each in findings]
    place = f"{found[0].place}"
    assert any(place.startswith(f"{file}:{each}") for each in at.split("|")), place
    assert helps in found[0].help
    assert not any("hunter2" in each.message + each.help or "12345" in each.message for each in findings)
    # One mistake is told as that, and not as all that follows from it; a misspelt key is a missing one too.
    assert len(findings) <= 3, [each.message for each in findings]


def test_all_are_told_at_once_in_the_order_of_the_files(folder: Path) -> None:
    put(folder, "apis/orders.toml", FILES[API].replace("owner =", "ownr =").replace('"POST"', '"PST"'))
    put(folder, "consumers/mes-p03.toml", FILES[CONSUMER].replace('"orders.release"', '"orders.relase"'))
    put(folder, "throttles.toml", FILES["throttles.toml"].replace("600", "'x'"))
    put(folder, "scopes.toml", FILES["scopes.toml"].replace("risk", "rsk"))
    findings = load(folder).findings
    assert [each.place.file for each in findings if each.place] == sorted(e.place.file for e in findings if e.place)
    assert {each.rule for each in findings} == {
        "unknown-key", "missing-key", "bad-value", "unknown-reference", "wrong-type"
    }  # fmt: skip


def test_what_a_broken_file_describes_is_not_missed_by_others(folder: Path) -> None:
    for file in ("throttles.toml", "scopes.toml", "andon.toml"):
        put(folder, file, FILES[file] + "\nbroken")
    assert {each.rule for each in load(folder).findings} == {"syntax"}


def test_things_are_there_once_over_all_files(folder: Path) -> None:
    put(folder, "scopes/more.toml", '[scope."orders.read"]\n')
    put(folder, "throttles/more.toml", '[throttle.plant-standard]\nrequests = 1\nper = "1s"\n')
    put(folder, "consumers/deep/er/mes.toml", FILES[CONSUMER])
    put(folder, "apis/z.toml", FILES[API].replace('"orders"', '"lots"'))
    findings = load(folder).findings
    assert [(str(each.place), each.rule) for each in findings] == [
        ("apis/z.toml:4:13", "duplicate"),
        ("consumers/mes-p03.toml:1:1", "duplicate"),
        ("scopes/more.toml:1:1", "duplicate"),
        (["throttles.toml:1:1", "throttles/more.toml:1:1"][1], "duplicate"),
    ]
    assert "first in scopes.toml:4:1" in findings[2].message
    assert (
        "base path '/erp/orders', and so has api.lots" in findings[0].message + " "
        or "/erp/orders" in findings[0].message
    )


def test_two_consumers_are_not_one_client(folder: Path) -> None:
    put(folder, "consumers/x.toml", FILES[CONSUMER].replace('name = "mes-p03"', 'name = "x"'))
    [finding] = load(folder).findings
    assert (finding.rule, str(finding.place)) == ("duplicate", "consumers/x.toml:8:13")
    assert "consumer.mes-p03" in finding.message


def test_a_folder_without_a_gateway(folder: Path) -> None:
    (folder / "andon.toml").unlink()
    put(folder, CONSUMER, FILES[CONSUMER].partition("[consumer.credential]")[0])
    [finding] = load(folder).findings
    assert (finding.rule, str(finding.place)) == ("missing-key", "andon.toml:1:1")
    assert "[gateway]" in finding.help


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (b"\xef\xbb\xbf[gateway]\nname = 'g'\n", "syntax", "1:1"),
        (b"[gateway]\nname = 'g\xff'\n", "not-utf8", "2:10"),
        (b"[gateway]\nname = 'g\xc3\xa9\xe9'\n", "not-utf8", "2:11"),
        (b"[gateway]\x00\n", "syntax", "1:10"),
        (b"[gateway]\r\nname = 'g'\r\noops\r\n", "syntax", "3:5"),
        (b"x = " + b"[" * 100_000, "syntax", "1:1"),
    ],
)
def test_bytes_that_are_no_toml(folder: Path, content: bytes, rule: str, at: str) -> None:
    (folder / "andon.toml").write_bytes(content)
    [finding] = load(folder).findings
    assert (finding.rule, str(finding.place)) == (rule, f"andon.toml:{at}")


def test_messages_hold_nothing_that_a_terminal_would_obey(folder: Path) -> None:
    put(folder, API, FILES[API].replace('"orders"', '"\\u001b[31mred"').replace("owner", '"\\u0007bell"'))
    said = "".join(each.message + each.help for each in load(folder).findings)
    assert "\x1b" not in said
    assert "\x07" not in said


def test_names_in_messages_are_as_files_write_them(folder: Path) -> None:
    put(folder, "scopes.toml", '[scope."a.b"]\nrisk = "low"\n[scope."a.b"]\nrisk = "low"\n')
    put(folder, "andon.toml", '[gateway]\nname = "plant-gateway"\n[lints]\n')
    by_rule = {each.rule: each for each in load(folder).findings}
    assert by_rule["unknown-key"].help.startswith("andon.toml has: ")
    assert by_rule["syntax"].message == "This is not TOML: cannot declare [scope.a.b] twice."


def contracts(folder: Path, *named: str) -> list[tuple[str, str, str]]:
    """What is said of an API whose versions name these contracts."""
    versions = "".join(
        f'[[version]]\nname = "v{number}"\nlifecycle = "draft"\ncontract = "{file}"\n'
        for number, file in enumerate(named)
    )
    put(folder, API, f"{FILES[API].partition('[[version]]')[0]}{versions}")
    loaded = load(folder)
    assert (loaded.policies is None) is any(each.severity is Severity.ERROR for each in loaded.findings)
    return [(each.rule, each.severity.value, each.message) for each in loaded.findings]


def test_contracts_whose_folder_is_not_there_are_one_warning(folder: Path) -> None:
    assert contracts(folder, "contracts/a.json", "contracts/b.json", "contracts/sub/c.json", "contracts/d.json") == [
        (
            "contracts-absent",
            "warning",
            (
                "The folder 'contracts' is not there, and 4 versions name their contracts in it: "
                "'contracts/a.json', 'contracts/b.json', 'contracts/d.json' and 1 more."
            ),
        )
    ]
    assert [each[:2] for each in contracts(folder, "contracts/a.json", "docs/b.json")] == [
        ("contracts-absent", "warning"),
        ("contracts-absent", "warning"),
    ]


@pytest.mark.parametrize("there", ["contracts/a.json", "contracts/other.json", "docs/a.json"])
def test_where_contracts_are_kept_one_that_is_missing_is_a_mistake(folder: Path, there: str) -> None:
    put(folder, there, "{}")
    named = ("contracts/a.json", "contracts/b.json", "docs/a.json")
    errors = [each for each in contracts(folder, *named) if each[1] == "error"]
    assert [each[0] for each in errors] == ["unknown-reference"] * len(errors)
    assert any("'contracts/b.json', and there is no such file" in each[2] for each in errors)


def test_a_contract_beside_the_policies_has_no_folder_that_could_be_missing(folder: Path) -> None:
    assert [each[:2] for each in contracts(folder, "a.json", "contracts/b.json")] == [
        ("unknown-reference", "error"),
        ("contracts-absent", "warning"),
    ]
