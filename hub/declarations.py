"""Systems, plants and flows as they are declared in TOML: the shipped catalogue and a team's own settings.

Both have the same format: ``[system.NAME]``, ``[plant.NAME]``, ``[flow.NAME]``. A team's file adds to the catalogue
or replaces an entry whole; ``catalogue = false`` starts from nothing.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec
from msgspec import Struct

from hub.errors import SettingsError
from hub.reconciliation.declared import (
    InquiryDeclaration,
    ReconciliationDeclaration,
    problems_of_inquiry,
    problems_of_reconciliation,
    problems_of_references,
)
from transactions.durations import parse_duration, parse_rate
from transactions.landscape import Flow, Idempotent, Requirement, Semantics, Verify
from transactions.model import DueBecause, Risk
from transactions.period_close import read_period_close
from transactions.shifts import read_shift


class SystemDeclaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application that sends or receives.

    Attributes:
        local: every plant has an instance of its own.
        url: where it is; ``{plant}`` stands for the plant of a local one. The simulator fills it in for its own.
        deliver: path for documents; ``{flow}`` stands for the flow.
        lookup: path that answers by idempotency key; ``{key}`` stands for the key. None where there is none,
            which TOML says with an empty string.
        settle_after: how long a late posting can still land.
        search: path that finds postings by business keys, each as ``{key}`` in its query, with ``{day}`` for the day of
            the document; a parameter whose key the document lacks is left out. None where it cannot be searched.
        follows: path that says what was built on the posting of ``{key}``, and whether ``{date}`` is in an open period.
        reversal: path that reverses the posting of ``{key}``. None where its people reverse.
        quota: what it lets us send, like ``50/s``.
        dialect: how it words its answers (``rest``, ``odata``, ``soap``).
        inquiry: how it is asked for its orders, inventory, holds, lots and shipments.
    """

    title: str
    local: bool = False
    url: str | None = None
    deliver: str = "/documents/{flow}"
    lookup: str | None = "/postings/{key}"
    idempotent: Idempotent = Idempotent.LOOKUP
    settle_after: str = "2s"
    quota: str | None = None
    dialect: str = "rest"
    owner: str = "integration"
    inquiry: dict[str, InquiryDeclaration] = msgspec.field(default_factory=dict)
    search: str | None = None
    follows: str | None = None
    reversal: str | None = None

    def __post_init__(self) -> None:
        for name in ("lookup", "search", "follows", "reversal"):
            if getattr(self, name) == "":
                msgspec.structs.force_setattr(self, name, None)

    def settle_seconds(self) -> float:
        """``settle_after`` in seconds."""
        return parse_duration(self.settle_after).total_seconds()

    def quota_per_second(self) -> float | None:
        """``quota`` per second."""
        return None if self.quota is None else parse_rate(self.quota)


class PlantDeclaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site.

    Attributes:
        shifts: the local times at which one begins, with its name: ``"06:00 early"``.
        period_close: when posting periods close for it, by its own clock; None for when they do for the company.
    """

    title: str
    timezone: str = "Europe/Berlin"
    lines: list[str] = msgspec.field(default_factory=list)
    shifts: list[str] = msgspec.field(default_factory=lambda: ["06:00 early", "14:00 late", "22:00 night"])
    period_close: str | list[str] | None = None


class CalendarDeclaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The company's calendar.

    Attributes:
        period_close: when posting periods close; see ``transactions.period_close``. None where nobody says so.
        timezone: whose times those are; None for those of each plant.
    """

    period_close: str | list[str] | None = None
    timezone: str | None = None


class LineDown(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tells that a document says a line is down: the values that its business keys have then."""

    when: dict[str, str] = msgspec.field(default_factory=dict)


class KeyPaths(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the business keys are in a document: JSONPath (RFC 9535) and XPath 1.0 (namespaces are ignored).
    A list is tried in order; the first that finds something wins."""

    json: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    xml: dict[str, str | list[str]] = msgspec.field(default_factory=dict)


class MaskPaths(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where personal data and prices are in a document: JSONPath (RFC 9535), and XPath 1.0 to elements and attributes
    (namespaces are ignored). What a path finds is masked whole, with all that is inside it."""

    json: list[str] = msgspec.field(default_factory=list)
    xml: list[str] = msgspec.field(default_factory=list)


class FlowDeclaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of business transaction; the attributes are those of ``transactions.landscape.Flow``. ``masked`` says
    what of its documents is shown to nobody who does not ask for it with a reason, ``line_down`` which of them say that
    a line is down."""

    title: str
    sources: list[str]
    targets: list[str]
    document: str
    identity: list[str]
    semantics: Semantics
    slo: str
    risk: Risk
    owner: str
    reversal: str = "none"
    object: str | None = None
    version: str | None = None
    order_by: str | None = None
    requires: list[Requirement] = msgspec.field(default_factory=list)
    verify: Verify = Verify.ACK
    clocks: list[DueBecause] = msgspec.field(default_factory=list)
    expiry: str | None = None
    line_down: LineDown | None = None
    keys: KeyPaths = msgspec.field(default_factory=KeyPaths)
    masked: MaskPaths = msgspec.field(default_factory=MaskPaths)

    def describe(self, name: str) -> Flow:
        """The flow as the admin API shows it."""
        return Flow(
            name=name,
            title=self.title,
            sources=self.sources,
            targets=self.targets,
            document=self.document,
            identity=self.identity,
            object=self.object,
            version=self.version,
            order_by=self.order_by,
            semantics=self.semantics,
            requires=self.requires,
            slo_seconds=parse_duration(self.slo).total_seconds(),
            clocks=self.clocks,
            expiry=self.expiry,
            risk=self.risk,
            verify=self.verify,
            reversal=self.reversal,
            owner=self.owner,
            business_keys=sorted({*self.keys.json, *self.keys.xml}),
            masked=list(dict.fromkeys([*self.masked.json, *self.masked.xml])),
        )


class Catalogue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is declared. ``default_plant`` stands in where a document names no plant; ``calendar`` is that of the
    company."""

    system: dict[str, SystemDeclaration] = msgspec.field(default_factory=dict)
    plant: dict[str, PlantDeclaration] = msgspec.field(default_factory=dict)
    flow: dict[str, FlowDeclaration] = msgspec.field(default_factory=dict)
    default_plant: str | None = None
    reconciliation: dict[str, ReconciliationDeclaration] = msgspec.field(default_factory=dict)
    calendar: CalendarDeclaration | None = None

    def instances(self) -> list[tuple[str, str | None]]:
        """Every (system, plant): one per plant for local systems, one with None for the others."""
        return [
            (name, plant)
            for name, system in self.system.items()
            for plant in (sorted(self.plant) if system.local else [None])
        ]

    def merged(self, other: Catalogue) -> Catalogue:
        """This catalogue with the entries of ``other`` added, replacing those of the same name."""
        return Catalogue(
            system={**self.system, **other.system},
            plant={**self.plant, **other.plant},
            flow={**self.flow, **other.flow},
            default_plant=other.default_plant or self.default_plant,
            reconciliation={**self.reconciliation, **other.reconciliation},
            calendar=other.calendar or self.calendar,
        )


def shipped_catalogue() -> Catalogue:
    """The fourteen systems, three plants and sixteen flows that come with the hub."""
    text = resources.files("hub").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return read_catalogue(tomllib.loads(text), "catalogue.toml")


def read_catalogue(data: dict[str, Any], name: str) -> Catalogue:
    """Check declarations that were read from TOML.

    Raises:
        SettingsError: with every problem found, each with its place.
    """
    found, problems = _convert(data)
    problems += problems_of_calendar(data.get("calendar"))
    problems += _check(
        Catalogue(
            system=found.get("system", {}),
            plant=found.get("plant", {}),
            flow=found.get("flow", {}),
            reconciliation=found.get("reconciliation", {}),
        )
    )
    catalogue = Catalogue()
    if not problems:
        try:
            catalogue = msgspec.convert({**data, **found}, Catalogue)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{name}: {error}") from error
    if problems:
        raise SettingsError("\n".join(f"{name}: {problem}" for problem in problems))
    return catalogue


def _convert(data: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Each entry by itself, so that every mistake is found and carries the name of its entry."""
    found: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    for table, kind in (
        ("system", SystemDeclaration),
        ("plant", PlantDeclaration),
        ("flow", FlowDeclaration),
        ("reconciliation", ReconciliationDeclaration),
    ):
        entries = data.get(table, {})
        if not isinstance(entries, dict):
            problems.append(f"{table}: it is a table of entries, like [{table}.NAME]")
            continue
        found[table] = {}
        for name, entry in entries.items():
            try:
                found[table][name] = msgspec.convert(entry, kind)
            except msgspec.ValidationError as error:
                said, _, inside = str(error).partition(" - at `$")
                problems.append(f"{table}.{name}{inside.rstrip('`')}: {said}")
    return found, problems


def check_references(catalogue: Catalogue, name: str) -> None:
    """Hold the references between flows and systems, once everything is merged.

    Raises:
        SettingsError: a flow names a system or a flow that is not declared, or the default plant is not.
    """
    problems = [
        f"flow.{flow_name}: {role} {system!r} is not declared as [system.{system}]"
        for flow_name, flow in catalogue.flow.items()
        for role, systems in (("source", flow.sources), ("target", flow.targets))
        for system in systems
        if system not in catalogue.system
    ]
    problems += [
        f"flow.{flow_name}: requires {need.flow!r}, which is not declared"
        for flow_name, flow in catalogue.flow.items()
        for need in flow.requires
        if need.flow not in catalogue.flow
    ]
    problems += problems_of_references(catalogue)
    if catalogue.default_plant is not None and catalogue.default_plant not in catalogue.plant:
        problems.append(
            f"default_plant: {catalogue.default_plant!r} is not declared as [plant.{catalogue.default_plant}]"
        )
    if problems:
        raise SettingsError("\n".join(f"{name}: {problem}" for problem in problems))


_TABLES = ("system", "plant", "flow", "reconciliation")


def read_settings_catalogue(path: Path, data: dict[str, Any]) -> Catalogue:
    """The catalogue of a team's settings file: the shipped one with theirs over it."""
    own = {key: value for key, value in data.items() if key in (*_TABLES, "default_plant", "calendar")}
    base = shipped_catalogue() if data.get("catalogue", True) else Catalogue()
    merged = base.merged(read_catalogue(own, path.name))
    check_references(merged, path.name)
    return merged


def _check(catalogue: Catalogue) -> list[str]:
    problems: list[str] = []
    for name, system in catalogue.system.items():
        problems += _reads(f"system.{name}.settle_after", parse_duration, system.settle_after)
        if system.quota is not None:
            problems += _reads(f"system.{name}.quota", parse_rate, system.quota)
        problems += problems_of_inquiry(system.inquiry, f"system.{name}")
    for name, reconciliation in catalogue.reconciliation.items():
        problems += problems_of_reconciliation(name, reconciliation)
    for name, plant in catalogue.plant.items():
        problems += _reads(f"plant.{name}.timezone", _read_zone, plant.timezone)
        problems += [] if plant.shifts else [f"plant.{name}.shifts: a plant has at least one shift"]
        for shift in plant.shifts:
            problems += _reads(f"plant.{name}.shifts", read_shift, shift)
        if plant.period_close is not None:
            problems += _reads(f"plant.{name}.period_close", read_period_close, plant.period_close)
    for name, flow in catalogue.flow.items():
        problems += _reads(f"flow.{name}.slo", parse_duration, flow.slo)
        problems += [] if flow.sources else [f"flow.{name}: it has no source"]
        problems += [] if flow.targets else [f"flow.{name}: it has no target"]
        problems += [
            f"flow.{name}: source {source!r} has no target but itself"
            for source in flow.sources
            if set(flow.targets) == {source}
        ]
        declared = {*flow.keys.json, *flow.keys.xml}
        recipes = (*flow.identity, flow.object, flow.version, flow.expiry, *(flow.order_by or "").split("+"))
        recipes += tuple(need.key for need in flow.requires)
        recipes += () if flow.line_down is None else tuple(flow.line_down.when)
        if (DueBecause.LOT_EXPIRY in flow.clocks) is not (flow.expiry is not None):
            problems.append(
                f"flow.{name}: the clock lot-expiry and the business key that has the expiry belong together: "
                'write clocks = ["lot-expiry"] and expiry = "KEY"'
            )
        problems += [
            f"flow.{name}: business key {key!r} is used and has no path in keys.json or keys.xml"
            for key in dict.fromkeys(recipes)
            if key and key not in declared
        ]
    return problems


def _read_zone(text: str) -> None:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:  # a folder of zones, like "Europe", is an OSError
        if not available_timezones():
            return  # this machine has no time zones at all: that is no mistake of the file
        raise ValueError(f"{text!r} is no time zone: write one like Europe/Berlin") from error


def problems_of_calendar(table: Any) -> list[str]:
    """What is wrong with ``[calendar]``."""
    if table is None:
        return []
    try:
        calendar = msgspec.convert(table, CalendarDeclaration)
    except msgspec.ValidationError as error:
        said, _, inside = str(error).partition(" - at `$")
        return [f"calendar{inside.rstrip('`')}: {said}"]
    problems = []
    if calendar.period_close is not None:
        problems += _reads("calendar.period_close", read_period_close, calendar.period_close)
    if calendar.timezone is not None:
        problems += _reads("calendar.timezone", _read_zone, calendar.timezone)
    return problems


def _reads(place: str, reader: Any, text: str | list[str]) -> list[str]:
    try:
        reader(text)
    except ValueError as error:
        return [f"{place}: {error}"]
    return []
