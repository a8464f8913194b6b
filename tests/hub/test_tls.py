"""TLS of the hub's own: what it is served with, and that without it nothing is heard beyond this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from hub.errors import SettingsError
from hub.loopback import is_loopback
from hub.tls import fingerprint, server_context


class Made(NamedTuple):
    """A certificate that vouches for itself, and its key."""

    cert: Path
    key: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub of a test")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(pem + cert.public_bytes(Encoding.PEM))
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (folder / "locked.pem").write_bytes(locked)
    other = ec.generate_private_key(ec.SECP256R1())
    (folder / "other.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Made(folder / "cert.pem", folder / "key.pem")


def test_no_certificate_no_tls() -> None:
    assert server_context(None, None) is None


def test_nothing_older_than_tls_1_2(made: Made) -> None:
    context = server_context(made.cert, made.key)
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert server_context(made.cert.with_name("both.pem"), None) is not None


@pytest.mark.parametrize(
    ("cert", "key", "because"),
    [
        (None, "key.pem", "Name it with --tls-cert"),
        ("nothing.pem", "key.pem", "cannot be read: No such file"),
        ("cert.pem", "nothing.pem", "cannot be read: No such file"),
        ("cert.pem", None, "TLS cannot be served"),
        ("cert.pem", "other.pem", "TLS cannot be served"),
        ("key.pem", "key.pem", "TLS cannot be served"),
        ("cert.pem", "locked.pem", "has a passphrase"),
    ],
)
def test_files_that_will_not_do(cert: str | None, key: str | None, because: str, made: Made) -> None:
    def at(name: str | None) -> Path | None:
        return None if name is None else made.cert.with_name(name)

    with pytest.raises(SettingsError, match=because) as caught:
        server_context(at(cert), at(key))
    assert "Nothing was started" in caught.value.detail


def test_the_fingerprint_is_that_of_the_first_certificate(made: Made, tmp_path: Path) -> None:
    cert = x509.load_pem_x509_certificate(made.cert.read_bytes())
    both = tmp_path / "chain.pem"
    both.write_bytes(b"a chain\n" + made.cert.read_bytes() + b"and more\n")
    assert fingerprint(made.cert) == fingerprint(both) == cert.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.1", "hub.example", "", "127.0.0.1.example", "::ffff:192.0.2.1", "localhost."]
)
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


def serve(data: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "commands", "hub", "serve", "--data", str(data), "--port", "0", *arguments]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_no_public_address_without_tls(host: str, tmp_path: Path) -> None:
    done = subprocess.run(
        serve(tmp_path / "data", "--host", host), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "tokens could be read on the way" in done.stderr.replace("\n       ", " ")
    assert "--tls-cert" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.fixture(scope="module")
def public(
    made: Made, tmp_path_factory: pytest.TempPathFactory, eventually: Callable[..., Any]
) -> Iterator[dict[str, Any]]:
    """A hub that listens at every address, with simulated systems that send to it by TLS too."""
    folder = tmp_path_factory.mktemp("public")
    data = folder / "data"
    arguments = ("--host", "0.0.0.0", "--tls-cert", str(made.cert), "--tls-key", str(made.key))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            serve(data, *arguments, "--simulate", "--speed", "20"),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "ANDON_CONFIG_DIR": str(folder / "config")},
        )

    def runtime() -> dict[str, Any] | None:
        assert process.poll() is None, (folder / "log").read_text()
        if not (data / "bootstrap.token").exists():
            return None
        found: dict[str, Any] = json.loads((data / "runtime.json").read_text())
        return found

    try:
        found = eventually("the hub", runtime, 60)
        yield {**found, "data": data, "token": (data / "bootstrap.token").read_text().strip()}
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture
def client(public: dict[str, Any], made: Made) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=made.cert)
    headers = {"Authorization": f"Bearer {public['token']}"}
    with httpx.Client(base_url=public["url"], verify=trust, headers=headers, trust_env=False, timeout=20) as client:
        yield client


def test_it_is_reached_by_tls(client: httpx.Client, public: dict[str, Any]) -> None:
    assert public["url"].startswith("https://localhost:")
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/admin/v1/whoami").json()["kind"] == "bootstrap"
    said = client.get("/.well-known/oauth-protected-resource").json()
    assert said["resource"] == public["url"]


def test_not_without_trust_and_not_in_the_open(public: dict[str, Any]) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{public['url']}/readyz", trust_env=False)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{public['url'].replace('https', 'http')}/readyz", trust_env=False)


def test_old_versions_get_no_further_than_hello(public: dict[str, Any]) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    port = int(public["url"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain)


def test_simulated_systems_send_by_tls_too(client: httpx.Client, eventually: Callable[..., Any]) -> None:
    eventually("a document", lambda: client.get("/admin/v1/transactions/count").json()["count"] > 0, 60)


def test_commands_reach_it_with_its_certificate(public: dict[str, Any], made: Made, tmp_path: Path) -> None:
    environ = {**os.environ, "ANDON_CONFIG_DIR": str(tmp_path), "ANDON_TOKEN": public["token"]}

    def andon(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "commands", *arguments],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    added = andon("context", "add", "tls", "--platform", "hub", "--url", public["url"], "--ca", str(made.cert))
    assert added.returncode == 0, added.stderr
    done = andon("hub", "users", "list", "--context", "tls", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"items": [], "next_cursor": None}
