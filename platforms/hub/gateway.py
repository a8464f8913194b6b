"""The gateway of a hub: calls about it, and a driver that policies are applied through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol, TypeVar

from gateway_policies import errors as policy_errors
from gateway_policies.changeset import Changeset
from gateway_policies.enforcement import GatewayStatus, Trial
from gateway_policies.explaining.changes_before import ChangeBefore
from gateway_policies.explaining.stopped_call import StoppedCall
from gateway_policies.gateway import (
    AppliedThen,
    ConsumerToken,
    GatewayChange,
    GatewayRevision,
    Report,
    Revision,
    Stage,
    Step,
    unheard,
)
from gateway_policies.state import GatewayState
from gateway_policies.traffic.report import Arrivals, Imported, ImportedCalls, Imports, SeenCalls, UsageReport
from platforms.calls import Call, json_body, params, segments
from platforms.errors import ReadOnly
from transactions.errors import NotFound, PlanAltered, Refused, SecondPersonWanted, Stale
from transactions.pages import Page

T = TypeVar("T")
_PATIENCE = 60.0
_PAGE = 1000


def state(policy_set: str) -> Call[GatewayState]:
    """The gateway as a policy set sees it."""
    return Call(
        method="GET",
        path="gateway/state",
        answers=GatewayState,
        params=params(set=policy_set),
        patience=_PATIENCE,
    )


def change(changeset: Changeset) -> Call[GatewayChange]:
    """Change it, if it still is as the changeset was planned on; the answer says when that was in force."""
    return Call(
        method="POST",
        path="gateway/changes",
        answers=GatewayChange,
        body=json_body(changeset),
        headers={"If-Match": f'"{changeset.base}"'},
        changes=True,
        patience=_PATIENCE,
    )


def status() -> Call[GatewayStatus]:
    """Whether calls are held against the policies, where, and since when."""
    return Call(method="GET", path="gateway/status", answers=GatewayStatus)


def begin_trial(changeset: Changeset) -> Call[Trial]:
    """Count what a change would refuse, without making it."""
    return Call(
        method="POST",
        path="gateway/trial",
        answers=Trial,
        body=json_body(changeset),
        changes=True,
        patience=_PATIENCE,
    )


def show_trial() -> Call[Trial]:
    """What the policies on trial would have refused so far."""
    return Call(method="GET", path="gateway/trial", answers=Trial)


def end_trial() -> Call[Trial]:
    """End the trial; the answer is what was counted."""
    return Call(method="DELETE", path="gateway/trial", answers=Trial, changes=True)


def revisions(
    limit: int | None = None, cursor: str | None = None, plan: str | None = None
) -> Call[Page[GatewayRevision]]:
    """The changes that it has taken, newest first; of one policies' plan only, where its hash is given."""
    return Call(
        method="GET",
        path="gateway/revisions",
        answers=Page[GatewayRevision],
        params=params(plan=plan, limit=limit, cursor=cursor),
    )


def usage(
    since: str | None = None, by: str | None = None, limit: int | None = None, **names: str | None
) -> Call[UsageReport]:
    """Calls at it, added up.

    Args:
        since: ``7d``, a moment, or two of them with ``..`` between.
        by: what they are added up by, with commas between.
        names: a ``consumer``, ``api``, ``version``, ``scope`` or ``outcome`` that all of them have.
    """
    return Call(
        method="GET",
        path="gateway/usage",
        answers=UsageReport,
        params=params(since=since, by=by, limit=limit, **names),
        patience=_PATIENCE,
    )


def calls(since: str | None = None) -> Call[SeenCalls]:
    """What was seen at it, as plans of policies take it."""
    return Call(
        method="GET",
        path="gateway/usage/calls",
        answers=SeenCalls,
        params=params(since=since),
        patience=_PATIENCE,
    )


def arrivals(since: str | None = None, begin: int | None = None) -> Call[Arrivals]:
    """What came to its throttles, second by second; ``begin`` goes on where the answer before ended."""
    return Call(
        method="GET",
        path="gateway/usage/arrivals",
        answers=Arrivals,
        params=params(since=since, begin=begin),
        patience=_PATIENCE,
    )


def imports() -> Call[Imports]:
    """Which logs of other gateways were counted."""
    return Call(method="GET", path="gateway/usage/imports", answers=Imports)


def import_calls(piece: ImportedCalls) -> Call[Imported]:
    """Count a piece of another gateway's log, once."""
    return Call(
        method="POST",
        path="gateway/usage/imports",
        answers=Imported,
        body=json_body(piece),
        changes=True,
        patience=_PATIENCE,
    )


def applied(policy_set: str, revision: int) -> Call[AppliedThen]:
    """What a policy set had applied at a revision."""
    return Call(
        method="GET",
        path=segments("gateway", "revisions", str(revision), "applied"),
        answers=AppliedThen,
        params=params(set=policy_set),
        patience=_PATIENCE,
    )


def consumer_token(name: str, expires_in: str | None = None) -> Call[ConsumerToken]:
    """A token of a consumer's; ``expires_in`` is a duration like ``10m``."""
    return Call(
        method="POST",
        path=segments("gateway", "consumers", name, "token"),
        answers=ConsumerToken,
        body=json_body({"expires_in": expires_in}),
        changes=True,
    )


def refusal(id: str) -> Call[StoppedCall]:  # noqa: A002
    """What stopped a transaction at the gateway."""
    return Call(method="GET", path=segments("transactions", id, "refusal"), answers=StoppedCall)


def changes_before(fingerprint: str) -> Call[Page[ChangeBefore]]:
    """The changes of it before a group of transactions first failed."""
    return Call(method="GET", path=segments("groups", fingerprint, "changes"), answers=Page[ChangeBefore])


class Asker(Protocol):
    """What sends calls; every :class:`platforms.protocol.Sender` does."""

    def send(self, call: Call[T]) -> T:
        """The answer."""
        ...


class HubGateway:
    """See :class:`gateway_policies.gateway.Gateway`; a hub that cannot be asked is an ``AndonError`` as ever.

    Changes are by the one whose token is used, and at the hub's own time. One that wants a second person is kept by the
    hub as a plan that waits for that one, and ``apply`` raises ``SecondPersonWanted`` with its hash.
    """

    def __init__(self, sender: Asker) -> None:
        self._sender = sender

    def state(self, policy_set: str) -> GatewayState:
        """See :class:`gateway_policies.gateway.Gateway`."""
        with _as_policies_say():
            return self._sender.send(state(policy_set))

    def apply(self, changeset: Changeset, at: datetime, report: Report = unheard) -> Revision:
        """See :class:`gateway_policies.gateway.Gateway`. A hub looks at the whole, and takes it in one transaction."""
        edits = sum(map(len, changeset.steps))
        report(Step(stage=Stage.SENT, done=0, of=edits))
        with _as_policies_say():
            revision = _revision(self._sender.send(change(changeset)))
        report(Step(stage=Stage.COMMITTED, done=edits, of=edits, revision=revision.number))
        if revision.effective is not None:
            report(Step(stage=Stage.EFFECTIVE, done=edits, of=edits))
        return revision

    def finish(self, by: str, at: datetime) -> Revision | None:
        """See :class:`gateway_policies.gateway.Gateway`. A hub's changes are transactions: none is half done."""
        return None

    def unfinished(self) -> Revision | None:
        """See :class:`gateway_policies.gateway.Gateway`."""
        return None

    def revisions(self) -> list[Revision]:
        """See :class:`gateway_policies.gateway.Gateway`."""
        found: list[Revision] = []
        cursor: str | None = None
        while True:
            page = self._sender.send(revisions(_PAGE, cursor))
            found += map(_revision, page.items)
            cursor = page.next_cursor
            if cursor is None:
                return found

    def revision_of(self, plan: str) -> Revision | None:
        """See :class:`gateway_policies.gateway.Gateway`."""
        with _as_policies_say():
            return next(map(_revision, self._sender.send(revisions(1, plan=plan)).items), None)

    def applied(self, policy_set: str, revision: int) -> AppliedThen:
        """See :class:`gateway_policies.gateway.Gateway`."""
        with _as_policies_say():
            return self._sender.send(applied(policy_set, revision))


@contextmanager
def _as_policies_say() -> Iterator[None]:
    """A hub's problems as what drivers of gateways raise."""
    try:
        yield
    except (ReadOnly, SecondPersonWanted):
        raise
    except PlanAltered as error:
        raise policy_errors.PlanAltered(error.detail) from error
    except Refused as error:
        raise policy_errors.Blocked(error.detail) from error
    except Stale as error:
        raise policy_errors.Moved(error.detail) from error
    except NotFound as error:
        raise policy_errors.Missing(error.detail) from error


def _revision(told: GatewayRevision | GatewayChange) -> Revision:
    return Revision(
        number=told.number,
        at=told.at,
        by=told.by,
        policy_set=told.policy_set,
        plan=told.plan,
        fingerprint=told.fingerprint,
        reason=told.reason,
        approved_by=told.approved_by,
        effective=told.effective if isinstance(told, GatewayChange) else None,
        not_in_force=told.not_in_force if isinstance(told, GatewayChange) else None,
    )
