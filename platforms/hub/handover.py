"""Calls about the handover of a shift."""

from __future__ import annotations

from datetime import datetime

from platforms.calls import Call, json_body, params
from transactions.handover.model import Handover, Remark, RemarkRequest


def show(
    shift: str | None = None,
    *,
    begin: datetime | None = None,
    until: datetime | None = None,
    plant: str | None = None,
) -> Call[Handover]:
    """The handover of a shift (``current``, ``previous``) or of a span of time; the running one without either."""
    found = params(shift=shift, plant=plant, to=None if until is None else until.isoformat())
    return Call(
        method="GET",
        path="handover",
        answers=Handover,
        params={**found, **({} if begin is None else {"from": begin.isoformat()})},
        patience=30.0,
    )


def remark(text: str, plant: str | None = None) -> Call[Remark]:
    """Leave words to the next shift."""
    return Call(
        method="POST",
        path="handover/remarks",
        answers=Remark,
        body=json_body(RemarkRequest(text=text, plant=plant)),
        changes=True,
    )
