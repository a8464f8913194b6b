"""Tokens in a keyring: a real Secret Service, and one as small as Windows'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import keyring
import pytest
import secretstorage
from keyring.backends import SecretService as Backends
from keyring.errors import PasswordSetError
from secret_service import SecretService

from platforms.errors import ContextError, NoStorage
from platforms.secrets import read_secret
from platforms.signin.entries import Entry, Key
from platforms.signin.keyring_store import SERVICE, WINDOWS_LIMIT, KeyringStore, open_keyring

KEY = Key(origin="https://andon.example:443", issuer="https://idp.example")
SHORT = Entry(access_token="a.b.c", refresh_token="r", client_id="andon", expires_at=datetime(2026, 11, 21, tzinfo=UTC))


class Small:
    """A keyring that takes only so much in one entry, as the Credential Manager of Windows does."""

    def __init__(self, limit: int = WINDOWS_LIMIT) -> None:
        self.limit = limit
        self.kept: dict[tuple[str, str], str] = {}
        self.full = False

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password) > self.limit or self.full:
            raise PasswordSetError("Stub received bad data")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def _connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what the keyring package leaves open when a Secret Service answers with an error."""
    opened = []
    init = secretstorage.dbus_init

    def open_one() -> object:
        opened.append(init())
        return opened[-1]

    monkeypatch.setattr(secretstorage, "dbus_init", open_one)
    yield
    for connection in opened:
        connection.close()


@pytest.fixture
def real(secret_service: SecretService, monkeypatch: pytest.MonkeyPatch) -> KeyringStore:
    for name, value in secret_service.env.items():
        monkeypatch.setenv(name, value)
    return KeyringStore(Backends.Keyring())


def test_a_secret_service_keeps_an_entry_and_forgets_it(real: KeyringStore) -> None:
    assert real.load(KEY) is None
    real.save(KEY, SHORT)
    assert real.load(KEY) == SHORT
    assert real.load(Key(origin=KEY.origin, issuer="https://other.example")) is None
    assert real.load(Key(origin="https://andon.example:8443", issuer=KEY.issuer)) is None
    real.delete(KEY)
    assert real.load(KEY) is None
    real.delete(KEY)


def test_a_secret_service_keeps_what_is_long(real: KeyringStore) -> None:
    long = Entry(access_token="a" * 20_000, refresh_token="r" * 20_000)
    key = Key(origin="https://long.example:443")
    real.save(key, long)
    assert real.load(key) == long


def test_a_keyring_that_died_says_so(
    secret_service_factory: Callable[..., SecretService], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = secret_service_factory()
    for name, value in service.env.items():
        monkeypatch.setenv(name, value)
    store = KeyringStore(Backends.Keyring())
    store.save(KEY, SHORT)
    service.close()
    with pytest.raises(NoStorage, match="The keyring cannot be read"):
        store.load(KEY)


def test_a_locked_keyring_says_so_and_what_to_do(
    secret_service_factory: Callable[..., SecretService], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in secret_service_factory(locked=True).env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NoStorage, match=r"Unlock it, or set ANDON_TOKEN"):
        KeyringStore(Backends.Keyring()).save(KEY, SHORT)


def test_a_secret_by_reference_comes_from_the_keyring(
    real: KeyringStore, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(keyring, "get_keyring", Backends.Keyring)
    Backends.Keyring().set_password("andon", "night-job", "s3cret")
    assert read_secret("keyring:night-job", {}, tmp_path) == "s3cret"  # type: ignore[arg-type]
    with pytest.raises(ContextError, match="keyring set andon other"):
        read_secret("keyring:other", {}, tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, WINDOWS_LIMIT - 400, WINDOWS_LIMIT, 3 * WINDOWS_LIMIT, 20_000])
def test_a_small_keyring_keeps_what_is_long_in_parts(size: int) -> None:
    small = Small()
    store = KeyringStore(small, WINDOWS_LIMIT)
    entry = Entry(access_token="a" * size, refresh_token="r" * size)
    store.save(KEY, entry)
    assert store.load(KEY) == entry
    renewed = Entry(access_token="b" * size, refresh_token="s" * size)
    store.save(KEY, renewed)
    assert store.load(KEY) == renewed
    many = len(small.kept)
    store.save(KEY, entry)
    assert len(small.kept) == many, "parts of an old entry were left"
    store.delete(KEY)
    assert not small.kept


def test_parts_of_two_entries_are_never_put_together() -> None:
    small = Small()
    store = KeyringStore(small, WINDOWS_LIMIT)
    store.save(KEY, Entry(access_token="a" * 5000))
    part = next(name for name in small.kept if name[1].endswith(".1"))
    small.kept[part] = "b" * 1200
    assert store.load(KEY) is None


def test_a_full_keyring_leaves_the_old_entry() -> None:
    small = Small()
    store = KeyringStore(small, WINDOWS_LIMIT)
    store.save(KEY, SHORT)
    small.full = True
    with pytest.raises(NoStorage, match="The keyring cannot be written to: Stub received bad data"):
        store.save(KEY, Entry(access_token="new" * 2000))
    assert store.load(KEY) == SHORT


def test_an_entry_of_another_version_is_as_good_as_none() -> None:
    small = Small()
    store = KeyringStore(small)
    small.kept[SERVICE, KEY.name] = "just-a-token"
    assert store.load(KEY) is None
    store.save(KEY, SHORT)
    assert store.load(KEY) == SHORT


@pytest.mark.parametrize("name", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring", "no.such.Backend"])
def test_a_keyring_that_is_none_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    with pytest.raises(NoStorage, match=r"There is no keyring on this machine.*--insecure-storage"):
        open_keyring()


def test_one_that_keeps_clear_text_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    plaintext = type("PlaintextKeyring", (), {"__module__": "keyrings.alt.file"})
    monkeypatch.setattr(keyring, "get_keyring", plaintext)
    with pytest.raises(NoStorage, match=r"only keyrings\.alt\.file\.PlaintextKeyring was found"):
        open_keyring()


def test_nothing_secret_is_in_what_may_be_logged() -> None:
    assert "a.b.c" not in repr(SHORT)
    assert "'r'" not in repr(SHORT)
