"""What is asked of callers before anything is done for them, and how a settings file says it."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from hub.api.door import host_name
from hub.api.limits import RateLimit
from hub.api.sizes import Sizes
from hub.errors import SettingsError
from hub.patience import Patience

T = TypeVar("T")
Seconds = Annotated[float, Meta(gt=0, le=3600)]


class Caution(Struct, frozen=True, kw_only=True):
    """What is asked of callers.

    Attributes:
        names: host names that the hub answers to besides this machine's own; None takes any.
        rate: how often one may ask the admin API.
        sizes: how much of a request is taken.
        patience: how long a request may take to arrive.
        open_metrics: whether anybody who reaches the hub may read its figures; only where this machine alone does.
    """

    names: tuple[str, ...] | None = None
    rate: RateLimit = RateLimit()
    sizes: Sizes = Sizes()
    patience: Patience = Patience()
    open_metrics: bool = True


class LimitSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[limits]`` of a settings file; ``requests_per_second = 0`` switches that limit off."""

    requests_per_second: Annotated[float, Meta(ge=0, le=1_000_000)] = 200.0
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000
    under_way: Annotated[int, Meta(ge=0, le=100_000)] = 200
    head_seconds: Seconds = 10.0
    body_seconds: Seconds = 60.0


class ServingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[serving]`` of a settings file: ``names`` that people, or a proxy, reach the hub by."""

    names: tuple[str, ...] = ()


def read_caution(data: dict[str, Any], name: str) -> Caution:
    """What a settings file asks of callers.

    Args:
        data: the file, read; tables that are not there have what the hub has by itself.
        name: of the file, for the message.

    Raises:
        SettingsError: a setting that is none, or of no use.
    """
    limits = _read(data, "limits", LimitSettings, name)
    serving = _read(data, "serving", ServingSettings, name)
    for each in serving.names:
        if host_name(each) != each.lower() or not all(char.isalnum() or char in "-._:" for char in each):
            raise SettingsError(
                f"{name}: serving.names: {each!r} is no host name. Write it without scheme, port and path, "
                "like andon.example.com."
            )
    return Caution(
        names=serving.names,
        rate=RateLimit(requests_per_second=limits.requests_per_second, burst=limits.burst, under_way=limits.under_way),
        sizes=Sizes(body_seconds=limits.body_seconds),
        patience=Patience(head_seconds=limits.head_seconds, body_seconds=limits.body_seconds),
    )


def _read(data: dict[str, Any], table: str, kind: type[T], name: str) -> T:
    try:
        return msgspec.convert(data.get(table, {}), kind)
    except msgspec.ValidationError as error:
        said, _, inside = str(error).partition(" - at `$")
        raise SettingsError(f"{name}: {table}{inside.rstrip('`')}: {said}.") from error
