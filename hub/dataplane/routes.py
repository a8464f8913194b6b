"""Routes: which call of which version goes where, and what is refused without a look at who calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec

from gateway_policies.nearest import listed
from gateway_policies.routing.deciding import allowed
from gateway_policies.routing.model import STATUS, Entry, Refusal, Served, Surface
from gateway_policies.routing.paths import escaped, expression, shape
from hub.dataplane.blueprint import Blueprint, Target
from hub.dataplane.clusters import cluster_of
from hub.dataplane.throttle_filters import POOL
from hub.dataplane.vocabulary import (
    ANY_SCOPE,
    GATEWAY,
    GENERATION,
    INNER,
    ISSUER,
    NAMESPACE,
    OPEN,
    PLANT,
    REFUSAL,
    THROTTLED,
    Message,
    header_input,
    typed,
    written,
)

NAME = "andon"
PROBE = "/.well-known/andon-gateway"
"""Where the gateway tells the generation of its routes, in a header of an answer without a body."""
PATIENCE = "60s"
"""How long an answer may take; who calls gives up sooner or later."""
_SHOWN = 8


def route_configuration(blueprint: Blueprint) -> Message:
    """All routes. The longest prefix of a path leads to the few that can be meant."""
    lists = {prefix: _list(routes) for prefix, routes in _by_prefix(blueprint)}
    nothing = _refused(
        {"prefix": "/"},
        Refusal.NO_SUCH_ROUTE,
        "Nothing is at this path",
        "No API of this gateway begins there. 'andon gateway apis' lists where they begin.",
    )
    return {
        "name": NAME,
        "virtual_hosts": [
            {
                "name": NAME,
                "domains": ["*"],
                "matcher": {
                    "matcher_tree": {"input": header_input(":path"), "prefix_match_map": {"map": lists}},
                    "on_no_match": {
                        "action": {"name": "nothing", "typed_config": typed("config.route.v3.Route", **nothing)}
                    },
                },
            }
        ],
        "request_headers_to_remove": [*INNER, ISSUER],
        # what only the gateway says, nobody behind it can say in its name
        "response_headers_to_remove": [
            GATEWAY,
            REFUSAL,
            THROTTLED,
            *(f"x-ratelimit-{each}" for each in ("limit", "remaining", "reset")),
        ],
    }


def generation_of(routes: Message) -> str:
    """What tells routes apart from others; the same for the same."""
    return sha256(msgspec.json.encode(routes)).hexdigest()[:16]


def telling_generation(routes: Message) -> Message:
    """The same routes, and one that answers which they are."""
    probe = {
        "match": {"path": PROBE},
        "metadata": {"filter_metadata": {NAMESPACE: {"kind": OPEN}}},
        "direct_response": {"status": 204},
        "response_headers_to_add": [written(GENERATION, generation_of(routes))],
    }
    return with_prefixes(routes, {**prefixes(routes), PROBE: _list([probe])})


def prefixes(routes: Message) -> dict[str, Message]:
    """Where the paths of all routes begin, and what is there."""
    (host,) = routes["virtual_hosts"]
    found: dict[str, Message] = host["matcher"]["matcher_tree"]["prefix_match_map"]["map"]
    return found


def with_prefixes(routes: Message, known: dict[str, Message]) -> Message:
    """The same configuration with other routes in it."""
    (host,) = routes["virtual_hosts"]
    tree = {**host["matcher"]["matcher_tree"], "prefix_match_map": {"map": known}}
    return {**routes, "virtual_hosts": [{**host, "matcher": {**host["matcher"], "matcher_tree": tree}}]}


def _list(routes: Iterable[Message]) -> Message:
    return {"action": {"name": "routes", "typed_config": typed("config.route.v3.RouteList", routes=list(routes))}}


def _by_prefix(blueprint: Blueprint) -> Iterator[tuple[str, Iterable[Message]]]:
    found: dict[str, list[Surface]] = defaultdict(list)
    above: dict[str, list[Surface]] = defaultdict(list)
    for each in blueprint.routing.surfaces:
        found[each.prefix].append(each)
        if each.header is None:
            above[each.prefix.rpartition("/")[0]].append(each)
    for prefix, surfaces in found.items():
        routes = [route for each in surfaces for route in _of_surface(each, blueprint.targets.get(each.upstream, []))]
        yield prefix, [*routes, _no_version(surfaces, prefix)]
    for base, surfaces in above.items():
        if base not in found:
            yield base, [_no_version(surfaces, base)]


def _of_surface(surface: Surface, targets: list[Target]) -> Iterator[Message]:
    says = _said(surface)
    if surface.served is not Served.PASSED:
        yield {**_gone(surface), "match": _match(surface, None)}
        return
    for entry in surface.entries:
        yield from _passed(surface, entry, targets, says)
    seen: set[tuple[str | None, ...]] = set()
    for entry in surface.entries:
        if shape(entry.path) not in seen:
            seen.add(shape(entry.path))
            methods = allowed(surface, entry)
            yield _refused(
                _match(surface, entry.path),
                Refusal.METHOD_NOT_ALLOWED,
                "This path takes other methods",
                f"{surface.prefix}{entry.path} takes {' and '.join(methods)}.",
                says,
                [written("allow", ", ".join(methods))],
            )
    if surface.header is not None:
        yield _refused(
            _match(surface, None),
            Refusal.NO_SUCH_ROUTE,
            "This version has no such operation",
            f"{surface.api} {surface.version} has nothing at this path.",
            says,
        )


def _passed(surface: Surface, entry: Entry, targets: list[Target], says: dict[str, str]) -> Iterator[Message]:
    of_entry = {
        **says,
        "operation": entry.key,
        "needs": entry.scope or ANY_SCOPE,
        **({} if entry.scope is None else {"scope": entry.scope}),
        **({} if surface.throttle is None else {POOL: surface.api}),
    }
    match = _match(surface, entry.path, entry.methods)
    for each in targets:
        plants = [] if each.plant is None else [{"name": PLANT, "string_match": {"exact": each.plant}}]
        yield {
            "match": {**match, "headers": [*match.get("headers", []), *plants]},
            "metadata": {"filter_metadata": {NAMESPACE: of_entry}},
            "route": {
                "cluster": cluster_of(each),
                "host_rewrite_literal": urlsplit(each.url).netloc,
                "timeout": PATIENCE,
                "regex_rewrite": {
                    "pattern": {"regex": f"^{escaped(surface.prefix)}/?"},
                    "substitution": f"{urlsplit(each.url).path.rstrip('/')}/".replace("\\", "\\\\"),
                },
            },
            **(
                {}
                if each.authorization is None
                else {"request_headers_to_add": [written("authorization", each.authorization)]}
            ),
        }
    there = sorted(each.plant for each in targets if each.plant is not None)
    if there:
        yield _refused(
            match,
            Refusal.NO_SUCH_ROUTE,
            "Of which plant?",
            f"{surface.api} has an instance in each plant. Name one in the header {PLANT}: {listed(there, _SHOWN)}.",
            says,
        )
    elif not targets:
        yield _refused(
            match,
            Refusal.UPSTREAM_UNAVAILABLE,
            "The gateway does not know where this is",
            f"{surface.api} stands on {surface.upstream}, and the hub has no address of that.",
            says,
        )


def _gone(surface: Surface) -> Message:
    instead = "" if "link" not in surface.headers else " Its successor is told in the Link header."
    if surface.served is Served.RETIRED:
        return _refused(
            {},
            Refusal.VERSION_RETIRED,
            "This version is gone",
            f"{surface.api} {surface.version} was retired.{instead}",
            {**_said(surface), "policy": surface.address},
        )
    assert surface.until is not None
    until = surface.until.astimezone(UTC)
    return _refused(
        {},
        Refusal.BROWNOUT,
        "This version answers as if it were gone",
        f"{surface.api} {surface.version} goes away, and until {until:%Y-%m-%d %H:%M} UTC it is as it will be then."
        f"{instead}",
        {**_said(surface), "policy": surface.address},
        [written("retry-after", format_datetime(until, usegmt=True))],
    )


def _no_version(surfaces: list[Surface], base: str) -> Message:
    """What fits no version below a path that an API has."""
    first = surfaces[0]
    names = listed(sorted(each.version for each in surfaces), _SHOWN)
    if first.header is not None:
        title, detail = "Which version?", f"Name the version of {first.api} in the header {first.header}: {names}."
    elif first.prefix == base:
        title, detail = "This version has no such operation", f"{first.api} {first.version} has nothing at this path."
    else:
        title, detail = "This API has no such version", f"{first.api} has {names}, below {base}."
    says = _said(first) if len(surfaces) == 1 and first.prefix == base else {"api": first.api}
    return _refused({"prefix": "/"}, Refusal.NO_SUCH_ROUTE, title, detail, says)


def _said(surface: Surface) -> dict[str, str]:
    return {"api": surface.api, "version": surface.version, **surface.headers}


def _match(surface: Surface, path: str | None, methods: tuple[str, ...] = ()) -> Message:
    """Which calls: of a template below a version, or all of it; the path of a call is matched without its query."""
    headers = []
    if methods:
        said = {"exact": methods[0]} if len(methods) == 1 else {"safe_regex": {"regex": "|".join(methods)}}
        headers.append({"name": ":method", "string_match": said})
    if surface.header is not None:
        headers.append({"name": surface.header.lower(), "string_match": {"exact": surface.version}})
    where: Message
    if path is None:
        where = {"safe_regex": {"regex": f"{escaped(surface.prefix)}(/.*)?"}}
    elif path != "/" and None not in shape(path):
        where = {"path": f"{surface.prefix}{path}"}
    else:
        where = {"safe_regex": {"regex": expression(surface.prefix, path)}}
    return {**where, **({"headers": headers} if headers else {})}


def _refused(
    match: Message,
    why: Refusal,
    title: str,
    detail: str,
    says: dict[str, str] | None = None,
    headers: list[Message] | None = None,
) -> Message:
    """A route that answers by itself; what it answers is written where all refusals are."""
    told = {"kind": OPEN, "refused": why.value, "title": title, "detail": detail, **(says or {})}
    return {
        "match": match,
        "metadata": {"filter_metadata": {NAMESPACE: told}},
        "direct_response": {"status": STATUS[why]},
        **({} if not headers else {"response_headers_to_add": headers}),
    }
