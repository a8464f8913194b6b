"""Choices of the settings file besides declarations."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.settings import read_settings


def test_how_many_one_person_may_start_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    assert read_settings(None).items_alone == 1_000
    path.write_text("[approvals]\nitems_alone = 25\n", encoding="utf-8")
    assert read_settings(path).items_alone == 25
    for text, said in (
        ("items_alone = -1", "from 0"),
        ("items_alone = true", "not True"),
        ('items_alone = "5"', "not '5'"),
        ("items_alone = 50001", "50,000"),
        ("size = 3", r"unknown size in \[approvals\]"),
    ):
        path.write_text(f"[approvals]\n{text}\n", encoding="utf-8")
        with pytest.raises(SettingsError, match=said):
            read_settings(path)
    path.write_text("approvals = 5\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="unknown 5"):
        read_settings(path)


def test_what_policies_call_its_gateway(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    assert read_settings(None).gateway == "plant-gateway"
    path.write_text('[gateway]\nname = "north-gateway"\n', encoding="utf-8")
    assert read_settings(path).gateway == "north-gateway"
    for text, said in (
        ('[gateway]\nname = "North"', "lower case letters"),
        ("[gateway]\nname = 5", "not 5"),
        ('[gateway]\nnmae = "x"', r"unknown nmae in \[gateway\]"),
        ('gateway = "x"', "unknown x"),
    ):
        path.write_text(text + "\n", encoding="utf-8")
        with pytest.raises(SettingsError, match=said):
            read_settings(path)


@pytest.mark.parametrize(
    ("text", "share"),
    [("", 0.5), ("[recovery]\n", 0.5), ("[recovery]\nshare = 0.2\n", 0.2), ("[recovery]\nshare = 1\n", 1.0)],
)
def test_the_share_of_recovery(tmp_path: Path, text: str, share: float) -> None:
    file = tmp_path / "hub.toml"
    file.write_text(text, encoding="utf-8")
    assert read_settings(file).recovery_share == share


@pytest.mark.parametrize("text", ["share = 0", "share = 1.1", 'share = "half"', "share = true", "shares = 0.5"])
def test_a_share_that_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hub.toml"
    file.write_text(f"[recovery]\n{text}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"recovery"):
        read_settings(file)
