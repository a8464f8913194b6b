"""The cache: it saves time and changes nothing, whatever happens to the files or to what was kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from policy_folder import FILES, made, put

from gateway_policies.loading import Cache, Loaded, load
from gateway_policies.loading import cache as caching


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(caching, "_LEAST", 1)
    return made(tmp_path / "policies")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def same(folder: Path, kept: Path, environment: str | None = None) -> Loaded:
    """What is loaded with the cache is what is loaded without."""
    with_cache, without = load(folder, environment, cache=Cache(kept)), load(folder, environment)
    assert with_cache.policies == without.policies
    assert with_cache.findings == without.findings
    assert with_cache.files == without.files
    for address in without.policies.resources if without.policies is not None else ():
        assert with_cache.places.of(address) == without.places.of(address)
    return with_cache


def files_parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from gateway_policies.loading import loader

    parsed: list[str] = []
    parse = loader.parse
    monkeypatch.setattr(loader, "parse", lambda content, file: parsed.append(file) or parse(content, file))
    return parsed


def test_what_was_loaded_once_is_not_parsed_again(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = files_parsed(monkeypatch)
    load(folder, cache=Cache(kept))
    assert sorted(parsed) == sorted(FILES)
    parsed.clear()
    load(folder, cache=Cache(kept))
    assert parsed == ["andon.toml"]
    same(folder, kept)


def test_a_file_that_changed_with_the_same_time_and_size_is_seen(folder: Path, kept: Path) -> None:
    path = folder / "throttles.toml"
    before = path.stat()
    same(folder, kept)
    path.write_text(FILES["throttles.toml"].replace("600", "601"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    found = same(folder, kept).policies
    assert found is not None
    assert getattr(found.resources["throttle.plant-standard"], "requests", None) == 601


def test_mistakes_are_told_every_time_and_mended_ones_are_forgotten(folder: Path, kept: Path) -> None:
    same(folder, kept)
    put(folder, "throttles.toml", FILES["throttles.toml"].replace("burst", "brust"))
    for _ in range(2):
        assert [each.rule for each in same(folder, kept).findings] == ["unknown-key"]
    put(folder, "throttles.toml", FILES["throttles.toml"])
    assert same(folder, kept).findings == []


def test_what_leads_nowhere_is_told_though_both_files_are_known(folder: Path, kept: Path) -> None:
    same(folder, kept)
    put(folder, "scopes.toml", '[scope."orders.read"]\n')
    assert {each.rule for each in same(folder, kept).findings} == {"unknown-reference"}
    put(folder, "scopes/again.toml", '[scope."orders.read"]\n')
    assert "duplicate" in {each.rule for each in same(folder, kept).findings}


def test_one_content_in_two_kinds_of_files_is_two_things(folder: Path, kept: Path) -> None:
    same(folder, kept)
    put(folder, "consumers/x.toml", FILES["throttles.toml"])
    assert {each.rule for each in same(folder, kept).findings} == {"unknown-key", "missing-key"}


def test_environments_are_laid_over_what_is_known(folder: Path, kept: Path) -> None:
    put(folder, "environments/prod/throttles.toml", "[throttle.plant-standard]\nrequests = 5\n")
    for _ in range(2):
        same(folder, kept)
        same(folder, kept, "prod")


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"", lambda b: b[:40], lambda b: b[:-1], lambda b: b[:-9] + bytes(9),
        lambda b: bytes(64) + b[64:], lambda b: b"x" * 99,
    ],
)  # fmt: skip
def test_what_was_damaged_is_not_looked_at(folder: Path, kept: Path, damage: object) -> None:
    same(folder, kept)
    [path] = kept.iterdir()
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    same(folder, kept)


def test_what_another_version_kept_is_not_looked_at(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(folder, cache=Cache(kept))
    monkeypatch.setattr(caching, "_key", lambda: b"another version of this code...."[:32])
    parsed = files_parsed(monkeypatch)
    load(folder, cache=Cache(kept))
    assert sorted(parsed) == sorted(FILES)


def test_a_place_that_cannot_be_written_costs_time_only(folder: Path, tmp_path: Path) -> None:
    put(tmp_path, "cache", "a file")
    same(folder, tmp_path / "cache")
    same(folder, tmp_path / "cache" / "deeper")


def test_what_went_away_is_forgotten_and_little_is_left(folder: Path, kept: Path) -> None:
    same(folder, kept)
    [path] = kept.iterdir()
    size = path.stat().st_size
    (folder / "consumers/mes-p03.toml").unlink()
    same(folder, kept)
    assert [each.name for each in kept.iterdir()] == [path.name]
    assert path.stat().st_size < size


def test_a_few_files_leave_nothing_behind(tmp_path: Path, kept: Path) -> None:
    load(made(tmp_path / "policies"), cache=Cache(kept))
    assert not kept.exists()
