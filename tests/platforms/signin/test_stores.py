"""Where tokens are kept without a keyring, the list of sign-ins, and secrets by reference."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from platforms.context_file import Context, ContextFile, load, save
from platforms.errors import ContextError, NoStorage
from platforms.secrets import check_reference, read_secret
from platforms.signin.entries import Entry, Key
from platforms.signin.file_store import FileStore
from platforms.signin.register import Place, Register, SignIn

KEY = Key(origin="https://andon.example:443", issuer="https://idp.example")
OTHER = Key(origin="https://other.example:443")


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    assert store.load(KEY) is None
    store.save(KEY, Entry(access_token="a"))
    store.save(OTHER, Entry(access_token="b"))
    path = tmp_path / "tokens.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (store.load(KEY), store.load(OTHER)) == (Entry(access_token="a"), Entry(access_token="b"))
    store.delete(KEY)
    assert store.load(KEY) is None
    store.delete(OTHER)
    assert not path.exists(), "nothing is left of the last one"
    assert [each.name for each in tmp_path.iterdir()] == ["tokens.json.lock"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o700 | 0o001])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    store = FileStore(tmp_path)
    store.save(KEY, Entry(access_token="a"))
    (tmp_path / "tokens.json").chmod(mode)
    with pytest.raises(ContextError, match=r"may be read by others .* chmod 600"):
        store.load(KEY)
    with pytest.raises(ContextError):
        store.save(KEY, Entry(access_token="b"))


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    store.save(KEY, Entry(access_token="a"))
    if os.geteuid() == 0:
        os.chown(tmp_path / "tokens.json", 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(ContextError, match="belongs to another user"):
        store.load(KEY)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.touch(0o600)
    path.write_text("{")
    with pytest.raises(ContextError, match=r"tokens\.json cannot be understood.*andon login"):
        FileStore(tmp_path).load(KEY)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NoStorage, match="cannot be made"):
        FileStore(tmp_path / "file").save(KEY, Entry(access_token="a"))


def test_the_list_knows_people_and_machines_apart(tmp_path: Path) -> None:
    register = Register(tmp_path / "signin")
    assert register.find(KEY.origin) is None
    person = SignIn(key=KEY, place=Place.KEYRING)
    machine = SignIn(key=Key(origin=KEY.origin, issuer=KEY.issuer, client_id="job"), place=Place.FILE)
    register.add(person)
    register.add(machine)
    register.add(SignIn(key=OTHER, place=Place.KEYRING))
    assert register.find(KEY.origin) == person
    assert register.find(KEY.origin, "job") == machine
    moved = SignIn(key=Key(origin=KEY.origin, issuer="https://new.example"), place=Place.KEYRING)
    register.add(moved)
    assert register.find(KEY.origin) == moved
    register.remove(moved.key)
    register.remove(moved.key)
    assert register.find(KEY.origin) is None
    assert register.find(KEY.origin, "job") == machine
    assert "token" not in (tmp_path / "signin" / "signins.json").read_text()


def test_keys_of_two_sign_ins_never_have_one_name_or_lock(tmp_path: Path) -> None:
    keys = [KEY, OTHER, Key(origin=KEY.origin), Key(origin=KEY.origin, issuer=KEY.issuer, client_id="job")]
    register = Register(tmp_path)
    assert len({key.name for key in keys}) == len({register.lock_of(key) for key in keys}) == len(keys)


@pytest.mark.parametrize("text", ["{", '[{"key": 3}]', '{"a": 1}'])
def test_a_broken_list_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "signins.json").write_text(text)
    with pytest.raises(ContextError, match=r"signins\.json cannot be used"):
        Register(tmp_path).find(KEY.origin)


@pytest.mark.parametrize("reference", ["env:ANDON_SECRET", "file:/run/secrets/andon", "file:secret", "keyring:job"])
def test_a_reference_says_where_a_secret_is(reference: str) -> None:
    check_reference(reference, "a test")


@pytest.mark.parametrize("literal", ["s3cret", "env:", "env:A B", "file:", "keyring:", "vault:x", "", "Env:A"])
def test_a_secret_itself_is_refused_and_not_repeated(literal: str) -> None:
    with pytest.raises(ContextError, match="does not say where the secret is") as caught:
        check_reference(literal, "a test")
    assert not literal or "s3cret" not in caught.value.detail


def test_a_literal_in_the_contexts_is_refused_when_they_are_read(tmp_path: Path) -> None:
    save(tmp_path, ContextFile(context={"a": Context(url="https://a.example", client_id="c", client_secret="s3cret")}))
    with pytest.raises(ContextError, match=r"context\.a\.client_secret") as caught:
        load(tmp_path)
    assert "s3cret" not in caught.value.detail
    save(tmp_path, ContextFile(context={"a": Context(url="https://a.example", client_secret="env:A")}))
    with pytest.raises(ContextError, match="no client_id"):
        load(tmp_path)


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    assert read_secret("env:A", {"A": "s3cret\n"}, tmp_path) == "s3cret"
    with pytest.raises(ContextError, match="The environment variable B is not set"):
        read_secret("env:B", {"A": "s3cret"}, tmp_path)


def test_a_secret_comes_from_a_file_that_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("s3cret\n")
    assert read_secret("file:secret", {}, tmp_path) == read_secret(f"file:{path}", {}, Path("/")) == "s3cret"
    path.chmod(0o640)
    with pytest.raises(ContextError, match=r"may be read by others \(mode 0640\)"):
        read_secret("file:secret", {}, tmp_path)
    path.chmod(0o600)
    path.write_text("\n")
    with pytest.raises(ContextError, match="is empty"):
        read_secret("file:secret", {}, tmp_path)
    with pytest.raises(ContextError, match="No such file"):
        read_secret("file:gone", {}, tmp_path)


def test_contexts_keep_what_they_say_of_signing_in(tmp_path: Path) -> None:
    context = Context(
        url="https://a.example",
        issuer="https://idp.example",
        client_id="c",
        client_secret="file:secret",
        scopes=["openid", "andon"],
    )
    save(tmp_path, ContextFile(current="a", context={"a": context}))
    assert load(tmp_path).context["a"] == context
    assert json.dumps(load(tmp_path).current) == '"a"'
