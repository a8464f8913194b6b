"""Reading TOML and JSON that strangers may have written: what is nested too deeply, or has numbers too long to read in
any good time, is as wrong as what is misspelt, and no member stands for two things."""

from __future__ import annotations

import tomllib
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def parse_toml(text: str) -> dict[str, Any]:
    """TOML as plain data.

    Raises:
        tomllib.TOMLDecodeError: it is none, or nested deeper than anybody writes, or has a number without an end.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("It is nested too deeply") from error
    except ValueError as error:  # Python's limit on the digits of an integer
        raise tomllib.TOMLDecodeError("A number has too many digits") from error


def parse_json(content: bytes, wanted: type[T]) -> T:
    """JSON as the type that is wanted.

    Raises:
        msgspec.DecodeError: it is none, or nested too deeply; ``msgspec.ValidationError``: it does not fit.
        UnicodeDecodeError: it is not UTF-8.
    """
    try:
        return msgspec.json.decode(content, type=wanted)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error


def lay_out(content: str) -> str:
    """JSON with its lines broken, for reading: numbers stay as they are written, members in their order.

    Raises:
        msgspec.DecodeError: it is none, or nested too deeply.
    """
    try:
        return msgspec.json.format(content, indent=2)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error


def repeated_member(content: bytes) -> str | None:
    """The first name that an object of the JSON ``content`` has twice (RFC 8259 leaves open which one counts).

    Raises:
        msgspec.DecodeError: it is nested too deeply.
    """
    import json  # late: only what reads plans and requests wants it

    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            found.append(next(name for n, name in enumerate(names) if name in names[:n]))

    try:
        json.loads(content, object_pairs_hook=look, parse_int=str)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error
    return found[0] if found else None
