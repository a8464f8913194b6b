"""A contract that can be compared: an OpenAPI document, read, with all that it refers to. What is wrong is findings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from gateway_policies.contracts.change import Spot, pointer_to
from gateway_policies.contracts.documents import Dialect, Library, Node
from gateway_policies.contracts.fault import Fault
from gateway_policies.contracts.positions import positions
from gateway_policies.contracts.schemas import Schemas
from gateway_policies.contracts.texts import Texts
from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.places import Place

UNREADABLE: Final = "contract-unreadable"
REFERENCE: Final = "contract-reference"
_MOST_REFERENCES: Final = 50
_EXAMPLES: Final = frozenset({"example", "examples", "default", "enum", "const"})
_NAMES: Final = frozenset(
    {
        "properties",
        "patternProperties",
        "$defs",
        "definitions",
        "dependentSchemas",
        "schemas",
        "parameters",
        "responses",
    }
    | {"headers", "examples", "requestBodies", "links", "callbacks", "paths", "pathItems", "webhooks", "content"}
)


class Contract:
    """An OpenAPI document and the files that it refers to."""

    def __init__(self, library: Library, root: Node, texts: Texts) -> None:
        self.library = library
        self.root = root
        self.schemas = Schemas(library)
        self._texts = texts

    @property
    def alone(self) -> bool:
        """Whether it refers to no other file."""
        return len(list(self.library.documents)) == 1

    @property
    def file(self) -> str:
        """Its path below the folder of the policies."""
        return self.library.file

    def places(self, spots: list[Spot]) -> dict[Spot, Place]:
        """Lines and columns of places in it; every file is gone through once."""
        found: dict[Spot, Place] = {}
        for file in dict.fromkeys(spot.file for spot in spots):
            raw = self._texts.read(file) or b""
            own = [spot for spot in spots if spot.file == file]
            lines = positions(raw.decode("utf-8-sig", "replace"), (spot.pointer for spot in own))
            found |= {spot: Place(file, *lines[spot.pointer]) for spot in own}
        return found


def open_contract(texts: Texts, file: str, address: str | None = None) -> tuple[Contract | None, list[Finding]]:
    """Read a contract.

    Args:
        file: its path below the folder of the policies.
        address: the version's that has it, for findings to name.

    Returns:
        The contract, None when it cannot be compared; and what is wrong with it. References that lead nowhere are
        findings, and what they stand for is not compared.
    """
    library = Library(texts, file)
    root = library.root
    if root is None:
        message = f"The contract {file!r} is not there. Without it nobody can tell what callers were promised."
        return None, [_finding(UNREADABLE, message, Place(file, 1, 1), address, _SPELLING)]
    if isinstance(root, Fault):
        return None, [_finding(UNREADABLE, root.message, Place(file, root.line, root.column), address)]
    problem = _not_openapi(root)
    if problem is not None:
        message, pointer, advice = problem
        made = Contract(library, root, texts)
        place = made.places([Spot(file, pointer)])[Spot(file, pointer)]
        return None, [_finding(UNREADABLE, message, place, address, advice)]
    version = str(root.value["openapi"])
    library.dialect = Dialect.OPENAPI_3_0 if version.startswith("3.0") else Dialect.OPENAPI_3_1
    return _checked(library, root, texts, address)


def open_schema(texts: Texts, file: str, address: str | None = None) -> tuple[Contract | None, list[Finding]]:
    """Read the JSON Schema of a document; as ``open_contract``."""
    library = Library(texts, file)
    root = library.root
    if root is None:
        message = f"The schema {file!r} is not there."
        return None, [_finding(UNREADABLE, message, Place(file, 1, 1), address, _SPELLING)]
    if isinstance(root, Fault):
        return None, [_finding(UNREADABLE, root.message, Place(file, root.line, root.column), address)]
    if not isinstance(root.value, dict | bool):
        message = "A JSON Schema is an object, or true or false; this is neither."
        return None, [_finding(UNREADABLE, message, Place(file, 1, 1), address)]
    return _checked(library, root, texts, address)


def _checked(library: Library, root: Node, texts: Texts, address: str | None) -> tuple[Contract, list[Finding]]:
    """A contract, with what its references do not lead to."""
    contract = Contract(library, root, texts)
    lost = list(islice(_lost(library), _MOST_REFERENCES))
    places = contract.places([spot for spot, _ in lost])
    return contract, [_finding(REFERENCE, message, places[spot], address) for spot, message in lost]


_SPELLING: Final = "Look at the spelling of the path; it counts from the folder of the policies."


def _finding(rule: str, message: str, place: Place, address: str | None, advice: str = "") -> Finding:
    return Finding(rule=rule, severity=Severity.ERROR, message=message, address=address, place=place, help=advice)


def _not_openapi(root: Node) -> tuple[str, str, str] | None:
    """Why a document cannot be compared as OpenAPI, where, and what to do."""
    if not isinstance(root.value, dict):
        return "A contract is an object with 'openapi', 'info' and 'paths'; this is none.", "", ""
    swagger, version = root.value.get("swagger"), root.value.get("openapi")
    if swagger is not None and version is None:
        advice = "Convert it to OpenAPI 3 first, with a converter such as swagger2openapi, and keep what comes out."
        return (
            f"This is Swagger {swagger}, whose documents are built differently; 3.0 and 3.1 are read.",
            "/swagger",
            advice,
        )
    if version is None:
        names = ", ".join(sorted(map(repr, list(root.value)[:5]))) or "nothing"
        return f"This is no OpenAPI document: it has no 'openapi' at its top, but {names}.", "", _BEGINS
    if not isinstance(version, str):
        return f"'openapi' must be a text such as \"3.1.0\", and is {version!r}.", "/openapi", _BEGINS
    if not version.startswith(("3.0", "3.1")):
        return f"This is OpenAPI {version}; 3.0 and 3.1 are read.", "/openapi", ""
    for key in ("paths", "components", "webhooks"):
        if key in root.value and not isinstance(root.value[key], dict):
            return f"{key!r} must be an object.", f"/{key}", ""
    return None


_BEGINS: Final = 'An OpenAPI document begins with "openapi": "3.1.0" (or 3.0), as JSON or YAML.'


def _lost(library: Library) -> Iterator[tuple[Spot, str]]:
    """References that lead nowhere, in all files that are read."""
    done: set[str] = set()
    while True:
        fresh = [root for root in library.documents if root.file not in done]
        if not fresh:
            return
        for root in fresh:
            done.add(root.file)
            for keys, reference in _references(root.value):
                target = library.target(reference, root.file)
                if isinstance(target, str):
                    yield Spot(root.file, pointer_to("", *_unwound(keys), "$ref")), target


_Trail = tuple[Any, ...]


def _references(value: Any) -> Iterator[tuple[_Trail, str]]:
    """Every ``$ref`` below a value, with the way to it; examples and defaults have none."""
    todo: list[tuple[Any, _Trail, bool]] = [(value, (), False)] if isinstance(value, dict | list) else []
    while todo:
        here, keys, names = todo.pop()
        if isinstance(here, list):
            todo.extend((each, (keys, at), False) for at, each in enumerate(here) if isinstance(each, dict | list))
            continue
        reference = here.get("$ref")
        if isinstance(reference, str) and not names:
            yield keys, reference
        for key, each in here.items():
            if isinstance(each, dict | list) and (names or not (key in _EXAMPLES or key.startswith("x-"))):
                todo.append((each, (keys, key), not names and key in _NAMES and isinstance(each, dict)))


def _unwound(keys: _Trail) -> list[str | int]:
    found: list[str | int] = []
    while keys:
        keys, key = keys
        found.append(key)
    return list(reversed(found))
