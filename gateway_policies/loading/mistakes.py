"""What can be wrong with policy files: each mistake with an id, and an explanation that stands by itself."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

Path: TypeAlias = tuple[str | int, ...]
"""Where something is in a document: keys, and numbers of items from 0."""

EXPLANATIONS: dict[str, str] = {
    "no-folder": "The folder of the policies is not there, or is no folder.",
    "no-environment": "There is no folder of that name in environments/.",
    "unreadable-file": "A file cannot be read: its permissions, its size, or it is no file at all.",
    "unknown-file": "A file that is no policy, where only policies are. It would be overlooked in silence.",
    "link": "A link out of the folder, to a folder, or to nothing. What is reviewed must be what is loaded.",
    "not-utf8": "A file that is not UTF-8, as TOML has to be.",
    "syntax": "A file that is not TOML.",
    "unknown-key": "A key that means nothing here: most often a typing error, whose value would have no effect.",
    "missing-key": "A key that has to be there.",
    "wrong-type": "A value of another type than the key takes.",
    "bad-value": "A value that the key does not take.",
    "bad-name": "A name that cannot be part of an address.",
    "duplicate": "The same thing twice: which of the two counts would depend on the order of the files.",
    "unknown-reference": "A name that no policy has.",
    "contracts-absent": "A warning: contracts are named, and their whole folder is not there, as after an export.",
    "secret-in-file": "A secret in a file that is in git. Files name where a secret is: env:, file: or keyring:.",
    "overlay-unknown": "An environment changes something that the base does not have, and that is not whole by itself.",
    "overlay-adds": "A warning: an environment adds something whose name is nearly that of something in the base.",
}


class Problem(Struct, frozen=True):
    """Something wrong in one document.

    Attributes:
        rule: one of ``EXPLANATIONS``.
        path: of the value, or of the table that lacks a key.
        help: what to do.
        on_key: whether the key is at fault and not its value.
    """

    rule: str
    path: Path
    message: str
    help: str = ""
    on_key: bool = False


def spelled(path: Path) -> str:
    """A path as people say it: ``version.sunset_on``; which of several is said by the line."""
    return ".".join(str(part) for part in path if isinstance(part, str))


def quoted(text: str, most: int = 60) -> str:
    """A value in a message: shortened, and nothing in it that a terminal would obey."""
    return repr(text if len(text) <= most else f"{text[:most]}…")
