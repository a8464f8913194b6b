"""The whole way in, with real parts: a hub, a certified issuer, a keyring, and commands as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from oidc_issuer import Issuer
from secret_service import SecretService

from console.platform_source import PlatformSource
from platforms.contexts import Choice, resolve
from platforms.signin.finding import find


class Person:
    """Somebody at a machine of their own: configuration, keyring, commands."""

    def __init__(self, folder: Path, keyring: dict[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANDON_", "DBUS_"))}
        own = {"ANDON_CONFIG_DIR": str(folder / "config"), "ANDON_DATA_DIR": str(folder / "no-hub-here")}
        self.env = {**clean, **keyring, **own}
        self.config = folder / "config"
        self.folder = folder

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "commands", *arguments],
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, expect: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(stdin, timeout=100)
        assert process.returncode == expect, f"{arguments}: {out}\n{err}"
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, **more: Any) -> Any:
        return json.loads(self.run(*arguments, "-o", "json", **more).stdout)

    def sign_in(self, issuer: Issuer, account: str, *arguments: str) -> tuple[Any, str]:
        """``andon login``, and what somebody does in the browser meanwhile; its result and what it said."""
        with self.start("login", "-o", "json", *arguments) as process:
            assert process.stderr is not None
            assert process.stdout is not None
            said: list[str] = []
            for line in process.stderr:
                said.append(line)
                if found := re.search(r"or open (\S+) and compare", line):
                    issuer.approve(found[1], account)
            out = process.stdout.read()
        assert process.returncode == 0, "".join(said)
        return json.loads(out), "".join(said)

    def everything_written(self) -> str:
        """All that is in the configuration folder."""
        return "".join(path.read_text() for path in self.config.rglob("*") if path.is_file())


@pytest.fixture
def person(tmp_path: Path, secret_service: SecretService) -> Person:
    return Person(tmp_path, secret_service.env)


@pytest.fixture
def nobody(tmp_path: Path) -> Person:
    """Somebody on a machine without a keyring."""
    return Person(tmp_path, {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"})


@pytest.fixture(scope="module")
def federated(hub_factory: Callable[..., Any], issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A hub whose people are those of the issuer."""
    settings = tmp_path_factory.mktemp("settings") / "hub.toml"
    settings.write_text(f'[issuer]\nurl = "{issuer.url}"\n')
    return hub_factory("--simulate", "--speed", "0", "--seed", "3", "--config", str(settings))


@pytest.fixture(scope="module")
def embedded(hub_factory: Callable[..., Any]) -> Any:
    """A hub that makes tokens itself."""
    return hub_factory("--simulate", "--speed", "0", "--seed", "4")


def test_a_person_signs_in_works_and_signs_out(person: Person, federated: Any, issuer: Issuer) -> None:
    issuer.account("amelie", roles=["operator"], andon_plants=["P01"])
    person.run("context", "add", "plant", "--url", federated.url)
    before = person.run("tx", "list", expect=4)
    assert "andon login" in before.stderr

    done, said = person.sign_in(issuer, "amelie")
    assert f"has people sign in at {issuer.url}" in said
    assert f"the context plant trusts {issuer.url} alone" in said
    assert (done["issuer"], done["renewed"], done["stored_in"]) == (issuer.url, True, "the keyring")

    who = person.json("whoami")
    assert (who["subject"], who["roles"], who["token_from"]) == (done["subject"], ["operator"], "the keyring")
    assert who["limits"]["plants"] == ["P01"]
    assert who["expires_at"] is not None
    text = person.run("whoami").stdout
    assert "operator" in text
    assert "P01" in text
    assert person.json("tx", "list")["items"] == []
    found = {each["name"]: each for each in person.json("doctor")["items"]}
    assert "SecretService" in found["keyring"]["found"]
    assert "from the keyring" in found["token"]["found"]
    assert "eyJ" not in person.everything_written(), "a token lies around"

    out = person.json("logout")
    assert (out["forgotten"], out["revoked"]) == (True, True)
    assert person.run("whoami", expect=4).stderr
    assert person.json("logout")["forgotten"] is False
    assert person.json("context", "show", "plant")["issuer"] == issuer.url, "what was agreed on stays agreed on"


class Hands:
    """A clock whose hands a test moves."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment


def grow_old(person: Person) -> dict[str, Any]:
    """Let the stored access token be due for renewal; what is stored."""
    path = person.config / "signin" / "tokens.json"
    kept: dict[str, Any] = json.loads(path.read_text())
    (entry,) = kept.values()
    entry["renew_at"] = "2026-01-01T00:00:00Z"
    path.write_text(json.dumps(kept))
    return dict(entry)


def test_an_old_token_is_renewed_once_by_many_commands(person: Person, federated: Any, issuer: Issuer) -> None:
    issuer.account("renate", roles=["viewer"])
    person.run("context", "add", "plant", "--url", federated.url)
    person.sign_in(issuer, "renate", "--insecure-storage")
    before = grow_old(person)
    asked = issuer.asked("/token")
    commands = [person.start("whoami", "-o", "id") for _ in range(4)]
    for process in commands:
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        assert out
    assert issuer.asked("/token") == asked + 1, "a refresh token was spent twice"
    assert grow_old(person)["refresh_token"] != before["refresh_token"]
    person.run("whoami")


async def test_an_open_console_goes_on_with_a_new_token(person: Person, federated: Any, issuer: Issuer) -> None:
    issuer.account("shift", roles=["viewer"])
    person.run("context", "add", "plant", "--url", federated.url)
    person.sign_in(issuer, "shift", "--insecure-storage")
    clock = Hands()
    resolved = resolve(
        Choice(), person.env, person.folder, lambda address, context: find(address, context, person.env, clock)
    )
    source = PlatformSource(resolved)
    asked = issuer.asked("/token")
    try:
        first = await source.whoami()
        assert issuer.asked("/token") == asked
        clock.moment += timedelta(minutes=6)
        many = await asyncio.gather(*(source.whoami() for _ in range(8)))
    finally:
        await source.aclose()
    assert {who.subject for who in many} == {first.subject}
    assert issuer.asked("/token") == asked + 1
    person.run("whoami")


def test_a_sign_in_that_was_ended_at_the_issuer_is_over(person: Person, federated: Any, issuer: Issuer) -> None:
    issuer.account("ended", roles=["viewer"])
    person.run("context", "add", "plant", "--url", federated.url)
    person.sign_in(issuer, "ended", "--insecure-storage")
    form = {"client_id": "andon", "token": grow_old(person)["refresh_token"]}
    assert issuer.http.post("/token/revocation", data=form).status_code == 200
    ended = person.run("whoami", expect=4)
    assert "has ended" in ended.stderr
    assert "andon login" in ended.stderr


def test_a_machine_signs_in_by_itself(person: Person, federated: Any, issuer: Issuer) -> None:
    issuer.client("night-job", "s3cret-of-the-job", roles=["viewer"])
    person.run(
        "context", "add", "job", "--url", federated.url, "--client-id", "night-job", "--client-secret", "env:JOB_SECRET"
    )
    # Without an issuer that was agreed on, the secret goes nowhere.
    person.env["JOB_SECRET"] = "s3cret-of-the-job"
    asked = issuer.asked("/token")
    assert "--client-credentials" in person.run("whoami", expect=4).stderr
    assert issuer.asked("/token") == asked
    done = person.json("login", "--client-credentials")
    assert (done["issuer"], done["renewed"]) == (issuer.url, True)
    asked = issuer.asked("/token")
    who = person.json("whoami")
    assert (who["subject"], who["roles"]) == (done["subject"], ["viewer"])
    person.run("tx", "list")
    assert issuer.asked("/token") == asked, "the token in the keyring is good"
    person.run("logout")
    person.run("whoami")
    assert issuer.asked("/token") == asked + 1, "without a login, too: the secret is enough"
    del person.env["JOB_SECRET"]
    person.run("logout")
    assert "JOB_SECRET" in person.run("whoami", expect=2).stderr
    assert "s3cret" not in person.everything_written()


def test_a_machine_without_a_keyring_keeps_nothing(nobody: Person, federated: Any, issuer: Issuer) -> None:
    issuer.client("ci-job", "s3cret-of-ci", roles=["viewer"])
    secret = nobody.folder / "secret"
    secret.touch(0o600)
    secret.write_text("s3cret-of-ci\n")
    nobody.run(
        *("context", "add", "ci", "--url", federated.url, "--issuer", issuer.url),
        *("--client-id", "ci-job", "--client-secret", f"file:{secret}"),
    )
    nobody.run("whoami")
    asked = issuer.asked("/token")
    nobody.run("whoami")
    assert issuer.asked("/token") == asked + 1
    assert "eyJ" not in nobody.everything_written()
    secret.chmod(0o644)
    assert "may be read by others" in nobody.run("whoami", expect=2).stderr


def test_without_a_keyring_nothing_is_kept_unless_somebody_says_so(
    nobody: Person, federated: Any, issuer: Issuer
) -> None:
    issuer.account("headless", roles=["viewer"])
    nobody.run("context", "add", "plant", "--url", federated.url)
    begun = issuer.asked("/device/auth")
    refused = nobody.run("login", expect=6)
    assert "There is no keyring on this machine" in refused.stderr
    assert issuer.asked("/device/auth") == begun, "nobody signs in elsewhere for nothing"

    done, said = nobody.sign_in(issuer, "headless", "--insecure-storage")
    assert "WARNING" in said
    path = nobody.config / "signin" / "tokens.json"
    assert done["stored_in"] == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    for line in (("whoami",), ("tx", "list", "-q", "-o", "json"), ("doctor", "-o", "json")):
        assert "WARNING: tokens are kept in clear text" in nobody.run(*line).stderr
    found = {each["name"]: each for each in nobody.json("doctor")["items"]}
    assert (found["keyring"]["grade"], found["token"]["grade"]) == ("warn", "warn")

    path.chmod(0o644)
    assert "may be read by others" in nobody.run("whoami", expect=2).stderr
    path.chmod(0o600)
    nobody.run("logout")
    assert not path.exists()


def test_the_hubs_own_tokens_are_stored_and_used(person: Person, embedded: Any) -> None:
    admin = Person(person.folder / "admin", {})
    admin.env |= embedded.env
    admin.run("hub", "users", "add", "otto", "--role", "operator", "--plant", "P02")
    token = admin.json("hub", "users", "token", "otto")["token"]

    person.env["ANDON_URL"] = embedded.url
    done = person.json("login", "--token-stdin", stdin=f"{token}\n")
    assert (done["issuer"], done["renewed"], done["stored_in"]) == (None, False, "the keyring")
    who = person.json("whoami")
    assert (who["name"] or who["subject"]).endswith("otto")
    assert (who["roles"], who["limits"]["plants"], who["token_from"]) == (["operator"], ["P02"], "the keyring")
    # ANDON_TOKEN is for one command; what is stored comes next, and the bootstrap token last.
    person.env["ANDON_DATA_DIR"] = str(embedded.data)
    assert person.json("whoami")["subject"] == who["subject"]
    person.env["ANDON_TOKEN"] = embedded.token
    assert person.json("whoami")["kind"] == "bootstrap"
    assert "still set" in person.run("logout").stderr
    del person.env["ANDON_TOKEN"]
    assert person.json("whoami")["kind"] == "bootstrap"
    assert token not in person.everything_written()


def test_a_token_that_is_none_is_not_stored(person: Person, embedded: Any) -> None:
    person.env["ANDON_URL"] = embedded.url
    for given, code in (("", 2), ("two words", 2), ("not-a-token-of-this-hub", 4)):
        refused = person.run("login", "--token-stdin", stdin=given, expect=code)
        assert "not-a-token-of-this-hub" not in refused.stderr
    assert not (person.config / "signin" / "signins.json").exists()
    assert "--token-stdin" in person.run("login", expect=2).stderr, "there is no terminal to ask at"
    assert "Leave one out" in person.run("login", "--token-stdin", "--client-credentials", expect=2).stderr


def read_terminal(terminal: int, until: bytes | None = None) -> bytes:
    """What a terminal shows, until that text or the end of who writes there."""
    shown = b""
    while until is None or until not in shown:
        try:
            piece = os.read(terminal, 1024)
        except OSError:
            break  # how Linux says that nobody has the other end open any more
        if not piece:
            break
        shown += piece
    return shown


def test_a_terminal_is_asked_without_an_echo(person: Person, embedded: Any) -> None:
    ours, theirs = pty.openpty()
    person.env |= {"ANDON_URL": embedded.url, "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "commands", "login", "-o", "json"],
        env=person.env,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
        # Its controlling terminal, which is where getpass asks.
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )
    os.close(theirs)
    shown = read_terminal(ours, until=b"Token (not shown)")
    os.write(ours, embedded.token.encode() + b"\n")
    shown += read_terminal(ours)
    assert process.stdout is not None
    out = process.stdout.read()
    process.stdout.close()
    os.close(ours)
    assert process.wait(60) == 0, shown.decode()
    assert json.loads(out)["subject"] == "bootstrap"
    assert embedded.token.encode() not in shown


def test_another_issuer_than_agreed_is_refused_until_it_is_accepted(
    person: Person, federated: Any, issuer: Issuer
) -> None:
    issuer.account("careful", roles=["viewer"])
    person.run("context", "add", "plant", "--url", federated.url, "--issuer", "https://idp.before.example")
    refused = person.run("login", expect=6)
    assert "came from https://idp.before.example so far" in refused.stderr
    assert "andon login --accept-issuer" in refused.stderr
    person.sign_in(issuer, "careful", "--accept-issuer")
    assert person.json("context", "show", "plant")["issuer"] == issuer.url
    # What one context agreed on, another that trusts somebody else does not use.
    person.run("context", "add", "other", "--url", federated.url, "--issuer", "https://idp.before.example")
    assert "trusts https://idp.before.example alone" in person.run("whoami", "--context", "other", expect=4).stderr


def test_a_stored_sign_in_goes_to_its_own_origin_only(
    person: Person, federated: Any, embedded: Any, issuer: Issuer
) -> None:
    issuer.account("bound", roles=["viewer"])
    person.env["ANDON_URL"] = federated.url
    person.sign_in(issuer, "bound")
    person.run("whoami")
    assert "nobody has signed in" in person.run("whoami", "--url", embedded.url, expect=4).stderr
    assert "localhost" in federated.url.replace("127.0.0.1", "localhost")
    person.run("whoami", "--url", federated.url.replace("127.0.0.1", "localhost"), expect=4)


def test_a_secret_on_the_command_line_is_refused(person: Person) -> None:
    refused = person.run(
        *("context", "add", "a", "--url", "https://a.example", "--client-id", "c", "--client-secret", "s3cret"),
        expect=2,
    )
    assert "shell's history" in refused.stderr
    assert "s3cret" not in refused.stderr
    assert (
        "--client-id"
        in person.run("context", "add", "a", "--url", "https://a.example", "--client-secret", "env:A", expect=2).stderr
    )
    person.run("context", "add", "a", "--url", "https://a.example", "--issuer", "http://idp.example", expect=6)


def test_a_forgotten_context_does_not_forget_its_tokens_silently(
    person: Person, federated: Any, issuer: Issuer
) -> None:
    issuer.account("moving", roles=["viewer"])
    person.run("context", "add", "plant", "--url", federated.url)
    person.sign_in(issuer, "moving")
    assert "andon logout --url" in person.run("context", "remove", "plant").stderr
    assert person.json("logout", "--url", federated.url)["revoked"] is True
