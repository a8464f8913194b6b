"""Moments as people write them: a date, a time, or how long ago."""

from __future__ import annotations

from datetime import UTC, datetime

from transactions.durations import parse_duration


def parse_moment(text: str, now: datetime) -> datetime:
    """Read ``2026-11-21``, ``2026-11-21T06:00``, ``2026-11-21T06:00:00+01:00``, or ``2h`` for two hours ago.

    Args:
        text: what somebody wrote; in UTC where it has no offset.
        now: the moment that a duration is counted back from.

    Raises:
        ValueError: not a moment; the message says what one looks like.
    """
    try:
        return now - parse_duration(text)
    except ValueError:
        pass  # no duration: a date then
    except OverflowError as error:
        raise ValueError(_no_moment(text)) from error
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(_no_moment(text)) from error


def _no_moment(text: str) -> str:
    return (
        f"{text[:40]!r} is not a moment: write a date or time in UTC, like 2026-11-21 or 2026-11-21T06:00, or how long "
        "ago, like 2h"
    )
