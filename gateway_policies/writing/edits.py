"""Changes in the files that are there, by address and field; everything else in them stays, comments too."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import tomlkit
from msgspec import Struct
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from gateway_policies.durations import span_of
from gateway_policies.edits import Edit, Remove, SetField
from gateway_policies.loading.fields import path_of, start_of
from gateway_policies.loading.loader import Loaded
from gateway_policies.loading.mistakes import Path as Keys
from gateway_policies.model import Api, Brownout, Consumer, Grant, Operation, Resource, Scope, Throttle, Version
from gateway_policies.writing.layout import laid_out
from gateway_policies.writing.tables import operation_table, put, table_of
from gateway_policies.writing.text import text_of

_LISTS = ("operations", "brownouts")


class CannotEdit(Exception):
    """A change that cannot be made in the files. None was."""


class Edits:
    """Changes in a folder of policies. They are made in memory; ``save`` writes the files.

    Args:
        folder: of the policies.
        loaded: what is in it; with an environment, a change is made where its value has the last word.
    """

    def __init__(self, folder: Path, loaded: Loaded) -> None:
        self._folder = folder
        self._places = loaded.places
        self._texts: dict[str, str | None] = {}
        self._old: dict[str, str | None] = {}

    @property
    def changed(self) -> dict[str, str | None]:
        """The new text of every file that has changed, by its path below the folder; None for one that goes away."""
        return {file: text for file, text in sorted(self._texts.items()) if text != self._old[file]}

    def before(self, file: str) -> str:
        """What a file says as long as nothing is saved; nothing for a new one."""
        return self._old[file] or ""

    @property
    def originals(self) -> dict[str, str | None]:
        """What every file that has changed says as long as nothing is saved; None for one that is new."""
        return {file: self._old[file] for file in self.changed}

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Several changes, of which none is made where one of them cannot be."""
        before = dict(self._texts)
        try:
            yield
        except CannotEdit:
            self._texts = before
            raise

    def make(self, edit: Edit) -> None:
        """Make a change that somebody has described; raises as the others do."""
        match edit:
            case SetField():
                self.set_field(edit.address, edit.field, edit.value)
            case Remove(address=address, field=None):
                self.remove(address)
            case Remove(address=address, field=str(field)):
                self.set_field(address, field, None)

    def set_field(self, address: str, field: str, value: object) -> None:
        """Give a field another value.

        Args:
            field: as ``Places.of`` takes it; ``operations[KEY]`` with an operation as its value adds or replaces one.
            value: as the model has it; None takes the field away, so that its default counts.

        Raises:
            CannotEdit: no file says the resource, or the change cannot be made.
        """
        file, path = self._said(address, field)
        if field.startswith("operations[") and len(path) == 1:
            if isinstance(value, Operation):
                self._append(file, "operation", operation_table(value))
            elif value is not None:
                raise CannotEdit(f"{address} has no {field}.")
            return
        if field in _LISTS and not isinstance(value, tuple | None):
            raise CannotEdit(f"{address}: {field} takes a list.")
        self._put(file, path, _plain(field, value))

    def append_operation(self, address: str, operation: Operation) -> None:
        """Add an operation to an API, beside those that it has; raises as ``set_field`` does."""
        self._append(self._start(address)[0], "operation", operation_table(operation))

    def set_brownouts(self, address: str, brownouts: Sequence[Brownout]) -> None:
        """Make these the brownouts of a version; one that stays keeps its comments.

        Raises:
            CannotEdit: no file says the version, or the change cannot be made.
        """
        file, path = self._said(address, "brownouts")
        there: Any = tomllib.loads(self._text(file))
        for part in path[:-1]:
            there = there[part]
        spans = [(each["from"], each["until"]) for each in there.get(path[-1], ())]
        wanted = [(each.from_, each.until) for each in brownouts]
        for number in reversed(range(len(spans))):
            if spans[number] not in wanted:
                self._put(file, (*path, number), None)
        left = [each for each in spans if each in wanted]
        for each in (each for each in wanted if each not in left):
            self._put(file, (*path, len(left)), {"from": each[0], "until": each[1]})
            left.append(each)

    def add(self, resource: Resource) -> None:
        """Describe something new: an API or a consumer in a file of its own, anything else where its like is.

        Raises:
            CannotEdit: it is there, or what it belongs to is not.
        """
        address = resource.address
        if self._find(address) is not None:
            raise CannotEdit(f"{address} is there already.")
        match resource:
            case Api() | Consumer():
                tables: dict[str, Any] = {}
                put(tables, resource)
                [(file, table)] = tables.items()
                if self._read(file) is not None:
                    raise CannotEdit(f"There is a file {file} already, and it is not {address}'s.")
                self._texts[file] = text_of(table)
            case Version():
                self._append(self._start(f"api.{resource.api}")[0], "version", table_of(resource))
            case Grant():
                self._append(self._start(f"consumer.{resource.consumer}")[0], "grant", table_of(resource))
            case _:
                kind, _, name = address.partition(".")
                file = "scopes.toml" if isinstance(resource, Scope) else "throttles.toml"
                file = file if isinstance(resource, Scope | Throttle) else "andon.toml"
                self._put(file, (kind, name), table_of(resource))

    def remove(self, address: str) -> None:
        """Take something away: of an API or a consumer the whole file.

        Raises:
            CannotEdit: no file says it.
        """
        file, start = self._start(address)
        if start in (("api",), ("consumer",)):
            self._texts[file] = None
        else:
            self._put(file, start, None)

    def save(self) -> list[Path]:
        """Write what has changed, each file at once or not at all.

        Raises:
            CannotEdit: a file is another than it was; somebody else changed it meanwhile. Nothing was written.
            OSError: a file cannot be written.
        """
        changed = self.changed
        for file in changed:
            if self._on_disk(file) != self._old[file]:
                raise CannotEdit(f"{file} was changed by somebody else meanwhile. Nothing was written. Try again.")
        for file, text in changed.items():
            path = self._folder / file
            if text is None:
                path.unlink()
            else:
                replace_file(path, text)
        return [self._folder / file for file in changed]

    # where things are

    def _said(self, address: str, field: str) -> tuple[str, Keys]:
        """Where a field is said, or would be."""
        place = self._places.of(address, field)
        if place is not None:
            text = self._text(place.file)
            raw = tomllib.loads(text)
            start = start_of(address, raw)
            if start is not None:
                return place.file, path_of(start, field, raw)
        file, start = self._start(address)
        return file, path_of(start, field, tomllib.loads(self._text(file)))

    def _find(self, address: str) -> tuple[str, Keys] | None:
        place = self._places.of(address)
        for file in dict.fromkeys([*self._texts, *([] if place is None else [place.file])]):
            text = self._read(file)
            start = None if text is None else start_of(address, tomllib.loads(text))
            if start is not None and self._head(file, address):
                return file, start
        return None

    def _head(self, file: str, address: str) -> bool:
        """Whether a file's API or consumer is the one of the address; other files say their names as keys."""
        kind, _, rest = address.partition(".")
        if kind not in ("api", "consumer"):
            return True
        return bool(tomllib.loads(self._text(file))[kind].get("name") == rest.partition(".")[0])

    def _start(self, address: str) -> tuple[str, Keys]:
        found = self._find(address)
        if found is None:
            raise CannotEdit(f"No file says {address}.")
        return found

    # files

    def _text(self, file: str) -> str:
        text = self._read(file)
        if text is None:
            raise CannotEdit(f"{file} cannot be read.")
        return text

    def _read(self, file: str) -> str | None:
        if file not in self._texts:
            self._texts[file] = self._old[file] = self._on_disk(file)
        return self._texts[file]

    def _on_disk(self, file: str) -> str | None:
        try:
            with (self._folder / file).open(encoding="utf-8", newline="") as stream:
                return stream.read()
        except FileNotFoundError:
            return None

    # changes

    def _append(self, file: str, key: str, table: dict[str, Any]) -> None:
        there = tomllib.loads(self._text(file)).get(key, [])
        self._put(file, (key, len(there)), table)

    def _put(self, file: str, path: Keys, value: Any) -> None:
        """Put a value at a path of a file, or take away what is there; and see to it that nothing else has changed."""
        text = self._read(file) or ""
        wanted = tomllib.loads(text)
        _lay(wanted, path, value)
        try:
            document = tomlkit.parse(text)
            same = tomlkit.dumps(document)
            _lay(document, path, value)
            new = _as_written(text, same, tomlkit.dumps(document))
            if laid_out(text) == text:
                # What was in the layout stays in it.
                new = laid_out(new)
            right = _full(tomllib.loads(new)) == _full(wanted)
        except (TOMLKitError, ValueError, KeyError, TypeError, IndexError) as error:
            raise CannotEdit(
                f"{file} cannot be changed at {'.'.join(map(str, path))}: {error}. Edit it by hand."
            ) from error
        if not right:
            raise CannotEdit(f"{file} is written in a way that cannot be changed by a program. Edit it by hand.")
        self._texts[file] = new


def _as_written(text: str, same: str, new: str) -> str:
    """A new text with every line that stays as it was written, which is not always how the library writes it back.

    Args:
        text: as it was.
        same: the same as the library writes it.
        new: as the library writes it after a change.
    """
    before, written, after = (each.split("\n") for each in (text, same, new))
    if text == same or len(before) != len(written):
        return new
    found: list[str] = []
    for how, start, end, other, last in SequenceMatcher(None, written, after, autojunk=False).get_opcodes():
        found += before[start:end] if how == "equal" else after[other:last]
    return "\n".join(found)


def _lay(tables: Any, path: Keys, value: Any) -> None:
    """Put a value at a path of tables: plain ones, or those that remember their comments."""
    holder = tables
    for number, part in enumerate(path[:-1]):
        if isinstance(holder, dict) and part not in holder:
            listed = isinstance(path[number + 1], int)
            if holder is tables and isinstance(tables, tomlkit.TOMLDocument):
                holder[str(part)] = tomlkit.aot() if listed else tomlkit.table(is_super_table=True)
            else:
                holder[part] = [] if listed else {}
        holder = holder[part]
    last = path[-1]
    if value is None:
        if isinstance(holder, dict) and last not in holder:
            return
        del holder[last]
        if isinstance(holder, list | AoT) and not holder:
            # An empty one would be written as "grant = []", above everything.
            _lay(tables, path[:-1], None)
    elif isinstance(holder, AoT) and last == len(holder):
        holder.append(tomlkit.item(value))
    elif isinstance(holder, list) and last == len(holder):
        holder.append(value)
    else:
        holder[last] = value


def _full(tables: dict[str, Any]) -> dict[str, Any]:
    """Tables without the empty ones on top, which say nothing and come and go with what was in them."""
    return {key: each for key, each in tables.items() if each not in ({}, [])}


def _plain(field: str, value: object) -> Any:
    """A value as files say it."""
    if field in ("per_seconds", "quota_per_seconds") and isinstance(value, int):
        return span_of(value)
    if isinstance(value, Operation):
        return operation_table(value)
    if isinstance(value, Brownout):
        return {"from": value.from_, "until": value.until}
    if isinstance(value, Struct):
        return {name: _plain(name, each) for name, each in _fields(value)}
    if isinstance(value, tuple | list):
        return [_plain("", each) for each in value]
    return str(value) if isinstance(value, str) else value


def _fields(value: Struct) -> list[tuple[str, object]]:
    return [(name, getattr(value, name)) for name in value.__struct_fields__ if getattr(value, name) is not None]


def replace_file(path: Path, text: str) -> None:
    """Write a file anew beside the old one and put it in its place, with the old one's permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A link keeps leading where it leads: what it leads to is what changes.
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o7777)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
