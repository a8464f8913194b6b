"""What a folder of policies holds: what is loaded, what may lie beside it, and what would be overlooked."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from policy_folder import FILES, made, put

from gateway_policies.loading import load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "policies")


def told(folder: Path, environment: str | None = None) -> list[tuple[str, str]]:
    return [(each.rule, str(each.place)) for each in load(folder, environment).findings]


@pytest.mark.parametrize(
    "beside",
    [
        "README.md", "CODEOWNERS", ".gitignore", ".git/config.toml", ".hidden.toml", "contracts/orders.openapi.json",
        "contracts/x.toml", "apis/README.md", "apis/.orders.toml.swp", "apis/orders.toml~", "apis/#orders.toml#",
        "docs/page.md", "orders.yaml",
    ],
)  # fmt: skip
def test_what_may_lie_beside_policies(folder: Path, beside: str) -> None:
    put(folder, beside, "not toml at all [")
    assert told(folder) == []


@pytest.mark.parametrize(
    ("file", "rule", "says"),
    [
        ("api/orders.toml", "unknown-file", "Did you mean 'apis'?"),
        ("consumer/x.toml", "unknown-file", "Did you mean 'consumers'?"),
        ("more/deep/x.toml", "unknown-file", "there are .toml files in it"),
        ("scope.toml", "unknown-file", "Did you mean 'scopes.toml'?"),
        ("orders.toml", "unknown-file", "'orders.toml' is no file of policies"),
        ("apis/orders.yaml", "unknown-file", "does not end in .toml"),
        ("consumers/x.toml.bak", "unknown-file", "does not end in .toml"),
        ("environments/prod/contracts/x.json", "", ""),
    ],
)
def test_what_would_be_overlooked(folder: Path, file: str, rule: str, says: str) -> None:
    put(folder, file, "")
    findings = load(folder).findings
    assert [each.rule for each in findings] == ([rule] if rule else [])
    assert all(says in each.message and "andon.toml" in each.help for each in findings)


def test_folders_inside_folders_are_policies_too(folder: Path) -> None:
    (folder / "apis/erp/v").mkdir(parents=True)
    (folder / "apis/orders.toml").rename(folder / "apis/erp/v/orders.toml")
    (folder / "scopes.toml").rename(folder / "apis/../scopes-old")
    put(folder, "scopes/orders/all.toml", FILES["scopes.toml"])
    loaded = load(folder)
    assert loaded.findings == []
    assert str(loaded.places.of("api.orders")) == "apis/erp/v/orders.toml:1:1"
    assert str(loaded.places.of("scope.orders.read")) == "scopes/orders/all.toml:4:1"


def test_links_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    put(tmp_path, "outside.toml", FILES["consumers/mes-p03.toml"].replace("mes-p03", "x"))
    (folder / "consumers/x.toml").symlink_to(tmp_path / "outside.toml")
    (folder / "consumers/gone.toml").symlink_to(folder / "nowhere.toml")
    (folder / "consumers/round.toml").symlink_to(folder / "consumers/round.toml")
    (folder / "apis/all").symlink_to(folder / "consumers")
    assert told(folder) == [
        ("link", "apis/all:1:1"),
        ("link", "consumers/gone.toml:1:1"),
        ("link", "consumers/round.toml:1:1"),
        ("link", "consumers/x.toml:1:1"),
    ]


def test_links_inside_the_folder_are_followed_and_the_folder_may_be_one(folder: Path, tmp_path: Path) -> None:
    put(folder, ".data/throttles.toml", FILES["throttles.toml"])
    (folder / "throttles.toml").unlink()
    (folder / "throttles.toml").symlink_to(".data/throttles.toml")
    (tmp_path / "current").symlink_to(folder)
    assert told(tmp_path / "current") == []


def test_a_contract_that_is_a_link_out_is_told(folder: Path, tmp_path: Path) -> None:
    put(
        folder,
        "apis/orders.toml",
        FILES["apis/orders.toml"].replace('successor = "v2"', 'contract = "contracts/o.json"'),
    )
    put(tmp_path, "o.json", "{}")
    (folder / "contracts").mkdir()
    (folder / "contracts/o.json").symlink_to(tmp_path / "o.json")
    [finding] = load(folder).findings
    assert "a link out of the folder" in finding.message
    (folder / "contracts/o.json").unlink()
    put(folder, "contracts/o.json", "{}")
    assert told(folder) == []


def test_what_cannot_be_read_is_told(folder: Path) -> None:
    os.mkfifo(folder / "apis/pipe.toml")
    with (folder / "apis/large.toml").open("wb") as stream:
        stream.truncate(5 * 1024 * 1024)
    (folder / "consumers/x.toml").mkdir()
    assert told(folder) == [("unreadable-file", "apis/large.toml:1:1"), ("unreadable-file", "apis/pipe.toml:1:1")]


def test_what_an_unread_file_describes_is_not_missed_by_others(folder: Path) -> None:
    with (folder / "scopes.toml").open("ab") as stream:
        stream.truncate(5 * 1024 * 1024)
    assert told(folder) == [("unreadable-file", "scopes.toml:1:1")]
    (folder / "scopes.toml").unlink()
    (folder / "scopes.toml").symlink_to("nowhere")
    assert told(folder) == [("link", "scopes.toml:1:1")]


NOBODY = 65534
_LOADS = f"""
import os, sys
from pathlib import Path
from gateway_policies.loading import load
load(Path("nowhere"))  # everything is imported before the rights to do so are gone
if os.geteuid() == 0:
    os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})
for found in load(Path(sys.argv[1])).findings:
    print(found.rule, found.place)
"""


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
def test_what_may_not_be_read_is_told() -> None:
    """Of a folder that everybody can reach, by somebody whom file modes bind, as they do not bind root."""
    with tempfile.TemporaryDirectory() as there:
        Path(there).chmod(0o755)
        folder = made(Path(there) / "policies")
        for each in (folder, *folder.rglob("*")):  # whatever this process would give nobody
            each.chmod(0o755)
        (folder / "throttles.toml").chmod(0)
        done = subprocess.run(
            [sys.executable, "-B", "-c", _LOADS, str(folder)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
    assert done.stdout == "unreadable-file throttles.toml:1:1\n"


def test_a_folder_that_is_not_there_and_one_that_is_a_file(tmp_path: Path) -> None:
    put(tmp_path, "file", "")
    for name in ("gone", "file"):
        loaded = load(tmp_path / name)
        assert loaded.policies is None
        assert [each.rule for each in loaded.findings] == ["no-folder"]
        assert name in loaded.findings[0].message
    assert load(tmp_path / "file").findings[0].message.endswith("is no folder.")
    assert "init" not in load(tmp_path / "file").findings[0].help


def test_environments_that_are_not_there(folder: Path) -> None:
    [finding] = load(folder, "prod").findings
    assert finding.rule == "no-environment"
    put(folder, "environments/production/scopes.toml", "")
    put(folder, "environments/test/scopes.toml", "")
    [finding] = load(folder, "prodction").findings
    assert "Did you mean 'production'?" in finding.message
    assert "production and test" in finding.help
    [finding] = load(folder, "../..").findings
    assert finding.rule == "no-environment"


def test_an_empty_folder_says_what_it_lacks(tmp_path: Path) -> None:
    [finding] = load(tmp_path).findings
    assert "andon.toml" in finding.message
