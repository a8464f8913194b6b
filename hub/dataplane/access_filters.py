"""Who may call: filters that check tokens, and hold callers against the policies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from gateway_policies.routing.losing import Loss
from gateway_policies.routing.model import Caller, Refusal
from hub.dataplane.blueprint import TrustedIssuer
from hub.dataplane.vocabulary import (
    ANY_SCOPE,
    CLIENT,
    ISSUER,
    KIND,
    NEEDS,
    OPEN,
    SCOPES,
    Message,
    header_input,
    typed,
)

_RBAC = "extensions.filters.http.rbac.v3.RBAC"
TRIAL = "andon_trial_"
"""What the names of counters begin with that count what would be refused."""
_SCHEMES = ("Bearer", "bearer", "BEARER")
"""Schemes of authorization are the same in any case (RFC 9110, section 11.1); Envoy compares them as they are."""
_LEEWAY = 30  # seconds that clocks may differ


def token_filter(issuers: Iterable[TrustedIssuer]) -> Message:
    """Takes a bearer token of one of the issuers; what it says is there for the filters behind.

    Without any issuer nobody can show who they are, and the next filter refuses everybody.
    """
    providers = {
        each.name: {
            "issuer": each.issuer,
            **({} if each.audience is None else {"audiences": [each.audience]}),
            "local_jwks": {"inline_string": msgspec.json.encode(each.keys).decode()},
            "forward": True,
            "payload_in_metadata": "jwt",
            "require_expiration": True,
            "clock_skew_seconds": _LEEWAY,
            "from_headers": [{"name": "authorization", "value_prefix": f"{each} "} for each in _SCHEMES],
        }
        for each in issuers
    }
    names = [{"provider_name": each} for each in providers]
    wanted = (
        {} if not names else {"requires": names[0] if len(names) == 1 else {"requires_any": {"requirements": names}}}
    )
    return typed(
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers=providers,
        rules=[
            {"match": {"prefix": "/", "headers": [{"name": KIND, "string_match": {"exact": OPEN}}]}},
            {"match": {"prefix": "/"}, **wanted},
        ],
    )


def caller_filter(callers: Iterable[Caller], issuers: Mapping[str, str], losses: Iterable[Loss] = ()) -> Message:
    """Refuses who is no consumer, whose credential is over, and who has no live grant of the scope.

    Args:
        issuers: what tokens say in ``iss``, by the issuer's name in the policies.
        losses: what is counted besides, by the address of each, and let through.
    """
    known: dict[str, dict[str, Message]] = {}
    for each in callers:
        if each.issuer in issuers:
            known.setdefault(issuers[each.issuer], {})[each.client_id] = _rights(each)
    unknown = _deny(Refusal.UNKNOWN_CONSUMER)
    by_issuer = {issuer: {"matcher": _tree(CLIENT, clients, unknown)} for issuer, clients in known.items()}
    behind = {"matcher": _tree(ISSUER, by_issuer, unknown)} if by_issuer else unknown
    return typed(_RBAC, matcher=_tree(KIND, {OPEN: _ALLOW}, behind), **_tried(losses, issuers))


def clients_of(callers: Message) -> dict[str, dict[str, Message]]:
    """What a filter of callers has for each client, by what tokens say in ``iss``."""
    found = callers["matcher"]["on_no_match"].get("matcher")
    if found is None:
        return {}
    by_issuer = found["matcher_tree"]["exact_match_map"]["map"]
    return {issuer: each["matcher"]["matcher_tree"]["exact_match_map"]["map"] for issuer, each in by_issuer.items()}


def with_clients(callers: Message, known: Mapping[str, Mapping[str, Message]]) -> Message:
    """The same filter with other clients in it; each issuer has one at least."""
    unknown = _deny(Refusal.UNKNOWN_CONSUMER)
    by_issuer = {issuer: {"matcher": _tree(CLIENT, clients, unknown)} for issuer, clients in known.items()}
    return {**callers, "matcher": _tree(KIND, {OPEN: _ALLOW}, {"matcher": _tree(ISSUER, by_issuer, unknown)})}


def scope_filter(scopes: Iterable[str]) -> Message:
    """Refuses a token that does not name the scope that is wanted, as RFC 6749 writes scopes, or as a JSON list."""
    named = {each: {"matcher": _says(each)} for each in scopes}
    # whoever is let through by the filter before, and needs what nobody can be asked for, is refused
    return typed(
        _RBAC,
        matcher=_tree(
            KIND,
            {OPEN: _ALLOW},
            {"matcher": _tree(NEEDS, {ANY_SCOPE: _ALLOW, **named}, _deny(Refusal.SCOPE_MISSING))},
        ),
    )


def _tried(losses: Iterable[Loss], issuers: Mapping[str, str]) -> Message:
    """Rules that Envoy only counts by: they deny what would be lost, and allow all else."""
    known: dict[str, dict[str, dict[str, Message]]] = {}
    for each in losses:
        if each.issuer not in issuers:
            continue
        needs = known.setdefault(issuers[each.issuer], {}).setdefault(each.client_id, {})
        lost = _action(each.address, action="DENY")
        needs.update(dict.fromkeys(each.scopes, lost))
        if each.scope is None:
            needs[ANY_SCOPE] = lost
    if not known:
        return {}
    by_issuer = {
        issuer: {
            "matcher": _tree(
                CLIENT,
                {client: {"matcher": _tree(NEEDS, needs, _ALLOW)} for client, needs in clients.items()},
                _ALLOW,
            )
        }
        for issuer, clients in known.items()
    }
    return {
        "shadow_matcher": _tree(ISSUER, by_issuer, _ALLOW),
        "shadow_rules_stat_prefix": TRIAL,
        "track_per_rule_stats": True,
    }


def _rights(caller: Caller) -> Message:
    if caller.expired:
        return _deny(Refusal.CREDENTIAL_EXPIRED)
    rights = dict.fromkeys((ANY_SCOPE, *sorted(caller.scopes)), _ALLOW)
    return {"matcher": _tree(NEEDS, rights, _deny(Refusal.SCOPE_MISSING))}


def _says(scope: str) -> Message:
    return {
        "matcher_list": {
            "matchers": [
                {
                    "predicate": {
                        "single_predicate": {
                            "input": header_input(SCOPES),
                            "value_match": {
                                "safe_regex": {"google_re2": {}, "regex": f'.*[" ]{re.escape(scope)}[" ].*'}
                            },
                        }
                    },
                    "on_match": _ALLOW,
                }
            ]
        },
        "on_no_match": _deny(Refusal.SCOPE_MISSING),
    }


def _tree(header: str, known: Mapping[str, Message], otherwise: Message) -> Message:
    return {
        "matcher_tree": {"input": header_input(header), "exact_match_map": {"map": dict(known)}},
        "on_no_match": otherwise,
    }


def _action(name: str, **fields: str) -> Message:
    return {"action": {"name": "decided", "typed_config": typed("config.rbac.v3.Action", name=name, **fields)}}


def _deny(why: Refusal) -> Message:
    """The name is what the answer's details say, by which the answer is written."""
    return _DENIED[why]


_ALLOW = _action("granted")
_DENIED = {why: _action(why.value, action="DENY") for why in Refusal}
"""One for all who get it: there are thousands of callers."""
