"""What can go wrong between a client and a platform, beside the problems a platform sends itself."""

from __future__ import annotations

from transactions.errors import AndonError, Refused, Unauthenticated, Unreachable


class UnexpectedAnswer(Unreachable):
    """Something answered, and it is not the admin API of a platform, or one this version cannot read."""

    problem, status, title = "unexpected-answer", 502, "The answer cannot be understood"


class ContextError(AndonError):
    """A context cannot be used: unknown name, broken file, an address that is none."""

    problem, status, title = "bad-context", 400, "The context cannot be used"


class ReadOnly(Refused):
    """The caller asked to change nothing, and the call would change something."""

    problem, title = "read-only", "Read-only"


class SignInFailed(Unauthenticated):
    """Signing in, or renewing a sign-in, did not work: denied, expired, not offered."""

    problem, title = "sign-in", "Signing in did not work"


class UntrustedIssuer(Refused):
    """Tokens would go to, or come from, somebody other than the one that was agreed on."""

    problem, title = "untrusted-issuer", "The issuer is not trusted"


class NoStorage(Refused):
    """There is no safe place to keep a token in, or it cannot be used now."""

    problem, title = "no-storage", "Tokens cannot be stored"
