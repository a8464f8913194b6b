"""The places of policies that were loaded from files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway_policies.loading.documents import Document, Texts
from gateway_policies.loading.fields import head_of, path_of, start_of
from gateway_policies.loading.folder import PolicyFile, content_of
from gateway_policies.loading.headers import starts
from gateway_policies.loading.mistakes import Path
from gateway_policies.loading.overlays import heads_of
from gateway_policies.loading.syntax import parse
from gateway_policies.places import Place

_SETTINGS = ("gateway", "lint", "drift", "suppress", "issuer")


class Whereabouts:
    """Places, found when somebody asks.

    Args:
        files: every file of policies, with the addresses that it describes.
        documents: those that are not what their file says alone, by file.
        added: what an environment adds beside them.
    """

    def __init__(
        self,
        files: Callable[[], Iterable[tuple[str, PolicyFile]]],
        documents: dict[str, Document],
        added: Iterable[Document] = (),
        texts: Texts | None = None,
    ) -> None:
        self._files = files
        self._documents = documents
        self._added = {head: each for each in added for head in heads_of(each.file.kind, each.raw)}
        self._by_address: dict[str, PolicyFile] | None = None
        self._in_file: dict[str, list[str]] = {}
        self._starts: dict[str, dict[str, tuple[int, int]]] = {}
        self._texts = texts or Texts()

    def of(self, address: str, field: str | None = None) -> Place | None:
        """As ``Places.of``."""
        if field is None:
            place = self._start(address)
            if place is not None:
                return place
        document = self.document(address)
        start = None if document is None else start_of(address, document.raw)
        if document is None or start is None:
            return None
        if field is None:
            return self._texts.place(document, start, on_key=True)
        return self._texts.place(document, path_of(start, field, document.raw))

    def document(self, address: str) -> Document | None:
        """The document that describes what has this address; None where there is none."""
        kind = address.partition(".")[0].partition("[")[0]
        head = "andon" if kind in _SETTINGS else head_of(address)
        if head in self._added:
            return self._added[head]
        file = self._file_of(head)
        return None if file is None else self.opened(file)

    def _file_of(self, address: str) -> PolicyFile | None:
        """The file of the base that describes what has an address; of several the first."""
        if self._by_address is None:
            self._by_address = {}
            for each, file in self._files():
                self._by_address.setdefault(each, file)
                self._in_file.setdefault(file.file, []).append(each)
        return self._by_address.get(address)

    def _start(self, address: str) -> Place | None:
        """Where a resource begins, the quick way; None where that does not find it."""
        file = self._file_of(address)
        if file is None or file.file in self._documents or head_of(address) in self._added:
            return None
        found = self._starts.get(file.file)
        if found is None:
            content = content_of(file)
            text = content.decode(errors="replace") if isinstance(content, bytes) else ""
            found = self._starts[file.file] = starts(text, self._in_file[file.file])
        place = found.get(address)
        return None if place is None else Place(file.file, *place)

    def opened(self, file: PolicyFile) -> Document:
        """The document of a file; empty where it cannot be read any more."""
        document = self._documents.get(file.file)
        if document is None:
            content = content_of(file)
            raw = parse(content, file.file) if isinstance(content, bytes) else {}
            document = self._documents[file.file] = Document(file, raw if isinstance(raw, dict) else {})
        return document

    def at(self, document: Document, path: Path) -> Place:
        """The place of something in a document."""
        return self._texts.place(document, path, on_key=True)
