"""The rule about secrets: what looks like one in a text, and in the comments of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene
from gateway_policies.model import Api, Consumer, Grant, Issuer, Resource, Scope, Severity, Throttle, Version
from gateway_policies.places import Place

BOOK = Book("Secrets")

RULE = "secret-in-text"

_NAMED = r"(?:pass(?:word|wd|phrase)?|pwd|secret|client[_ -]?secret|api[_ -]?key|access[_ -]?key|token)"
_SECRETS: dict[str, str] = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a token (JWT)": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
    "a key of a cloud": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}\b",
    "a token of a code host": r"\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}",
    "a key of a service": r"\b[sr]k_(?:live|test)_\w{12,}|\bxox[abeoprs]-[\w-]{10,}",
    "an Authorization header": r"\b[Bb]earer\s+[\w.~+/-]{16,}=*|\b[Bb]asic\s+[A-Za-z0-9+/]{12,}={0,2}(?![\w+/])",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@\"']+:[^\s/@\"']+@",
    # A digit and a letter: what is said about a password in words has no digits, most often.
    "a secret beside its name": rf"(?i:\b{_NAMED}\b)[\"']?\s*[:=]\s*[\"']?"
    r"(?!env:|file:|keyring:|\$\{|<|\d{4}-\d\d-\d\d)(?=[^\s\"'#]*\d)(?=[^\s\"'#]*[A-Za-z])[^\s\"'#]{8,}",
}
_ANY = re.compile("|".join(f"(?P<s{number}>{each})" for number, each in enumerate(_SECRETS.values())))
_WHAT = list(_SECRETS)
_MARKS = (
    *("-----begin", "eyj", "akia", "asia", "aiza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
    *("k_live_", "k_test_", "xox", "bearer", "basic", "@", "pass", "pwd", "secret", "key", "token"),
)
"""Without one of these nothing looks like a secret: most texts are let go at that, which is ten times as fast."""

_ADVICE = (
    'Take it out, write where it is instead ("env:NAME", "file:PATH", "keyring:SERVICE/NAME"), and change it: git '
    "keeps what was there."
)


def found_in(text: str) -> Iterator[tuple[int, str]]:
    """What looks like a secret in a text: where it begins, and what it looks like; never the secret."""
    low = text.lower()
    if not any(mark in low for mark in _MARKS):
        return
    for match in _ANY.finditer(text):
        yield match.start(), _WHAT[int((match.lastgroup or "s0")[1:])]


@BOOK.rule(
    RULE,
    Severity.ERROR,
    "what looks like a secret, in a text or a comment",
    why="Files are in git, and git forgets nothing: whoever may read the repository has the secret, for ever.",
    advice=_ADVICE,
)
def secret_in_text(scene: Scene) -> Iterator[Broken]:
    """In what a resource says of itself; what it looks like is told, and not what it is."""
    harmless: set[str | None] = {None}
    for address, each in scene.policies.resources.items():
        for field in _FIELDS[type(each)]:
            text = getattr(each, field)
            if text not in harmless:
                found = list(_told(address, field, text))
                yield from found
                if not found:
                    harmless.add(text)
    for consumer in scene.consumers:
        if consumer.credential is not None:
            yield from _told(consumer.address, "credential.client_id", consumer.credential.client_id)
    for number, suppression in enumerate(scene.policies.suppressions):
        yield from _told(f"suppress[{number}]", "reason", suppression.reason)


_FIELDS: dict[type[Resource], tuple[str, ...]] = {
    Api: ("description", "owner", "upstream"),
    Version: ("contract",),
    Scope: ("description", "owner"),
    Throttle: (),
    Consumer: ("description", "owner"),
    Grant: ("reason",),
    Issuer: ("url", "audience", "jwks_file"),
}


def _told(address: str, field: str, text: str) -> Iterator[Broken]:
    found = next(found_in(text), None)
    if found is not None:
        yield Broken(address, f"{field} of {address} looks like {found[1]}. What it says is not repeated here.", field)


def secrets_of_files(texts: Iterable[tuple[str, str]]) -> Iterator[tuple[Place, str]]:
    """What looks like a secret anywhere in files, in comments too: where, and what to say of it.

    Args:
        texts: files, as places name them, with what they say.
    """
    for file, text in texts:
        for start, what in found_in(text):
            line = text.count("\n", 0, start) + 1
            column = start - (text.rfind("\n", 0, start) + 1) + 1
            yield Place(file, line, column), f"This looks like {what}. What it says is not repeated here."
