"""The file with the key that makes admins' tokens."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.errors import SettingsError, StoreError
from hub.identity.issuer_key import make_key, public_jwk, read_key

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def test_made_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "issuer.key"
    assert read_key(path) is None
    made = make_key(path)
    read = read_key(path)
    assert read is not None
    assert public_jwk(read.public_key()) == public_jwk(made.public_key())
    assert [each.name for each in tmp_path.iterdir()] == ["issuer.key"]


@posix
def test_only_its_owner_can_read_it_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_key(tmp_path / "issuer.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "issuer.key").stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o777])
def test_refused_when_others_can_get_at_it(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "issuer.key"
    make_key(path)
    path.chmod(mode)
    with pytest.raises(SettingsError, match=rf"mode {mode:o}.*chmod 600"):
        read_key(path)


@posix
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    make_key(tmp_path / "elsewhere")
    (tmp_path / "issuer.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_key(tmp_path / "issuer.key")


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_key_is_said_and_not_replaced(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "issuer.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"damaged.*Restore it from a backup"):
        read_key(path)
    assert path.read_bytes() == content


def test_a_key_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "issuer.key"
    other = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="no Ed25519 key"):
        read_key(path)


def test_no_room_for_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be written.*No token was given"):
        make_key(tmp_path / "nowhere" / "issuer.key")
