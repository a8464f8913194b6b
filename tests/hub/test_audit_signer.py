"""The key that vouches for exports of the audit chain."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hub.audit_signer import AuditSigner
from hub.errors import SettingsError, StoreError
from transactions.audit import GENESIS
from transactions.audit_check import ExportCheck
from transactions.audit_export import End
from transactions.audit_key import trusted
from transactions.clock import EPOCH

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
END = End(platform="p", first=1, last=0, count=0, head=GENESIS, previous=GENESIS, at=EPOCH)


def test_made_when_it_is_wanted_and_the_same_ever_after(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    signer = AuditSigner("p", path)
    assert not path.exists()
    key = signer.public()
    assert [each.name for each in tmp_path.iterdir()] == ["audit.key"]
    again = AuditSigner("p", path)
    assert again.public() == key == signer.public()
    check = ExportCheck(trusted(key))
    check.feed(again.end_line(END))
    assert check.finish().ok


@posix
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    AuditSigner("p", tmp_path / "audit.key").public()
    assert stat.S_IMODE((tmp_path / "audit.key").stat().st_mode) == 0o600


@posix
def test_a_key_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    AuditSigner("p", path).public()
    path.chmod(0o640)
    with pytest.raises(SettingsError, match=r"mode 640.*never was.*chmod 600.*andon audit key --pin"):
        AuditSigner("p", path)


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    path.write_bytes(b"nonsense")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="damaged"):
        AuditSigner("p", path)
    assert path.read_bytes() == b"nonsense"


def test_a_key_that_cannot_be_kept_signs_nothing(tmp_path: Path) -> None:
    signer = AuditSigner("p", tmp_path / "gone" / "audit.key")
    with pytest.raises(StoreError, match="Nothing was exported"):
        signer.end_line(END)


def test_in_memory_each_has_its_own() -> None:
    one, other = AuditSigner("p", None), AuditSigner("p", None)
    assert one.public() == one.public()
    assert one.public().fingerprint != other.public().fingerprint
