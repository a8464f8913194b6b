"""Rules about grants: who may, why, and until when."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.edits import Remove
from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene, days, pattern
from gateway_policies.model import Grant, Lifecycle, Risk, Severity
from gateway_policies.nearest import listed

BOOK = Book("Grants")

SOON = 30
"""Days before the end of a grant or a credential from which on it is told: time for a renewal and its approval."""

HIGH = frozenset({Risk.FINANCIAL, Risk.QUALITY})


def highest_risk(scene: Scene, grant: Grant) -> Risk:
    """The highest risk that a grant allows."""
    order = tuple(Risk)
    risks = (scene.scope_named[each].risk for each in scene.scopes_in(grant))
    return max(risks, key=order.index, default=Risk.LOW)


@BOOK.rule(
    "grant-wildcard",
    Severity.ERROR,
    "a grant with a wildcard",
    why="It grants what nobody has thought of yet: each scope that is described later fits it too, and no review sees "
    "who gets it.",
    advice="Name the scopes one by one.",
)
def grant_wildcard(scene: Scene) -> Iterator[Broken]:
    """``*`` and ``orders.*``."""
    for grant in scene.grants:
        if "*" in grant.scope:
            now = scene.scopes_in(grant)
            told = f" Today that is {listed(now, 6)}." if now else " Today no scope fits."
            yield Broken(grant.address, f"{grant.address} allows every scope that fits {grant.scope!r}.{told}", "scope")


@BOOK.rule(
    "grant-redundant",
    Severity.WARNING,
    "a grant that a wildcard of the same consumer has in it",
    why="Taking it out would take nothing away, which is not what its reader thinks.",
    advice="Take out the wildcard.",
)
def grant_redundant(scene: Scene) -> Iterator[Broken]:
    """A scope granted by name and by a wildcard."""
    for grants in scene.grants_of.values():
        wild = [(each, pattern(each.scope).fullmatch) for each in grants if "*" in each.scope]
        if not wild:
            continue
        for grant in grants:
            wider = next((each for each, fits in wild if each is not grant and fits(grant.scope)), None)
            if wider is not None:
                yield Broken(grant.address, f"{grant.address} is part of {wider.address} already.", "scope")


@BOOK.rule(
    "grant-expired",
    Severity.ERROR,
    "a grant that has expired",
    why="It allows nothing any more, and calls that count on it are denied. The file says otherwise.",
    advice="Renew it with a new expires_on where it is still needed, or take it out.",
    fixes="takes the grant out: the gateway does not honour it any more",
    dated=True,
)
def grant_expired(scene: Scene) -> Iterator[Broken]:
    """Its last day is over."""
    for grant in scene.grants:
        if grant.expires_on is not None and grant.expires_on < scene.today:
            yield Broken(
                grant.address,
                f"{grant.address} expired on {grant.expires_on}, {days(-scene.days_to(grant.expires_on))} ago.",
                "expires_on",
                edits=(Remove(grant.address),),
            )


@BOOK.rule(
    "grant-expiring",
    Severity.WARNING,
    "a grant that expires soon",
    why=f"In {SOON} days or less its calls are denied. A renewal takes a review, and perhaps a second person.",
    advice="Renew it with a new expires_on, or say in a suppression that it is meant to end.",
    dated=True,
)
def grant_expiring(scene: Scene) -> Iterator[Broken]:
    """Its last day is near."""
    for grant in scene.grants:
        if grant.expires_on is not None and 0 <= scene.days_to(grant.expires_on) <= SOON:
            left = scene.days_to(grant.expires_on)
            when = "today" if left == 0 else f"in {days(left)}"
            yield Broken(grant.address, f"{grant.address} expires {when}, on {grant.expires_on}.", "expires_on")


@BOOK.rule(
    "grant-reason",
    Severity.WARNING,
    "a grant without a reason",
    why="In a year nobody can tell whether it is still needed, and so it stays.",
    advice="Say with reason what it is needed for.",
)
def grant_reason(scene: Scene) -> Iterator[Broken]:
    """Of a low or operational scope."""
    for grant in scene.grants:
        if not grant.reason.strip() and highest_risk(scene, grant) not in HIGH:
            yield Broken(grant.address, f"{grant.address} has no reason.")


@BOOK.rule(
    "grant-reason-high-risk",
    Severity.ERROR,
    "a grant of a financial or quality scope without a reason",
    why="An auditor asks who may post values or release lots, and why. There has to be an answer.",
    advice="Say with reason what it is needed for.",
)
def grant_reason_high_risk(scene: Scene) -> Iterator[Broken]:
    """Of a scope whose wrong use costs money or trust."""
    for grant in scene.grants:
        if not grant.reason.strip():
            risk = highest_risk(scene, grant)
            if risk in HIGH:
                yield Broken(grant.address, f"{grant.address} is of {risk} risk and has no reason.")


@BOOK.rule(
    "grant-no-end",
    Severity.WARNING,
    "a grant of a financial or quality scope without an end",
    why="What may post values or release lots should be looked at again from time to time; an end makes that happen.",
    advice="Say with expires_on until when.",
)
def grant_no_end(scene: Scene) -> Iterator[Broken]:
    """High risk, for ever."""
    for grant in scene.grants:
        if grant.expires_on is None:
            risk = highest_risk(scene, grant)
            if risk in HIGH:
                yield Broken(grant.address, f"{grant.address} is of {risk} risk and never expires.")


@BOOK.rule(
    "grant-retired",
    Severity.WARNING,
    "a grant that is good for retired versions only",
    why="Every operation that wants the scope is answered with 410. The consumer has most likely moved on, or has to.",
    advice="Take it out, or grant what the successor wants.",
)
def grant_retired(scene: Scene) -> Iterator[Broken]:
    """All that it opens is gone."""
    gone: dict[str, bool] = {}
    for grant in scene.grants:
        scopes = scene.scopes_in(grant)
        for scope in scopes:
            if scope not in gone:
                with_it = [each for use in scene.uses.get(scope, ()) for each in scene.versions_with(use)]
                gone[scope] = bool(with_it) and all(each.lifecycle is Lifecycle.RETIRED for each in with_it)
        if scopes and all(gone[scope] for scope in scopes):
            yield Broken(
                grant.address, f"{grant.address} opens nothing: only retired versions want {grant.scope}.", "scope"
            )
