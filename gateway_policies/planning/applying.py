"""A plan carried out: what a driver must come to, said in memory."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.changeset import Changeset, Edit, Working
from gateway_policies.errors import Blocked, Moved, PlanAltered
from gateway_policies.model import Resource
from gateway_policies.planning.model import Change, Do, Plan, Record
from gateway_policies.references import Names, references
from gateway_policies.state import DIRECTORY, GatewayState


def changeset_of(
    plan: Plan, state: GatewayState, *, by: str, reason: str | None = None, only_tried: bool = False
) -> Changeset:
    """What the gateway is asked to do for a plan.

    Args:
        state: the gateway as it is now.
        by: who applies it.
        reason: why something that was blocked is done all the same.
        only_tried: it is not done, and so nothing stands against it.

    Raises:
        PlanAltered: the plan is for another gateway.
        Moved: the gateway is not as it was when the plan was made.
        Blocked: something stands against a change of the plan.
    """
    if plan.target.gateway != state.gateway:
        raise PlanAltered(
            f"The plan is for the gateway {plan.target.gateway}, and this is {state.gateway}. Nothing was changed. "
            "Make a plan for this one."
        )
    if plan.target.platform != state.platform:
        raise PlanAltered(f"{_elsewhere(plan, state)} Nothing was changed. Make a plan for this one.")
    if plan.target.fingerprint != state.fingerprint:
        raise Moved(
            f"The gateway {state.gateway} has changed since the plan was made, at revision {plan.target.revision}; "
            f"it is at revision {state.revision} now. Nothing was changed. Make a new plan."
        )
    stands = [each.message for change in plan.changes for each in change.blockers if each.open]
    if stands and not only_tried:
        raise Blocked("\n".join(["The plan is blocked:", *(f"  {each}" for each in stands)]))
    return Changeset(
        gateway=state.gateway,
        policy_set=plan.policy_set,
        base=plan.target.fingerprint,
        plan=plan.hash,
        by=by,
        reason=reason,
        steps=tuple(_steps(plan, state)),
    )


def _elsewhere(plan: Plan, state: GatewayState) -> str:
    planned, here = (
        each if each and not each.startswith(DIRECTORY) else None for each in (plan.target.platform, state.platform)
    )
    if planned is None and here is None:
        return f"The plan is for the {state.gateway} in another directory, or for this one before it was moved."
    return f"The plan is for the {state.gateway} of {_whose(planned)}, and this is that of {_whose(here)}."


def _whose(platform: str | None) -> str:
    return "a directory" if platform is None else f"the platform {platform}"


def apply_changes(state: GatewayState, plan: Plan) -> GatewayState:
    """The state after a plan, as every driver has to come to it.

    Raises:
        PlanAltered, Moved, Blocked: see :func:`changeset_of`.
    """
    working = Working(state, plan.policy_set)
    for step in changeset_of(plan, state, by="").steps:
        for edit in step:
            working.take(edit)
    return working.after(state)


def _steps(plan: Plan, state: GatewayState) -> Iterator[tuple[Edit, ...]]:
    executor = _Executor(state, plan.policy_set)
    changes = {each.id: each for each in plan.changes}
    # Records bear the names after the renames, which an undoing plan takes back at its end.
    if plan.records and plan.undoes is not None:
        yield tuple(map(executor.record, plan.records))
    for step in plan.steps:
        yield tuple(edit for deed in step for edit in executor.edits(deed.do, changes[deed.change]))
    if plan.records and plan.undoes is None:
        yield tuple(map(executor.record, plan.records))


class _Executor:
    """Turns deeds into edits, and remembers what they came to: a rename moves what is there by then."""

    def __init__(self, state: GatewayState, policy_set: str) -> None:
        self._working = Working(state, policy_set)
        self._policy_set = policy_set
        self._referring: dict[str, set[str]] | None = None

    def edits(self, do: Do, change: Change) -> list[Edit]:
        """The edits of a deed."""
        if do is Do.RENAME:
            return self._rename(change.from_ or "", change.address)
        resource, owned, applied = change.after, change.owned_after, change.recorded_after
        return [self._take(Edit(address=change.address, resource=resource, owned=owned, applied=applied))]

    def record(self, record: Record) -> Edit:
        """The edit of a record."""
        live = self._working.live.get(record.address)
        return self._take(Edit(address=record.address, resource=live, owned=record.owned_after, applied=record.after))

    def _take(self, edit: Edit) -> Edit:
        if self._referring is not None:
            self._index(edit.address, known=False)
        self._working.take(edit)
        if self._referring is not None:
            self._index(edit.address, known=True)
        return edit

    def _rename(self, old: str, new: str) -> list[Edit]:
        """The resource under its new name, and whatever has the old name in it."""
        if self._referring is None:
            self._referring = {}
            for address in {**self._working.live, **self._working.applied}:
                self._index(address, known=True)
        names = Names({old: new})
        found = []
        # Copied: the edits change who refers to what.
        for address in [old, *sorted(self._referring.get(old, ()))]:
            live, applied = self._working.live.get(address), self._working.applied.get(address)
            renamed = [None if each is None else names.in_resource(each) for each in (live, applied)]
            then = next(each.address for each in renamed if each is not None)
            self._index(address, known=False)
            found.append(
                self._take(
                    Edit(
                        address=then,
                        resource=renamed[0],
                        owned=self._working.owners.get(address) == self._policy_set,
                        applied=renamed[1],
                        renamed_from=None if then == address else address,
                    )
                )
            )
        return found

    def _index(self, address: str, *, known: bool) -> None:
        referring = self._referring
        if referring is None:
            return
        for needed in self._needed(address):
            who = referring.setdefault(needed, set())
            if known:
                who.add(address)
            else:
                who.discard(address)

    def _needed(self, address: str) -> set[str]:
        both: tuple[Resource | None, ...] = (
            self._working.live.get(address),
            self._working.applied.get(address),
        )
        return {needed for each in both if each is not None for needed in references(each)}
