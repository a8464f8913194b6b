"""Rules about the life of versions: what is announced, and when it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

from gateway_policies.edits import Remove
from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import LEAVING, SERVED, Scene, days, stands
from gateway_policies.model import Brownout, Lifecycle, Severity, Version

BOOK = Book("Life of versions")

NOTICE = 90
"""Days that consumers get at least between the announcement and the end: a quarter, as validated systems release."""


@BOOK.rule(
    "version-no-contract",
    Severity.WARNING,
    "a version that is served and has no contract",
    why="Without an OpenAPI document nobody can see whether a change breaks those who call.",
    advice="Put the OpenAPI document into contracts/, and name it with contract.",
)
def version_no_contract(scene: Scene) -> Iterator[Broken]:
    """Active or on its way out."""
    for version in scene.versions:
        if version.lifecycle in SERVED and version.contract is None:
            yield Broken(version.address, f"{version.address} {stands(version.lifecycle)} and has no contract.")


@BOOK.rule(
    "deprecated-no-date",
    Severity.WARNING,
    "a version that goes, of which no file says since when",
    why="Callers are told by the Deprecation header (RFC 9745), which is a date.",
    advice="Say with deprecated_on since when.",
)
def deprecated_no_date(scene: Scene) -> Iterator[Broken]:
    """Deprecated or in brownout without the date."""
    for version in scene.versions:
        if version.lifecycle in LEAVING and version.deprecated_on is None:
            yield Broken(version.address, f"{version.address} {stands(version.lifecycle)} and has no deprecated_on.")


@BOOK.rule(
    "deprecated-no-sunset",
    Severity.WARNING,
    "a version that goes, of which no file says when",
    why="What has no end is not left: nobody plans a move without a date (Sunset header, RFC 8594).",
    advice=f"Say with sunset_on when, {NOTICE} days after the announcement or later.",
)
def deprecated_no_sunset(scene: Scene) -> Iterator[Broken]:
    """Deprecated or in brownout without an end."""
    for version in scene.versions:
        if version.lifecycle in LEAVING and version.sunset_on is None:
            yield Broken(version.address, f"{version.address} {stands(version.lifecycle)} and has no sunset_on.")


@BOOK.rule(
    "sunset-before-deprecation",
    Severity.ERROR,
    "a version that goes before that is announced",
    why="The end must not be before the announcement (RFC 9745, section 4); callers get two dates that cannot both be "
    "meant.",
    advice="Correct the one that is wrong.",
)
def sunset_before_deprecation(scene: Scene) -> Iterator[Broken]:
    """Dates in the wrong order."""
    for version in scene.versions:
        begin, end = version.deprecated_on, version.sunset_on
        if begin is not None and end is not None and end < begin:
            yield Broken(
                version.address, f"{version.address} goes on {end}, before it is deprecated on {begin}.", "sunset_on"
            )


@BOOK.rule(
    "sunset-too-soon",
    Severity.WARNING,
    "a version that goes soon after that is announced",
    why=f"An MES is validated with what it calls, and released once a quarter. In less than {NOTICE} days it cannot "
    "move.",
    advice="Give it more time, or suppress it with the reason why its callers can move sooner.",
)
def sunset_too_soon(scene: Scene) -> Iterator[Broken]:
    """Less than a quarter."""
    for version in scene.versions:
        begin, end = version.deprecated_on, version.sunset_on
        if version.lifecycle is Lifecycle.RETIRED or begin is None or end is None:
            continue
        if 0 <= (end - begin).days < NOTICE:
            yield Broken(
                version.address,
                f"{version.address} goes on {end}, {days((end - begin).days)} after it is deprecated; "
                f"{days(NOTICE)} are the least.",
                "sunset_on",
            )


@BOOK.rule(
    "sunset-passed",
    Severity.WARNING,
    "a version that should be gone",
    why="The day that callers were told is over, and it is still served: the next date will not be believed. Whether "
    "it can go is a decision, so this is no error.",
    advice="Retire it, or give a new sunset_on.",
    dated=True,
)
def sunset_passed(scene: Scene) -> Iterator[Broken]:
    """Still served after its end."""
    for version in scene.versions:
        if version.lifecycle in SERVED and version.sunset_on is not None and version.sunset_on < scene.today:
            yield Broken(
                version.address,
                f"{version.address} {stands(version.lifecycle)}, and its end was on {version.sunset_on}, "
                f"{days(-scene.days_to(version.sunset_on))} ago.",
                "lifecycle",
            )


@BOOK.rule(
    "retired-early",
    Severity.ERROR,
    "a version that is retired before the day that callers were told",
    why="Who relied on the date gets 410 today. That is an outage with an announcement for later.",
    advice="Keep it deprecated or in brownout until then, or correct sunset_on.",
)
def retired_early(scene: Scene) -> Iterator[Broken]:
    """Retired, with its end to come."""
    for version in scene.versions:
        end = version.sunset_on
        if version.lifecycle is Lifecycle.RETIRED and end is not None and end > scene.today:
            yield Broken(
                version.address,
                f"{version.address} is retired, and callers were told {end}, in {days(scene.days_to(end))}.",
                "lifecycle",
            )


@BOOK.rule(
    "deprecation-due",
    Severity.WARNING,
    "a version that should be deprecated by now",
    why="The day of its announcement is there, and its lifecycle says that nothing has changed.",
    advice='Say lifecycle = "deprecated", or correct deprecated_on.',
    dated=True,
)
def deprecation_due(scene: Scene) -> Iterator[Broken]:
    """Active after its announcement."""
    for version in scene.versions:
        begin = version.deprecated_on
        if version.lifecycle is Lifecycle.ACTIVE and begin is not None and begin < scene.today:
            yield Broken(
                version.address, f"{version.address} is active, and was to be deprecated on {begin}.", "lifecycle"
            )


@BOOK.rule(
    "brownout-outside",
    Severity.WARNING,
    "a brownout at another time than between announcement and end",
    why="A brownout is a rehearsal of the end. Before the announcement it is an outage, and after the end it rehearses "
    "nothing.",
    advice="Move it between deprecated_on and sunset_on.",
)
def brownout_outside(scene: Scene) -> Iterator[Broken]:
    """Outside of the deprecated span, of a version that is or will be deprecated."""
    for version in scene.versions:
        for number, brownout in enumerate(version.brownouts):
            told = _outside(version, brownout)
            if told is not None:
                yield Broken(
                    version.address,
                    f"{version.address} has a brownout at {brownout.from_:%Y-%m-%d %H:%M} UTC, {told}.",
                    f"brownouts[{number}].from_",
                )


def _outside(version: Version, brownout: Brownout) -> str | None:
    if version.lifecycle is Lifecycle.RETIRED:
        return None
    if version.deprecated_on is None:
        return "and its end is not announced" if version.lifecycle not in LEAVING else None
    if brownout.from_ < datetime.combine(version.deprecated_on, time(), UTC):
        return f"before it is deprecated on {version.deprecated_on}"
    # The day of the end is not part of the version's life.
    if version.sunset_on is not None and brownout.until > datetime.combine(version.sunset_on, time(), UTC):
        return f"and ends after the version does, on {version.sunset_on}"
    return None


@BOOK.rule(
    "brownout-without-effect",
    Severity.WARNING,
    "a brownout of a retired version",
    why="A retired version is gone for good; there is nothing left to rehearse.",
    advice="Take it out.",
    fixes="takes the brownouts out: the gateway does not look at them",
)
def brownout_without_effect(scene: Scene) -> Iterator[Broken]:
    """Of a retired version."""
    for version in scene.versions:
        if version.brownouts and version.lifecycle is Lifecycle.RETIRED:
            # Retired before its day, it may come back, and its brownouts with it.
            early = version.sunset_on is not None and version.sunset_on > scene.today
            yield Broken(
                version.address,
                f"{version.address} is retired, so its brownouts have no effect.",
                "brownouts[0]",
                edits=() if early else (Remove(version.address, "brownouts"),),
            )


@BOOK.rule(
    "brownout-overlap",
    Severity.WARNING,
    "two brownouts at the same time",
    why="They are one long brownout, longer than anybody agreed to.",
    advice="Move one, or make one of them.",
)
def brownout_overlap(scene: Scene) -> Iterator[Broken]:
    """One begins before another ends; they stand in the order of time."""
    for version in scene.versions:
        for number in range(1, len(version.brownouts)):
            before, brownout = version.brownouts[number - 1], version.brownouts[number]
            if brownout.from_ < before.until:
                yield Broken(
                    version.address,
                    f"{version.address} has a brownout at {brownout.from_:%Y-%m-%d %H:%M} UTC, "
                    "before the one before it ends.",
                    f"brownouts[{number}].from_",
                )


@BOOK.rule(
    "version-empty",
    Severity.WARNING,
    "a version that is served and has no operation",
    why="It can be called, and answers 404 to everything. An operation that names its versions does not go along with "
    "a new one.",
    advice="Add the version to the operations that it has, or describe them.",
)
def version_empty(scene: Scene) -> Iterator[Broken]:
    """No operation is in it."""
    for api in scene.apis:
        everywhere = any(each.versions is None for each in api.operations)
        named = {name for each in api.operations for name in each.versions or ()}
        for version in scene.versions_of.get(api.name, ()):
            if version.lifecycle in SERVED and not everywhere and version.name not in named:
                yield Broken(version.address, f"{version.address} {stands(version.lifecycle)} and has no operation.")


@BOOK.rule(
    "api-no-version",
    Severity.WARNING,
    "an API without a version",
    why="What is called at it is a version; without one nothing can be called.",
    advice="Describe a [[version]].",
)
def api_no_version(scene: Scene) -> Iterator[Broken]:
    """No version at all, not even a draft."""
    for api in scene.apis:
        if api.name not in scene.versions_of:
            yield Broken(api.address, f"{api.address} has no version.")
