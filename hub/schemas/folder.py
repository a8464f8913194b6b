"""The folder of schemas, and which of them a document is held against.

By name: ``FLOW.schema.json`` or ``FLOW.xsd``, else ``DOCUMENT.schema.json`` or ``DOCUMENT.xsd`` (the document that the
flow carries). Other XML goes by its root element: the file that declares it, in its namespace, or, where no file knows
that namespace, in the only one that has an element of that name.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from hub.documents import Form, as_utf8, form_of, media_type, read_document
from hub.errors import SettingsError
from hub.masks.xml_document import local_name, parse_written
from hub.schemas.json_schema import JsonChecker, read_json_schemas
from hub.schemas.xsd import XsdChecker, read_schema_file, roots_of
from transactions.edits import Finding
from transactions.errors import AndonError

MOST = 20
"""Findings that are told of one document."""
_JSON, _XSD = ".schema.json", ".xsd"


class Schemas:
    """What documents are held against.

    Args:
        folder: with the files; None knows no schema.

    Raises:
        SettingsError: a file of it is no schema.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._json: dict[str, Any] = {}
        self._xsd: dict[str, Path] = {}
        self._roots: dict[tuple[str, str], Path] = {}
        self._checkers: dict[str, JsonChecker | XsdChecker] = {}
        self._lock = threading.Lock()  # readers are threads
        if folder is None:
            return
        files = sorted(path for path in folder.iterdir() if path.is_file())
        self._json = read_json_schemas(path for path in files if path.suffix == ".json")
        for name in self._json:
            if name.endswith(_JSON):
                self._checkers[name] = JsonChecker(name, self._json)
        for path in files:
            if path.suffix == _XSD:
                self._xsd[path.name] = path
                for declared in roots_of(read_schema_file(path, folder)):
                    self._roots.setdefault(declared, path)

    def check(self, flow: str, document: str, content: bytes, content_type: str) -> list[Finding]:
        """What of a document does not fit its schema; nothing where none is known.

        Args:
            flow: name of its flow.
            document: the name of what the flow carries.
            content: its bytes.
            content_type: what they came with.
        """
        if self._folder is None:
            return []
        try:
            form = form_of(content_type)
            read = read_document(content, content_type)
            if form is Form.JSON:
                checker = self._for_json(flow, document)
                return [] if checker is None else checker.check(read.tree, MOST)
            root = parse_written(as_utf8(content, media_type(content_type)[1]))
            found = self._for_xml(flow, document, root)
            return [] if found is None else found.check(root, MOST)
        except AndonError as error:
            return [Finding(path="", message=f"it cannot be read: {error.extra.get('reason') or error.title}")]
        except SettingsError as error:
            return [Finding(path="", message=f"its schema cannot be used: {error}")]

    def _for_json(self, flow: str, document: str) -> JsonChecker | None:
        name = next((f"{one}{_JSON}" for one in (flow, document) if f"{one}{_JSON}" in self._json), None)
        if name is None:
            return None
        found = self._made(name, lambda: JsonChecker(name, self._json))
        assert isinstance(found, JsonChecker)
        return found

    def _for_xml(self, flow: str, document: str, root: Any) -> XsdChecker | None:
        path = next((self._xsd[f"{one}{_XSD}"] for one in (flow, document) if f"{one}{_XSD}" in self._xsd), None)
        path = path or self._by_root(root)
        if path is None or self._folder is None:
            return None
        folder = self._folder
        found = self._made(path.name, lambda: XsdChecker(path, folder))
        assert isinstance(found, XsdChecker)
        return found

    def _by_root(self, root: Any) -> Path | None:
        name = local_name(root.tag)
        namespace = root.tag[1:].rpartition("}")[0] if root.tag.startswith("{") else ""
        exact = self._roots.get((namespace, name))
        if exact is not None or any(known == namespace for known, _ in self._roots):
            return exact
        alike = [path for (_, declared), path in self._roots.items() if declared == name]
        return alike[0] if len(alike) == 1 else None

    def _made(self, name: str, make: Any) -> JsonChecker | XsdChecker:
        with self._lock:
            if name not in self._checkers:
                self._checkers[name] = make()
            return self._checkers[name]


def read_schemas(folder: Path | None) -> Schemas:
    """The schemas of a folder; none without one.

    Raises:
        SettingsError: the folder cannot be read, or a file of it is no schema.
    """
    if folder is None:
        return NO_SCHEMAS
    try:
        return Schemas(folder)
    except OSError as error:
        raise SettingsError(
            f"The schemas in {folder} cannot be read: {error.strerror or error}. Name another folder with --schemas."
        ) from error


NO_SCHEMAS = Schemas()
"""Where documents are held against nothing."""
