"""Which issuer is trusted: agreed on once, and not changed by whoever answers for the platform today."""

from __future__ import annotations

from pathlib import Path

import pytest

from platforms.context_file import Context, ContextFile, config_folder, load, save
from platforms.contexts import Choice, resolve
from platforms.errors import UntrustedIssuer
from platforms.signin.agreement import agree, pin
from platforms.signin.entries import Key
from platforms.signin.metadata import ResourceMetadata
from platforms.signin.register import Place, SignIn

URL = "https://andon.example"
IDP, EVIL = "https://idp.example", "https://evil.example"


def says(*issuers: str) -> ResourceMetadata:
    return ResourceMetadata(resource=URL, authorization_servers=list(issuers))


def before(issuer: str | None) -> SignIn:
    return SignIn(key=Key(origin=f"{URL}:443", issuer=issuer), place=Place.KEYRING)


@pytest.mark.parametrize(
    ("metadata", "pinned", "stored", "accept", "issuer"),
    [
        (None, None, None, False, None),
        (says(), None, None, False, None),
        (says(IDP), None, None, False, IDP),
        (says(IDP), IDP, None, False, IDP),
        (says(EVIL, IDP), IDP, None, False, IDP),
        (says(IDP), None, before(IDP), False, IDP),
        (says(), None, before(None), False, None),
        (says(EVIL), IDP, before(IDP), True, EVIL),
        (says(EVIL, IDP), IDP, None, True, IDP),
        (says(), IDP, None, True, None),
        (says(IDP), None, before(None), True, IDP),
    ],
)
def test_who_is_trusted(
    metadata: ResourceMetadata | None, pinned: str | None, stored: SignIn | None, accept: bool, issuer: str | None
) -> None:
    assert agree(metadata, pinned, stored, accept=accept, address=URL) == issuer


@pytest.mark.parametrize(
    ("metadata", "pinned", "stored"),
    [
        (says(EVIL), IDP, None),
        (says(f"{IDP}/"), IDP, None),
        (says(), IDP, None),
        (None, IDP, None),
        (says(EVIL), None, before(IDP)),
        (says(EVIL), None, before(None)),
        (None, None, before(IDP)),
        (says(EVIL), IDP, before(EVIL)),
    ],
)
def test_a_change_is_refused_until_somebody_accepts_it(
    metadata: ResourceMetadata | None, pinned: str | None, stored: SignIn | None
) -> None:
    with pytest.raises(UntrustedIssuer, match="so far, and now the platform names") as caught:
        agree(metadata, pinned, stored, accept=False, address=URL)
    assert "andon login --accept-issuer" in caught.value.detail


@pytest.mark.parametrize("accept", [True, False])
def test_several_are_for_a_person_to_choose_from(accept: bool) -> None:
    with pytest.raises(UntrustedIssuer, match="names several issuers"):
        agree(says(IDP, EVIL), None, None, accept=accept, address=URL)


def test_it_is_written_into_the_context_and_nowhere_else(tmp_path: Path) -> None:
    environ = {"ANDON_CONFIG_DIR": str(tmp_path)}
    folder = config_folder(environ)
    both = {"lab": Context(url=URL, production=True), "other": Context(url="https://other.example")}
    save(folder, ContextFile(current="lab", context=both))
    assert pin(resolve(Choice(), environ, tmp_path), IDP, environ)
    saved = load(folder)
    assert saved.current == "lab"
    assert saved.context == {**both, "lab": Context(url=URL, production=True, issuer=IDP)}
    assert not pin(resolve(Choice(url=URL), environ, tmp_path), IDP, environ)
    assert load(folder) == saved
