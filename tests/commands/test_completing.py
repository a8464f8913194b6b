"""What is offered to a shell, and what is asked for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import completing
from commands.completing import Known
from commands.main import main
from transactions.filters.fields import FIELDS, FieldType
from transactions.landscape import Flow
from transactions.model import Status


def asked(platform: Any) -> list[str]:
    return [each.path for each in platform.asked]


@pytest.mark.parametrize(
    ("function", "typed", "offered"),
    [
        (completing.flows, "", ["goods-receipt", "material-consumption"]),
        (completing.flows, "mat", ["material-consumption"]),
        (completing.plants, "P", ["P01", "P02"]),
        (completing.systems, "E", ["ERP"]),
        (completing.keys, "", ["lot", "order"]),
        (completing.keys, "or", ["order"]),
        (completing.faults, "", ["target-down"]),
        (completing.batches, "b", ["b1"]),
        (completing.flows, "nothing", []),
    ],
)
def test_names_come_from_the_platform(
    stocked: Any, function: Callable[[str], list[str]], typed: str, offered: list[str]
) -> None:
    assert function(typed) == offered


@pytest.mark.parametrize(
    "function",
    [completing.flows, completing.plants, completing.systems, completing.faults, completing.batches],
)
@pytest.mark.parametrize(
    "environ",
    [
        {"ANDON_URL": "http://127.0.0.1:1"},
        {"ANDON_URL": "no address"},
        {"ANDON_URL": "", "ANDON_CONTEXT": "nope"},
        {"ANDON_TOKEN": "a b"},
    ],
)
def test_where_nothing_can_be_asked_nothing_is_offered(
    stocked: Any, monkeypatch: pytest.MonkeyPatch, function: Callable[[str], list[str]], environ: dict[str, str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert function("") == []


def test_a_masked_key_is_not_offered(stocked: Any) -> None:
    flow = stocked.filled(Flow, name="sales", business_keys=["order", "lodger"], masked_keys=["lodger"])
    stocked.on("GET", "flows", stocked.page(flow))
    assert completing.filters("lod") == []
    assert completing.filters("ord") == ["order:"]


def test_a_folder_deleted_under_the_shell_offers_nothing(
    stocked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert completing.flows("") == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("plant:", ["plant:P01", "plant:P02", "plant:none"]),
        ("plant:P01,P", ["plant:P01,P01", "plant:P01,P02"]),
        ("flow:mat", ["flow:material-consumption"]),
        ("plant:P01 flow:g", ["plant:P01 flow:goods-receipt"]),
        ("-target:E", ["-target:ERP"]),
        ("(target:M", ["(target:MES"]),
        ("lo", ["lot:"]),
        ("ord", ["order:"]),
        ("status:pro", ["status:processed"]),
        ("age>", ["age>15m", "age>1h", "age>4h", "age>8h", "age>24h"]),
        ("overdue:", ["overdue:true", "overdue:false"]),
        ("nothing:", []),
    ],
)
def test_a_filter_is_completed_at_its_end(stocked: Any, typed: str, offered: list[str]) -> None:
    assert completing.filters(typed) == offered


def test_every_field_of_the_language_is_offered(stocked: Any) -> None:
    heads = completing.filters("")
    for field in FIELDS:
        assert field.shown + (">" if field.type is FieldType.DURATION else ":") in heads
    assert [value.partition(":")[2] for value in completing.filters("status:")][: len(Status)] == list(Status)


def test_values_are_asked_for_only_where_the_filter_comes_to_them(stocked: Any) -> None:
    completing.filters("status:fa")
    assert "plants" not in asked(stocked)
    assert "systems" not in asked(stocked)
    completing.filters("plant:")
    assert asked(stocked).count("plants") == 1
    assert "systems" not in asked(stocked)


def test_fields_are_offered_without_a_platform_too(stocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_URL", "http://127.0.0.1:1")
    assert completing.filters("pla") == ["plant:"]
    assert completing.filters("status:failed ") != []
    assert completing.filters("plant:") == ["plant:none"]


def test_what_is_known_is_a_mapping_of_fields_that_exist(stocked: Any) -> None:
    assert set(Known()) <= {field.shown for field in FIELDS}
    assert len(Known()) == len(list(Known()))
    assert Known()["target"] == ["ERP", "MES"]
    assert Known().get("nothing") is None


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("-fa", ["-failed_at"]), ("st", ["status"]), ("x", []), ("-", [f"-{s}" for s in completing.SORTS])],
)
def test_sorts_are_offered_both_ways(typed: str, offered: list[str]) -> None:
    assert completing.sorts(typed) == offered


@pytest.mark.parametrize(
    ("shell", "environ", "offered"),
    [
        ("bash", {"COMP_LINE": "andon tx rep", "COMP_POINT": "12"}, "replay"),
        ("bash", {"COMP_LINE": "andon tx rep --reason x", "COMP_POINT": "12"}, "replay"),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "andon tx rep"}, '"replay":'),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "andon tx list --filter plant:P"}, "plant\\\\:P01"),
        ("fish", {"_TYPER_COMPLETE_ARGS": "andon tx rep", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}, "replay\t"),
        ("fish", {"_TYPER_COMPLETE_ARGS": "andon -o y", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}, "yaml"),
        (
            "powershell",
            {"_TYPER_COMPLETE_ARGS": "andon tx rep", "_TYPER_COMPLETE_WORD_TO_COMPLETE": "rep"},
            "replay",
        ),
    ],
)
def test_each_shell_is_answered_in_its_own_way(
    stocked: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    shell: str,
    environ: dict[str, str],
    offered: str,
) -> None:
    for name, value in {"_ANDON_COMPLETE": f"complete_{shell}", **environ}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main([])
    out, err = capfd.readouterr()
    assert offered in out
    assert (ended.value.code, err) == (0, "")
