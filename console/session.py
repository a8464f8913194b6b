"""Who sits at the console: what they may do, what waits for them, and whether the platform still takes their token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console import rights, second_person
from transactions.durations import short
from transactions.errors import AndonError, Unauthenticated, Unreachable
from transactions.people import Permission

if TYPE_CHECKING:
    from platforms.contexts import Resolved
    from transactions.approvals import ApprovalItem
    from transactions.landscape import WhoAmI

ENDS_SOON = timedelta(minutes=10)
"""How long before its end a token that nobody renews is spoken of."""

Say = Callable[[str, str, float], None]
"""Tells a person something: title, sentence, seconds."""


class Session:
    """What is known of the person, and the refusals that this saves them from the platform.

    Attributes:
        who: what the platform said; None before it did.
        approvals: what was open when it was asked last.
        signed_out: the platform takes the token no more.
    """

    def __init__(self, context: Resolved, say: Say, *, read_only: bool) -> None:
        """
        Args:
            context: where the token came from, and whether it is renewed.
            say: how refusals are told.
            read_only: nothing may be changed.
        """
        self.who: WhoAmI | None = None
        self.approvals: list[ApprovalItem] = []
        self.signed_out = False
        self.read_only = read_only
        self._context = context
        self._say = say
        self._end_told: datetime | None = None

    # Who

    @property
    def line(self) -> str:
        """Who, for the bar; nothing before that is known."""
        return "" if self.who is None else rights.person(self.who)

    @property
    def name(self) -> str:
        """What this person is called; nothing before that is known."""
        return "" if self.who is None else rights.calling(self.who)

    @property
    def may_approve(self) -> bool:
        """Whether this person is known to be one who decides what others ask for."""
        return self.may(Permission.APPROVE)

    def may(self, permission: Permission) -> bool:
        """Whether this person is known to have a permission."""
        return self.who is not None and rights.may(self.who, permission)

    @property
    def acts(self) -> bool:
        """Whether what changes something is offered; one who is not known yet is left to the platform."""
        return not self.read_only and rights.may(self.who, Permission.ACT)

    @property
    def decides(self) -> bool:
        """Whether deciding what somebody else asked for is offered."""
        return not self.read_only and rights.may(self.who, Permission.APPROVE)

    # What may not be done is said before it is tried

    def may_act(self, what: str) -> bool:
        """Whether this person may change something; where not, it is said why."""
        return not self._forbids(what) and not self._lacks(Permission.ACT, what)

    def may_decide(self, *, own: bool) -> bool:
        """Whether this person decides something that somebody asked for; where not, it is said why."""
        if self._forbids("Deciding") or self._lacks(Permission.APPROVE, "Deciding"):
            return False
        if own:
            self._say(
                "Yours",
                "Four eyes are two people: you asked, and somebody else decides. y copies the command for them.",
                8,
            )
        return not own

    def may_reveal(self) -> bool:
        """Whether this person may see what is masked; where not, it is said why."""
        return not self._lacks(Permission.REVEAL, "Revealing")

    def _lacks(self, permission: Permission, what: str) -> bool:
        # Nobody known yet is left to the platform, which looks anyway.
        if self.who is None or rights.may(self.who, permission):
            return False
        self._say(f"{what}: not allowed", rights.refusal(self.who, permission), 12)
        return True

    def _forbids(self, what: str) -> bool:
        if self.read_only:
            self._say(
                f"{what}: not in this session",
                "This session is read-only: nothing can be changed from it. Leave out --read-only, "
                "or set read_only = false in the context.",
                8,
            )
        return self.read_only

    # What waits

    def waiting(self, now: datetime) -> second_person.Waiting:
        """What waits for a second person, counted."""
        return second_person.waiting(self.approvals, now)

    def to_decide(self, now: datetime) -> second_person.Waiting:
        """The same for the bar: nothing for one who decides nothing."""
        return self.waiting(now) if self.may_approve else second_person.Waiting()

    # The token

    def told(self, error: AndonError | None) -> bool:
        """A fetch was answered (None) or failed; gives whether the platform's mind about the token changed."""
        if isinstance(error, Unreachable):
            # No answer says nothing about the token.
            return False
        before, self.signed_out = self.signed_out, isinstance(error, Unauthenticated)
        return self.signed_out is not before

    @property
    def sign_in_again(self) -> str:
        """How to go on when the platform takes the token no more."""
        if self._context.looks_again:
            return "Run 'andon login' in another terminal; the console takes it up by itself."
        if self._context.token_from == "ANDON_TOKEN":  # noqa: S105  # the name of a variable
            return "The console keeps the token from ANDON_TOKEN: leave (q), set a new one, and begin again."
        return "The console keeps the token it began with: leave (q), run 'andon login', and begin again."

    def ends_soon(self, now: datetime) -> bool:
        """Whether the token ends soon, and nobody renews it."""
        at = None if self.who is None else self.who.expires_at
        return at is not None and not self._context.renews and at - now < ENDS_SOON

    def ends_in(self, now: datetime) -> str:
        """How long the token lasts, where that is not long; else nothing."""
        if not self.ends_soon(now) or self.who is None or self.who.expires_at is None:
            return ""
        return short(max(self.who.expires_at - now, timedelta()))

    def tell_end(self, now: datetime) -> bool:
        """Say once that the token ends soon; gives whether it has ended, so that the platform has to be asked again."""
        at = None if self.who is None else self.who.expires_at
        if at is None:
            return False
        if now < at and self.ends_soon(now) and self._end_told != at:
            self._end_told = at
            self._say(
                "The sign-in ends soon",
                f"Your token ends in {short(at - now)}, and nothing renews it. {self.sign_in_again}",
                20,
            )
        return at <= now
