"""Keys from ``keys.toml`` in the configuration folder: a table ``[keys]`` of binding id = key (``"ctrl+o,o"``)."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

import msgspec
from msgspec import Struct

from transactions.untrusted import parse_toml


class KeysFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as it is written."""

    keys: dict[str, str] = msgspec.field(default_factory=dict)


class Keys(Struct, frozen=True, kw_only=True):
    """The usable entries, and what is wrong with the others."""

    keymap: dict[str, str]
    faults: list[str]


def load(path: Path, known: Collection[str]) -> Keys:
    """Read ``path``; a file that is not there changes nothing.

    Args:
        path: the file.
        known: the ids that bindings have.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = msgspec.convert(parse_toml(text), KeysFile)
    except FileNotFoundError:
        return Keys(keymap={}, faults=[])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        return Keys(keymap={}, faults=[f"{path.name} cannot be used: {error}. The usual keys stay."])
    keymap: dict[str, str] = {}
    faults: list[str] = []
    for name, key in content.keys.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            faults.append(
                f"{path.name}: there is no action {name!r}" + (f"; did you mean {near[0]!r}?" if near else ".")
            )
        elif not key.strip() or any(not part.strip() for part in key.split(",")):
            faults.append(f"{path.name}: {name} has an empty key; write one like 'ctrl+o'.")
        else:
            keymap[name] = key
    return Keys(keymap=keymap, faults=faults)
