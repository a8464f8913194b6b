"""The places of policies that were loaded from files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway_policies.loading.documents import Document, Texts
from gateway_policies.loading.fields import head_of, path_of, start_of
from gateway_policies.loading.folder import PolicyFile, content_of
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
        self._by_head: dict[str, PolicyFile] | None = None
        self._texts = texts or Texts()

    def of(self, address: str, field: str | None = None) -> Place | None:
        """As ``Places.of``."""
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
        if self._by_head is None:
            self._by_head = dict(reversed(list(self._files())))
        file = self._by_head.get(head)
        return None if file is None else self.opened(file)

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
