"""Which fields of a reconciliation can be compared, and between whom: from declarations, rights and masks."""

from __future__ import annotations

from msgspec import Struct

from hub.declarations import Catalogue
from hub.masks import Masks
from hub.reconciliation.declared import FieldDeclaration, ReconciliationDeclaration
from transactions.people import Reach
from transactions.reconciliation.comparing import Field


class Chosen(Struct, frozen=True, kw_only=True):
    """Fields to compare, and what is left out with its reason."""

    fields: list[Field]
    left_out: list[str]


def choose(catalogue: Catalogue, kind: str, declared: ReconciliationDeclaration, reach: Reach, masks: Masks) -> Chosen:
    """The fields that somebody with ``reach`` may see, and that at least two systems can be asked for."""
    fields: list[Field] = []
    left_out: list[str] = []
    for name, field in declared.field.items():
        reason = _hidden(declared, name, field, reach, masks)
        between = _between(catalogue, kind, name, field)
        if reason is None and len(between.systems) < 2:
            reason = "fewer than two systems can be asked for it"
        if reason is None:
            fields.append(between)
        else:
            left_out.append(f"{name}: {reason}")
    return Chosen(fields=fields, left_out=left_out)


def _hidden(
    declared: ReconciliationDeclaration, name: str, field: FieldDeclaration, reach: Reach, masks: Masks
) -> str | None:
    beyond = [flow for flow in field.flows if not reach.covers_flow(flow)]
    if beyond:
        return f"it tells of {', '.join(beyond)}, which your rights do not reach"
    # Names are shared with business keys, so that what a flow masks is not told by way of a system's books.
    told = {*declared.key, name, *(("quantity",) if field.amount else ())}
    for flow in field.flows:
        masked = masks.flow(flow)
        hidden = sorted(told & masked.keys) if masked is not None else []
        if hidden:
            return f"{', '.join(hidden)} of {flow} is masked"
    return None


def _between(catalogue: Catalogue, kind: str, name: str, field: FieldDeclaration) -> Field:
    """Who has to agree: the sources and targets of the field's flows, those that can be asked for it."""
    asked = [
        system
        for system, declaration in catalogue.system.items()
        if kind in declaration.inquiry and name in declaration.inquiry[kind].values
    ]
    flows = [catalogue.flow[flow] for flow in field.flows]
    sources = {source for flow in flows for source in flow.sources}
    leads = tuple(system for system in asked if system in sources)
    follows = tuple(system for system in asked if any(system in flow.targets for flow in flows))
    if field.alike:
        return Field(name=name, amount=True, leads=(), follows=tuple(dict.fromkeys((*leads, *follows))))
    if field.amount and set(leads) != sources:
        # What leads is the sum of all sources, and one of them cannot be asked: the targets are compared alike.
        leads = ()
    return Field(name=name, amount=field.amount, leads=leads, follows=follows)
