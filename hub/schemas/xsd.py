"""XML Schema from files of one folder: includes and imports lead to files inside it, and no entity leads anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from hub.errors import SettingsError
from transactions.edits import Finding

XS = "{http://www.w3.org/2001/XMLSchema}"
_REFERS = (f"{XS}include", f"{XS}import", f"{XS}redefine")
_NAMES = re.compile(r"\{[^}]*\}")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def read_schema_file(path: Path, folder: Path) -> Any:
    """The root element of a schema file, whose references stay in the folder.

    Raises:
        SettingsError: it is no XML Schema, has a DOCTYPE, or refers to something outside of ``folder``.
    """
    try:
        tree: Any = etree.parse(str(path), _parser())
    except (etree.XMLSyntaxError, OSError) as error:
        raise SettingsError(f"{path} is no XML: {error}. Mend it, or take it out of the folder.") from error
    root = tree.getroot()
    if root.tag != f"{XS}schema":
        raise SettingsError(f"{path} is no XML Schema. Take it out of the folder.")
    if tree.docinfo.doctype:
        raise SettingsError(f"{path} has a DOCTYPE, which could bring in anything. Take that out of it.")
    for location in _locations(root):
        target = _inside(location, path, folder)
        if target is None:
            raise SettingsError(
                f"{path} refers to {location!r}, which is not a file in {folder}. The hub reads schemas from that "
                "folder only. Copy it there, or take the reference out."
            )
    return root


def _locations(root: Any) -> Iterator[str]:
    for child in root.iterchildren(*_REFERS):
        location = child.get("schemaLocation")
        if location is not None:
            yield location


def _inside(location: str, path: Path, folder: Path) -> Path | None:
    parts = urlsplit(location)
    if parts.scheme or parts.netloc:
        return None
    target = (path.parent / unquote(parts.path)).resolve()
    return target if target.is_relative_to(folder.resolve()) and target.is_file() else None


def roots_of(root: Any) -> Iterator[tuple[str, str]]:
    """The (namespace, name) of every element that a schema file declares at its top."""
    namespace = root.get("targetNamespace") or ""
    for element in root.iterchildren(f"{XS}element"):
        yield namespace, element.get("name") or ""


class XsdChecker:
    """Holds documents against one schema.

    Args:
        path: of its file.
        folder: that everything it refers to is in.

    Raises:
        SettingsError: it cannot be used.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        seen: set[Path] = set()
        waiting = [path.resolve()]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                root = read_schema_file(one, folder)
                waiting += [target for place in _locations(root) if (target := _inside(place, one, folder))]
        self.name = path.name
        try:
            self._schema = etree.XMLSchema(etree.parse(str(path), _parser()))
        except etree.XMLSchemaParseError as error:
            raise SettingsError(f"{path} cannot be used as an XML Schema: {error}.") from error

    def check(self, root: Any, most: int) -> list[Finding]:
        """What does not fit, ``most`` of it.

        Args:
            root: the document's, with its namespaces.
            most: findings that are told.
        """
        if self._schema.validate(root):
            return []
        entries: Any = self._schema.error_log
        return [
            Finding(path=entry.path or f"line {entry.line}", message=_NAMES.sub("", entry.message)[:300])
            for entry in islice(entries, most)
        ]
