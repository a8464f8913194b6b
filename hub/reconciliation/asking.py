"""Asking systems what they hold, over their own interfaces, page by page, each with a time of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

from hub.delivery.channel import Channel, NoAnswer, NotSent, Outgoing
from hub.documents import json_find, json_nodes
from hub.landscape import Landscape
from hub.reconciliation.declared import InquiryDeclaration, ReconciliationDeclaration
from transactions.reconciliation.comparing import Instance, Key, Value, read_amount

PAGE = 500
MOST_RECORDS = 200_000
WITHIN = 25.0
"""Seconds for the whole answer of one system."""


class Answered(Struct, frozen=True, kw_only=True):
    """What a system said.

    Attributes:
        records: how many entries were read.
        problem: why it is no answer; ``said`` is empty then, since a part of an answer would make differences.
        undated: it cannot be asked as of a moment, and said what it holds now.
    """

    instance: Instance
    said: dict[Key, dict[str, Value]]
    records: int
    problem: str | None = None
    undated: bool = False


class _Unusable(Exception):
    """An answer that cannot be used, with the reason in words."""


class Asker:
    """Asks systems.

    Args:
        channel: carries requests; the one that deliveries go by, with its time-outs.
        landscape: where systems are, and how they are asked.
        authorization: the header they want.
        within: seconds for the whole answer of one system.
    """

    def __init__(
        self, channel: Channel, landscape: Landscape, authorization: str | None, within: float = WITHIN
    ) -> None:
        self._channel, self._landscape, self._authorization = channel, landscape, authorization
        self._within = within

    async def ask(
        self,
        kind: str,
        declared: ReconciliationDeclaration,
        fields: frozenset[str],
        plants: frozenset[str] | None,
        as_of: datetime,
    ) -> list[Answered]:
        """What every system says that is declared to be asked, all at once.

        Args:
            kind: the reconciliation.
            declared: what objects are known by.
            fields: the fields to be compared; a system that has none of them is not asked.
            plants: entries of these plants only; None for all.
            as_of: the cut-off.
        """
        return list(
            await asyncio.gather(
                *(
                    self._ask(instance, inquiry, declared.key, fields, plants, as_of)
                    for instance, inquiry in self._asked(kind, fields, plants)
                )
            )
        )

    def _asked(
        self, kind: str, fields: frozenset[str], plants: frozenset[str] | None
    ) -> Iterable[tuple[Instance, InquiryDeclaration]]:
        systems = self._landscape.catalogue.system
        for name, plant in self._landscape.catalogue.instances():
            inquiry = systems[name].inquiry.get(kind)
            if inquiry is None or not fields & inquiry.values.keys():
                continue
            if plant is None or plants is None or plant in plants:
                yield Instance(name, plant), inquiry

    async def _ask(
        self,
        instance: Instance,
        inquiry: InquiryDeclaration,
        key: list[str],
        fields: frozenset[str],
        plants: frozenset[str] | None,
        as_of: datetime,
    ) -> Answered:
        reading = _Reading(instance, inquiry, key, fields, plants)
        try:
            async with asyncio.timeout(self._within):
                await self._read_pages(instance, inquiry, reading, plants, as_of)
        except TimeoutError:
            problem = f"no whole answer within {self._within:g} s"
        except (NotSent, NoAnswer) as loss:
            problem = loss.message
        except _Unusable as unusable:
            problem = str(unusable)
        else:
            return Answered(instance=instance, said=reading.said, records=reading.records, undated=not inquiry.dated)
        return Answered(instance=instance, said={}, records=reading.records, problem=problem)

    async def _read_pages(
        self,
        instance: Instance,
        inquiry: InquiryDeclaration,
        reading: _Reading,
        plants: frozenset[str] | None,
        as_of: datetime,
    ) -> None:
        endpoint = self._landscape.endpoint(instance.system, instance.plant)
        if endpoint is None or endpoint.url is None:
            raise _Unusable("it has no address in the hub's settings")
        one = instance.plant or (next(iter(plants)) if plants is not None and len(plants) == 1 else "")
        wanted = {
            "as_of": as_of.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "plant": one,
            "limit": str(PAGE),
            "cursor": "",
        }
        url, seen = _filled(endpoint.url, inquiry.path, wanted), set[str]()
        while True:
            if url in seen:
                raise _Unusable("its pages lead back to one that was read already")
            seen.add(url)
            body = await self._page(url, (endpoint.name, endpoint.plant))
            reading.take(body)
            following = None if inquiry.next is None else json_find(inquiry.next)(body)
            if following is None:
                return
            if reading.records > MOST_RECORDS:
                raise _Unusable(f"it has more than {MOST_RECORDS:,} entries; ask for one plant")
            if "{cursor}" in inquiry.path:
                url = _filled(endpoint.url, inquiry.path, {**wanted, "cursor": following})
            else:
                url = _followed(url, following)

    async def _page(self, url: str, to: tuple[str, str | None]) -> Any:
        headers = {"accept": "application/json"}
        if self._authorization is not None:
            headers["authorization"] = self._authorization
        answer = await self._channel.send(Outgoing(method="GET", url=url, headers=headers, to=to))
        if answer.status != 200:
            raise _Unusable(f"it answered {answer.status} where it should have answered with a list")
        try:
            # fractions stay as they were written: an amount is no binary number
            return json.loads(answer.body, parse_float=str)
        except (ValueError, RecursionError) as error:
            raise _Unusable(f"its answer is not JSON, or cut off: {type(error).__name__}") from error


class _Reading:
    """Takes in the pages of one answer."""

    def __init__(
        self,
        instance: Instance,
        inquiry: InquiryDeclaration,
        key: list[str],
        fields: frozenset[str],
        plants: frozenset[str] | None,
    ) -> None:
        self.said: dict[Key, dict[str, Value]] = {}
        self.records = 0
        self._instance, self._plants = instance, plants
        self._items = json_nodes(inquiry.items)
        self._plant = None if inquiry.plant is None else json_find(inquiry.plant)
        self._key = [json_find(inquiry.key[name]) for name in key]
        self._values = {name: json_find(path) for name, path in inquiry.values.items() if name in fields}
        self._units = {
            name: json_find(unit) if unit.startswith("$") else (lambda _entry, unit=unit: unit)
            for name, unit in inquiry.units.items()
        }

    def take(self, body: Any) -> None:
        """One page."""
        found = self._items(body)
        if not found or not all(isinstance(items, list) for items in found):
            raise _Unusable("its answer has no list where its declaration says so")
        for items in found:
            for entry in items:
                self.records += 1
                self._take_entry(entry)

    def _take_entry(self, entry: Any) -> None:
        plant = self._instance.plant or (None if self._plant is None else self._plant(entry)) or ""
        parts = tuple(find(entry) or "" for find in self._key)
        if not any(parts) or (self._plants is not None and plant not in self._plants):
            return
        values = self.said.setdefault(Key(plant, parts), {})
        for name, find in self._values.items():
            text = find(entry)
            if text is not None:
                unit = self._units[name](entry) if name in self._units else None
                values[name] = _added(values.get(name), Value(text=text, amount=read_amount(text), unit=unit))


def _added(before: Value | None, value: Value) -> Value:
    """A system may keep several entries of one object, like stock by place: their amounts add up."""
    if before is None or before.amount is None or value.amount is None or before.unit != value.unit:
        return value
    total = before.amount + value.amount
    return Value(text=format(total, "f"), amount=total, unit=value.unit)


def _filled(base: str, path: str, wanted: dict[str, str]) -> str:
    for name, value in wanted.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return f"{base}{path}"


def _followed(url: str, link: str) -> str:
    """The address of the next page; a system leads to itself only."""
    following = urljoin(url, link)
    here, there = urlsplit(url), urlsplit(following)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise _Unusable("its next page is at another address, which is not followed")
    return following
