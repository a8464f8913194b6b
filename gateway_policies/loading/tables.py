"""Lists and tables of values, as shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway_policies.loading.mistakes import Path, quoted, spelled
from gateway_policies.loading.shapes import BROKEN, Checking, Shape, Text
from gateway_policies.nearest import did_you_mean, listed


class Items(Shape):
    """A list whose items are of one shape.

    Args:
        least: how many there have to be.
        once: whether each may be there only once.
    """

    stand_in = ()

    def __init__(self, item: Shape, *, least: int = 0, once: bool = False) -> None:
        self.item = item
        self.least = least
        self.once = once
        self.expected = "a list" if not isinstance(item, Table) else "a list of tables"

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The items that can be used; tables that cannot are ``BROKEN``."""
        if type(value) is not list:
            return self.wrong_type(value, path, checking)
        if len(value) < self.least:
            checking.tell(
                "bad-value", path, f"{spelled(path)} is empty.", f"Give it {self.least} at least, or leave it out."
            )
            return BROKEN
        found = []
        for number, each in enumerate(value):
            item = BROKEN if each is BROKEN else self.item.check(each, (*path, number), checking)
            if item is BROKEN:
                # A table keeps its place, so that those behind it are found where the file has them.
                if isinstance(self.item, Table):
                    found.append(item)
                continue
            if self.once and item in found:
                checking.tell(
                    "duplicate", (*path, number), f"{spelled(path)} has {quoted(str(item))} twice.", "Leave one out."
                )
                continue
            found.append(item)
        return found

    def schema(self) -> dict[str, Any]:
        """An array."""
        schema: dict[str, Any] = {"type": "array", "items": self.item.schema()}
        if self.least:
            schema["minItems"] = self.least
        if self.once:
            schema["uniqueItems"] = True
        return schema

    def hint(self, value: Any) -> str:
        """A list of one is a list too."""
        if isinstance(self.item, Table):
            return "Begin it with two brackets: [[…]]." if isinstance(value, dict) else ""
        return "Put it in brackets: [ ]." if isinstance(value, str) else ""


class Field:
    """A key of a table.

    Args:
        about: what it is, in a few words; editors show it.
        required: whether it has to be there.
        names: whether it is what the whole is called by: without it nothing else can be checked.
        default: what counts where it is missing, for editors.
    """

    def __init__(
        self, shape: Shape, about: str, *, required: bool = False, names: bool = False, default: Any = None
    ) -> None:
        self.shape = shape
        self.about = about
        self.required = required or names
        self.names = names
        self.default = default


class Table(Shape):
    """A table with known keys.

    Args:
        what: what it describes, with its article: ``an API``.
        together: keys that are there both or not at all.
        one_of: keys of which exactly one is there.
        removable: whether an overlay may take it away, with ``remove = true``.
    """

    expected = "a table"

    def __init__(
        self,
        what: str,
        fields: Mapping[str, Field],
        *,
        together: tuple[str, str] | None = None,
        one_of: tuple[str, str] | None = None,
        removable: bool = False,
    ) -> None:
        self.what = what
        self.fields = dict(fields)
        self.together = together
        self.one_of = one_of
        self.removable = removable
        self._required = [key for key, field in self.fields.items() if field.required]

    @property
    def _subject(self) -> str:
        """What it is, at the beginning of a sentence; the name of a file stays as it is."""
        return self.what if "." in self.what else f"{self.what[:1].upper()}{self.what[1:]}"

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The table, without what cannot be used; ``BROKEN`` where it cannot be told what it is called."""
        if type(value) is not dict:
            return self.wrong_type(value, path, checking)
        found: dict[str, Any] = {}
        for key, item in value.items():
            field = self.fields.get(key)
            if field is None:
                if checking.removing and self.removable and key == "remove":
                    found |= self._removal(item, value, path, checking)
                else:
                    self._unknown(key, path, checking)
                continue
            checked = field.shape.check(item, (*path, key), checking)
            if checked is not BROKEN:
                found[key] = checked
        for key in self._required:
            if key not in value and (not checking.partial or self.fields[key].names):
                self._missing(key, path, checking)
        if not checking.partial:
            self._across(value, path, checking)
            if found.keys().isdisjoint(self._required) and self._required:
                return BROKEN
        return self._completed(found, checking)

    def _completed(self, found: dict[str, Any], checking: Checking) -> Any:
        for key in self._required:
            if key in found:
                continue
            field = self.fields[key]
            if field.names:
                return BROKEN
            if not checking.partial:
                found[key] = field.shape.stand_in
        return found

    def _removal(self, item: Any, value: dict[str, Any], path: Path, checking: Checking) -> dict[str, Any]:
        if item is not True:
            checking.tell(
                "bad-value", (*path, "remove"), "remove can only be true.", "Leave it out, or write remove = true."
            )
            return {}
        others = [key for key in value if key != "remove" and not (key in self.fields and self.fields[key].names)]
        if others:
            checking.tell(
                "bad-value",
                (*path, "remove"),
                f"{self.what} is taken away and changed at once: remove = true stands beside {listed(others)}.",
                "Leave out one or the other.",
            )
        return {"remove": True}

    def _unknown(self, key: str, path: Path, checking: Checking) -> None:
        known = list(self.fields)
        where = f"[{spelled(path)}]" if path else "the file"
        if key == "remove" and self.removable:
            message, advice = (
                f"'remove' in {where}: only an environment takes something away.",
                "Delete the table instead.",
            )
        else:
            message = f"Unknown key {quoted(key)} in {where}.{did_you_mean(key, known)}"
            advice = f"{self._subject} has: {listed(known, 20)}."
        checking.tell("unknown-key", (*path, key), message, advice, on_key=True)

    def _missing(self, key: str, path: Path, checking: Checking) -> None:
        field = self.fields[key]
        example = getattr(field.shape, "example", "")
        checking.tell(
            "missing-key",
            path,
            f"{self._subject} without {key!r}: {field.about}.",
            f'Add {key} = "{example}", or what it is.' if example else f"Add {key}: {field.shape.expected}.",
            on_key=True,
        )

    def _across(self, value: dict[str, Any], path: Path, checking: Checking) -> None:
        if self.together is not None and (self.together[0] in value) != (self.together[1] in value):
            there, missing = self.together if self.together[0] in value else self.together[::-1]
            checking.tell(
                "missing-key",
                (*path, there),
                f"{there!r} without {missing!r}.",
                f"Add {missing}, or leave out {there}.",
                on_key=True,
            )
        if self.one_of is not None:
            count = sum(key in value for key in self.one_of)
            if count != 1:
                first, second = self.one_of
                both = f"neither {first!r} nor {second!r}" if count == 0 else f"both {first!r} and {second!r}"
                checking.tell(
                    "missing-key" if count == 0 else "bad-value",
                    path,
                    f"{self._subject} with {both}.",
                    "Give it one of the two.",
                    on_key=True,
                )

    def schema(self) -> dict[str, Any]:
        """An object with these properties and no others."""
        properties = {}
        for key, field in self.fields.items():
            about: dict[str, Any] = {"description": f"{field.about[:1].upper()}{field.about[1:]}."}
            if field.default is not None:
                about["default"] = field.default
            properties[key] = {**about, **field.shape.schema()}
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if self._required:
            schema["required"] = list(self._required)
        if self.together is not None:
            first, second = self.together
            schema["dependentRequired"] = {first: [second], second: [first]}
        if self.one_of is not None:
            schema["oneOf"] = [{"required": [key]} for key in self.one_of]
        return schema

    def hint(self, value: Any) -> str:
        """A list of tables has two brackets."""
        return "Begin it with one bracket: […]." if isinstance(value, list) else ""


class Named(Shape):
    """A table of things by name.

    Args:
        key: what the names look like.
    """

    expected = "a table"

    def __init__(self, key: Text, item: Shape) -> None:
        self.key = key
        self.item = item
        self._dotted = re.fullmatch(key.pattern, "a.b") is not None

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """What can be used of it."""
        if type(value) is not dict:
            return self.wrong_type(value, path, checking)
        found = {}
        for key, item in value.items():
            if re.fullmatch(self.key.pattern, key) is None:
                self._misnamed(key, item, path, checking)
                continue
            if self._dotted and self._split(key, item, path, checking):
                continue
            checked = self.item.check(item, (*path, key), checking)
            if checked is not BROKEN:
                found[key] = checked
        return found

    def _misnamed(self, key: str, item: Any, path: Path, checking: Checking) -> None:
        checking.tell(
            "bad-name",
            (*path, key),
            f"{quoted(key)} in [{spelled(path)}] is not {self.key.expected}.",
            self.key.hint(key),
            on_key=True,
        )

    def _split(self, key: str, item: Any, path: Path, checking: Checking) -> bool:
        """Whether a name with dots was written without quotes: it is a table in a table then."""
        parts = [key]
        while type(item) is dict:
            inner = next((name for name, each in item.items() if isinstance(each, dict)), None)
            if inner is None:
                break
            parts.append(inner)
            item = item[inner]
        if len(parts) == 1:
            return False
        name = ".".join(parts)
        checking.tell(
            "bad-name",
            (*path, *parts),
            f"{name} has dots and no quotes, so it is a table in a table.",
            f'Write [{spelled(path)}."{name}"].',
            on_key=True,
        )
        return True

    def schema(self) -> dict[str, Any]:
        """An object whose property names are of a pattern."""
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^(?:{self.key.pattern})$"},
            "additionalProperties": self.item.schema(),
        }
