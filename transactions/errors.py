"""What can go wrong, as types. Each says what happened, what it means and what to do.

One table here maps a type to its problem document (RFC 9457); ``commands/exits.py`` maps problem types to exit codes.
"""

from __future__ import annotations

from typing import ClassVar

PROBLEM_BASE = "urn:andon:problem:"


class AndonError(Exception):
    """A failure with a message for people.

    Attributes:
        problem: last part of the stable problem type URI.
        status: HTTP status of the problem document.
        title: short, the same for every occurrence of the type.
        detail: what happened here, what it means, what to do.
        extra: further members of the problem document.
    """

    problem: ClassVar[str] = "failed"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The request failed"

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class Invalid(AndonError):
    """The request cannot be understood: an unknown parameter, a wrong type, a missing field."""

    problem, status, title = "invalid-request", 422, "The request is not valid"


class BadFilter(AndonError):
    """A filter that cannot be read; ``column`` (from 1) points at the place, ``suggestions`` name what was meant."""

    problem, status, title = "bad-filter", 400, "The filter cannot be read"


class BadCursor(AndonError):
    """A page cursor that this platform did not make, or made for another list."""

    problem, status, title = "bad-cursor", 400, "The cursor cannot be used"


class Unauthenticated(AndonError):
    """No token, or one that is not valid."""

    problem, status, title = "unauthenticated", 401, "Not signed in"


class Forbidden(AndonError):
    """Signed in, and not allowed."""

    problem, status, title = "forbidden", 403, "Not allowed"


class NotFound(AndonError):
    """There is no such thing, or none that the caller may see."""

    problem, status, title = "not-found", 404, "Not found"


class MethodNotAllowed(AndonError):
    """The resource exists and does not take this method."""

    problem, status, title = "method-not-allowed", 405, "Method not allowed"


class Refused(AndonError):
    """A guard said no: lint, validation, lock, claim, second person wanted, edited or foreign plan."""

    problem, status, title = "refused", 409, "Refused"


class SecondPersonWanted(Refused):
    """One person is not enough; the plan waits for another. ``hash`` names it, ``because`` says why."""

    problem, title = "second-person-wanted", "A second person has to approve this"


class GatewayRejected(Refused):
    """The data plane of the gateway would not take what the policies would come to."""

    problem, title = "gateway-rejected", "The gateway would not take it"


class TransitionRefused(Refused):
    """The life cycle has no such step."""

    problem, title = "transition-refused", "The transaction's status does not allow this"

    def __init__(self, status: str, event: str) -> None:
        super().__init__(
            f"A transaction that is {status} cannot take the step '{event}'. "
            "Look at it again: its status may have changed.",
            transaction_status=str(status),
            event=str(event),
        )


class Claimed(Refused):
    """Another action holds the transaction."""

    problem, title = "claimed", "Another action holds the transaction"


class PlanAltered(Refused):
    """The plan is not the one that was stored, or belongs to another platform."""

    problem, status, title = "plan-altered", 409, "The plan was edited, or is for another platform"


class KeyReused(Refused):
    """Same idempotency key, other content."""

    problem, status, title = "key-reused", 409, "The idempotency key was used for other content"


class Stale(AndonError):
    """What the caller looked at has changed: an ETag, a used or expired plan, a moved base."""

    problem, status, title = "stale", 412, "Changed in the meantime"


class TooSlow(AndonError):
    """A request that took too long to arrive."""

    problem, status, title = "too-slow", 408, "The request took too long to arrive"


class TooLarge(AndonError):
    """A body over the limit."""

    problem, status, title = "too-large", 413, "The body is too large"


class AddressTooLong(AndonError):
    """A path and query over the limit."""

    problem, status, title = "address-too-long", 414, "The address is too long"


class UnsupportedMedia(AndonError):
    """A content type that this resource does not take."""

    problem, status, title = "unsupported-media-type", 415, "The content type is not supported"


class Misdirected(AndonError):
    """A request that was made for another host: most likely by a web page that had its name lead here."""

    problem, status, title = "misdirected", 421, "The request is for another host"


class Unreadable(AndonError):
    """A body that is not what its content type says."""

    problem, status, title = "unreadable-document", 422, "The document cannot be read"


class HeadersTooLarge(AndonError):
    """Header fields over the limit, by number or size."""

    problem, status, title = "headers-too-large", 431, "The header fields are too large"


class Unavailable(AndonError):
    """The platform cannot do it now: store busy, disk full, shutting down."""

    problem, status, title = "unavailable", 503, "Not available now"


class PreconditionRequired(Stale):
    """What is to be changed has to be named by the ETag that the caller saw, in If-Match (RFC 6585)."""

    problem, status, title = "precondition-required", 428, "If-Match is required"


class TooManyRequests(Unavailable):
    """One person or program asks more often than is good for the others; ``retry_after`` (seconds) is extra."""

    problem, status, title = "too-many-requests", 429, "Too many requests"


class Unreachable(AndonError):
    """The platform gave no answer: not running, wrong address, network. Never sent by a hub; made by its clients."""

    problem, status, title = "unreachable", 503, "The platform cannot be reached"
