"""A plan as a file: canonical JSON and a line's end, read back only as it was written."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway_policies.canonical import canonical
from gateway_policies.errors import Moved, PlanAltered
from gateway_policies.planning.making import sealed
from gateway_policies.planning.model import DECODER, SCHEMA, Plan

_NOTHING = "Nothing was changed. Make a new plan instead of changing one."


def to_bytes(plan: Plan) -> bytes:
    """What is written: the same plan is the same bytes."""
    return canonical(plan) + b"\n"


def from_bytes(content: bytes) -> Plan:
    """Read what :func:`to_bytes` wrote.

    Raises:
        PlanAltered: it is no plan, of another version, or not what was written.
    """
    try:
        version = msgspec.json.decode(content, type=_Versioned).schema_version
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanAltered(
            f"This is no plan as 'andon policy plan --out' writes it ({error}). Nothing was changed. Make a new one."
        ) from error
    if version != SCHEMA:
        raise PlanAltered(
            f"The plan has the form {version}, and this andon reads the form {SCHEMA}. Nothing was changed. "
            "Make a new plan with this andon, or apply it with the one that made it."
        )
    try:
        plan = DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanAltered(f"The plan was edited after it was made: {error}. {_NOTHING}") from error
    # Whatever a reader could take in two ways (a member twice, a field that is not ours) is not what was written.
    if to_bytes(plan).strip() != content.strip() or sealed(plan.body()).hash != plan.hash:
        raise PlanAltered(
            f"The plan does not match its hash {plan.hash[:12]}: it was edited after it was made. {_NOTHING}"
        )
    return plan


def check_age(plan: Plan, now: datetime) -> None:
    """Refuse a plan that is too old.

    Raises:
        Moved: it is.
    """
    if now >= plan.expires_at:
        raise Moved(
            f"The plan {plan.hash[:12]} was good until {plan.expires_at:%Y-%m-%d %H:%M} UTC. Nothing was changed. "
            "Make a new plan."
        )


class _Versioned(msgspec.Struct):
    schema_version: int
