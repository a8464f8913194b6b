"""A target's words, cleared of what the document hides before they are written anywhere."""

from __future__ import annotations

import msgspec

from hub.delivery.answers import LookupAnswer
from hub.delivery.channel import NoAnswer, NotSent
from hub.delivery.finish import Tried
from hub.masks.flow import Secrets, withheld_words


def has_words(tried: Tried) -> bool:
    """Whether an attempt came to anything that is told in words."""
    return tried.outcome is None or tried.outcome.failure is not None


def clear_tried(tried: Tried, secrets: Secrets) -> Tried:
    """An attempt whose failure repeats nothing hidden; the answer itself stays as it came, and is masked when shown."""
    if tried.not_sent is not None and secrets.repeated_in(tried.not_sent.message):
        lost = tried.not_sent
        return msgspec.structs.replace(tried, not_sent=NotSent(lost.kind, lost.code, withheld_words(lost.code)))
    if tried.no_answer is not None and secrets.repeated_in(tried.no_answer.message):
        return msgspec.structs.replace(
            tried, no_answer=NoAnswer(tried.no_answer.code, withheld_words(tried.no_answer.code))
        )
    if tried.outcome is not None and tried.outcome.failure is not None:
        failure = secrets.failure(tried.outcome.failure)
        return msgspec.structs.replace(tried, outcome=msgspec.structs.replace(tried.outcome, failure=failure))
    return tried


def clear_lookup(found: LookupAnswer, secrets: Secrets) -> LookupAnswer:
    """What a target said of a key, without what the document hides."""
    if found.message is None and found.code is None:
        return found
    code, message = secrets.words(found.code or str(found.status), found.message or "")
    return msgspec.structs.replace(found, code=found.code and code, message=found.message and message)
