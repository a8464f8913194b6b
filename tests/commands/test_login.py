"""What login, logout, whoami, doctor and context say, and when they refuse; the way in itself runs on real parts."""

from __future__ import annotations

import io
import webbrowser
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import keyring
import msgspec
import pytest
from keyring.backends import fail

from commands.browsing import open_page
from commands.login import SignedIn
from commands.login import describe as describe_login
from commands.logout import SignedOut
from commands.logout import describe as describe_logout
from commands.terminal import Look
from commands.whoami import Bearer
from commands.whoami import describe as describe_bearer
from platforms.origins import read_address
from platforms.signin.entries import Entry, Key
from platforms.signin.register import Place, Register, SignIn, store_at
from transactions.errors import Unauthenticated
from transactions.landscape import WhoAmI
from transactions.people import Limits

Andon = Callable[..., Any]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOOK = Look(width=100, colour=False, now=NOW)


class InMemory:
    """A keyring for this test."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> InMemory:
    one = InMemory()
    monkeypatch.setattr(keyring, "get_keyring", lambda: one)
    return one


@pytest.fixture
def signed_out(stocked: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The platform, without a token in the environment."""
    monkeypatch.delenv("ANDON_TOKEN")
    return stocked


@pytest.fixture
def paste(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def who(**more: Any) -> WhoAmI:
    fields = {"subject": "u-1", "kind": "user", "roles": ["operator"], "permissions": ["act", "read"]}
    return WhoAmI(**{**fields, "expires_at": None, **more})


def bearer(**more: Any) -> Bearer:
    fields = {name: getattr(who(**more), name) for name in WhoAmI.__struct_fields__}
    return Bearer(**fields, context="plant", url="https://a.example", token_from="the keyring")


def test_a_pasted_token_is_kept_bound_to_its_platform(
    andon: Andon, signed_out: Any, ring: InMemory, paste: Callable[[str], None]
) -> None:
    paste("  pasted-token\n")
    ran = andon("login", "--token-stdin", "-o", "json")
    assert ran.code == 0, ran.err
    assert (ran.json["subject"], ran.json["issuer"], ran.json["stored_in"]) == ("ann", None, "the keyring")
    ((_, name),) = ring.kept
    assert name == f"{read_address(signed_out.url, 'a test').origin} -"
    andon("tx", "list")
    assert signed_out.asked[-1].headers["Authorization"] == "Bearer pasted-token"
    ran = andon("logout")
    assert "signed out" in ran.out
    assert not ring.kept


def test_a_platform_that_refuses_the_token_stores_nothing(
    andon: Andon, signed_out: Any, ring: InMemory, paste: Callable[[str], None]
) -> None:
    def refuse(_asked: object) -> None:
        raise Unauthenticated("The token has expired. Get another.")

    signed_out.on("GET", "whoami", refuse)
    paste("old-token")
    ran = andon("login", "--token-stdin")
    assert ran.code == 4
    first, second, third = ran.err.splitlines()
    assert "does not take the token: The token has expired." in first
    assert second.strip() == "Nothing was stored."
    assert "made for this platform" in third
    assert not ring.kept


def test_a_new_sign_in_takes_the_place_of_the_one_before_wherever_that_was(
    andon: Andon, signed_out: Any, ring: InMemory, paste: Callable[[str], None], tmp_path: Path
) -> None:
    paste("first")
    assert andon("login", "--token-stdin", "--insecure-storage").code == 0
    assert (tmp_path / "config" / "signin" / "tokens.json").exists()
    paste("second")
    ran = andon("login", "--token-stdin")
    assert ran.code == 0
    assert not (tmp_path / "config" / "signin" / "tokens.json").exists()
    assert len(ring.kept) == 1
    andon("tx", "list")
    assert signed_out.asked[-1].headers["Authorization"] == "Bearer second"


def test_a_token_of_the_environment_goes_first_and_that_is_said(
    andon: Andon, stocked: Any, ring: InMemory, paste: Callable[[str], None]
) -> None:
    paste("stored")
    ran = andon("login", "--token-stdin", "-q")
    assert "ANDON_TOKEN is set and goes before" in ran.err
    andon("tx", "list")
    assert stocked.asked[-1].headers["Authorization"] == "Bearer token"
    assert "ANDON_TOKEN is still set" in andon("logout").err


@pytest.mark.parametrize("line", [("tx", "list", "-q", "-o", "json"), ("whoami",), ("context", "show", "-o", "id")])
def test_a_file_in_clear_text_is_said_loudly_whenever_it_is_used(
    andon: Andon, signed_out: Any, tmp_path: Path, line: tuple[str, ...]
) -> None:
    key = Key(origin=read_address(signed_out.url, "a test").origin)
    register = Register(tmp_path / "config" / "signin")
    register.add(SignIn(key=key, place=Place.FILE))
    store_at(Place.FILE, register.folder).save(key, Entry(access_token="kept"))
    ran = andon(*line)
    assert ran.code == 0
    assert ran.err.startswith("andon: WARNING: tokens are kept in clear text in ")


def test_an_expired_token_says_so_and_what_to_do(andon: Andon, signed_out: Any, tmp_path: Path) -> None:
    def refuse(_asked: object) -> None:
        raise Unauthenticated("The token has expired. Get another.")

    signed_out.on("GET", "transactions", refuse)
    key = Key(origin=read_address(signed_out.url, "a test").origin)
    register = Register(tmp_path / "config" / "signin")
    register.add(SignIn(key=key, place=Place.FILE))
    old = Entry(access_token="old", expires_at=datetime(2026, 1, 2, tzinfo=UTC))
    store_at(Place.FILE, register.folder).save(key, old)
    ran = andon("tx", "list")
    assert ran.code == 4
    assert "expired 2026-01-02 00:00 UTC" in ran.err
    assert "Sign in with 'andon login'" in ran.err


def test_a_keyring_that_lost_or_locked_it_makes_nobody_the_admin(
    andon: Andon,
    signed_out: Any,
    ring: InMemory,
    paste: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bootstrap.token").write_text("boot")
    paste("mine")
    andon("login", "--token-stdin")
    ring.kept.clear()
    assert "has lost it" in andon("context", "show").out
    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)
    shown = andon("context", "show", "-o", "json").json
    assert not shown["token"]
    assert "There is no keyring on this machine" in shown["token_from"]
    # Whoever signs out has the bootstrap token of this machine again.
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
    assert andon("logout").code == 0
    assert str(tmp_path / "data" / "bootstrap.token") in andon("context", "show").out


def test_the_doctor_says_whether_there_is_a_keyring(
    andon: Andon, stocked: Any, ring: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keyring_of() -> Any:
        return next(each for each in andon("doctor", "-o", "json").json["items"] if each["name"] == "keyring")

    assert keyring_of()["grade"] == "ok"
    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)
    found = keyring_of()
    assert found["grade"] == "warn"
    assert "no keyring" in found["found"]
    assert found["advice"]


def test_a_context_says_how_to_sign_in_and_never_a_secret(andon: Andon, stocked: Any, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    added = andon(
        *("context", "add", "plant", "--url", "https://a.example", "--production", "--read-only", "--colour", "red"),
        *("--ca", str(tmp_path / "ca.pem"), "--issuer", "https://idp.example", "--client-id", "job"),
        *("--client-secret", "file:/run/secret", "--scope", "openid", "--scope", "andon"),
    )
    assert added.code == 0, added.err
    shown = andon("context", "show", "plant", "-o", "json").json
    assert shown == {
        "name": "plant",
        "current": True,
        "platform": "hub",
        "url": "https://a.example",
        "production": True,
        "read_only": True,
        "colour": "red",
        "ca": str(tmp_path / "ca.pem"),
        "audit_key": None,
        "issuer": "https://idp.example",
        "client_id": "job",
        "client_secret": "file:/run/secret",
        "scopes": ["openid", "andon"],
    }
    text = andon("context", "show", "plant").out
    assert "client secret  file:/run/secret" in text
    assert "scopes         openid andon" in text


@pytest.mark.parametrize(
    ("more", "said", "code"),
    [
        (("--client-id", "c", "--client-secret", "s3cret"), "in your shell's history", 2),
        (("--client-secret", "env:A"), "--client-id", 2),
        (("--issuer", "http://idp.example"), "https only", 6),
        (("--issuer", "idp"), "cannot be used", 6),
    ],
)
def test_a_context_that_would_leak_is_refused(
    andon: Andon, stocked: Any, more: tuple[str, ...], said: str, code: int
) -> None:
    ran = andon("context", "add", "plant", "--url", "https://a.example", *more)
    assert ran.code == code
    assert said in ran.err
    assert "s3cret" not in ran.err
    assert andon("context", "list", "-o", "id").out == ""


def test_a_client_without_an_issuer_sends_its_secret_nowhere(
    andon: Andon, signed_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    andon("context", "add", "job", "--url", signed_out.url, "--client-id", "c", "--client-secret", "env:A")
    monkeypatch.delenv("ANDON_URL")
    monkeypatch.setenv("A", "s3cret")
    signed_out.asked.clear()
    assert "names no issuer for it" in andon("context", "show").out
    assert not signed_out.asked


def test_a_context_of_a_machine_takes_no_token_that_it_would_never_use(
    andon: Andon, signed_out: Any, monkeypatch: pytest.MonkeyPatch, paste: Callable[[str], None]
) -> None:
    andon("context", "add", "job", "--url", signed_out.url, "--client-id", "c", "--client-secret", "env:A")
    monkeypatch.delenv("ANDON_URL")
    paste("pasted")
    ran = andon("login", "--token-stdin")
    assert ran.code == 2
    assert "signs in as the client c" in ran.err


def test_who_one_is_in_words() -> None:
    text = describe_bearer(
        bearer(
            name="Amelie",
            limits=Limits(plants=["P01"], risks=["low"]),
            issuer="https://idp.example",
            expires_at=NOW + timedelta(hours=2, minutes=5),
        ),
        LOOK,
    )
    assert text.splitlines() == [
        "u-1 · Amelie (user) on plant, https://a.example",
        "  roles   operator",
        "  may     act, read",
        "  reach   plant P01, risk low",
        "  token   the keyring",
        "  issuer  https://idp.example",
        "  until   2026-11-21 14:05 UTC, in 2h",
    ]
    assert "it does not expire by itself" in describe_bearer(bearer(), LOOK)
    assert "over by this machine's clock" in describe_bearer(bearer(expires_at=NOW - timedelta(hours=1)), LOOK)
    assert "may     nothing" in describe_bearer(bearer(permissions=[], roles=[]), LOOK)


@pytest.mark.parametrize(
    ("renewed", "expires_at", "until"),
    [(True, None, "renewed by itself"), (False, NOW, "expires 2026-11-21 12:00 UTC"), (False, None, "does not expire")],
)
def test_a_sign_in_in_words(renewed: bool, expires_at: datetime | None, until: str) -> None:
    done = SignedIn(
        context="plant",
        url="https://a.example",
        subject="u-1",
        name="Ame\x1b[31mlie",
        roles=[],
        issuer=None,
        expires_at=expires_at,
        renewed=renewed,
        stored_in="the keyring",
    )
    text = describe_login(done, LOOK)
    assert until in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("forgotten", "revoked", "said"),
    [
        (False, None, "Nobody was signed in"),
        (True, True, "gone here and at https://idp.example"),
        (True, False, "may take them until they expire"),
        (True, None, "until it expires or an admin removes it"),
    ],
)
def test_a_sign_out_in_words(forgotten: bool, revoked: bool | None, said: str) -> None:
    out = SignedOut(
        context="plant", url="https://a.example", issuer="https://idp.example", forgotten=forgotten, revoked=revoked
    )
    assert said in describe_logout(out, LOOK)


@pytest.mark.parametrize(
    ("url", "environ", "opened"),
    [
        ("https://idp.example/device", {"DISPLAY": ":0"}, True),
        ("http://127.0.0.1:1/device", {"WAYLAND_DISPLAY": "w"}, True),
        ("file:///etc/passwd", {"DISPLAY": ":0"}, False),
        ("javascript:alert(1)", {"DISPLAY": ":0"}, False),
        ("https://idp.example/device", {}, False),
        ("https://idp.example/device", {"DISPLAY": ":0", "SSH_CONNECTION": "x"}, False),
    ],
)
def test_a_browser_is_asked_only_where_it_has_a_window(
    url: str, environ: dict[str, str], opened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(webbrowser, "open", lambda url: asked.append(url) is None)
    assert open_page(url, environ) is opened
    assert asked == ([url] if opened else [])


def test_a_browser_that_is_broken_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_url: str) -> bool:
        raise webbrowser.Error("none")

    monkeypatch.setattr(webbrowser, "open", broken)
    assert not open_page("https://idp.example", {"DISPLAY": ":0"})


def test_what_machines_get_has_no_token_in_it(
    andon: Andon, signed_out: Any, ring: InMemory, paste: Callable[[str], None]
) -> None:
    paste("very-secret-token")
    ran = andon("login", "--token-stdin", "-v", "-o", "json")
    said = ran.out + ran.err
    for line in (("whoami", "-o", "json"), ("doctor", "-v"), ("context", "show", "-o", "yaml"), ("logout", "-v")):
        ran = andon(*line)
        said += ran.out + ran.err
    assert "very-secret" not in said
    assert msgspec.json.decode(msgspec.json.encode(bearer()))["token_from"] == "the keyring"
