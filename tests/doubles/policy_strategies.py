"""Hypothesis strategies for policies that hang together: every name leads somewhere, everything has its one spelling.

``policy_sets()`` gives whole sets, as files could say them; ``resources()`` only what is in them. The smallest has a
gateway and nothing else. What a loader would make of files is what these give: operations, methods and versions in the
order of the alphabet, brownouts in UTC, no burst that says what counts anyway.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Layer,
    Lifecycle,
    Operation,
    PolicySet,
    Resource,
    Risk,
    Scope,
    Severity,
    Suppression,
    Throttle,
    Version,
    by_address,
)

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
SYSTEMS = ("ERP", "MES", "WMS", "QMS", "supplier-portal")

_FIRST = "abcdefghijklmnopqrstuvwxyz0123456789"
_REST = _FIRST + "-"


def names() -> SearchStrategy[str]:
    """Names as APIs, versions, consumers, throttles and issuers have them."""
    return st.builds(str.__add__, st.sampled_from(_FIRST), st.text(_REST, max_size=6))


def scope_names() -> SearchStrategy[str]:
    """Names with dots."""
    return st.lists(names(), min_size=1, max_size=3).map(".".join)


def days() -> SearchStrategy[date]:
    """Days around now."""
    return st.dates(date(2020, 1, 1), date(2035, 12, 31))


def lines() -> SearchStrategy[str]:
    """Texts in one line that are not blank: names of teams, with every kind of letter and quote."""
    letters = st.characters(exclude_categories=("C", "Z"))
    return st.text(letters | st.just(" "), min_size=1, max_size=12).filter(lambda text: bool(text.strip()))


def prose() -> SearchStrategy[str]:
    """Any text that a file can hold."""
    return st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def moments() -> SearchStrategy[datetime]:
    """Moments in UTC, to the second."""
    return st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(
        lambda each: each.replace(microsecond=0, tzinfo=UTC)
    )


@st.composite
def brownouts(draw: DrawFn) -> tuple[Brownout, ...]:
    """Some spans, in the order of time."""
    starts = draw(st.lists(moments(), max_size=2, unique=True))
    return tuple(
        sorted(Brownout(from_=start, until=start + timedelta(minutes=draw(st.integers(1, 600)))) for start in starts)
    )


@st.composite
def throttles(draw: DrawFn, name: str) -> Throttle:
    """A throttle of a name."""
    requests = draw(st.integers(1, 10_000))
    quota = draw(st.none() | st.integers(1, 1_000_000))
    return Throttle(
        name=name,
        requests=requests,
        per_seconds=draw(st.sampled_from((1, 60, 90, 3600, 86400)) | st.integers(1, 100_000)),
        burst=draw(st.none() | st.integers(1, 20_000).filter(lambda each: each != requests)),
        quota=quota,
        quota_per_seconds=None if quota is None else draw(st.sampled_from((3600, 86400, 604800))),
        protected=draw(st.booleans()),
    )


@st.composite
def scopes(draw: DrawFn, name: str) -> Scope:
    """A scope of a name."""
    return Scope(
        name=name,
        description=draw(prose()),
        risk=draw(st.sampled_from(Risk)),
        owner=draw(st.none() | lines()),
        protected=draw(st.booleans()),
    )


@st.composite
def issuers(draw: DrawFn, name: str) -> Issuer:
    """An issuer of a name, by URL or by a file of keys."""
    by_url = draw(st.booleans())
    return Issuer(
        name=name,
        url=f"https://idp.example/{name}" if by_url else None,
        jwks_file=None if by_url else f"{name}.jwks.json",
        audience=draw(st.none() | st.just("plant-gateway")),
        protected=draw(st.booleans()),
    )


def paths() -> SearchStrategy[str]:
    """Paths of operations, some with parameters."""
    segments = names() | st.sampled_from(("{order}", "{lot}", "{line}"))
    return st.lists(segments, max_size=3, unique=True).map(lambda parts: "/" + "/".join(parts))


@st.composite
def operations(draw: DrawFn, known_scopes: tuple[str, ...], versions: tuple[str, ...]) -> Operation:
    """An operation that names scopes and versions that are there."""
    methods = draw(st.lists(st.sampled_from(METHODS), min_size=1, max_size=3, unique=True))
    chosen = draw(st.none() | st.lists(st.sampled_from(versions), min_size=1, unique=True)) if versions else None
    return Operation(
        methods=tuple(sorted(methods)),
        path=draw(paths()),
        scope=draw(st.none() | st.sampled_from(known_scopes)) if known_scopes else None,
        versions=None if chosen is None else tuple(sorted(chosen)),
    )


@st.composite
def apis(draw: DrawFn, name: str, known_scopes: tuple[str, ...], known_throttles: tuple[str, ...]) -> list[Resource]:
    """An API of a name with its versions."""
    versions = tuple(draw(st.lists(names(), max_size=3, unique=True)))
    has = draw(st.lists(operations(known_scopes, versions), max_size=3, unique_by=lambda each: each.key))
    api = Api(
        name=name,
        owner=draw(lines()),
        # No two of a set are the same, since no two names are.
        base_path=f"/{draw(st.sampled_from(('erp', 'mes/v')))}/{name}",
        upstream=draw(st.sampled_from(("system:ERP", "https://erp.example:8443/api", "http://mes.example"))),
        layer=draw(st.sampled_from(Layer)),
        system=draw(st.none() | st.sampled_from(SYSTEMS)),
        description=draw(prose()),
        versioning=draw(st.sampled_from(("path", "header:X-Api-Version"))),
        throttle=draw(st.none() | st.sampled_from(known_throttles)) if known_throttles else None,
        operations=tuple(sorted(has, key=lambda each: each.key)),
        protected=draw(st.booleans()),
    )
    found: list[Resource] = [api]
    for version in versions:
        others = [each for each in versions if each != version]
        found.append(
            Version(
                api=name,
                name=version,
                lifecycle=draw(st.sampled_from(Lifecycle)),
                deprecated_on=draw(st.none() | days()),
                sunset_on=draw(st.none() | days()),
                successor=draw(st.none() | st.sampled_from(others)) if others else None,
                brownouts=draw(brownouts()),
                protected=draw(st.booleans()),
            )
        )
    return found


@st.composite
def consumers(
    draw: DrawFn,
    name: str,
    known_scopes: tuple[str, ...],
    known_throttles: tuple[str, ...],
    known_issuers: tuple[str, ...],
) -> list[Resource]:
    """A consumer of a name with its grants."""
    credential = None
    if known_issuers and draw(st.booleans()):
        credential = Credential(
            issuer=draw(st.sampled_from(known_issuers)),
            client_id=name,
            expires_on=draw(st.none() | days()),
            secret=draw(st.none() | st.sampled_from(("env:MES_SECRET", "file:/run/secrets/mes", "keyring:andon/mes"))),
        )
    found: list[Resource] = [
        Consumer(
            name=name,
            owner=draw(lines()),
            system=draw(st.none() | st.sampled_from(SYSTEMS)),
            plant=draw(st.none() | st.sampled_from(("P01", "P02", "P03"))),
            description=draw(prose()),
            throttle=draw(st.none() | st.sampled_from(known_throttles)) if known_throttles else None,
            credential=credential,
            protected=draw(st.booleans()),
        )
    ]
    granted = draw(st.lists(st.sampled_from(known_scopes), max_size=3, unique=True)) if known_scopes else []
    found += [
        Grant(consumer=name, scope=scope, reason=draw(prose()), expires_on=draw(st.none() | days()))
        for scope in granted
    ]
    return found


@st.composite
def resources(draw: DrawFn, most: int = 3) -> dict[str, Resource]:
    """Resources by address that hang together.

    Args:
        most: how many of each kind at most.
    """
    some = st.lists(names(), max_size=most, unique=True).map(tuple)
    known_scopes = tuple(draw(st.lists(scope_names(), max_size=most, unique=True)))
    known_throttles, known_issuers = draw(some), draw(some)
    found: list[Resource] = [draw(scopes(name)) for name in known_scopes]
    found += [draw(throttles(name)) for name in known_throttles]
    found += [draw(issuers(name)) for name in known_issuers]
    for name in draw(some):
        found += draw(apis(name, known_scopes, known_throttles))
    for name in draw(some):
        found += draw(consumers(name, known_scopes, known_throttles, known_issuers))
    return by_address(found)


@st.composite
def suppressions(draw: DrawFn) -> Suppression:
    """A suppression of some rule."""
    return Suppression(
        rule=draw(st.sampled_from(("grant-expiring", "scope-unused", "no-such-rule"))),
        address=draw(st.sampled_from(("consumer.*", "api.*", "scope.orders.release"))),
        reason=draw(lines()),
        until=draw(days()),
    )


@st.composite
def policy_sets(draw: DrawFn, most: int = 3) -> PolicySet:
    """Policy sets as files could say them.

    Args:
        most: how many resources of each kind at most.
    """
    rules = st.dictionaries(st.sampled_from(("grant-expiring", "scope-unused")), st.sampled_from(Severity))
    return PolicySet(
        gateway=draw(names()),
        name=draw(st.just(PolicySet.DEFAULT_NAME) | names()),
        resources=draw(resources(most)),
        lint=dict(sorted(draw(rules).items())),
        suppressions=tuple(draw(st.lists(suppressions(), max_size=2))),
        noise=tuple(draw(st.lists(st.sampled_from(("api.*:description", "consumer.mes-*", "*:owner")), unique=True))),
    )
