"""How a system is asked for what it holds, and what has to agree between systems: declarations, as data.

``[system.NAME.inquiry.orders]`` says where a system is asked for its orders and where in the answer is what;
``[reconciliation.orders]`` says what of an order has to agree, and which flows bring it about. Who is compared with
whom follows from the sources and targets of those flows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import jsonpath_rfc9535
import msgspec
from msgspec import Struct

from transactions.reconciliation.model import Kind

if TYPE_CHECKING:
    from hub.declarations import Catalogue

KINDS = tuple(kind.value for kind in Kind)


class InquiryDeclaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question that a system answers.

    Attributes:
        path: below the system's address. ``{as_of}`` stands for the moment (RFC 3339, UTC), ``{plant}`` for the plant
            that is asked for (empty for all), ``{limit}`` for the length of a page, ``{cursor}`` for where it begins
            (empty for the first one).
        items: JSONPath of the list of entries.
        next: JSONPath of what leads to the next page: a cursor where the path has a place for one, else a link of the
            same system. None where there are no pages.
        plant: JSONPath of an entry's plant, from the entry; None where an instance has those of its own plant only.
        key: JSONPath, from the entry, of each part of what the object is known by.
        values: JSONPath, from the entry, of each field that is compared.
        units: of the fields that are amounts: JSONPath, from the entry, or the unit itself.
    """

    path: str
    key: dict[str, str]
    values: dict[str, str]
    items: str = "$.items"
    next: str | None = None
    plant: str | None = "$.plant"
    units: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def dated(self) -> bool:
        """Whether it can be asked as of a moment; else it says what it holds now."""
        return "{as_of}" in self.path

    def paths(self) -> Iterator[tuple[str, str]]:
        """Every JSONPath with its place."""
        yield "items", self.items
        for name, path in (("next", self.next), ("plant", self.plant)):
            if path is not None:
                yield name, path
        for table in ("key", "values", "units"):
            for name, path in getattr(self, table).items():
                if table != "units" or path.startswith("$"):
                    yield f"{table}.{name}", path


class FieldDeclaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that has to agree.

    Attributes:
        flows: that bring it about: their sources lead, their targets have to say the same.
        amount: it is a quantity: nothing said is zero, several sources add up, a tolerance applies.
        alike: nobody leads, since every system counts for itself, as with stock.
        adds: the flows whose documents add their quantity to it in a target.
        takes: those that take it away. Of flows in neither list it is not known.
        quantities: JSONPath, in a JSON document, of the quantities that it adds or takes; they are added up.
            ``{order}`` stands for that key of the object in question, as a JSONPath string. Without it, and in other
            documents, a quantity is not known.
    """

    flows: list[str]
    amount: bool = False
    alike: bool = False
    adds: list[str] = msgspec.field(default_factory=list)
    takes: list[str] = msgspec.field(default_factory=list)
    quantities: str | None = None

    def sign(self, flow: str) -> int:
        """1 where a document of ``flow`` adds to it, -1 where it takes away, 0 where that is not known."""
        return (flow in self.adds) - (flow in self.takes)

    def quantities_of(self, keys: Mapping[str, str]) -> str | None:
        """The path to quantities in documents about the object with these keys."""
        path = self.quantities
        for name, value in keys.items() if path is not None else ():
            path = (path or "").replace(f"{{{name}}}", json.dumps(value))
        return path


class ReconciliationDeclaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What has to agree about one kind of object.

    Attributes:
        key: what an object is known by; the same names as the business keys of transactions about it.
        field: what has to agree, by name.
    """

    key: list[str]
    field: dict[str, FieldDeclaration]


def problems_of_inquiry(inquiries: Mapping[str, InquiryDeclaration], place: str) -> list[str]:
    """What cannot be in the inquiries of a system, each with its place."""
    problems = []
    for kind, inquiry in inquiries.items():
        here = f"{place}.inquiry.{kind}"
        if kind not in KINDS:
            problems.append(f"{here}: there is no such inquiry; there is {', '.join(KINDS)}")
        if not inquiry.path.startswith("/"):
            problems.append(f"{here}.path: it begins with a slash, below the system's address")
        if not inquiry.key:
            problems.append(f"{here}.key: an object is known by at least one key")
        for name, path in inquiry.paths():
            problems += _problems_of_path(f"{here}.{name}", path)
    return problems


def _problems_of_path(place: str, path: str) -> list[str]:
    try:
        jsonpath_rfc9535.compile(path)
    except jsonpath_rfc9535.JSONPathError as error:
        return [f"{place}: {path!r} is not a JSONPath (RFC 9535): {error}"]
    return []


def problems_of_reconciliation(name: str, declared: ReconciliationDeclaration) -> list[str]:
    """What cannot be in a reconciliation, each with its place."""
    place = f"reconciliation.{name}"
    problems = [] if name in KINDS else [f"{place}: there is no such reconciliation; there is {', '.join(KINDS)}"]
    problems += [] if declared.key else [f"{place}.key: an object is known by at least one key"]
    for field_name, field in declared.field.items():
        here = f"{place}.field.{field_name}"
        if not field.flows:
            problems.append(f"{here}.flows: it follows from at least one flow")
        if (field.adds or field.takes or field.alike or field.quantities) and not field.amount:
            problems.append(f"{here}: adds, takes, quantities and alike are for amounts; say amount = true")
        path = field.quantities_of(dict.fromkeys(declared.key, "x"))
        problems += [] if path is None else _problems_of_path(f"{here}.quantities", path)
        problems += [
            f"{here}.{table}: {flow!r} is not among its flows"
            for table in ("adds", "takes")
            for flow in getattr(field, table)
            if flow not in field.flows
        ]
    return problems


def problems_of_references(catalogue: Catalogue) -> list[str]:
    """What reconciliations and inquiries name that is not declared, once everything is merged."""
    problems = [
        f"reconciliation.{name}.field.{field_name}.flows: {flow!r} is not declared as [flow.{flow}]"
        for name, declared in catalogue.reconciliation.items()
        for field_name, field in declared.field.items()
        for flow in field.flows
        if flow not in catalogue.flow
    ]
    for system_name, system in catalogue.system.items():
        for kind, inquiry in system.inquiry.items():
            declared = catalogue.reconciliation.get(kind)
            here = f"system.{system_name}.inquiry.{kind}"
            if declared is None:
                problems.append(f"{here}: [reconciliation.{kind}] is not declared")
                continue
            missing = [name for name in declared.key if name not in inquiry.key]
            if missing:
                problems.append(f"{here}.key: it lacks {', '.join(missing)}, by which objects are known")
            problems += [
                f"{here}.values.{name}: nothing of that name is compared; there is {', '.join(declared.field)}"
                for name in inquiry.values
                if name not in declared.field
            ]
    return problems
