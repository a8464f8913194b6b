"""Who may call: security schemes, and what operations ask for (alternatives of schemes that are all needed)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway_policies.contracts.contract import Contract
from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.report import Report
from gateway_policies.contracts.values import key_of

_FLOW_URLS = ("authorizationUrl", "tokenUrl", "refreshUrl")


class Alternative(NamedTuple):
    """One way to be let in: schemes, each with the scopes that a token must have; none is for everybody."""

    schemes: dict[str, frozenset[str]]

    def lets_in(self, other: Alternative) -> bool:
        """Whether who satisfies the other one satisfies this one too."""
        return all(name in other.schemes and scopes <= other.schemes[name] for name, scopes in self.schemes.items())

    @property
    def words(self) -> str:
        """As a message has it."""
        parts = [
            name + (f" with {', '.join(sorted(scopes))}" if scopes else "") for name, scopes in self.schemes.items()
        ]
        return " and ".join(parts) or "nothing"


def compare_security(report: Report, before: Contract, old: Node, after: Contract, new: Node, operation: str) -> None:
    """Compare what two operations ask for; without a word of their own it is what the whole document asks for."""
    said, says = _said(before, old), _said(after, new)
    names = _same_names(report, before, after)
    mine = [
        Alternative({names.get(name, name): scopes for name, scopes in each.schemes.items()}) for each in _all(said)
    ]
    theirs = list(_all(says))
    mark, marks = said or old, says or new
    own = old.get("security") is not None or new.get("security") is not None
    asks = operation if own else "What names no security of its own"
    shut_out = [each for each in mine if not any(other.lets_in(each) for other in theirs)]
    for each in shut_out:
        kind, message = _worse(each, theirs, asks)
        report.add(kind, message, mark, marks, operation=operation)
    if not shut_out and any(not any(other.lets_in(each) for other in mine) for each in theirs):
        wanted = " or ".join(each.words for each in theirs)
        report.add("api-security-relaxed", f"{asks} is satisfied by {wanted} now.", mark, marks, operation=operation)


def _worse(mine: Alternative, theirs: list[Alternative], asks: str) -> tuple[str, str]:
    """What somebody who was let in by ``mine`` lacks."""
    if not mine.schemes:
        wanted = " or ".join(each.words for each in theirs)
        return "api-security-added", f"{asks} was open to everybody, and asks for {wanted} now."
    same = [each for each in theirs if each.schemes.keys() <= mine.schemes.keys()]
    if not same:
        wanted = " or ".join(each.words for each in theirs)
        return "api-security-removed", f"{asks} no longer lets in by {mine.words}; it asks for {wanted}."
    closest = min(same, key=lambda each: sum(len(scopes - mine.schemes[name]) for name, scopes in each.schemes.items()))
    more = sorted({scope for name, scopes in closest.schemes.items() for scope in scopes - mine.schemes[name]})
    plural = "s" if len(more) > 1 else ""
    return "api-security-scope-added", f"{asks} asks for the scope{plural} {', '.join(more)} as well now."


def _said(contract: Contract, operation: Node) -> Node | None:
    return operation.get("security") or contract.root.get("security")


def _all(node: Node | None) -> Iterator[Alternative]:
    """The alternatives; nothing said, or none of them, is for everybody."""
    found = [each.value for each in node.items() if isinstance(each.value, dict)] if node is not None else []
    for each in found or [{}]:
        yield Alternative({name: _scopes(scopes) for name, scopes in each.items()})


def _scopes(value: Any) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _schemes(report: Report, contract: Contract) -> dict[str, Node]:
    components = contract.root.get("components")
    found = components.get("securitySchemes") if components is not None else None
    entries = found.entries() if found is not None else ()
    followed = {name: contract.library.follow(each) for name, each in entries}
    return {name: each for name, each in followed.items() if isinstance(each, Node)}


def _identity(node: Node) -> Any:
    """What makes two schemes the same: how the credentials are given, not what the scheme is called."""
    value = node.value if isinstance(node.value, dict) else {}
    told = {key: value.get(key) for key in ("type", "in", "name", "scheme", "openIdConnectUrl")}
    told["scheme"] = str(told["scheme"]).lower()
    if value.get("type") == "oauth2":
        flows = value.get("flows")
        told["flows"] = sorted(flows) if isinstance(flows, dict) else []
    return key_of(told)


def _same_names(report: Report, before: Contract, after: Contract) -> dict[str, str]:
    """Schemes that were given another name, old to new."""
    old, new = _schemes(report, before), _schemes(report, after)
    renamed: dict[str, str] = {}
    for name, scheme in old.items():
        if name not in new:
            twins = [other for other, each in new.items() if other not in old and _identity(each) == _identity(scheme)]
            if len(twins) == 1:
                renamed[name] = twins[0]
    return renamed


def compare_schemes(report: Report, before: Contract, after: Contract) -> None:
    """Compare the security schemes that both documents have; one that is gone shows where it was asked for."""
    old, new = _schemes(report, before), _schemes(report, after)
    renamed = _same_names(report, before, after)
    for name, scheme in old.items():
        other = new.get(renamed.get(name, name))
        if other is None:
            continue
        if scheme.text("type") == other.text("type") == "oauth2":
            _flows(report, name, scheme, other)
        elif _identity(scheme) != _identity(other):
            message = f"The security scheme {name} takes its credentials another way."
            report.add("security-scheme-changed", message, scheme, other)


def _flows(report: Report, name: str, before: Node, after: Node) -> None:
    old, new = before.get("flows"), after.get("flows")
    some, others = dict(old.entries()) if old else {}, dict(new.entries()) if new else {}
    for flow, mine in some.items():
        theirs = others.get(flow)
        words = f"The flow {flow} of the security scheme {name}"
        if theirs is None:
            report.add("oauth-flow-removed", f"{words} was removed.", mine, after)
            continue
        for keyword in _FLOW_URLS:
            was, now = mine.text(keyword), theirs.text(keyword)
            if was is not None and was != now:
                report.add("oauth-url-changed", f"{words} has its {keyword} changed from {was} to {now}.", mine, theirs)
        _flow_scopes(report, words, mine, theirs)
    for flow, theirs in others.items():
        if flow not in some:
            report.add("oauth-flow-added", f"The flow {flow} of the security scheme {name} is new.", None, theirs)


def _flow_scopes(report: Report, words: str, before: Node, after: Node) -> None:
    old, new = before.get("scopes"), after.get("scopes")
    mine, theirs = dict(old.entries()) if old else {}, dict(new.entries()) if new else {}
    for scope, node in mine.items():
        if scope not in theirs:
            report.add("oauth-scope-removed", f"{words} no longer has the scope {scope}.", node, new or after)
    for scope, node in theirs.items():
        if scope not in mine:
            report.add("oauth-scope-added", f"{words} has the scope {scope} now.", None, node)
