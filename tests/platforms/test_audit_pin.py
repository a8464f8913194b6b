"""The key of an audit chain, in the user's contexts."""

from __future__ import annotations

from pathlib import Path

import pytest

from platforms import context_file
from platforms.audit_pin import pin, pinned
from platforms.context_file import Context, ContextFile
from platforms.contexts import Choice, resolve
from platforms.errors import ContextError
from transactions.audit_key import TrustedKey

X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
KEY = TrustedKey(X, "plant-1")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    contexts = {name: Context(url=f"https://{name}.example", colour="red") for name in ("night", "day")}
    context_file.save(tmp_path, ContextFile(current="night", context=contexts))
    return {"ANDON_CONFIG_DIR": str(tmp_path), "ANDON_DATA_DIR": str(tmp_path / "data")}


def test_a_pin_is_remembered_with_its_context_and_no_other(environ: dict[str, str], tmp_path: Path) -> None:
    night = resolve(Choice(), environ, tmp_path)
    assert pinned(night) is None
    pin(night, KEY, environ)
    assert pinned(resolve(Choice(), environ, tmp_path)) == KEY
    assert pinned(resolve(Choice(context="day"), environ, tmp_path)) is None
    kept = context_file.load(tmp_path)
    assert kept.current == "night"
    assert kept.context["night"] == Context(url="https://night.example", colour="red", audit_key=f"plant-1 ed25519 {X}")


def test_a_pin_can_be_replaced(environ: dict[str, str], tmp_path: Path) -> None:
    pin(resolve(Choice(), environ, tmp_path), TrustedKey(X, "plant-0"), environ)
    pin(resolve(Choice(), environ, tmp_path), KEY, environ)
    assert pinned(resolve(Choice(), environ, tmp_path)) == KEY


def test_an_address_has_no_place_for_one(environ: dict[str, str], tmp_path: Path) -> None:
    place = resolve(Choice(url="https://night.example"), environ, tmp_path)
    assert pinned(place) is None
    before = (tmp_path / context_file.FILE_NAME).read_bytes()
    with pytest.raises(ContextError, match=r"none of your contexts \(--url names it\).*Nothing was pinned"):
        pin(place, KEY, environ)
    assert (tmp_path / context_file.FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("text", ["", "x", "plant-1 ed25519 AAAA", f"plant-1 rsa {X}", "plant-1 ed25519 "])
def test_what_is_no_key_is_said_with_its_place(environ: dict[str, str], tmp_path: Path, text: str) -> None:
    path = tmp_path / context_file.FILE_NAME
    path.write_text(f'[context.night]\nurl = "https://night.example"\naudit_key = "{text}"\n')
    with pytest.raises(ContextError, match=r"context\.night\.audit_key is not the key.*andon audit key --pin"):
        resolve(Choice(context="night"), environ, tmp_path)
