"""Chains of versions as they come to be, with what each step changes: ``chains/NAME/expected.json``.

``python tests/gateway_policies/contracts/test_chains.py`` writes the files; read what it changed before you keep it.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway_policies.contracts.catalogue import kinds
from gateway_policies.contracts.change import Level
from gateway_policies.contracts.comparing import compare
from gateway_policies.contracts.contract import Contract, open_contract
from gateway_policies.contracts.texts import FolderTexts

CHAINS = Path(__file__).parent / "chains"
NAMES = sorted(each.name for each in CHAINS.iterdir() if each.is_dir())


def versions(name: str) -> list[str]:
    files = [each.name for each in (CHAINS / name).iterdir() if each.name.startswith("v")]
    return sorted(files, key=lambda file: [int(part) for part in Path(file).stem[1:].split(".")])


def contract(name: str, file: str) -> Contract:
    found, findings = open_contract(FolderTexts(CHAINS / name), file)
    assert findings == []
    assert found is not None
    return found


def steps(name: str) -> list[tuple[str, str]]:
    """One to the next, and from the first to the last."""
    files = versions(name)
    return [*pairwise(files), (files[0], files[-1])]


def told(name: str, before: str, after: str) -> list[list[str]]:
    return [
        [each.level.value, each.id, each.path, ", ".join(each.operations), each.message]
        for each in compare(contract(name, before), contract(name, after))
    ]


def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CHAINS / name / "expected.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(("name", "before", "after"), [(name, *step) for name in NAMES for step in steps(name)])
def test_a_step_changes_what_is_expected(name: str, before: str, after: str) -> None:
    assert told(name, before, after) == expected(name)[f"{before} → {after}"]


@pytest.mark.parametrize(("name", "file"), [(name, file) for name in NAMES for file in versions(name)])
def test_a_version_is_what_it_is(name: str, file: str) -> None:
    assert told(name, file, file) == []


@pytest.mark.parametrize(("name", "before", "after"), [(name, *step) for name in NAMES for step in steps(name)])
def test_every_change_has_a_kind_and_a_place(name: str, before: str, after: str) -> None:
    old, new = contract(name, before), contract(name, after)
    known = kinds()
    for change in compare(old, new):
        assert change.id in known
        assert change.before is not None or change.after is not None
        assert change.message.endswith(".")
        for side, spot in ((old, change.before), (new, change.after)):
            if spot is not None:
                place = side.places([spot])[spot]
                assert place.line > 1 or spot.pointer == ""


@pytest.mark.parametrize("name", NAMES)
def test_what_breaks_one_way_widens_the_other(name: str) -> None:
    """A step taken back: what was only compatible may break then, and a chain that breaks nothing is a minor one."""
    for before, after in steps(name):
        forth = compare(contract(name, before), contract(name, after))
        back = compare(contract(name, after), contract(name, before))
        assert bool(forth) == bool(back)
        assert any(each.level is not Level.COMPATIBLE for each in (*forth, *back))


def main() -> None:
    for name in NAMES:
        found = {f"{before} → {after}": told(name, before, after) for before, after in steps(name)}
        text = json.dumps(found, indent=1, ensure_ascii=False)
        (CHAINS / name / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
