"""From the resources of a gateway and a moment to the calls that there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime

from gateway_policies.model import Api, Consumer, Grant, Issuer, Lifecycle, Operation, Resource, Version
from gateway_policies.overview.access import Access
from gateway_policies.routing.model import Caller, Entry, Routing, Served, Surface
from gateway_policies.routing.paths import nearness

_HEADER = "header:"


def routing(gateway: str, live: Mapping[str, Resource], at: datetime) -> Routing:
    """The calls of a gateway at a moment.

    A draft is not there. A version past its sunset is still served, with headers that say so: whoever retires it says
    ``retired``, and a plan shows first who still calls it. A grant and a credential are good until their last day, in
    UTC, is over.

    Args:
        gateway: its name.
        live: what is in force, by address.
        at: with a zone.
    """
    access = Access(live, at.astimezone(UTC).date())
    versions: dict[str, list[Version]] = defaultdict(list)
    for each in access.versions:
        versions[each.api].append(each)
    return Routing(
        gateway=gateway,
        at=at,
        changes_at=min((each for each in _moments(live) if each > at), default=None),
        surfaces=tuple(
            _surface(api, version, versions[name], at)
            for name, api in access.apis.items()
            for version in versions[name]
            if version.lifecycle is not Lifecycle.DRAFT
        ),
        callers=tuple(_callers(access)),
        issuers=tuple(each for _, each in sorted(live.items()) if isinstance(each, Issuer)),
        throttles=access.throttles,
    )


def prefix_of(api: Api, version: str) -> str:
    """Where the paths of a version begin: the version is the next segment, unless a header says it."""
    return api.base_path if api.versioning.startswith(_HEADER) else f"{api.base_path}/{version}"


def _surface(api: Api, version: Version, all_versions: list[Version], at: datetime) -> Surface:
    until = next((each.until for each in version.brownouts if each.from_ <= at < each.until), None)
    served = Served.PASSED if until is None else Served.BROWNOUT
    if version.lifecycle is Lifecycle.RETIRED:
        served, until = Served.RETIRED, None
    successor = next(
        (each for each in all_versions if each.name == version.successor and each.lifecycle is not Lifecycle.DRAFT),
        None,
    )
    found = [each for each in api.operations if each.versions is None or version.name in each.versions]
    return Surface(
        api=api.name,
        version=version.name,
        address=version.address,
        prefix=prefix_of(api, version.name),
        header=api.versioning.removeprefix(_HEADER) if api.versioning.startswith(_HEADER) else None,
        upstream=api.upstream,
        served=served,
        until=until,
        headers=dict(_life(api, version, successor)),
        throttle=api.throttle,
        entries=tuple(_entry(each) for each in sorted(found, key=lambda one: (nearness(one.path), one.key))),
    )


def _entry(operation: Operation) -> Entry:
    return Entry(key=operation.key, methods=operation.methods, path=operation.path, scope=operation.scope)


def _life(api: Api, version: Version, successor: Version | None) -> Iterator[tuple[str, str]]:
    """What answers of a version say of its life; nothing where nothing is announced."""
    if version.deprecated_on is not None:
        yield "deprecation", f"@{int(_midnight(version.deprecated_on).timestamp())}"
    if version.sunset_on is not None:
        yield "sunset", format_datetime(_midnight(version.sunset_on), usegmt=True)
    announced = version.deprecated_on is not None or version.sunset_on is not None
    if successor is not None and (announced or version.lifecycle is not Lifecycle.ACTIVE):
        yield "link", f'<{prefix_of(api, successor.name)}>; rel="successor-version"'


def _callers(access: Access) -> Iterator[Caller]:
    for name, consumer in access.consumers.items():
        known = consumer.credential
        if known is None:
            continue
        yield Caller(
            consumer=name,
            issuer=known.issuer,
            client_id=known.client_id,
            expired=known.expires_on is not None and known.expires_on < access.today,
            scopes=frozenset(scope for scope, each in access.given(name).items() if not access.ended(each.grant)),
            throttle=consumer.throttle,
        )


def _moments(live: Mapping[str, Resource]) -> Iterator[datetime]:
    """When something begins or ends by itself."""
    for each in live.values():
        match each:
            case Version(brownouts=brownouts):
                for span in brownouts:
                    yield span.from_
                    yield span.until
            case Grant(expires_on=last) if last is not None:
                yield _midnight(last + timedelta(days=1))
            case Consumer(credential=known) if known is not None and known.expires_on is not None:
                yield _midnight(known.expires_on + timedelta(days=1))
            case _:
                pass


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
