"""A document with its masks on: what is shown of it, and what was hidden."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Hit(Struct, frozen=True):
    """One thing that a mask found.

    Attributes:
        path: as it is declared.
        place: where it is in this document, as a path that finds nothing else.
        value: what stands there: plain data for JSON, text for XML.
        leaves: every single value of it, as text.
    """

    path: str
    place: str
    value: Any
    leaves: tuple[str, ...]


class Hidden(Struct, frozen=True, kw_only=True):
    """A document as it is shown.

    Attributes:
        content: its bytes with masks on, in UTF-8; the very bytes that came where nothing had to be masked; None where
            all of it is withheld.
        paths: the declared paths that masked something.
        hits: what they masked.
        withheld: why all of it is, for people.
    """

    content: bytes | None
    paths: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()
    withheld: str | None = None
