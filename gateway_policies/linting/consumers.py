"""Rules about consumers, the credentials that they are known by, and who signs their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway_policies.linting.grants import SOON
from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene, days
from gateway_policies.model import Severity

BOOK = Book("Consumers, credentials and issuers")

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@BOOK.rule(
    "credential-expired",
    Severity.ERROR,
    "a credential that has expired",
    why="The consumer gets no more tokens: all of its calls fail, whatever it is granted.",
    advice="Renew it at the issuer and say the new expires_on, or take the consumer out.",
    dated=True,
)
def credential_expired(scene: Scene) -> Iterator[Broken]:
    """Its last day is over."""
    for consumer in scene.consumers:
        end = None if consumer.credential is None else consumer.credential.expires_on
        if end is not None and end < scene.today:
            yield Broken(
                consumer.address,
                f"The credential of {consumer.address} expired on {end}, {days(-scene.days_to(end))} ago.",
                "credential.expires_on",
            )


@BOOK.rule(
    "credential-expiring",
    Severity.WARNING,
    "a credential that expires soon",
    why=f"In {SOON} days or less all calls of the consumer fail. That is five groups of failures with one cause, at "
    "night.",
    advice="Renew it at the issuer, and say the new expires_on.",
    dated=True,
)
def credential_expiring(scene: Scene) -> Iterator[Broken]:
    """Its last day is near."""
    for consumer in scene.consumers:
        end = None if consumer.credential is None else consumer.credential.expires_on
        if end is not None and 0 <= scene.days_to(end) <= SOON:
            left = scene.days_to(end)
            when = "today" if left == 0 else f"in {days(left)}"
            yield Broken(
                consumer.address,
                f"The credential of {consumer.address} expires {when}, on {end}.",
                "credential.expires_on",
            )


@BOOK.rule(
    "credential-no-end",
    Severity.WARNING,
    "a credential of which no file says until when",
    why="It ends all the same, and then without a warning.",
    advice="Say with expires_on in the credential until when it is good.",
)
def credential_no_end(scene: Scene) -> Iterator[Broken]:
    """Without a last day."""
    for consumer in scene.consumers:
        if consumer.credential is not None and consumer.credential.expires_on is None:
            yield Broken(
                consumer.address, f"The credential of {consumer.address} does not say when it expires.", "credential"
            )


@BOOK.rule(
    "consumer-no-credential",
    Severity.WARNING,
    "a consumer that cannot be known",
    why="The gateway knows a consumer by its client at an issuer. Without one it takes no call for this consumer's, "
    "and its grants are good for nothing.",
    advice="Say with credential which client it is, and whose.",
)
def consumer_no_credential(scene: Scene) -> Iterator[Broken]:
    """Grants, and no credential."""
    for consumer in scene.consumers:
        if consumer.credential is None and scene.grants_of.get(consumer.name):
            yield Broken(consumer.address, f"{consumer.address} has grants and no credential.")


@BOOK.rule(
    "consumer-idle",
    Severity.WARNING,
    "a consumer without a grant",
    why="It can call what wants no scope and nothing else. It was most likely left over.",
    advice="Grant what it needs, or take it out.",
)
def consumer_idle(scene: Scene) -> Iterator[Broken]:
    """Nothing granted."""
    for consumer in scene.consumers:
        if not scene.grants_of.get(consumer.name):
            yield Broken(consumer.address, f"{consumer.address} has no grant.")


@BOOK.rule(
    "issuer-unencrypted",
    Severity.ERROR,
    "an issuer that is asked without encryption",
    why="The keys that tokens are checked with come from there. Whoever sits between can put in a key of their own, "
    "and with it be any consumer.",
    advice="Write https://, or a file of the keys with jwks_file.",
)
def issuer_unencrypted(scene: Scene) -> Iterator[Broken]:
    """http:// to anywhere but this machine."""
    for issuer in scene.issuers:
        if issuer.url is not None and _in_clear(issuer.url):
            yield Broken(issuer.address, f"{issuer.address} is asked in clear, at {issuer.url}.", "url")


@BOOK.rule(
    "issuer-audience",
    Severity.OFF,
    "an issuer whose tokens are not asked whom they are for",
    why="Without an audience every token of the issuer is good here, those for other applications too (RFC 9068 wants "
    "it checked). Off unless asked for: not every issuer puts one in.",
    advice="Say with audience what its tokens for this gateway name.",
)
def issuer_audience(scene: Scene) -> Iterator[Broken]:
    """No audience."""
    for issuer in scene.issuers:
        if issuer.audience is None:
            yield Broken(issuer.address, f"{issuer.address} has no audience.")


@BOOK.rule(
    "issuer-unused",
    Severity.WARNING,
    "an issuer of which no consumer has a credential",
    why="The gateway would believe the tokens of somebody whom nobody needs.",
    advice="Take it out.",
)
def issuer_unused(scene: Scene) -> Iterator[Broken]:
    """Nobody's."""
    used = {each.credential.issuer for each in scene.consumers if each.credential is not None}
    for issuer in scene.issuers:
        if scene.consumers and issuer.name not in used:
            yield Broken(issuer.address, f"No consumer has a credential of {issuer.address}.")


@BOOK.rule(
    "upstream-unencrypted",
    Severity.WARNING,
    "an upstream that is called without encryption",
    why="Orders, lots and prices cross the network as anyone can read them.",
    advice='Write https://, or upstream = "system:NAME" and let the hub say where that is.',
)
def upstream_unencrypted(scene: Scene) -> Iterator[Broken]:
    """http:// to anywhere but this machine."""
    for api in scene.apis:
        if _in_clear(api.upstream):
            yield Broken(api.address, f"{api.address} is called in clear, at {api.upstream}.", "upstream")


def _in_clear(url: str) -> bool:
    if not url.startswith("http://"):
        return False
    try:
        return urlsplit(url).hostname not in _LOCAL
    except ValueError:
        # Brackets without an address in them: no machine is called that, this one neither.
        return True
