"""The business documents that the simulated sources write: B2MML names, most as JSON, some as XML."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from msgspec import Struct

JSON = "application/json"
XML = "application/xml"
B2MML = "http://www.mesa.org/xml/B2MML"


class Written(Struct, frozen=True, kw_only=True):
    """A document as its source writes it."""

    content_type: str
    body: bytes


class Pen:
    """Writes the documents of one sender at one moment.

    Args:
        sender: the instance (``MES/P01``).
        at: plant time.
        message: the sender's number of the message.
    """

    def __init__(self, sender: str, at: datetime, message: str) -> None:
        self._sender = sender
        self._message = message
        self.moment, self.at = at, moment_text(at)

    def json(self, noun: str, body: dict[str, Any]) -> Written:
        """A JSON document: the sender's area, then the noun."""
        area = {"Sender": {"LogicalID": self._sender}, "CreationDateTime": self.at, "BODID": self._message}
        return Written(content_type=JSON, body=msgspec.json.encode({"ApplicationArea": area, noun: body}))

    def xml(self, root: str, noun: str, body: dict[str, Any]) -> Written:
        """An XML transaction (``SyncMaterialDefinition``) around the noun."""
        inner = _elements({noun: body}, 2)
        text = (
            f'<?xml version="1.0" encoding="utf-8"?>\n<{root} xmlns="{B2MML}" releaseID="V0700">\n'
            f"  <ApplicationArea>\n    <Sender><LogicalID>{escape(self._sender)}</LogicalID></Sender>\n"
            f"    <CreationDateTime>{self.at}</CreationDateTime>\n    <BODID>{escape(self._message)}</BODID>\n"
            f"  </ApplicationArea>\n  <DataArea>\n    <Sync/>\n{inner}  </DataArea>\n</{root}>\n"
        )
        return Written(content_type=XML, body=text.encode())


def moment_text(at: datetime) -> str:
    """A moment in UTC as documents write it, to the millisecond."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def quantity(amount: str, unit: str) -> dict[str, str]:
    """A B2MML quantity."""
    return {"QuantityString": amount, "DataType": "decimal", "UnitOfMeasure": unit}


def material_line(item: str, material: str, lot: str, amount: str, unit: str, **more: Any) -> dict[str, Any]:
    """A line with a material, its lot and a quantity."""
    return {
        "ID": item,
        **more,
        "MaterialDefinitionID": material,
        "MaterialLotID": lot,
        "Quantity": quantity(amount, unit),
    }


def price(number: int) -> dict[str, str]:
    """A net price for the document of that number."""
    return {"Amount": f"{3 + number % 180}.{number * 7 % 100:02d}", "Currency": "EUR"}


def badge(number: int) -> str:
    """The badge of somebody who works in a plant."""
    return f"BADGE-{40_000 + number * 37 % 9_973}"


def phone(number: int) -> str:
    """A phone number of a range that is never given to anybody."""
    return f"+49 30 23125 {number * 13 % 1_000:03d}"


def _elements(body: dict[str, Any], depth: int) -> str:
    pad = "  " * depth
    out: list[str] = []
    for name, value in body.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                out.append(f"{pad}<{name}>\n{_elements(each, depth + 1)}{pad}</{name}>\n")
            else:
                out.append(f"{pad}<{name}>{escape(str(each))}</{name}>\n")
    return "".join(out)
