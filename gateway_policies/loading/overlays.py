"""What an environment says over the base: the same files, with only what differs.

Tables merge by their keys, versions by name, operations by methods and path, grants by scope; suppressions are added;
anything else is replaced. ``remove = true`` takes away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from gateway_policies.loading.documents import Document
from gateway_policies.loading.folder import PolicyFile
from gateway_policies.loading.formats import FORMATS, Kind
from gateway_policies.loading.mistakes import Path, Problem, quoted
from gateway_policies.loading.shapes import BROKEN
from gateway_policies.loading.tables import Table
from gateway_policies.nearest import did_you_mean, nearest

Raw: TypeAlias = dict[str, Any]
Told: TypeAlias = tuple[Document, Problem]

_WHOLE: dict[str, tuple[str, ...]] = {"version": ("lifecycle",), "operation": ("scope",), "grant": ("reason",)}
"""What an item of a list has to say, besides its name, to be a new one and not one whose name was mistyped."""


def heads_of(kind: Kind, raw: Raw) -> list[str]:
    """The addresses of what a file describes, without what is inside them."""
    match kind:
        case Kind.API | Kind.CONSUMER:
            name = _table(raw.get(kind.value)).get("name")
            return [f"{kind.value}.{name}"] if isinstance(name, str) else []
        case Kind.SCOPES:
            return [f"scope.{name}" for name in _table(raw.get("scope"))]
        case Kind.THROTTLES:
            return [f"throttle.{name}" for name in _table(raw.get("throttle"))]
        case Kind.ANDON:
            return ["andon"]


class Overlay:
    """An environment that is laid over the base.

    Args:
        base: the document of each address of the base that the environment may say something of.
        known: every address of the base.

    Attributes:
        told: what is wrong with it, by document.
        added: what it adds, as documents of their own.
    """

    def __init__(self, base: dict[str, Document], known: Iterable[str]) -> None:
        self._base = base
        self._known = list(known)
        self.told: list[Told] = []
        self.added: list[Document] = []

    def lay(self, over: Document) -> None:
        """Lay one file of the environment over the base; it has been checked to be one."""
        kind = over.file.kind
        if kind is Kind.ANDON:
            self._andon(over)
        elif kind in (Kind.API, Kind.CONSUMER):
            self._head(over, kind)
        else:
            self._mapping(over, "scope" if kind is Kind.SCOPES else "throttle")

    def _andon(self, over: Document) -> None:
        base = self._base.get("andon")
        if base is None:
            self.added.append(over)
            return
        for key, value in over.raw.items():
            if key == "issuer":
                self._named(base, over, "issuer")
            elif key == "suppress":
                items = base.raw.setdefault("suppress", [])
                for number, each in enumerate(value):
                    if each is BROKEN:
                        continue
                    base.spots["suppress", len(items)] = (over.file, ("suppress", number))
                    items.append(each)
            else:
                self._merge(base, (key,), over, (key,))

    def _named(self, base: Document, over: Document, key: str) -> None:
        """Issuers: a table of things by name inside a document that is there."""
        for name, table in over.raw[key].items():
            things = base.raw.setdefault(key, {})
            if name in things:
                self._change(base, (key, name), over, (key, name), things, name)
            elif self._whole(FORMATS[Kind.ANDON], key, table):
                things[name] = table
                base.spots[key, name] = (over.file, (key, name))
            else:
                self._not_there(over, (key, name), f"{key}.{name}", (f"{key}.{each}" for each in things))

    def _mapping(self, over: Document, key: str) -> None:
        """Scopes and throttles: each may be in another file of the base."""
        new: Raw = {}
        for name, table in over.raw.get(key, {}).items():
            address = f"{key}.{name}"
            base = self._base.get(address)
            if base is not None:
                self._change(base, (key, name), over, (key, name), base.raw[key], name)
            elif "remove" not in table and self._whole(FORMATS[over.file.kind], key, table):
                self._looks_like(over, (key, name), address)
                new[name] = table
            else:
                self._not_there(over, (key, name), address, self._known)
        if new:
            self.added.append(Document(over.file, {key: new}))

    def _head(self, over: Document, kind: Kind) -> None:
        key = kind.value
        table = over.raw[key]
        address = f"{key}.{table['name']}"
        base = self._base.get(address)
        if base is None:
            fields = FORMATS[kind].fields[key].shape
            if "remove" not in table and isinstance(fields, Table) and _required(fields) <= table.keys():
                self._looks_like(over, (key, "name"), address)
                self.added.append(over)
            else:
                self._not_there(over, (key, "name"), address, self._known)
            return
        if "remove" in table:
            base.removed = True
            return
        self._merge(base, (key,), over, (key,))
        for items in ("version", "operation") if kind is Kind.API else ("grant",):
            if items in over.raw:
                self._items(base, over, items, address)

    def _items(self, base: Document, over: Document, key: str, head: str) -> None:
        there: list[Raw] = base.raw.setdefault(key, [])
        # Where each of them was said goes along when those before it are taken away.
        places = [base.origin((key, number)) for number in range(len(there))]
        laid: dict[int, list[tuple[int, Raw]]] = {}
        for number, each in enumerate(over.raw[key]):
            if each is BROKEN:
                continue
            name = identity(key, each)
            found = next((n for n, other in enumerate(there) if identity(key, other) == name), None)
            if found is not None:
                laid.setdefault(found, []).append((number, each))
            elif "remove" not in each and all(word in each for word in _WHOLE[key]):
                self._looks_like_item(over, key, number, name, there)
                there.append(each)
                places.append((over.file, (key, number)))
            else:
                self._not_there(
                    over, (key, number), f"{head}: {key} {name}", (f"{head}: {key} {identity(key, o)}" for o in there)
                )
        self._rebuild(base, over, key, there, places, laid)

    def _rebuild(
        self,
        base: Document,
        over: Document,
        key: str,
        there: list[Raw],
        places: list[tuple[PolicyFile, Path]],
        laid: dict[int, list[tuple[int, Raw]]],
    ) -> None:
        kept: list[Any] = []
        base.raw[key] = kept
        for number, table in enumerate(there):
            changes = laid.get(number, [])
            if any("remove" in each for _, each in changes):
                continue
            at: Path = (key, len(kept))
            kept.append(dict(table) if isinstance(table, dict) else table)
            base.spots[at] = places[number]
            for their, _ in changes:
                self._merge(base, at, over, (key, their))

    def _change(self, base: Document, at: Path, over: Document, there: Path, things: Raw, name: str) -> None:
        table = _at(over.raw, there)
        if "remove" in table:
            del things[name]
        else:
            things[name] = dict(things[name])
            self._merge(base, at, over, there)

    def _merge(self, base: Document, at: Path, over: Document, there: Path) -> None:
        """Lay the table ``there`` of the environment over the table ``at`` of the base, key by key."""
        holder = _at(base.raw, at[:-1])
        old = holder.get(at[-1]) if isinstance(holder, dict) else holder[at[-1]]
        new = _at(over.raw, there)
        if not isinstance(old, dict) or not isinstance(new, dict):
            holder[at[-1]] = new
            base.spots[at] = (over.file, there)
            return
        merged = holder[at[-1]] = dict(old)
        for key, value in new.items():
            if isinstance(value, dict) and isinstance(merged.get(key), dict):
                self._merge(base, (*at, key), over, (*there, key))
            else:
                merged[key] = value
                base.spots[(*at, key)] = (over.file, (*there, key))

    def _whole(self, outer: Table, key: str, table: Raw) -> bool:
        item = getattr(outer.fields[key].shape, "item", None)
        if not isinstance(item, Table):
            return True
        chosen = item.one_of is None or any(each in table for each in item.one_of)
        return "remove" not in table and bool(table) and _required(item) <= table.keys() and chosen

    def _not_there(self, over: Document, path: Path, what: str, known: Iterable[str]) -> None:
        self.told.append(
            (
                over,
                Problem(
                    "overlay-unknown",
                    path,
                    f"The base has no {quoted(what, 120)}.{did_you_mean(what, known)}",
                    "An environment says what differs from the base. To add something, describe it whole.",
                    on_key=path[-1] != "name",
                ),
            )
        )

    def _looks_like(self, over: Document, path: Path, address: str) -> None:
        near = _close(address, self._known)
        if near is not None:
            self._adds(over, path, f"This adds {address}; the base has {near}.")

    def _looks_like_item(self, over: Document, key: str, number: int, name: str, there: list[Raw]) -> None:
        near = _close(name, [identity(key, each) for each in there]) if key == "operation" else None
        if near is not None:
            self._adds(over, (key, number), f"This adds the {key} {name}; the base has {near}.")

    def _adds(self, over: Document, path: Path, message: str) -> None:
        advice = "If the one of the base is meant, write it the same way."
        self.told.append((over, Problem("overlay-adds", path, message, advice, on_key=path[-1] != "name")))


def identity(key: str, table: Raw) -> str:
    """What tells the items of a list apart."""
    table = _table(table)
    if key == "operation":
        return f"{','.join(sorted(map(str, table.get('methods', ()))))} {table.get('path')}"
    return str(table.get("scope" if key == "grant" else "name"))


def _close(name: str, known: list[str]) -> str | None:
    """One that differs by a letter or two; names that differ by a number are two names."""
    found = nearest(name, known)
    if found is None or _digits(found) != _digits(name) or found == name:
        return None
    from difflib import SequenceMatcher

    return found if SequenceMatcher(None, name, found).ratio() > 0.93 else None


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _required(table: Table) -> set[str]:
    return {key for key, field in table.fields.items() if field.required}


def _at(raw: Any, path: Path) -> Any:
    for part in path:
        raw = raw[part]
    return raw


def _table(value: Any) -> Raw:
    return value if isinstance(value, dict) else {}
