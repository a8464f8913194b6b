"""The newest links of a platform's audit chain, for ``andon doctor``."""

from __future__ import annotations

from commands.audit_export import ChainBroken
from commands.session import Session
from platforms.audit_pin import pinned
from platforms.hub import audit
from transactions.audit import verify
from transactions.audit_key import trusted
from transactions.errors import Forbidden, Refused

TAIL = 200


def look(session: Session) -> str:
    """What was found.

    Raises:
        ChainBroken: an entry does not hold.
        Refused: the platform has another key than the pinned one.
        AndonError: the platform did not answer.
    """
    try:
        page = session.send(audit.entries(TAIL))
    except Forbidden:
        return "not looked at: this token may not read it"
    entries = page.items[::-1]
    if not entries:
        return "nothing was done yet"
    broken = verify(entries, entries[0].previous, entries[0].seq) if page.next_cursor else verify(entries)
    if broken is not None:
        raise ChainBroken(
            f"entry {broken.seq} does not hold: {broken.because}. Somebody changed the store. "
            "Export the chain and check it: andon audit export --out FILE; andon audit verify FILE"
        )
    return f"entries {entries[0].seq} to {entries[-1].seq} hold{_key(session)}"


def _key(session: Session) -> str:
    known = pinned(session.resolved)
    if known is None:
        return "; no key is pinned"
    try:
        named = trusted(session.send(audit.key()))
    except ValueError:
        named = None
    if named != known:
        raise Refused(
            f"the platform has another key than the pinned {known.fingerprint}. Its exports may be somebody else's. "
            "Ask whoever runs it, and see: andon audit key"
        )
    return ", under the pinned key"
