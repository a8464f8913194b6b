"""Declarations and settings: every mistake is named, with its place."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from hub.declarations import check_references, read_catalogue, shipped_catalogue
from hub.errors import SettingsError
from hub.settings import read_settings

GOOD: dict[str, Any] = {
    "plant": {"P01": {"title": "One"}},
    "system": {"MES": {"title": "MES", "local": True}, "ERP": {"title": "ERP", "quota": "50/s"}},
    "flow": {
        "receipt": {
            "title": "Receipt", "sources": ["MES"], "targets": ["ERP"], "document": "D", "identity": ["event"],
            "semantics": "delta", "slo": "15m", "risk": "low", "owner": "o", "keys": {"json": {"event": "$.event"}},
        }
    },
}  # fmt: skip


def changed(*path: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    place = data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return data


def refused(data: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as error:
        check_references(read_catalogue(data, "team.toml"), "team.toml")
    return error.value.detail


def test_the_shipped_catalogue_holds() -> None:
    catalogue = shipped_catalogue()
    check_references(catalogue, "catalogue.toml")
    assert (len(catalogue.system), len(catalogue.plant), len(catalogue.flow)) == (14, 3, 16)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (changed("system", "ERP", "quota", value="fast"), "system.ERP.quota"),
        (changed("system", "ERP", "settle_after", value="soon"), "system.ERP.settle_after"),
        (changed("system", "ERP", "idempotent", value="maybe"), "system.ERP.idempotent"),
        (changed("system", "ERP", "colour", value="red"), "system.ERP: .*colour"),
        (changed("system", "ERP", value="here"), "system.ERP"),
        (changed("plant", "P01", "lines", value=7), "plant.P01.lines"),
        (changed("plant", "P01", "timezone", value="Mars/Base"), "plant.P01.timezone"),
        (changed("plant", "P01", "shifts", value=["early"]), "plant.P01.shifts"),
        (changed("plant", "P01", "shifts", value=["25:00 early"]), "plant.P01.shifts"),
        (changed("plant", "P01", "shifts", value=[]), "plant.P01.shifts"),
        (changed("flow", "receipt", "slo", value="15"), "flow.receipt.slo"),
        (changed("flow", "receipt", "semantics", value="vague"), "flow.receipt.semantics"),
        (changed("flow", "receipt", "identity", value=["serial"]), "flow.receipt: business key 'serial'"),
        (changed("flow", "receipt", "order_by", value="event+lot"), "flow.receipt: business key 'lot'"),
        (changed("flow", "receipt", "targets", value=["WMS"]), "flow.receipt: target 'WMS'"),
        (changed("flow", "receipt", "targets", value=[]), "flow.receipt: .*target"),
        (changed("flow", "receipt", "sources", value=[]), "flow.receipt: .*source"),
        (changed("flow", "receipt", "targets", value=["MES"]), "flow.receipt: .*MES"),
        (changed("flow", "receipt", "requires", value=[{"flow": "x", "key": "event"}]), "flow.receipt: requires 'x'"),
        (changed("flow", "receipt", "requires", value=[{"flow": "receipt", "key": "lot"}]), "flow.receipt: .*'lot'"),
        (changed("default_plant", value="P99"), "default_plant.*P99"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(data: dict[str, Any], place: str) -> None:
    said = refused(data)
    assert re.search(rf"team\.toml: {place}", said), said


def test_every_mistake_is_named_at_once() -> None:
    data = changed("system", "ERP", "idempotent", value="maybe")
    data["plant"]["P01"]["lines"] = 7
    data["flow"]["receipt"]["slo"] = "15"
    said = refused(data)
    assert all(place in said for place in ("system.ERP", "plant.P01", "flow.receipt.slo"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "team.toml: unknown colour. There is: catalogue"),
        ("profile = 'slow'", "profile 'slow' is not known. There is: production, quick"),
        ("profile = ['quick']", "profile"),
        ("platform = 5", "platform"),
        ("catalogue = 'no'", "catalogue"),
        ("[system", "is not TOML"),
        ("[flow.x]\ntitle = 'X'", "flow.x"),
    ],
)
def test_a_settings_file_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "team.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        read_settings(path)
    assert said in error.value.detail


def test_a_file_that_is_not_there_or_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read.*--config"):
        read_settings(tmp_path / "gone.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes("title = 'ü'".encode("latin-1"))
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_settings(path)


def test_a_team_adds_replaces_and_starts_from_nothing(tmp_path: Path) -> None:
    path = tmp_path / "team.toml"
    path.write_text("[system.SPC]\ntitle = 'Statistics'\n[system.ERP]\ntitle = 'Ours'\n")
    found = read_settings(path).catalogue
    assert (len(found.system), found.system["ERP"].title) == (15, "Ours")
    path.write_text("catalogue = false\nprofile = 'quick'\nplatform = 'p'\n[plant.X]\ntitle = 'X'\n")
    settings = read_settings(path)
    assert (list(settings.catalogue.plant), settings.catalogue.flow) == (["X"], {})
    assert settings.profile is not None
    assert (settings.profile.name, settings.platform) == ("quick", "p")
