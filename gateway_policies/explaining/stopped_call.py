"""A call that a policy stopped, as it is shown: who called what, what was missing, since when, what helps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from msgspec import Struct

from gateway_policies.explaining.judging import Judged, Reason
from gateway_policies.explaining.words import called, helps, message_of
from gateway_policies.gateway import GatewayRevision
from gateway_policies.linting.scene import pattern


class StoppedCall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A transaction that a policy of the gateway stopped.

    Attributes:
        transaction: its id.
        reason: why, in a word.
        policy: the address of what stopped it; of a grant that is missing the one that it would have. None where no
            policy can be named.
        throttled: whose throttle was exhausted: ``api`` or ``consumer``.
        ended: the last day of what has ended.
        stops: whether the policies that are live would stop it still.
        revision: the change of the gateway since which it is so; None where no change made it so.
        called, missing, helps: sentences.
        since: what follows "since", empty where nothing is known of it.
    """

    transaction: str
    reason: Reason
    policy: str | None
    consumer: str | None
    client_id: str | None
    api: str | None
    version: str | None
    operation: str | None
    scope: str | None
    throttled: str | None
    ended: date | None
    stops: bool
    revision: GatewayRevision | None
    called: str
    missing: str
    since: str
    helps: str


def stopped_call(transaction: str, found: Judged, revision: GatewayRevision | None) -> StoppedCall:
    """It in words.

    Args:
        found: the call, held against the policies that are live.
        revision: the newest change of what stopped it.
    """
    call = found.call
    return StoppedCall(
        transaction=transaction,
        reason=found.reason,
        policy=found.policy,
        consumer=found.consumer,
        client_id=call.client_id,
        api=call.api,
        version=call.version,
        operation=call.operation,
        scope=call.scope,
        throttled=call.throttled,
        ended=found.ended,
        stops=found.stops,
        revision=revision,
        called=called(found),
        missing=message_of(found),
        since=_since(found, revision),
        helps=helps(found),
    )


def concerns(found: Judged, address: str) -> bool:
    """Whether a change at an address can be why a call is stopped, or is not any more."""
    if address == found.policy:
        return True
    if found.consumer is None or found.call.scope is None:
        return False
    begin = f"consumer.{found.consumer}.grant."
    return address.startswith(begin) and pattern(address.removeprefix(begin)).fullmatch(found.call.scope) is not None


def concerned(found: Judged, changes: Mapping[str, object]) -> bool:
    """Whether a revision that changed these addresses can be why."""
    return any(concerns(found, address) for address in changes)


def _since(found: Judged, revision: GatewayRevision | None) -> str:
    if found.ended is not None and found.stops:
        return f"{found.ended + timedelta(days=1)}, the day after its last"
    if revision is None:
        return "ever: it was never granted" if found.reason is Reason.GRANT_MISSING else ""
    because = "" if not revision.reason else f" ({revision.reason})"
    when = f"{revision.at:%Y-%m-%d %H:%M} UTC"
    told = f"revision {revision.number}, which {revision.by} applied on {when}{because}"
    return told if found.stops else f"{told}, it passes"
