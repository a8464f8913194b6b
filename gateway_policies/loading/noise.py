"""What may be called noise: an address, or a fact at an address, either as a pattern with ``*``.

What nothing can ever be at, or no resource there ever states, would be a typing error whose drift goes on being told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gateway_policies.loading.mistakes import Path, quoted, spelled
from gateway_policies.loading.shapes import BROKEN, Checking, Text
from gateway_policies.model import Api, Consumer, Credential, Grant, Issuer, Scope, Throttle, Version
from gateway_policies.nearest import did_you_mean, listed

_PLAIN = r"[^\s:\x00-\x1f\x7f]"
_ADDRESS = rf"(?:[^\s.:\x00-\x1f\x7f]*\*|(?:api|consumer|issuer|scope|throttle)\.){_PLAIN}*"


def _stated(kind: Any) -> tuple[str, ...]:
    """The facts that a kind of resource states, as plans and ``andon policy drift`` name them."""
    identity = {"name"} | {"Version": {"api"}, "Grant": {"consumer", "scope"}}.get(kind.__name__, set())
    return tuple(each for each in kind.__struct_fields__ if each not in identity)


_API, _VERSION, _SCOPE, _THROTTLE, _GRANT, _ISSUER = map(_stated, (Api, Version, Scope, Throttle, Grant, Issuer))
_CONSUMER = (*_stated(Consumer), *(f"credential.{each}" for each in Credential.__struct_fields__))
_ANY = tuple(dict.fromkeys((*_API, *_VERSION, *_CONSUMER, *_GRANT, *_SCOPE, *_THROTTLE, *_ISSUER)))


def _below(
    head: str, word: str, outer: tuple[str, ...], inner: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The addresses of what has something below it: ``api.NAME`` and ``api.NAME.version.V``."""
    inside = rf"(?=[^:]*\.{word}\.)"
    outside = rf"(?![^:]*\.{word}\.)"
    yield rf"{head}\.{inside}{_PLAIN}*", inner
    yield rf"{head}\.{outside}(?![^:]*\*){_PLAIN}*", outer
    yield rf"{head}\.{outside}(?=[^:]*\*){_PLAIN}*", tuple(dict.fromkeys((*outer, *inner)))


_FACTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    *_below("api", "version", _API, _VERSION),
    *_below("consumer", "grant", _CONSUMER, _GRANT),
    (rf"scope\.{_PLAIN}*", _SCOPE),
    (rf"throttle\.{_PLAIN}*", _THROTTLE),
    (rf"issuer\.{_PLAIN}*", _ISSUER),
    (rf"[^\s.:\x00-\x1f\x7f]*\*{_PLAIN}*", _ANY),
)
"""Which facts there can be at which addresses; the last is of patterns that leave open what it is."""


def _either(names: tuple[str, ...]) -> str:
    operations = r"operations\[[^\x00-\x1f\x7f]*" if "operations" in names else ""
    return "|".join(filter(None, (*map(re.escape, names), operations, r"[^\s\x00-\x1f\x7f]*\*[^\s\x00-\x1f\x7f]*")))


_PATTERN = "|".join([_ADDRESS, *(rf"{address}:(?:{_either(names)})" for address, names in _FACTS)])


class NoisePattern(Text):
    """An address, or ``address:field``, where ``*`` is anything. A field without ``*`` is one that is stated there."""

    def __init__(self) -> None:
        super().__init__("an address, or a pattern with *", _PATTERN, "consumer.mes-p03.*")

    def check(self, value: Any, path: Path, checking: Checking) -> Any:
        """The pattern."""
        names = None if type(value) is not str or self._fits(value) is not None else _facts_at(value)
        if names is None:
            return super().check(value, path, checking)
        address, _, field = value.partition(":")
        checking.tell(
            "bad-value",
            path,
            f"{spelled(path)} = {quoted(value)}: nothing at {address} states {quoted(field)}.{_meant(field, names)}",
            f"There is: {listed(names, 20)}. Without a colon all of it is ignored.",
        )
        return BROKEN


def _facts_at(pattern: str) -> tuple[str, ...] | None:
    """What can be stated at the addresses of a pattern; None where it names no field, or nothing can be there."""
    address, colon, _ = pattern.partition(":")
    if not colon:
        return None
    return next((names for addresses, names in _FACTS if re.fullmatch(addresses, address)), None)


def _meant(field: str, names: tuple[str, ...]) -> str:
    """The nearest name; files say ``per`` of what is stated as ``per_seconds``."""
    longer = [each for each in names if field and each.startswith(f"{field}_")]
    return f" Did you mean {longer[0]!r}?" if longer else did_you_mean(field, names)
