"""Exports of the audit chain and their key, in words."""

from __future__ import annotations

from commands.audit_export import Exported
from commands.audit_keys import Chosen, ShownKey
from commands.terminal import Look, plain
from transactions.audit_check import Verification
from transactions.audit_export import End


def describe(found: Verification, end: End | None, key: Chosen, look: Look) -> str:
    """What became of checking an export."""
    lines: list[str] = []
    if found.broken is None:
        assert end is not None
        of = f"of {plain(end.platform)}, exported {end.at:%Y-%m-%d %H:%M} UTC"
        lines.append(f"{look.paint('✓ whole', 'green')}  {_entries(found)} {of}")
        if found.first is not None and found.first > 1:
            lines.append(f"  begins  after entry {found.first - 1}, which has the hash {end.previous}")
    else:
        broken = found.broken
        at = f"line {broken.line}" if broken.seq is None else f"line {broken.line}, entry {broken.seq}"
        lines += [
            f"{look.paint('■ broken', 'red')}  at {at}: {plain(broken.why)}",
            f"  holds   {_entries(found)} before that" if found.entries else "  holds   nothing before that",
        ]
    if found.head is not None:
        lines.append(f"  head    {plain(found.head)}")
    lines.append(f"  key     {plain(found.key)}, {plain(key.place)}")
    if found.broken is not None:
        lines.append("From there on the file proves nothing. Compare it with another export of the same entries.")
    return "\n".join(lines)


def describe_export(done: Exported, look: Look) -> str:
    """What was written."""
    entries = "no entries" if done.first is None else f"entries {done.first} to {done.last}"
    return "\n".join(
        [
            f"{look.paint('✓ exported', 'green')}  {entries} of {plain(done.platform)} to {plain(done.file)}",
            f"  head    {plain(done.head or 'none')}",
            f"  key     {plain(done.key)}",
        ]
    )


def describe_key(shown: ShownKey, look: Look) -> str:
    """A platform's key."""
    if shown.pinned:
        pinned = look.paint(f"in the context {plain(shown.context or '')}", "green")
    elif shown.context is None:
        pinned = "no: the platform is none of your contexts; keep the key with -o json > FILE"
    else:
        pinned = "no; to do so: andon audit key --pin"
    return "\n".join(
        [
            f"fingerprint  {plain(shown.fingerprint)}",
            f"platform     {plain(shown.platform)}",
            f"pinned       {pinned}",
        ]
    )


def _entries(found: Verification) -> str:
    if found.first is None:
        return "no entries"
    return f"entry {found.first}" if found.first == found.last else f"entries {found.first} to {found.last}"
