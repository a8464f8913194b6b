"""Names that the parts of Envoy's configuration share, and how its typed messages are written as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]
"""A message of Envoy's API, in the JSON form of protocol buffers."""

NAMESPACE = "andon"
"""Where routes keep what they are, in their metadata."""
GATEWAY, REFUSAL, THROTTLED = "andon-gateway", "andon-refusal", "andon-throttled"
"""Headers of answers by the gateway itself: that it is one, which refusal, and whose throttle."""
CLIENT, ISSUER = "andon-client", "andon-issuer"
"""Headers with which a call goes on: who calls, as the token says it."""
KIND, NEEDS, SCOPES = "andon-kind", "andon-needs", "andon-scopes"
"""Headers that live inside the gateway only: whether a route is open, the scope that it wants, those of the token."""
INNER = (KIND, NEEDS, SCOPES)
GENERATION = "andon-generation"
PLANT = "andon-plant"
"""Header by which a call says the plant, where a system has an instance in each."""
TRANSACTION = "andon-transaction"

OPEN = "open"
"""The kind of a route that nobody has to be known for: it refuses, or tells the generation."""
ANY_SCOPE = "*"
"""What a route needs that wants no scope; no scope is called so."""

_TYPES = "type.googleapis.com/"
_PAYLOAD = "envoy.filters.http.jwt_authn:jwt"


def typed(kind: str, **fields: Any) -> Message:
    """A message that says what it is; ``kind`` without ``envoy.`` before it."""
    return {"@type": f"{_TYPES}envoy.{kind}", **fields}


def extension(name: str, kind: str, **fields: Any) -> Message:
    """An extension: a name of its own, and its configuration."""
    return {"name": name, "typed_config": typed(kind, **fields)}


def of_route(key: str) -> str:
    """A format: what the route says of itself."""
    return f"%METADATA(ROUTE:{NAMESPACE}:{key})%"


def of_token(claim: str) -> str:
    """A format: what a claim of the token says, when it was good."""
    return f"%DYNAMIC_METADATA({_PAYLOAD}:{claim})%"


def first_of_token(*claims: str) -> str:
    """A format: what the first of these claims says that is there."""
    operators = ",".join(f'{{"command":"DYNAMIC_METADATA","param":"{_PAYLOAD}:{claim}"}}' for claim in claims)
    return f'%COALESCE({{"operators":[{operators}]}})%'


def written(name: str, value: str, how: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> Message:
    """A header to write; none where the value turns out empty."""
    return {"header": {"key": name, "value": value}, "append_action": how}


def header_input(name: str) -> Message:
    """What a tree of matches looks at: a header of the call."""
    return extension("header", "type.matcher.v3.HttpRequestHeaderMatchInput", header_name=name)


def mutation(name: str, calls: Iterable[Message] = (), answers: Iterable[Message] = ()) -> Message:
    """A filter that changes headers of calls and of answers."""
    return extension(
        name,
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": list(calls), "response_mutations": list(answers)},
    )
