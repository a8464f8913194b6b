"""What kind of cause a symptom speaks of: by its status, its failure kind and its code, never by free text."""

from __future__ import annotations

from collections.abc import Mapping

from transactions.causes.kinds import CauseKind
from transactions.causes.symptoms import Symptom
from transactions.model import FailureKind, Status

_MATERIAL = frozenset({"M3351", "M3305", "MATERIAL_NOT_FOUND", "MATERIAL_UNKNOWN"})
_LOT = frozenset({"LOT_UNKNOWN", "LOT_MISSING", "LOT_NOT_FOUND", "BATCH_MISSING"})
_UNIT = frozenset({"BM311", "BM302", "UNIT_UNKNOWN"})

OVERTAKEN = "superseded"
"""A version that was kept back until a newer one was applied: nobody is owed it. What kept it back, losses may say."""
_BY_CODE: dict[str, CauseKind] = {
    **dict.fromkeys(_MATERIAL, CauseKind.MATERIAL),
    **dict.fromkeys(_LOT, CauseKind.LOT),
    **dict.fromkeys(_UNIT, CauseKind.UNIT),
    "maybe-posted": CauseKind.HAND_POSTED,
    OVERTAKEN: CauseKind.SUPERSEDED,
    "read-timeout": CauseKind.SLOW,
    "search-unanswered": CauseKind.SLOW,
    "connection-lost": CauseKind.DROPPED,
}
_BY_STATUS: dict[Status, CauseKind] = {
    Status.PARKED: CauseKind.PARKED,
    Status.PARTLY_PROCESSED: CauseKind.PARTIAL,
    Status.COMPENSATION_FAILED: CauseKind.NOT_UNDONE,
}
_BY_KIND: dict[FailureKind, CauseKind] = {
    FailureKind.UNREACHABLE: CauseKind.UNREACHABLE,
    FailureKind.TIMEOUT: CauseKind.UNREACHABLE,
    FailureKind.THROTTLED: CauseKind.THROTTLED,
    FailureKind.LOCKED: CauseKind.LOCKED,
    FailureKind.SCHEMA: CauseKind.SCHEMA,
    FailureKind.MASTER_DATA: CauseKind.MASTER_DATA,
    FailureKind.MAPPING: CauseKind.MAPPING,
    FailureKind.BUSINESS_RULE: CauseKind.RULE,
    FailureKind.PERIOD_CLOSED: CauseKind.PERIOD,
    FailureKind.CONFLICT: CauseKind.CONFLICT,
    FailureKind.LATE_APPROVAL: CauseKind.APPROVAL,
    FailureKind.UNAUTHORIZED: CauseKind.CREDENTIALS,
    FailureKind.FORBIDDEN: CauseKind.SCOPE,
    FailureKind.VERSION_RETIRED: CauseKind.VERSION_RETIRED,
    FailureKind.CERTIFICATE: CauseKind.CERTIFICATE,
    FailureKind.PARKED: CauseKind.PARKED,
    FailureKind.PARTIAL: CauseKind.PARTIAL,
    FailureKind.ACKNOWLEDGED_NOT_APPLIED: CauseKind.NOT_APPLIED,
    FailureKind.UNKNOWN_OUTCOME: CauseKind.UNCLEAR,
    FailureKind.DUPLICATE: CauseKind.KNOWN,
    FailureKind.MALFORMED: CauseKind.MALFORMED,
}
_SILENCE = frozenset({"breaker-open", "not-applied"})
"""Codes that say no more than that a target was silent; what it is that silences it, its losses say."""
_LOSSES: dict[str, CauseKind] = {
    "read-timeout": CauseKind.SLOW,
    "connection-lost": CauseKind.DROPPED,
    "connection-refused": CauseKind.UNREACHABLE,
    "connect-timeout": CauseKind.UNREACHABLE,
}


def kind_of(symptom: Symptom, losses: Mapping[str, int]) -> CauseKind:
    """The kind of cause.

    Args:
        symptom: the trouble.
        losses: how often each code said lately that its target gave no answer.
    """
    if symptom.code in _SILENCE or (symptom.code == OVERTAKEN and losses):
        return _silenced(losses)
    by_status = _BY_STATUS.get(symptom.status)
    if by_status is not None:
        return by_status
    return _BY_CODE.get(symptom.code) or _BY_KIND[symptom.kind]


def _silenced(losses: Mapping[str, int]) -> CauseKind:
    told: dict[CauseKind, int] = {}
    for code, count in losses.items():
        kind = _LOSSES.get(code)
        if kind is not None:
            told[kind] = told.get(kind, 0) + count
    # Where several are told equally often: a port that refuses explains the others, a late answer does not.
    order = (CauseKind.UNREACHABLE, CauseKind.DROPPED, CauseKind.SLOW)
    return max(order, key=lambda kind: told.get(kind, 0)) if told else CauseKind.UNREACHABLE
