"""Which actions there are to put on other keys: every binding with an id, of every screen and widget."""

from __future__ import annotations

from textual.binding import Binding
from textual.dom import DOMNode


def nodes() -> tuple[type[DOMNode], ...]:
    """Everything that has keys. Imports every screen, so it is asked only where that is needed."""
    from console.app import AndonApp
    from console.screens import (
        approval,
        approvals,
        batch,
        batches,
        board,
        cause,
        failed,
        gateway,
        groups,
        handover,
        kpis,
        log,
        plan,
        reconcile,
        systems,
        transaction,
        whoami,
    )
    from console.widgets.gateway.calendar import CalendarTable
    from console.widgets.gateway.matrix import MatrixTable
    from console.widgets.gateway.plan import PlanPane
    from console.widgets.groups import GroupTable
    from console.widgets.lamps import LampGrid
    from console.widgets.table import Table
    from console.widgets.transactions import TransactionTable

    return (
        AndonApp,
        Table,
        TransactionTable,
        GroupTable,
        LampGrid,
        board.BoardScreen,
        cause.CauseScreen,
        failed.FailedScreen,
        groups.GroupsScreen,
        transaction.TransactionScreen,
        plan.PlanScreen,
        batches.BatchesScreen,
        batch.BatchScreen,
        approvals.ApprovalsScreen,
        approval.ApprovalScreen,
        systems.SystemsScreen,
        reconcile.ReconcileScreen,
        gateway.GatewayScreen,
        CalendarTable,
        MatrixTable,
        PlanPane,
        kpis.KpisScreen,
        handover.HandoverScreen,
        whoami.WhoamiScreen,
        log.LogScreen,
    )


def known_ids() -> frozenset[str]:
    """The ids that ``keys.toml`` may name."""
    return frozenset(
        binding.id
        for node in nodes()
        for binding in node.BINDINGS
        if isinstance(binding, Binding) and binding.id is not None
    )
