"""What was seen at the gateway, as the caller of a plan hands it in: who called what, how often, when last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from gateway_policies.model import Api, Consumer, Grant, Issuer, Resource, Scope, Throttle, Version
from gateway_policies.planning.model import Caller, Impact, Traffic


class Calls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls of one kind that were let through.

    Attributes:
        operation: method and path as the policies write them: ``POST /{order}/release``.
        scope: the one that let them through; None where none was wanted.
    """

    consumer: str
    api: str
    version: str
    operation: str
    scope: str | None
    calls: int
    last_seen: datetime


class Peak(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fastest that a throttle's subject was seen: ``consumer.NAME``, or ``api.NAME`` for all of its consumers."""

    address: str
    per_minute: int
    at: datetime


class Usage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was seen in a time.

    Attributes:
        measured: the names of the APIs whose calls were counted; None for all. Of any other nothing is known.
    """

    since: datetime
    until: datetime
    calls: tuple[Calls, ...] = ()
    peaks: tuple[Peak, ...] = ()
    measured: tuple[str, ...] | None = None


class Seen:
    """Usage, found by what a change is about."""

    def __init__(self, usage: Usage | None, renamed: Mapping[str, str] | None = None) -> None:
        """
        Args:
            usage: None where nothing is known.
            renamed: new addresses by old ones: what was seen has the old names, what a plan is about has the new.
        """
        self._usage = usage
        self._renamed = renamed or {}
        self._by: dict[tuple[str, ...], list[Calls]] = {}
        self._peaks: dict[str, Peak] = {}
        if usage is None:
            return
        measured = usage.measured
        self._measured = None if measured is None else frozenset(self._now("api", each) for each in measured)
        for seen in usage.calls:
            each = msgspec.structs.replace(
                seen,
                consumer=self._now("consumer", seen.consumer),
                api=self._now("api", seen.api),
                scope=None if seen.scope is None else self._now("scope", seen.scope),
            )
            for key in (
                ("api", each.api),
                ("version", each.api, each.version),
                ("operation", each.api, each.operation),
                ("consumer", each.consumer),
                ("scope", each.scope or ""),
                ("grant", each.consumer, each.scope or ""),
            ):
                self._by.setdefault(key, []).append(each)
        self._peaks = {self._renamed.get(each.address, each.address): each for each in usage.peaks}

    def _now(self, kind: str, name: str) -> str:
        old = f"{kind}.{name}"
        return self._renamed.get(old, old).partition(".")[2]

    @property
    def since(self) -> datetime | None:
        """From when on calls count; None where nothing is known."""
        return None if self._usage is None else self._usage.since

    def peak(self, address: str) -> Peak | None:
        """The fastest that a consumer or an API was seen."""
        return self._peaks.get(address)

    def measures(self, apis: Iterable[str]) -> bool:
        """Whether the calls of all of these APIs were counted."""
        return self._usage is not None and (self._measured is None or self._measured.issuperset(apis))

    def calls_of(self, resource: Resource, subjects: Iterable[str] = ()) -> list[Calls]:
        """The calls that a resource has to do with.

        Args:
            subjects: for a throttle and an issuer, who refers to it: ``consumer.NAME``, ``api.NAME``.
        """
        match resource:
            case Api(name=name):
                return self._by.get(("api", name), [])
            case Version(api=api, name=name):
                return self._by.get(("version", api, name), [])
            case Scope(name=name):
                return self._by.get(("scope", name), [])
            case Consumer(name=name):
                return self._by.get(("consumer", name), [])
            case Grant(consumer=consumer, scope=scope) if "*" in scope:
                called = self._by.get(("consumer", consumer), [])
                return [each for each in called if each.scope is not None and fits(scope, each.scope)]
            case Grant(consumer=consumer, scope=scope):
                return self._by.get(("grant", consumer, scope), [])
            case Throttle() | Issuer():
                return [each for subject in subjects for each in self._by.get(_key(subject), [])]

    def of_operation(self, api: str, call: str) -> list[Calls]:
        """The calls of one operation."""
        return self._by.get(("operation", api, call), [])

    def impact(self, found: list[Calls], apis: Iterable[str], may_call: Iterable[str]) -> Impact:
        """What the calls come to.

        Args:
            apis: whose calls had to be counted for a zero to be one.
            may_call: who could call.
        """
        able = tuple(sorted(set(may_call)))
        usage = self._usage
        if usage is None or not (found or self.measures(apis)):
            return Impact(traffic=Traffic.UNKNOWN, may_call=able)
        return Impact(
            traffic=Traffic.MEASURED,
            since=usage.since,
            until=usage.until,
            calls=sum(each.calls for each in found),
            last_seen=max((each.last_seen for each in found), default=None),
            callers=callers(found),
            may_call=able,
        )


def _key(address: str) -> tuple[str, ...]:
    kind, _, name = address.partition(".")
    return kind, name


def fits(wildcard: str, scope: str) -> bool:
    """Whether a scope with ``*`` for anything has another one in it."""
    return re.fullmatch(".*".join(map(re.escape, wildcard.split("*"))), scope) is not None


def callers(found: Iterable[Calls]) -> tuple[Caller, ...]:
    """Who made these calls, the busiest first."""
    totals: dict[str, tuple[int, datetime]] = {}
    for each in found:
        calls, last = totals.get(each.consumer, (0, each.last_seen))
        totals[each.consumer] = calls + each.calls, max(last, each.last_seen)
    ordered = sorted(totals.items(), key=lambda item: (-item[1][0], item[0]))
    return tuple(Caller(consumer=name, calls=calls, last_seen=last) for name, (calls, last) in ordered if calls)
