"""The calls that a policy stopped, as a filter over transactions; and a refused transaction as a call."""

from __future__ import annotations

from gateway_policies.overview.stopped import Call, Stops, page_of
from transactions.filters.query import is_plain, show_value
from transactions.groups import Group
from transactions.model import GATEWAY, Transaction

OPEN = "status:failed,retrying,held"


def filter_of(stops: Stops) -> str:
    """A filter for the transactions that are stopped: those whose failure names the policy, and those whose failure
    names none and is of its kind."""
    policies = ",".join(text for each in stops.policies for text in (show_value(each), *_below(each)))
    named = f"policy_ref:{policies}"
    if not stops.kinds:
        return f"{OPEN} {named}"
    terms = ["policy_ref:none", f"kind:{','.join(stops.kinds)}"]
    if stops.targets:
        terms.append(f"target:{','.join(map(show_value, stops.targets))}")
    others = []
    for system, plant in stops.sources or (("", None),):
        place = [f"source:{show_value(system)}"] if system else []
        place += [f"plant:{show_value(plant)}"] if plant else []
        others.append(f"({' '.join([*terms, *place])})")
    return f"{OPEN} ({' or '.join([named, *others])})"


def _below(address: str) -> list[str]:
    """What hangs below an address, as a value; nothing for one that a wildcard cannot stand behind."""
    return [f"{address}.*"] if is_plain(address) else []


def call_of(transaction: Transaction | None) -> Call | None:
    """A transaction that a policy stopped, as the call that was refused; None for any other."""
    failure = None if transaction is None else transaction.failure
    if transaction is None or failure is None or page_of(failure.kind, failure.policy_ref) is None:
        return None
    return Call(
        kind=failure.kind,
        policy=failure.policy_ref,
        source=transaction.source,
        plant=transaction.plant,
        target=transaction.target if failure.system in ("", GATEWAY) else failure.system,
    )


def call_of_group(group: Group) -> Call | None:
    """A group that a policy stopped, as one call; None for any other. Whose calls they were, a group does not say."""
    if page_of(group.kind, None) is None:
        return None
    (plant,) = group.plants if len(group.plants) == 1 else (None,)
    return Call(kind=group.kind, policy=None, source="", plant=plant, target=group.target)
