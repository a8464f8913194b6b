"""Exports: exactly the rows of a filter, of one moment, as a stream that needs no more memory for a million."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from msgspec import Meta, Struct
from starlette.responses import Response, StreamingResponse

from hub.api.routing import Call, Route
from hub.store.journal import journal
from hub.store.questions import transaction_order
from hub.store.shown import shown
from hub.store.snapshot import Snapshot
from transactions.errors import TooManyRequests
from transactions.export_form import ROWS, ExportForm
from transactions.exporting import Lines, choose_columns
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub

AT_ONE_TIME = 2
"""Each holds a moment of the store, and with it the log of what was written since."""
PATIENCE_SECONDS = 60.0
"""A reader that takes nothing for so long is given up."""
_PIECE = 500  # rows that are in memory at one time
log = structlog.get_logger("andon.export")


Names = Annotated[str, Meta(min_length=1, max_length=4000, description="names with commas between them")]


class TransactionsExportParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Which transactions, in which order, which of their fields, and as what."""

    filter: str | None = None
    sort: str = "created_at"
    format: ExportForm = ExportForm.JSONL
    columns: Names | None = None
    raw: Annotated[bool, Meta(description="CSV with texts that a spreadsheet would run")] = False


class _Turn:
    """One of the exports that are under way; it ends by itself when its reader takes nothing any more."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(PATIENCE_SECONDS, self._give_up)
        self._reading = False
        self.over = False

    async def rows(self, hub: Hub, lines: Lines, now: Any) -> bytes:
        """The next lines; none at the end."""
        self._timer.cancel()
        self._reading = True
        snapshot, masks = self.snapshot, hub.landscape.masks

        def piece(_: Any) -> bytes:
            found = snapshot.next_rows(_PIECE)
            return lines.rows([shown(snapshot.connection, row, now, masks) for row in found])

        try:
            return await hub.database.read(piece)
        finally:
            self._reading = False
            self._timer = self._loop.call_later(PATIENCE_SECONDS, self._give_up)

    def end(self) -> None:
        """Let the moment go."""
        self._timer.cancel()
        if not self.over:
            self.over = True
            self.snapshot.close()

    def _give_up(self) -> None:
        if not self._reading:
            log.warning("export.given-up", waited=PATIENCE_SECONDS)
            self.end()


async def export_transactions(hub: Hub, call: Call) -> Response:
    """The rows, and before the first of them an entry in the audit chain: who took what with them, and how much."""
    params: TransactionsExportParams = call.params
    chosen = choose_columns(params.columns, hub.business_keys())
    now, actor = hub.clock.now(), call.principal.subject
    condition = hub.condition(params.filter, now, call.reach, actor)
    order = transaction_order(params.sort)
    if call.request.method == "HEAD":  # nothing leaves, so nothing is on record
        return Response(media_type=params.format.media)
    if len(hub.exports) >= AT_ONE_TIME:
        raise TooManyRequests(
            f"{AT_ONE_TIME} exports are under way, and the hub makes no more at one time. Nothing was exported. "
            "Ask again when one of them has ended.",
            retry_after=5,
        )
    place = object()
    hub.exports.add(place)
    try:
        snapshot = await hub.database.read(lambda _: Snapshot(hub.database.read_engine, condition, order.columns()))
    except BaseException:
        hub.exports.discard(place)
        raise
    turn = _Turn(snapshot)
    told = {
        "filter": params.filter,
        "format": params.format,
        "columns": params.columns,
        "rows": snapshot.count,
    }
    try:
        await hub.database.write(
            lambda c: journal(c).effect(now, actor, "transactions.exported", "export", None, None, told)
        )
    except BaseException:
        turn.end()
        hub.exports.discard(place)
        raise
    return StreamingResponse(
        _stream(hub, turn, Lines(params.format, chosen, raw=params.raw), now, place),
        media_type=params.format.media,
        headers={ROWS: str(snapshot.count)},
    )


async def _stream(hub: Hub, turn: _Turn, lines: Lines, now: Any, place: object) -> AsyncIterator[bytes]:
    """Cut short where the reader was given up or the store fails: the transfer is not ended, and the reader knows."""
    try:
        yield lines.head()
        while piece := await turn.rows(hub, lines, now):
            yield piece
    finally:
        turn.end()
        hub.exports.discard(place)


ROUTES = (
    Route(
        method="GET",
        path="export",
        summary="Exactly the transactions that match a filter, of one moment, as CSV or JSON lines",
        handler=export_transactions,
        permission=Permission.READ,
        params=TransactionsExportParams,
        media="application/x-ndjson",
        also="text/csv",
        problems=("bad-filter", "too-many-requests"),
    ),
)
