"""The masks of one flow, and those of all flows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

import jsonpath_rfc9535
import msgspec
from lxml import etree

from hub.declarations import Catalogue, FlowDeclaration, KeyPaths, MaskPaths
from hub.documents import Form, extract_keys, form_of, read_document
from hub.masks.answer import hide_answer
from hub.masks.document import Hidden
from hub.masks.json_document import hide_json
from hub.masks.paths import is_exact, json_covers, json_pattern, last_names, xml_covers, xml_pattern
from hub.masks.words import Words
from hub.masks.xml_document import hide_xml
from transactions.errors import AndonError
from transactions.history import MASK, Attempt
from transactions.landscape import Flow
from transactions.model import Failure

REPEATS = "the target's words repeat a masked field"
UNREADABLE = "the flow masks fields, and this document cannot be read to find them"
_CODE_LENGTH = 4  # a shorter code that equals a hidden value does so by chance

# how a message is carried, and nothing of what is in it
_TECHNICAL = frozenset(
    {"accept", "authorization", "connection", "content-length", "content-type", "date", "host", "keep-alive",
     "retry-after", "server", "traceparent", "user-agent"}
)  # fmt: skip


class FlowMasks:
    """What one flow masks.

    Args:
        paths: as declared.
        keys: paths of its business keys.

    Attributes:
        keys: the business keys that are taken from what is masked.
        digest: changes when the declaration does.
        since: microseconds since 1970; words that were stored before were not cleared of what is masked now.
    """

    def __init__(self, paths: MaskPaths, keys: KeyPaths) -> None:
        self._json, self._xml = tuple(dict.fromkeys(paths.json)), tuple(dict.fromkeys(paths.xml))
        self.keys = frozenset(masked_keys(paths, keys))
        self.since = 0
        self._key_paths = keys
        self._certain = not self._xml and all(
            is_exact(json_pattern(path)) for path in (*self._json, *_all_paths(keys.json))
        )
        self.digest = hashlib.sha256(msgspec.json.encode([sorted(self._json), sorted(self._xml)])).hexdigest()[:16]
        named = [
            *(last_names(json_pattern(path)) for path in self._json),
            *(last_names(xml_pattern(path) or ()) for path in self._xml),
        ]
        self._names = None if not all(named) else frozenset(name.casefold() for names in named for name in names)

    def hide(self, content: bytes, content_type: str) -> Hidden:
        """A document of the flow with its masks on."""
        try:
            document = read_document(content, content_type)
            if document.form is Form.JSON:
                return hide_json(document.tree, content, self._json)
            return hide_xml(document.tree, content, content_type, self._xml)
        except (AndonError, jsonpath_rfc9535.JSONPathError, etree.LxmlError):
            # a reader with other settings took it: better nothing than the wrong thing
            return Hidden(content=None, withheld=UNREADABLE)

    @property
    def json_paths(self) -> tuple[str, ...]:
        """Where its JSON documents are masked."""
        return self._json

    @property
    def xml_paths(self) -> tuple[str, ...]:
        """Where its XML documents are masked."""
        return self._xml

    def keys_in_masks(self, content: bytes, content_type: str, keys: dict[str, str]) -> list[str]:
        """The business keys that were taken from what is masked in this document, though their paths do not say so:
        a path like ``//Name`` finds a name wherever it stands.

        Args:
            content, content_type: of the document.
            keys: its business keys.
        """
        if self._certain or self.keys.issuperset(keys):
            return []
        hidden = self.hide(content, content_type)
        if hidden.content is None or not hidden.hits:
            return []
        kind = "application/json" if form_of(content_type) is Form.JSON else "application/xml"
        shown = extract_keys(read_document(hidden.content, kind), self._key_paths)
        return [name for name, value in keys.items() if name not in self.keys and shown.get(name) != value]

    def hide_keys(self, keys: dict[str, str]) -> dict[str, str]:
        """Business keys as they are shown."""
        if self.keys.isdisjoint(keys):
            return keys
        return {name: MASK if name in self.keys else value for name, value in keys.items()}

    def secrets(self, documents: Iterable[tuple[bytes, str]]) -> Secrets:
        """What documents of the flow hide, to keep it out of words about them.

        Args:
            documents: content and content type of each.
        """
        values: list[str] = []
        closed = False
        for content, content_type in documents:
            hidden = self.hide(content, content_type)
            closed = closed or hidden.content is None
            values += (leaf for hit in hidden.hits for leaf in hit.leaves)
        return Secrets(Words(values), self._names, closed=closed)


class Secrets:
    """What the documents of one transaction hide, and how words about them are shown.

    Args:
        words: the hidden values.
        names: names of masked fields in lower case; None where a mask names none.
        closed: a document could not be read, so that nobody knows what it hides.
    """

    def __init__(self, words: Words, names: frozenset[str] | None, *, closed: bool) -> None:
        self._words, self._names, self._closed = words, names, closed

    @classmethod
    def unknown(cls) -> Secrets:
        """Those of documents that cannot be looked at now: everything may be one."""
        return cls(Words([]), None, closed=True)

    def repeated_in(self, text: str) -> bool:
        """Whether a sentence must not be shown."""
        return self._closed or self._words.repeated_in(text)

    def words(self, code: str, message: str) -> tuple[str, str]:
        """A target's code and message as they are shown."""
        if not (self.repeated_in(message) or self._words.repeated_in(code)):
            return code, message
        if len(code) >= _CODE_LENGTH and self._words.repeated_in(code):
            code = MASK
        return code, withheld_words(code)

    def failure(self, failure: Failure) -> Failure:
        """A failure as it is shown; the hub's own words name no values."""
        if failure.system == "hub":
            return failure
        code, message = self.words(failure.code, failure.message)
        return msgspec.structs.replace(failure, code=code, message=message)

    def sentence(self, text: str, instead: str) -> str:
        """``text``, or what stands for it where it repeats a hidden value."""
        return instead if self.repeated_in(text) else text

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers as they are shown."""
        return {
            name: MASK if name.lower() not in _TECHNICAL and self._words.repeated_in(value) else value
            for name, value in headers.items()
        }

    def attempt(self, attempt: Attempt) -> Attempt:
        """An attempt as it is shown."""
        body, said = attempt.response_body, attempt.response_headers
        return msgspec.structs.replace(
            attempt,
            url=MASK if self._words.repeated_in(attempt.url) else attempt.url,
            request_headers=self.headers(attempt.request_headers),
            response_headers=None if said is None else self.headers(said),
            response_body=None if body is None else self.answer(body),
            failure=None if attempt.failure is None else self.failure(attempt.failure),
        )

    def answer(self, body: str) -> str:
        """The body of an answer as it is shown."""
        return hide_answer(body, None if self._closed else self._names, self._words)


def withheld_words(code: str) -> str:
    """What stands for the words of a target that repeat a masked field."""
    return f"{code}: {REPEATS}"


class Masks:
    """The masks of every flow that declares some.

    Args:
        catalogue: what is declared.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._flows = {
            name: FlowMasks(flow.masked, flow.keys)
            for name, flow in catalogue.flow.items()
            if flow.masked.json or flow.masked.xml
        }
        keys: dict[str, list[str]] = defaultdict(list)
        for name, masks in self._flows.items():
            for key in masks.keys:
                keys[key].append(name)
        self.keys: dict[str, list[str]] = dict(keys)
        """The business keys that are masked somewhere, with the flows that mask them."""

    def flow(self, name: str) -> FlowMasks | None:
        """The masks of a flow; None where it masks nothing."""
        return self._flows.get(name)

    def describe(self, flow: Flow) -> Flow:
        """A flow with the keys that it masks."""
        masks = self.flow(flow.name)
        return flow if masks is None else msgspec.structs.replace(flow, masked_keys=sorted(masks.keys))

    @property
    def flows(self) -> Mapping[str, FlowMasks]:
        """Every flow that masks something."""
        return self._flows


NO_MASKS = Masks(Catalogue())
"""Where no flow masks anything."""


def masked_keys(paths: MaskPaths, keys: KeyPaths) -> list[str]:
    """The business keys whose paths lead, or may lead, to what is masked."""
    found = [
        name
        for covers, masks, named in ((json_covers, paths.json, keys.json), (xml_covers, paths.xml, keys.xml))
        for name, path in named.items()
        if any(covers(mask, one) for mask in masks for one in ([path] if isinstance(path, str) else path))
    ]
    return list(dict.fromkeys(found))


def _all_paths(named: dict[str, str | list[str]]) -> list[str]:
    return [one for path in named.values() for one in ([path] if isinstance(path, str) else path)]


def carried_keys(flow: FlowDeclaration, needed: Iterable[str]) -> dict[str, str]:
    """The business keys of a flow that travel in keys, lanes and headers, each with what it is for.

    Args:
        flow: its declaration.
        needed: keys by which other flows require this one.
    """
    uses = [
        *((name, "the idempotency key") for name in flow.identity),
        *((name, "the lane (order_by)") for name in (flow.order_by or "").split("+")),
        (flow.object or "", "the object of a version"),
        (flow.version or "", "the version"),
        ("plant", "the plant it is routed to"),
        *((need.key, "what it requires") for need in flow.requires),
        *((name, "what other flows require") for name in needed),
    ]
    found: dict[str, str] = {}
    for name, use in uses:
        if name:
            found.setdefault(name, use)
    return found


def needed_keys(catalogue: Catalogue, flow: str) -> list[str]:
    """The keys by which other flows require this one."""
    return [need.key for other in catalogue.flow.values() for need in other.requires if need.flow == flow]
