"""What stopped a transaction at the gateway, for people: who called what, what was missing, since when, and where the
files say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.session import Session
from transactions.errors import NotFound, Refused
from transactions.groups import Group
from transactions.model import GATEWAY, Transaction

if TYPE_CHECKING:
    from gateway_policies.explaining.changes_before import ChangeBefore
    from gateway_policies.explaining.stopped_call import StoppedCall


def stopped_lines(session: Session, transaction: Transaction) -> list[tuple[str, str]]:
    """Labels and sentences; none for what no policy stopped."""
    if transaction.failure is None or transaction.failure.system != GATEWAY:
        return []
    from platforms.hub import gateway

    try:
        found = session.send(gateway.refusal(transaction.id))
    except (NotFound, Refused):  # it has gone on since, or its hub is older than refusals
        return []
    return [*in_words(found), ("in the files", place_of(session, found))]


def changes_of(session: Session, group: Group) -> list[ChangeBefore]:
    """The changes of the gateway before a group's first failure; none where the platform does not tell."""
    from platforms.hub import gateway

    try:
        return session.send(gateway.changes_before(group.fingerprint)).items
    except NotFound:  # it is gone meanwhile, or its hub is older than that
        return []


def in_words(found: StoppedCall) -> list[tuple[str, str]]:
    """The sentences of the hub, labelled; without what the failure says already."""
    return [
        ("called", found.called),
        ("stopped by", found.policy or ""),
        ("since", found.since),
        ("to do", found.helps),
    ]


def place_of(session: Session, found: StoppedCall) -> str:
    """Where the files say it, when a folder of policies is at hand; else nothing."""
    if found.policy is None:
        return ""
    from gateway_policies.explaining.at_hand import folder_at_hand, place_in_files

    folder = folder_at_hand(session.environ)
    return "" if folder is None else place_in_files(folder, found.policy) or ""
