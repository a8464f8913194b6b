"""Reading business documents: their business keys by the declared paths, and their lines with quantities."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import jsonpath_rfc9535
import msgspec
from lxml import etree
from msgspec import Struct

from hub.declarations import Catalogue, FlowDeclaration
from transactions.errors import Unreadable

_PLAIN_PATH = re.compile(r"\$(?:\.[A-Za-z_]\w*|\[\d+\])+")
_MOST_DIGITS, _MOST_DECIMALS = 15, 9
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")


class Line(Struct, frozen=True, kw_only=True):
    """One line of a document: what was moved. ``quantity`` is None where the document has none that can be read."""

    id: str
    material: str
    lot: str
    quantity: str | None
    unit: str


class Reading(Struct, frozen=True, kw_only=True):
    """What a target understands of a document.

    Attributes:
        keys: business keys found by the flow's paths.
        lines: the material lines.
        identity: flow and identity values; None where one of them is missing.
        essence: hash of what the document says, whatever its bytes are.
        marks: further words the books need: disposition, hold state, phase, finality.
    """

    keys: dict[str, str]
    lines: list[Line]
    identity: str | None
    essence: str
    marks: dict[str, str]


_MARKS = (
    "Disposition",
    "State",
    "Phase",
    "Final",
    "SegmentState",
    "MovementType",
    "StatusCode",
    "OperationsType",
    "EvaluatedCriterion",
)

Getter = Callable[[Any], str | None]


class Reader:
    """Reads documents of the catalogue's flows."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._flows = catalogue.flow
        self._json = {name: _getters(flow.keys.json, _json_getter) for name, flow in catalogue.flow.items()}
        self._xml = {name: _getters(flow.keys.xml, _xml_getter) for name, flow in catalogue.flow.items()}

    def read(self, flow: str, body: bytes) -> Reading:
        """Read one document, XML when it begins with ``<``, else JSON.

        Raises:
            Unreadable: neither well-formed XML nor JSON with an object in it.
        """
        stripped = body.lstrip(b"\xef\xbb\xbf \t\r\n")
        if stripped.startswith(b"<"):
            root = _parse_xml(body)
            return self._reading(flow, root, self._xml[flow], list(_xml_lines(root)), _xml_marks(root))
        try:
            document = msgspec.json.decode(stripped)
        except msgspec.DecodeError as error:
            raise Unreadable(f"The document is neither XML nor JSON: {error}.") from error
        except RecursionError as error:
            raise _too_deep() from error
        if not isinstance(document, dict):
            raise Unreadable("The document is JSON, and not an object.")
        marks: dict[str, str] = {}
        try:
            lines = list(_json_lines(document, marks))
        except RecursionError as error:
            raise _too_deep() from error
        return self._reading(flow, document, self._json[flow], lines, marks)

    def _reading(
        self, name: str, document: Any, getters: dict[str, list[Getter]], lines: list[Line], marks: dict[str, str]
    ) -> Reading:
        keys: dict[str, str] = {}
        for key, candidates in getters.items():
            for getter in candidates:
                value = getter(document)
                if value:
                    keys[key] = value
                    break
        words = sorted((key, _amount(value) if key == "quantity" else value) for key, value in keys.items())
        said = [name, words, [_plain(line) for line in lines], sorted(marks.items())]
        return Reading(
            keys=keys,
            lines=lines,
            identity=identity_of(name, self._flows[name], keys),
            essence=hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:24],
            marks=marks,
        )


def identity_of(name: str, flow: FlowDeclaration, keys: dict[str, str]) -> str | None:
    """Flow and identity values as one string; None where one of them is missing."""
    values = [keys.get(key) for key in flow.identity]
    return None if None in values else "|".join([name, *(value for value in values if value is not None)])


def _getters(paths: dict[str, str | list[str]], make: Callable[[str], Getter]) -> dict[str, list[Getter]]:
    return {key: [make(path) for path in ([one] if isinstance(one, str) else one)] for key, one in paths.items()}


def _json_getter(path: str) -> Getter:
    if _PLAIN_PATH.fullmatch(path):
        # Nearly every path is a plain one, and walking it is thirty times as fast as a general query.
        steps = [name or int(index) for name, index in _STEP.findall(path)]
        return lambda document: _walk(document, steps)
    query = jsonpath_rfc9535.compile(path)

    def find(document: Any) -> str | None:
        node = query.find_one(document)
        return None if node is None else _text(node.value)

    return find


def _walk(document: Any, steps: list[str | int]) -> str | None:
    here = document
    for step in steps:
        if isinstance(step, int):
            if not isinstance(here, list) or step >= len(here):
                return None
        elif not isinstance(here, dict) or step not in here:
            return None
        here = here[step]
    return _text(here)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _xml_getter(path: str) -> Getter:
    query, whole = etree.XPath(path, smart_strings=False), etree.XPath("string()", smart_strings=False)

    def find(root: Any) -> str | None:
        found = query(root)
        for one in found if isinstance(found, list) else [found]:
            text = str(whole(one)) if isinstance(one, etree._Element) else one
            if isinstance(text, str) and text.strip():
                return text.strip()
        return None

    return find


def _parse_xml(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"The document is not well-formed XML: {error}.") from error
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.startswith("{"):
            element.tag = etree.QName(element).localname
    return root


def _xml_lines(root: etree._Element) -> Iterator[Line]:
    for element in root.iter():
        quantity = element.find("Quantity")
        material = element.findtext("MaterialDefinitionID")
        if quantity is not None and material:
            yield Line(
                id=element.findtext("ID") or "",
                material=material,
                lot=element.findtext("MaterialLotID") or "",
                quantity=quantity.findtext("QuantityString"),
                unit=quantity.findtext("UnitOfMeasure") or "",
            )


def _xml_marks(root: etree._Element) -> dict[str, str]:
    return {
        str(element.tag): (element.text or "").strip()
        for element in root.iter()
        if element.tag in _MARKS and len(element) == 0
    }


def _json_lines(node: Any, marks: dict[str, str], material: str = "", lot: str = "") -> Iterator[Line]:
    if isinstance(node, list):
        for each in node:
            yield from _json_lines(each, marks, material, lot)
    elif isinstance(node, dict):
        marks.update((name, str(node[name])) for name in _MARKS if isinstance(node.get(name), (str, bool)))
        material = _text(node.get("MaterialDefinitionID")) or material
        lot = _text(node.get("MaterialLotID")) or lot
        quantity = node.get("Quantity")
        if isinstance(quantity, dict):
            yield Line(
                id=_text(node.get("ItemID")) or _text(node.get("ID")) or "",
                material=material,
                lot=lot,
                quantity=_text(quantity.get("QuantityString")),
                unit=_text(quantity.get("UnitOfMeasure")) or "",
            )
        for value in node.values():
            if isinstance(value, (dict, list)):
                yield from _json_lines(value, marks, material, lot)


def _plain(line: Line) -> list[str]:
    """A line for comparison."""
    return [line.id, line.material, line.lot, _amount(line.quantity), line.unit]


def _amount(text: str | None) -> str:
    """A quantity for comparison: 12.50 and 12.5 are the same one."""
    amount = number(text)
    return "" if amount is None else format(amount.normalize(), "f")


def number(text: str | None) -> Decimal | None:
    """A quantity; None where there is none, it is no number, or one of more than 15 digits and 9 decimals.

    Within those bounds sums are exact, so that a reversal takes back just what was added.
    """
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or value.adjusted() >= _MOST_DIGITS:
        return None
    exponent = value.as_tuple().exponent
    return value if isinstance(exponent, int) and exponent >= -_MOST_DECIMALS else None


def _too_deep() -> Unreadable:
    return Unreadable("The document is nested deeper than the system reads.")
