"""Which certificates are trusted: of the hub the context's alone, of the issuer the context's beside the machine's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from platforms.errors import ContextError
from platforms.origins import read_address
from platforms.signin.asking import Asker
from platforms.signin.metadata import issuer_of, resource_of
from platforms.wire import Wire
from transactions.errors import Unreachable


def test_an_issuer_with_a_certificate_of_ones_own_is_trusted_with_it(secure: Any, certificate: Path) -> None:
    secure.is_issuer()
    assert issuer_of(secure.url, str(certificate)).issuer == secure.url


def test_and_not_without(secure: Any) -> None:
    secure.is_issuer()
    with pytest.raises(Unreachable, match="its certificate is not trusted") as caught:
        issuer_of(secure.url, None)
    assert "set ca in the context" in caught.value.detail
    assert not secure.asked


def test_a_platform_is_trusted_with_its_own_too(secure: Any, certificate: Path) -> None:
    secure.is_platform("https://idp.example")
    assert resource_of(read_address(secure.url, "a test"), str(certificate)) is not None
    with pytest.raises(Unreachable, match="No answer from the platform"):
        resource_of(read_address(secure.url, "a test"), None)


def test_a_public_issuer_is_trusted_beside_a_certificate_of_ones_own(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusts: list[int] = []

    def exchange(wire: Wire, _request: object) -> None:
        trusts.append(len(wire._tls.get_ca_certs()))
        raise Unreachable("Seen enough.")

    monkeypatch.setattr(Wire, "exchange", exchange)
    for asker in (Asker(None), Asker(str(certificate)), Asker(str(certificate), alone=True)):
        with pytest.raises(Unreachable):
            asker.get("https://localhost:1/", "the issuer")
    own, besides, alone = trusts
    assert besides == own + 1
    assert alone == 1


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for alone in (True, False):
        for name in ("empty.pem", "gone.pem"):
            with pytest.raises(ContextError, match="cannot be used"):
                Asker(str(tmp_path / name), alone=alone).get("https://localhost:1/", "the issuer")
