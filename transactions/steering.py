"""Characters that steer whatever shows them, or show nothing: what no terminal, log or name may get from a stranger."""

from __future__ import annotations

import re

# C0 but tab and newline, DEL and C1 (escape sequences begin with them); what turns the direction of the text after it,
# so that a line reads as something else than it says (Unicode TR36, "Trojan Source"); what has no width, so that two
# names that differ look alike: joiners, fillers, soft hyphen, tags; line and paragraph separators; lone surrogates.
STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)


def escaped(text: str) -> str:
    """``text`` with what steers made visible as its escape: ``ESC [31m`` comes out as ``\\x1b[31m``."""
    return STEERING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escaped_json(text: bytes) -> bytes:
    """JSON that says the same and steers nothing: inside its strings, and nowhere else, is room for such characters."""
    if text.isascii() and b"\x7f" not in text:  # the controls of ASCII are escaped in any JSON
        return text
    return STEERING.sub(_in_json, text.decode()).encode()


def _in_json(match: re.Match[str]) -> str:
    pair = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{pair[n]:02x}{pair[n + 1]:02x}" for n in range(0, len(pair), 2))
