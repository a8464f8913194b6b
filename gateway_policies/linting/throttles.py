"""Rules about throttles: what they can hold, and what they cannot."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.durations import span_of
from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene
from gateway_policies.model import Api, Consumer, Severity, Throttle

BOOK = Book("Throttles")


def _rate(throttle: Throttle) -> str:
    return f"{throttle.requests:,} per {span_of(throttle.per_seconds)}"


@BOOK.rule(
    "throttle-burst",
    Severity.WARNING,
    "a burst above the rate",
    why="The bucket holds more than a whole period refills: at once more can pass than in that time at all, and the "
    "system behind it feels the burst and not the rate.",
    advice="Make burst at most as large as requests.",
)
def throttle_burst(scene: Scene) -> Iterator[Broken]:
    """More at once than in a period."""
    for throttle in scene.throttles:
        if throttle.burst is not None and throttle.burst > throttle.requests:
            yield Broken(
                throttle.address,
                f"{throttle.address} lets {throttle.burst:,} pass at once, and its rate is {_rate(throttle)}.",
                "burst",
            )


@BOOK.rule(
    "throttle-quota",
    Severity.WARNING,
    "a quota that never counts, or counts before the rate does",
    why="A quota above what the rate lets pass has no effect. One below a single burst is used up in a moment, and "
    "then the consumer is out for hours.",
    advice="Make it more than burst, and less than the rate lets pass in its time.",
)
def throttle_quota(scene: Scene) -> Iterator[Broken]:
    """Too high for its rate, or too low for its burst."""
    for throttle in scene.throttles:
        if throttle.quota is None or throttle.quota_per_seconds is None:
            continue
        burst = throttle.requests if throttle.burst is None else throttle.burst
        most = burst + throttle.per_second * throttle.quota_per_seconds
        if throttle.quota < burst:
            yield Broken(
                throttle.address,
                f"{throttle.address} has a quota of {throttle.quota:,}, and one burst of {burst:,} is more.",
                "quota",
            )
        elif throttle.quota > most:
            yield Broken(
                throttle.address,
                f"{throttle.address} has a quota of {throttle.quota:,} per {span_of(throttle.quota_per_seconds)}, "
                f"and its rate lets no more than {int(most):,} pass.",
                "quota",
            )


@BOOK.rule(
    "throttle-above-api",
    Severity.WARNING,
    "a consumer that may call more than the API takes",
    why="The API's own throttle is shared by all: this consumer alone can use it up, and the others are refused.",
    advice="Give the consumer a throttle below the API's.",
)
def throttle_above_api(scene: Scene) -> Iterator[Broken]:
    """By rate or by quota; the API that is overrun the most is told."""
    overrun: dict[tuple[str, str], tuple[float, str] | None] = {}
    reached: dict[str, tuple[Api, ...]] = {}
    for consumer, own in _throttled(scene):
        worst: tuple[float, str, str] | None = None
        for grant in scene.grants_of.get(consumer.name, ()):
            for scope in scene.scopes_in(grant):
                if scope not in reached:
                    reached[scope] = tuple(dict.fromkeys(use.api for use in scene.uses.get(scope, ())))
                for api in reached[scope]:
                    shared = scene.throttle_named.get(api.throttle or "")
                    if shared is None or shared is own:
                        continue
                    pair = (own.name, shared.name)
                    if pair not in overrun:
                        overrun[pair] = _overrun(own, shared)
                    found = overrun[pair]
                    if found is not None and (worst is None or found[0] > worst[0]):
                        worst = (found[0], found[1], api.address)
        if worst is not None:
            yield Broken(
                consumer.address,
                f"{consumer.address} may call {worst[2]} with throttle.{own.name}: {worst[1]}.",
                "throttle",
            )


def _throttled(scene: Scene) -> Iterator[tuple[Consumer, Throttle]]:
    for consumer in scene.consumers:
        throttle = scene.throttle_named.get(consumer.throttle or "")
        if throttle is not None:
            yield consumer, throttle


def _overrun(own: Throttle, shared: Throttle) -> tuple[float, str] | None:
    """How many times a consumer's throttle is the API's, and in words; None where it is not above it."""
    found: list[tuple[float, str]] = []
    if own.per_second > shared.per_second:
        found.append(
            (own.per_second / shared.per_second, f"{_rate(own)}, and all of its callers together have {_rate(shared)}")
        )
    mine, theirs = _quota_per_day(own), _quota_per_day(shared)
    if mine is not None and theirs is not None and mine > theirs:
        found.append(
            (mine / theirs, f"{int(mine):,} a day by its quota, and all of its callers together have {int(theirs):,}")
        )
    return max(found, default=None)


def _quota_per_day(throttle: Throttle) -> float | None:
    if throttle.quota is None or throttle.quota_per_seconds is None:
        return None
    return throttle.quota * 86_400 / throttle.quota_per_seconds


@BOOK.rule(
    "throttle-unused",
    Severity.WARNING,
    "a throttle that holds nobody",
    why="Who changes it in a bad night will think that something was done.",
    advice="Name it where it should count, or take it out.",
)
def throttle_unused(scene: Scene) -> Iterator[Broken]:
    """Neither a consumer's nor an API's."""
    used = {each.throttle for each in scene.consumers} | {each.throttle for each in scene.apis}
    for throttle in scene.throttles:
        if throttle.name not in used:
            yield Broken(throttle.address, f"{throttle.address} is nobody's.")


@BOOK.rule(
    "consumer-no-throttle",
    Severity.WARNING,
    "a consumer without a throttle",
    why="Nothing holds it when it repeats itself: a storm of one consumer becomes everybody's.",
    advice="Name one with throttle.",
)
def consumer_no_throttle(scene: Scene) -> Iterator[Broken]:
    """One that may call something."""
    for consumer in scene.consumers:
        if consumer.throttle is None and scene.grants_of.get(consumer.name):
            yield Broken(consumer.address, f"{consumer.address} has no throttle.")


@BOOK.rule(
    "api-no-throttle",
    Severity.OFF,
    "an API without a throttle of its own",
    why="Its consumers are held one by one, and together they can still be more than the system behind it takes. Off "
    "unless asked for: not every system has such a limit.",
    advice="Name one with throttle: what the system takes from all of its callers together.",
)
def api_no_throttle(scene: Scene) -> Iterator[Broken]:
    """No limit over all consumers."""
    for api in scene.apis:
        if api.throttle is None:
            yield Broken(api.address, f"{api.address} has no throttle of its own.")
