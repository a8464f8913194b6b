"""The gateway of the hub: how it is, changes of it, and the revisions that these made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway_policies.changeset import Changeset
from gateway_policies.enforcement import Enforcing, GatewayStatus
from gateway_policies.gateway import AppliedThen, GatewayChange, GatewayRevision
from gateway_policies.model import PolicySet
from gateway_policies.state import GatewayState
from hub.api.routing import JSON, Call, Route
from hub.api.sizes import CHANGES_LIMIT
from hub.api.transactions import Limit
from hub.gateway.kept import applied_then, revisions, to_revision
from hub.recovery.approvals import wanted
from hub.store.gateway_schema import gateway_revisions
from hub.store.paging import DEFAULT_LIMIT, Order, page
from transactions.errors import Invalid, PreconditionRequired, Stale
from transactions.pages import Page
from transactions.people import Permission
from transactions.plans import Plan

if TYPE_CHECKING:
    from hub.app import Hub

SetName = Annotated[str, Meta(min_length=1, max_length=200, description="a policy set")]
_NUMBER = 15  # digits of a revision at most


class GatewayStateParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Which policy set's part of it is told as applied."""

    set: SetName = PolicySet.DEFAULT_NAME


class GatewayRevisionParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of revisions; ``plan`` leaves the one that came of that policies' plan."""

    plan: Annotated[str, Meta(max_length=200, description="the hash of a policies' plan")] | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


async def show_state(hub: Hub, call: Call) -> Response:
    """The gateway, with the fingerprint that a change has to name as its ETag."""
    found = await hub.database.read(lambda c: hub.gateway.state(c, call.params.set))
    return Response(msgspec.json.encode(found), media_type=JSON, headers={"etag": f'"{found.fingerprint}"'})


async def take_changes(hub: Hub, call: Call) -> GatewayChange:
    """Change it: all that is asked for or nothing. What wants a second person waits for that one instead. Its data
    plane is asked first whether it takes it, and the answer says when it serves it."""
    asked: Changeset = call.body
    _check_match(call.request, asked)
    _check_words(asked)
    by, now = call.principal, hub.clock.now()
    foreseen = await hub.enforcement.foresee(asked, now)
    found = await hub.database.write(lambda c: hub.gateway.change(c, asked, by, now))
    if isinstance(found, Plan):
        raise wanted(found)
    effective = await hub.enforcement.enforce(foreseen)
    status = hub.enforcement.status()
    why_not = status.because if effective is None and status.state is Enforcing.TROUBLE else None
    return GatewayChange(**msgspec.structs.asdict(found), effective=effective, not_in_force=why_not)


async def show_status(hub: Hub, _call: Call) -> GatewayStatus:
    """Whether calls are held against the policies, where, and since when."""
    return hub.enforcement.status()


async def list_revisions(hub: Hub, call: Call) -> Page[GatewayRevision]:
    """The changes that it has taken, the newest first."""
    params: GatewayRevisionParams = call.params
    number, query = gateway_revisions.c.number, revisions()
    if params.plan is not None:
        query = query.where(gateway_revisions.c.plan == params.plan)
    order = Order("number", number, number, True, "gateway_revisions")
    return await hub.database.read(lambda c: page(c, query, order, params.limit, params.cursor, to_revision))


async def show_applied(hub: Hub, call: Call) -> AppliedThen:
    """What a policy set had applied at a revision."""
    text, name = call.path["number"], call.params.set
    if not text.isascii() or not text.isdigit() or len(text) > _NUMBER:
        raise Invalid(f"{text[:50]!r} is no number of a revision. Give one that the list of revisions has.")
    return await hub.database.read(lambda c: applied_then(c, name, int(text)))


def _check_match(request: Request, asked: Changeset) -> None:
    given = request.headers.get("if-match", "").strip()
    if not given:
        raise PreconditionRequired(
            "A change of the gateway wants the ETag of the state that it was planned on, in If-Match, so that nobody's "
            "change is overwritten unseen. Nothing was changed."
        )
    if given.removeprefix("W/").strip('"') != asked.base:
        raise Stale("If-Match is not the base that the change names. Nothing was changed. Make a new plan.")


def _check_words(asked: Changeset) -> None:
    for name, value, most in (
        ("policy_set", asked.policy_set, 200),
        ("plan", asked.plan, 200),
        ("reason", asked.reason or "-", 10_000),
    ):
        if not value or len(value) > most or (name != "reason" and not value.isprintable()):
            raise Invalid(f"{name} has to be a text of 1 to {most:,} characters. Nothing was changed.")


ROUTES = (
    Route(
        method="GET",
        path="gateway/state",
        summary="What is live at the gateway, whose it is, and what a policy set applied last",
        handler=show_state,
        permission=Permission.READ,
        whole_hub=True,
        params=GatewayStateParams,
        answers=GatewayState,
    ),
    Route(
        method="POST",
        path="gateway/changes",
        summary="Change the gateway, all or nothing; If-Match names the state that it was planned on",
        handler=take_changes,
        permission=Permission.POLICY_APPLY,
        whole_hub=True,
        body=Changeset,
        body_bytes=CHANGES_LIMIT,
        answers=GatewayChange,
        status=201,
        problems=(
            "stale",
            "precondition-required",
            "refused",
            "plan-altered",
            "second-person-wanted",
            "gateway-rejected",
        ),
    ),
    Route(
        method="GET",
        path="gateway/status",
        summary="Whether the gateway holds calls against the policies, where it is called, and since when",
        handler=show_status,
        permission=Permission.READ,
        whole_hub=True,
        answers=GatewayStatus,
    ),
    Route(
        method="GET",
        path="gateway/revisions",
        summary="The changes that the gateway has taken, newest first",
        handler=list_revisions,
        permission=Permission.READ,
        whole_hub=True,
        params=GatewayRevisionParams,
        answers=Page[GatewayRevision],
        problems=("bad-cursor",),
    ),
    Route(
        method="GET",
        path="gateway/revisions/{number}/applied",
        summary="What a policy set had applied at a revision",
        handler=show_applied,
        permission=Permission.READ,
        whole_hub=True,
        params=GatewayStateParams,
        answers=AppliedThen,
        problems=("not-found",),
    ),
)
