"""From a word of the command line to its page; a page is imported when it is gone to."""

from __future__ import annotations

from console.screens.base import AndonScreen


def make(name: str, argument: str) -> AndonScreen:
    """The page called ``name``.

    Raises:
        KeyError: there is no such page; the command line offers none.
    """
    if name == "failed":
        from console.screens.failed import DEFAULT_FILTER, FailedScreen

        return FailedScreen(argument or DEFAULT_FILTER)
    if name == "groups":
        from console.screens.groups import GroupsScreen

        return GroupsScreen(argument)
    if name == "transaction":
        from console.screens.transaction import TransactionScreen

        return TransactionScreen(argument)
    if name == "batches":
        from console.screens.batches import BatchesScreen

        return BatchesScreen()
    if name == "approvals":
        if argument:
            from console.screens.approval import ApprovalScreen

            return ApprovalScreen(argument)
        from console.screens.approvals import ApprovalsScreen

        return ApprovalsScreen()
    if name == "whoami":
        from console.screens.whoami import WhoamiScreen

        return WhoamiScreen()
    if name == "systems":
        from console.screens.systems import SystemsScreen

        return SystemsScreen()
    if name == "gateway":
        return _gateway(argument)
    if name == "reconcile":
        from console.screens.reconcile import ReconcileScreen
        from transactions.reconciliation.model import Kind

        found = next((kind for kind in Kind if argument and kind.startswith(argument.lower())), Kind.ORDERS)
        return ReconcileScreen(found)
    if name == "kpis":
        from console.screens.kpis import KpisScreen

        return KpisScreen(argument or "24h")
    if name == "handover":
        from console.screens.handover import CURRENT, PREVIOUS, HandoverScreen

        return HandoverScreen(PREVIOUS if argument and PREVIOUS.startswith(argument.lower()) else CURRENT)
    if name == "log":
        from console.screens.log import LogScreen

        return LogScreen()
    raise KeyError(name)


def _gateway(argument: str) -> AndonScreen:
    from console.screens.gateway import GatewayScreen
    from gateway_policies.overview.stopped import Page, page_of

    page = next((each for each in Page if argument and each.startswith(argument.lower())), None)
    if page is not None:
        return GatewayScreen(page)
    at = page_of("", argument) if argument else None
    return GatewayScreen(at or Page.CALENDAR, address=argument or None)
