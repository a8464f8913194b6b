"""A certified OpenID provider (npm ``oidc-provider``) as a process of its own, and people who sign in at it.

Where Node.js or the package is missing, tests that ask for it are skipped and say what is missing. The package is
installed from ``package-lock.json`` beside this file, into a folder outside the checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

HERE = Path(__file__).parent
OLDEST_NODE = 20
STARTS_WITHIN = 60.0
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Issuer:
    """A running provider; ``url`` is its issuer identifier.

    The public client ``andon`` may use the device flow and refresh tokens, which are spent by use. Access tokens are
    JWTs (``at+jwt``, RS256) for the resource that was asked for.
    """

    def __init__(self, folder: Path) -> None:
        import httpx

        self._process, said = _start(folder)
        self.url: str = json.loads(said)["issuer"]
        self.http = httpx.Client(base_url=self.url, timeout=20, trust_env=False)

    def close(self) -> None:
        """End it."""
        self.http.close()
        _end(self._process)

    def account(self, name: str, **claims: Any) -> None:
        """What access tokens of a person say: ``roles``, ``andon_plants``, ``andon_flows``, ``andon_risks`` …"""
        self._order("account", name=name, claims=claims)

    def client(self, id: str, secret: str, *, method: str = "client_secret_basic", **claims: Any) -> None:  # noqa: A002
        """A confidential client that gets tokens by client credentials, and what they say."""
        self._order(
            "client",
            id=id,
            client_secret=secret,
            token_endpoint_auth_method=method,
            grant_types=["client_credentials"],
            claims=claims,
        )

    def settings(self, **changes: Any) -> None:
        """``accessTokenSeconds``, ``deviceCodeSeconds``, ``scopes`` (a list, of the resource)."""
        self._order("settings", **changes)

    def rotate(self, *, keep: bool) -> str:
        """Sign with a new key from now on; its id. The old ones stay in the key set, or vanish from it."""
        return str(self._order("rotate", keep=keep)["kid"])

    def keys(self) -> list[dict[str, Any]]:
        """The signing keys as private JWKs, newest first."""
        found: list[dict[str, Any]] = self._order("keys")["keys"]
        return found

    def asked(self, path: str) -> int:
        """How often a path was asked for: ``/jwks``, ``/token`` …"""
        return int(self._order("seen").get(path, 0))

    def client_token(self, id: str, secret: str, resource: str, **more: str) -> str:  # noqa: A002
        """An access token for ``resource`` by client credentials (client_secret_basic)."""
        form = {"grant_type": "client_credentials", "resource": resource, **more}
        answer = self.http.post("/token", data=form, auth=(id, secret))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def person_token(self, account: str, resource: str) -> dict[str, Any]:
        """What the token endpoint gives a person who signs in by the device flow for ``resource``."""
        form = {"client_id": "andon", "scope": "openid offline_access", "resource": resource}
        device = self.http.post("/device/auth", data=form).json()
        self.approve(device["verification_uri_complete"], account)
        form = {"grant_type": DEVICE_GRANT, "client_id": "andon", "device_code": device["device_code"]}
        answer = self.http.post("/token", data={**form, "resource": resource})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def approve(self, uri: str, account: str) -> None:
        """Do what a person does in the browser: open the address, confirm the code, sign in, consent."""
        page = self._walk(uri, {"confirm": "yes", "login": account, "password": "any"})
        assert "Sign-in Success" in page, page

    def deny(self, uri: str) -> None:
        """Open the address, and say no."""
        page = self._walk(uri, {"abort": "yes"})
        assert "interrupted" in page, page

    def _walk(self, uri: str, fields: dict[str, str]) -> str:
        import httpx

        with httpx.Client(follow_redirects=True, timeout=20, trust_env=False) as browser:
            answer = browser.get(uri)
            for _ in range(6):
                form = Form(answer.text)
                if form.action is None or "interrupted" in answer.text:
                    return answer.text
                filled = {name: fields.get(name, value) for name, value in form.fields.items()}
                if "user_code" in form.fields and "code should be displayed" in answer.text:
                    filled |= {name: value for name, value in fields.items() if name in ("confirm", "abort")}
                    if "abort" in fields:
                        filled.pop("confirm", None)
                answer = browser.post(urljoin(str(answer.url), form.action), data=filled)
        raise AssertionError(f"no end of forms: {answer.text}")

    def _order(self, order: str, /, **what: Any) -> dict[str, Any]:
        answer = self.http.post(f"/test/{order}", content=json.dumps(what))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], bytes]:
    """A provider and the line that says where it is; two tries, as Node.js was seen to hang before that line."""
    for attempt in (1, 2):
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(
                ["node", str(folder / "provider.mjs")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env={name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"},
            )
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], STARTS_WITHIN)
            said = process.stdout.readline() if ready else b""
            if said:
                return process, said
            state = _state_of(process.pid)
            _end(process)
            complaints.seek(0)
            told = complaints.read().decode(errors="replace")[-2000:]
        wrong = f"the provider said nothing within {STARTS_WITHIN} s, try {attempt}: {state}, {told!r}"
        print(wrong)
    raise AssertionError(wrong)


def _state_of(pid: int) -> str:
    """What a process does, as the kernel tells: running or sleeping, and in which call."""
    told = []
    for name in ("stat", "wchan", "syscall"):
        try:
            told.append(f"{name} {Path(f'/proc/{pid}/{name}').read_text()[:80].strip()}")
        except OSError as error:
            told.append(f"{name}: {error}")
    return "; ".join(told)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


class Form(HTMLParser):
    """The first form of a page: where it goes, and its fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = given.get("action")
        if tag == "input" and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""


def installed() -> Path:
    """The folder with the provider and its package; skips where there can be none."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not on this machine: the OpenID provider needs it")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    major = re.match(r"v(\d+)", version)
    if major is None or int(major[1]) < OLDEST_NODE:
        pytest.skip(f"Node.js {version.strip()} is too old for the OpenID provider, which needs {OLDEST_NODE}")
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in ("package-lock.json", "provider.mjs")))
    cache = Path(os.environ.get("ANDON_TEST_CACHE") or Path.home() / ".cache" / "andon-tests")
    folder = cache / f"oidc-{digest.hexdigest()[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "oidc.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on this machine: the OpenID provider is installed with it")
    new = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    new.mkdir()
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copy(HERE / name, new / name)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"],
        cwd=new,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        shutil.rmtree(new)
        pytest.skip(f"the OpenID provider's npm package cannot be installed: {done.stderr.strip()[-300:]}")
    new.rename(folder)


@pytest.fixture(scope="session")
def issuer_factory() -> Iterator[Callable[[], Issuer]]:
    """Starts providers; every one is ended with the session."""
    started: list[Issuer] = []

    def start() -> Issuer:
        started.append(Issuer(installed()))
        return started[-1]

    yield start
    for issuer in started:
        issuer.close()


@pytest.fixture(scope="session")
def issuer(issuer_factory: Callable[[], Issuer]) -> Issuer:
    """A provider shared by the tests of a worker: name your own accounts and clients, and rotate no keys of it."""
    return issuer_factory()
