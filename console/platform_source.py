"""The console's source over a platform's admin API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, TypeVar

from platforms.hub import (
    approvals,
    batches,
    edits,
    groups,
    handover,
    kpis,
    landscape,
    lineage,
    plans,
    reconciliation,
    server,
    transactions,
)
from transactions.errors import NotFound
from transactions.ownership import AssignRequest

if TYPE_CHECKING:
    from gateway_policies.explaining.changes_before import ChangeBefore
    from gateway_policies.explaining.stopped_call import StoppedCall
    from gateway_policies.planning.usage import Usage
    from gateway_policies.state import GatewayState
    from platforms.asynchronous import AsyncClient
    from platforms.calls import Call
    from platforms.contexts import Resolved
    from platforms.events import Connection
    from transactions.approvals import ApprovalItem, Decided
    from transactions.batches import Batch, BatchItem
    from transactions.edits import Draft, PayloadDifference
    from transactions.groups import Group
    from transactions.handover.model import Handover
    from transactions.history import Payload, StreamEvent, TimelineEntry
    from transactions.kpis.model import KpiReport
    from transactions.landscape import Board, Hold, System, WhoAmI
    from transactions.lineage import Lineage
    from transactions.model import Transaction
    from transactions.pages import Count, Page
    from transactions.plans import Plan, PlanRequest
    from transactions.reconciliation.model import Kind, Reconciliation
    from transactions.related import Related

T = TypeVar("T")


class PlatformSource:
    """Implements :class:`console.source.Source` with the calls of ``platforms.hub``."""

    def __init__(self, context: Resolved) -> None:
        """``context`` names the platform and carries the token."""
        self._context = context
        self._opened: AsyncClient | None = None

    @property
    def _client(self) -> AsyncClient:
        if self._opened is None:
            # Importing httpx takes longer than the first paint may: it waits for the first fetch.
            from platforms.asynchronous import AsyncClient

            self._opened = AsyncClient(self._context)
        return self._opened

    async def _send(self, call: Call[T]) -> T:
        return await self._client.send(call)

    async def page(self, filter: str, sort: str, limit: int, cursor: str | None) -> Page[Transaction]:  # noqa: A002
        return await self._send(transactions.list_page(filter or None, sort, limit, cursor))

    async def count(self, filter: str) -> Count:  # noqa: A002
        return await self._send(transactions.count(filter or None))

    async def groups(self, filter: str, sort: str, limit: int, cursor: str | None) -> Page[Group]:  # noqa: A002
        return await self._send(groups.list_page(filter or None, sort, limit, cursor))

    async def transaction(self, id: str) -> Transaction:  # noqa: A002
        return await self._send(transactions.show(id))

    async def timeline(self, id: str) -> list[TimelineEntry]:  # noqa: A002
        return (await self._send(transactions.timeline(id))).items

    async def lineage(self, id: str) -> Lineage:  # noqa: A002
        return await self._send(lineage.lineage(id))

    async def related(self, id: str) -> Related:  # noqa: A002
        return await self._send(lineage.related(id))

    async def refusal(self, id: str) -> StoppedCall:  # noqa: A002
        from platforms.hub import gateway

        return await self._send(gateway.refusal(id))

    async def payload(self, id: str, revision: int | None) -> Payload:  # noqa: A002
        return await self._send(transactions.payload(id, revision))

    async def reveal(self, id: str, revision: int, reason: str) -> Payload:  # noqa: A002
        return await self._send(transactions.reveal(id, revision, reason))

    async def edit(
        self,
        id: str,  # noqa: A002
        content: bytes,
        kind: str,
        etag: str,
        reason: str,
        *,
        correction: bool = False,
    ) -> Draft:
        return await self._send(edits.edit(id, content, kind, etag=etag, reason=reason, correction=correction))

    async def difference(self, id: str, before: str | None = None, after: str | None = None) -> PayloadDifference:  # noqa: A002
        return await self._send(edits.difference(id, before, after))

    async def assign(self, id: str, to: str | None, etag: str) -> Transaction:  # noqa: A002
        return await self._send(transactions.assign(id, AssignRequest(assignee=to), etag))

    async def note(self, id: str, text: str) -> None:  # noqa: A002
        await self._send(transactions.note(id, text))

    async def board(self) -> Board:
        return await self._send(landscape.board())

    async def systems(self) -> list[System]:
        return (await self._send(landscape.systems())).items

    async def holds(self) -> list[Hold]:
        return (await self._send(landscape.holds())).items

    async def reconcile(self, kind: Kind) -> Reconciliation:
        return await self._send(reconciliation.reconcile(kind))

    async def handover(self, shift: str) -> Handover:
        return await self._send(handover.show(shift))

    async def remark(self, text: str) -> None:
        await self._send(handover.remark(text))

    async def kpis(self, window: str) -> KpiReport:
        return await self._send(kpis.kpis(window))

    async def gateway_state(self, policy_set: str) -> GatewayState:
        # What it is decoded to is not needed before somebody looks at the gateway.
        from platforms.hub import gateway

        return await self._send(gateway.state(policy_set))

    async def gateway_calls(self) -> Usage | None:
        from platforms.hub import gateway

        try:
            return (await self._send(gateway.calls("30d"))).usage
        except NotFound:
            return None  # a hub that does not count calls

    async def changes_before(self, fingerprint: str) -> list[ChangeBefore]:
        from platforms.hub import gateway

        try:
            return (await self._send(gateway.changes_before(fingerprint))).items
        except NotFound:
            return []  # the group is gone meanwhile, or the hub is older than that

    async def whoami(self) -> WhoAmI:
        return await self._send(server.whoami())

    async def make_plan(self, request: PlanRequest) -> Plan:
        return await self._send(plans.create(request))

    async def plan(self, hash: str) -> Plan:  # noqa: A002
        return await self._send(plans.show(hash))

    async def run(self, hash: str) -> Batch:  # noqa: A002
        return await self._send(plans.run(hash))

    async def approvals(self, limit: int, cursor: str | None) -> Page[ApprovalItem]:
        return await self._send(approvals.list_page(limit, cursor))

    async def approve(self, hash: str, reason: str) -> Decided:  # noqa: A002
        return await self._send(approvals.approve(hash, reason))

    async def reject(self, hash: str, reason: str) -> Decided:  # noqa: A002
        return await self._send(approvals.reject(hash, reason))

    async def batches(self, limit: int, cursor: str | None) -> Page[Batch]:
        return await self._send(batches.list_page(limit, cursor))

    async def batch(self, id: str) -> Batch:  # noqa: A002
        return await self._send(batches.show(id))

    async def batch_items(self, id: str, limit: int, cursor: str | None) -> Page[BatchItem]:  # noqa: A002
        return await self._send(batches.items(id, limit, cursor))

    async def cancel(self, id: str) -> Batch:  # noqa: A002
        return await self._send(batches.cancel(id))

    async def pause(self, id: str) -> Batch:  # noqa: A002
        """Take up nothing more until told to."""
        return await self._send(batches.pause(id))

    async def resume(self, id: str) -> Batch:  # noqa: A002
        """Go on with a paused batch."""
        return await self._send(batches.resume(id))

    async def events(self) -> AsyncIterator[StreamEvent | Connection]:
        # Reaching the client here, not before the first event is asked for, keeps the constructor free of imports.
        async for event in self._client.events():
            yield event

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened.aclose()
