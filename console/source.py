"""What the console needs of a platform: one seam, so that screens know neither HTTP nor a hub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway_policies.explaining.changes_before import ChangeBefore
    from gateway_policies.explaining.stopped_call import StoppedCall
    from gateway_policies.planning.usage import Usage
    from gateway_policies.state import GatewayState
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


class Source(Protocol):
    """Where transactions come from. Every method raises an ``AndonError`` where there is no answer."""

    async def page(self, filter: str, sort: str, limit: int, cursor: str | None) -> Page[Transaction]:  # noqa: A002
        """One page of transactions in keyset order."""
        ...

    async def count(self, filter: str) -> Count:  # noqa: A002
        """How many transactions match."""
        ...

    async def groups(self, filter: str, sort: str, limit: int, cursor: str | None) -> Page[Group]:  # noqa: A002
        """One page of groups of transactions that match, of failed ones where the filter says no status."""
        ...

    async def transaction(self, id: str) -> Transaction:  # noqa: A002
        """One transaction."""
        ...

    async def timeline(self, id: str) -> list[TimelineEntry]:  # noqa: A002
        """What happened to it, oldest first."""
        ...

    async def lineage(self, id: str) -> Lineage:  # noqa: A002
        """The process that it belongs to; the first page of a large one."""
        ...

    async def related(self, id: str) -> Related:  # noqa: A002
        """What shares a business key with it: how many for every key, and the newest few."""
        ...

    async def refusal(self, id: str) -> StoppedCall:  # noqa: A002
        """The policy of the gateway that stopped it; ``Refused`` where none did."""
        ...

    async def payload(self, id: str, revision: int | None) -> Payload:  # noqa: A002
        """Its payload; the newest revision unless told."""
        ...

    async def reveal(self, id: str, revision: int, reason: str) -> Payload:  # noqa: A002
        """Its payload without masks; the platform keeps the reason in its audit."""
        ...

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
        """Store an edited document as a draft; of a correction, the right one instead of what was posted. Nothing is
        sent."""
        ...

    async def difference(self, id: str, before: str | None = None, after: str | None = None) -> PayloadDifference:  # noqa: A002
        """Where two revisions differ; unless told, its draft from the one in use, or that one from the one before."""
        ...

    async def assign(self, id: str, to: str | None, etag: str) -> Transaction:  # noqa: A002
        """Say who works on it (``me``: who asks; None: nobody), while it is the one that ``etag`` names."""
        ...

    async def note(self, id: str, text: str) -> None:  # noqa: A002
        """Add a note to its timeline."""
        ...

    async def board(self) -> Board:
        """Everything the board shows."""
        ...

    async def systems(self) -> list[System]:
        """Every system."""
        ...

    async def holds(self) -> list[Hold]:
        """The holds people placed."""
        ...

    async def reconcile(self, kind: Kind) -> Reconciliation:
        """What the systems themselves say, and where they disagree. It takes as long as the slowest of them."""
        ...

    async def kpis(self, window: str) -> KpiReport:
        """Every key figure of a window."""
        ...

    async def handover(self, shift: str) -> Handover:
        """What the ``current`` or the ``previous`` shift hands over."""
        ...

    async def remark(self, text: str) -> None:
        """Leave words to the next shift."""
        ...

    async def gateway_state(self, policy_set: str) -> GatewayState:
        """The gateway as it is now, as a policy set sees it."""
        ...

    async def gateway_calls(self) -> Usage | None:
        """What was seen at the gateway in thirty days; None where nothing is known."""
        ...

    async def changes_before(self, fingerprint: str) -> list[ChangeBefore]:
        """The changes of the gateway in the day before a group first failed, those first that have to do with it."""
        ...

    async def whoami(self) -> WhoAmI:
        """Who the token belongs to."""
        ...

    async def make_plan(self, request: PlanRequest) -> Plan:
        """Store a plan. Nothing is sent."""
        ...

    async def plan(self, hash: str) -> Plan:  # noqa: A002
        """A stored plan."""
        ...

    async def run(self, hash: str) -> Batch:  # noqa: A002
        """Run a stored plan, once."""
        ...

    async def approvals(self, limit: int, cursor: str | None) -> Page[ApprovalItem]:
        """Plans that wait for a second person, and reviews that are owed, oldest first."""
        ...

    async def approve(self, hash: str, reason: str) -> Decided:  # noqa: A002
        """Approve somebody else's plan, which starts it; or find nothing wrong with what ran without approval."""
        ...

    async def reject(self, hash: str, reason: str) -> Decided:  # noqa: A002
        """Reject somebody else's plan; or object to what ran without approval."""
        ...

    async def batches(self, limit: int, cursor: str | None) -> Page[Batch]:
        """Batches, newest first."""
        ...

    async def batch(self, id: str) -> Batch:  # noqa: A002
        """One batch."""
        ...

    async def batch_items(self, id: str, limit: int, cursor: str | None) -> Page[BatchItem]:  # noqa: A002
        """Items of a batch in the plan's order."""
        ...

    async def cancel(self, id: str) -> Batch:  # noqa: A002
        """Stop a batch: what was not sent goes back to where it was."""
        ...

    async def pause(self, id: str) -> Batch:  # noqa: A002
        """Take up nothing more until told to."""
        ...

    async def resume(self, id: str) -> Batch:  # noqa: A002
        """Go on with a paused batch."""
        ...

    def events(self) -> AsyncIterator[StreamEvent | Connection]:
        """What happens from now on, without an end; losses are healed inside and told."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
