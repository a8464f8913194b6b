"""A document arrives at a system: the faults that are on, then the rules, then the posting, then the answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web
from msgspec import Struct

from hub.declarations import Catalogue
from hub.simulator.faults import Switchboard
from hub.simulator.following import Followed, closed_period
from hub.simulator.postings import Answer, Document, Instance, Manner, Postings
from hub.simulator.refusals import ProxyRefusal, Refusal
from transactions.landscape import Verify

SLOW_SECONDS = 2.6
"""A slow target's answer comes after the quick profile's read timeout of 2 s."""
_SLOW_SHARE = 0.8
"""Its posting lands within this share of its ``settle_after``, as every late posting does."""
BY_HAND_SECONDS = 0.4

_LOCKED = {"ERP": "CO469"}
_PERIOD = {
    "material-consumption": ("M7053", "Posting only possible in the current and the previous period"),
    "goods-receipt": ("M7053", "Posting only possible in the current and the previous period"),
    "inventory-movement": ("M7053", "Posting only possible in the current and the previous period"),
}
_PERIOD_OTHER = ("F5201", "Posting period is not open")


class _Wanted(Struct, frozen=True):
    """What is read of a document that asks for a reversal."""

    date: str | None = None


class Arrivals:
    """Takes documents for every instance.

    Args:
        wake: called when a posting was promised for later.
    """

    def __init__(
        self, catalogue: Catalogue, switchboard: Switchboard, postings: Postings, wake: Callable[[], None]
    ) -> None:
        self._catalogue = catalogue
        self._switchboard = switchboard
        self._postings = postings
        self._wake = wake

    async def take(self, instance: Instance, request: web.Request, document: Document) -> web.StreamResponse:
        """Answer one document.

        Raises:
            Refusal: the system refused it.
            ProxyRefusal: the proxy before the system did.
        """
        hit = self._hits(instance, document)
        self._access(instance, document.flow, hit)
        if not hit("target-slow"):
            return self._answer(instance, request, document, hit)
        late = _SLOW_SHARE * self._catalogue.system[instance.system].settle_seconds()
        await asyncio.sleep(late)
        try:
            return self._answer(instance, request, document, hit)
        finally:
            await asyncio.sleep(max(0.0, SLOW_SECONDS - late))

    async def take_back(self, instance: Instance, request: web.Request, key: str) -> web.StreamResponse:
        """Answer the request to reverse the posting of ``key``.

        Raises:
            Refusal: the system refused it.
            ProxyRefusal: the proxy before the system did.
        """
        body = await request.read()
        row = self._postings.posting(instance, key)
        hit = self._hits_posting(instance, row)
        self._access(instance, row["flow"], hit)
        if hit("locked"):
            raise Refusal(423, _LOCKED.get(instance.system, "LOCKED"), f"{key} is being processed by another user")
        day = _day_in(body)
        closed = self.closed_period(instance, key, day) if row["reversal"] is None else None
        if closed is not None:
            raise Refusal(400, closed.code, closed.text)
        if hit("lying-target"):
            return _json(Answer(status=201, body={"status": "reversed", "document": "4900000000"}))
        under = request.headers.get("Idempotency-Key")
        answer = self._postings.reverse(
            instance,
            key,
            under=None if under is None else unquote(under),
            sha256=hashlib.sha256(body).hexdigest(),
            day=day,
        )
        if hit("drop-after-posting"):
            _drop(request)
        return _json(answer)

    def closed_period(self, instance: Instance, key: str, day: str | None) -> Followed | None:
        """What stands against reversing a posting on ``day``: its period is closed.

        Raises:
            Refusal: no such posting.
        """
        row = self._postings.posting(instance, key)
        hit = self._hits_posting(instance, row)
        return closed_period(self._postings.plant_clock(), day) if hit("closed-period") else None

    def _hits_posting(self, instance: Instance, row: Any) -> Callable[[str], bool]:
        message = row["identity"] or row["key"] or row["sha256"]
        plant = instance.plant or row["plant"]
        return lambda name: self._switchboard.hits(name, instance.system, plant, row["flow"], message)

    def _answer(
        self, instance: Instance, request: web.Request, document: Document, hit: Callable[[str], bool]
    ) -> web.StreamResponse:
        answer = self._postings.known(instance, document)
        if answer is None:
            self._business(instance, document, hit)
            if hit("lying-target"):
                return _json(Answer(status=201, body={"status": "applied", "document": f"49{_spread(document):08d}"}))
            manner = self._manner(instance, document, hit)
            delay = 0.2 + (_spread(document) % 7) / 10
            answer = self._postings.post(instance, document, manner, delay)
            self._wake()
            if hit("drop-after-posting"):
                _drop(request)
        return _json(answer)

    def _hits(self, instance: Instance, document: Document) -> Callable[[str], bool]:
        message = document.reading.identity or document.key or document.sha256
        plant = instance.plant or document.plant
        return lambda name: self._switchboard.hits(name, instance.system, plant, document.flow, message)

    def _access(self, instance: Instance, flow: str, hit: Callable[[str], bool]) -> None:
        system = instance.system
        if hit("expired-certificate"):
            raise ProxyRefusal("The SSL certificate error")
        if hit("expired-credentials"):
            challenge = f'Bearer realm="{system}", error="invalid_token", error_description="The access token expired"'
            raise Refusal(401, "TOKEN_EXPIRED", "The access token expired", {"WWW-Authenticate": challenge})
        if hit("missing-scope"):
            challenge = f'Bearer realm="{system}", error="insufficient_scope", scope="{flow}.write"'
            message = f"The token has no scope {flow}.write"
            raise Refusal(403, "INSUFFICIENT_SCOPE", message, {"WWW-Authenticate": challenge})
        if hit("retired-version"):
            raise Refusal(410, "VERSION_RETIRED", f"Version v1 of {flow} is retired; use v2")
        if hit("target-throttling"):
            raise Refusal(429, "TOO_MANY_REQUESTS", "The request rate is above the quota", {"Retry-After": "1"})

    def _business(self, instance: Instance, document: Document, hit: Callable[[str], bool]) -> None:
        keys, flow = document.reading.keys, document.flow
        name = keys.get("order") or keys.get("lot") or keys.get("shipment") or "object"
        by_hand = hit("hand-posted")
        if by_hand:
            self._postings.post_by_hand(instance, document, BY_HAND_SECONDS)
            self._wake()
        if by_hand or hit("locked"):
            raise Refusal(423, _LOCKED.get(instance.system, "LOCKED"), f"{name} is being processed by another user")
        if hit("closed-period"):
            code, message = _PERIOD.get(flow, _PERIOD_OTHER)
            raise Refusal(400, code, message)
        if hit("missing-material"):
            material = keys.get("material", "")
            if instance.system == "ERP":
                raise Refusal(400, "M3351", f"Plant data for material {material} is not maintained in {document.plant}")
            raise Refusal(422, "MATERIAL_NOT_FOUND", f"Material {material} is not known in plant {document.plant}")
        if hit("late-approval"):
            raise Refusal(409, "APPROVAL_PENDING", f"{name} waits for approval and cannot be changed")

    def _manner(self, instance: Instance, document: Document, hit: Callable[[str], bool]) -> Manner:
        if hit("parked"):
            # Half of what is parked says so only when asked, where it can be asked.
            asked = self._catalogue.system[instance.system].lookup and self._verified(document.flow)
            return Manner.QUIETLY_PARKED if asked and _spread(document) % 2 else Manner.PARKED
        if hit("partial"):
            return Manner.PARTLY
        if self._verified(document.flow) and _spread(document) % 4 == 0 and not hit("drop-after-posting"):
            return Manner.LATER
        return Manner.AT_ONCE

    def _verified(self, flow: str) -> bool:
        return self._catalogue.flow[flow].verify is Verify.LOOKUP


def _spread(document: Document) -> int:
    """A number that is the message's own, the same at every attempt."""
    name = document.reading.identity or document.sha256
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:3], "big")


def _day_in(body: bytes) -> str | None:
    """The day on which a reversal is to be posted; None where its document names none.

    Raises:
        Refusal: it cannot be read.
    """
    if not body:
        return None
    try:
        return msgspec.json.decode(body, type=_Wanted).date
    except msgspec.DecodeError as error:
        raise Refusal(400, "UNREADABLE", f"The reversal cannot be read: {error}") from error


def _drop(request: web.Request) -> None:
    """Break the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()


def _json(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=msgspec.json.encode(answer.body), content_type="application/json")
