"""Consumers and scopes against each other: what is granted, what comes with a wildcard, what ends, what is risky."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import cached_property

from msgspec import Struct

from gateway_policies.linting.grants import HIGH, SOON
from gateway_policies.model import Risk
from gateway_policies.overview.access import Access, Given


class How(StrEnum):
    """How a consumer has a scope."""

    GRANTED = "granted"
    INHERITED = "inherited"
    EXPIRING = "expiring"
    EXPIRED = "expired"


class Mark(Struct, frozen=True):
    """What is in a cell.

    Attributes:
        how: whether it ends comes before how it was given.
        given: the grant.
        ends: the last day, of the grant or of the consumer's credential, whichever is over first.
        by_credential: whether that is the credential's.
        risky: why it wants a look; empty where it does not.
    """

    how: How
    given: Given
    ends: date | None
    by_credential: bool
    risky: tuple[str, ...]


_RISKS = {each: place for place, each in enumerate((Risk.FINANCIAL, Risk.QUALITY, Risk.OPERATIONAL, Risk.LOW))}


class Matrix:
    """The consumers of a gateway against its scopes. Cells are made when they are asked for."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._rows: dict[str, dict[str, Mark]] = {}
        self.consumers = tuple(access.consumers)

    @cached_property
    def scopes(self) -> tuple[str, ...]:
        """The scopes, the riskiest first. What is granted and is no scope of the gateway comes last."""
        known = sorted(self._access.scopes.values(), key=lambda each: (_RISKS[each.risk], each.name))
        # Wildcards are told by what they give.
        unknown = {scope for scope in self._access.holders if scope not in self._access.scopes and "*" not in scope}
        return (*(each.name for each in known if "*" not in each.name), *sorted(unknown))

    def risk(self, scope: str) -> Risk | None:
        """The risk of a scope; None for one that is not known."""
        found = self._access.scopes.get(scope)
        return None if found is None else found.risk

    def row(self, consumer: str) -> dict[str, Mark]:
        """What a consumer has, by scope."""
        if consumer not in self._rows:
            given = self._access.given(consumer)
            self._rows[consumer] = {scope: self._mark(consumer, scope, each) for scope, each in given.items()}
        return self._rows[consumer]

    def cell(self, consumer: str, scope: str) -> Mark | None:
        """What a consumer has of a scope; None for nothing."""
        return self.row(consumer).get(scope)

    def _mark(self, consumer: str, scope: str, given: Given) -> Mark:
        credential = self._access.consumers[consumer].credential
        known_until = None if credential is None else credential.expires_on
        granted_until = given.grant.expires_on
        ends = min((each for each in (granted_until, known_until) if each is not None), default=None)
        how = How.INHERITED if given.inherited else How.GRANTED
        if ends is not None:
            left = (ends - self._access.today).days
            how = How.EXPIRED if left < 0 else How.EXPIRING if left <= SOON else how
        return Mark(how, given, ends, ends is not None and ends != granted_until, self._risky(scope, given))

    def _risky(self, scope: str, given: Given) -> tuple[str, ...]:
        risk = self.risk(scope)
        if risk not in HIGH:
            return ()
        why = [f"{risk} risk"]
        if given.inherited:
            why.append(f"by the wildcard {given.grant.scope}")
        if given.grant.expires_on is None:
            why.append("never ends")
        if not given.grant.reason.strip():
            why.append("no reason is given")
        return tuple(why) if len(why) > 1 else ()

    def urgency(self, consumer: str) -> tuple[int, date, str]:
        """Sorts consumers by what wants a look: what has ended or ends soon, then what is risky, then the rest."""
        marks = self.row(consumer).values()
        ending = [each.ends for each in marks if each.how in (How.EXPIRED, How.EXPIRING) and each.ends is not None]
        if ending:
            return 0, min(ending), consumer
        return (1 if any(each.risky for each in marks) else 2), date.max, consumer
