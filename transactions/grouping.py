"""Groups: failed transactions with the same cause have the same fingerprint.

A message is reduced to its template: what differs from one transaction to the next (numbers, ids, hashes, times,
quoted values) is masked, so that two of the same cause read the same. Deterministic, so that fingerprints are stable
across restarts and machines.
"""

from __future__ import annotations

import hashlib
import re

_LIMIT = 2000  # characters of a message that count

_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"\"[^\"]{1,200}\"|'[^']{1,200}'|`[^`]{1,200}`|«[^»]{1,200}»|“[^”]{1,200}”"), "<value>"),
    (re.compile(r"\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[0-9A-Za-z]{16,}\b"), "<id>"),
    (re.compile(r"(?<![A-Za-z])[A-Z]{1,4}-?\d[\w./-]*"), "<id>"),
    (re.compile(r"[-+]?\d[\d.,:/-]*"), "<n>"),
    (re.compile(r"\s+"), " "),
)


def template(message: str) -> str:
    """A message with everything masked that tells one transaction from the next."""
    text = message[:_LIMIT]
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text.strip()


def fingerprint(flow: str, target: str, kind: str, code: str, shape: str) -> str:
    """Sixteen hex digits that name a group.

    Args:
        flow, target: where it failed.
        kind, code: the failure's.
        shape: the template of its message.
    """
    parts = f"{flow}\x1f{target}\x1f{kind}\x1f{code}\x1f{shape}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]
