"""What the simulator is started with: one JSON line on its standard input."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from hub.declarations import Catalogue
from hub.errors import SimulatorError


class SimulatorSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one simulator runs.

    Attributes:
        data: folder that holds ``simulator.db``.
        seed: the story that is told; the same seed tells the same one.
        speed: 1 emits two documents a second; 0 emits none. Never a timeout.
        hub: address of the hub that takes the documents.
        hub_certificate: SHA-256 of the hub's certificate, hexadecimal, where it serves by TLS: the simulator trusts
            this one certificate, whatever name it has.
        token: bearer token for the hub's ingress.
        control_token: bearer token that the control API wants.
        profile: the hub's timing profile, for the record.
        paused: whether emission waits at the first start; later starts go on as they were left.
        documents: emit this many and no more; None for no end.
        catalogue: the systems, plants and flows.
    """

    data: str
    seed: int
    hub: str
    token: str
    control_token: str
    catalogue: Catalogue
    speed: float = 1.0
    hub_certificate: str | None = None
    profile: str = "quick"
    paused: bool = False
    documents: int | None = None


class Ways(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How documents go to the hub through its gateway.

    Attributes:
        url: of the gateway; empty where everything goes to the hub directly.
        pinned: SHA-256 of its certificate, hexadecimal, where it speaks TLS.
        flows: the path at the gateway, by flow; what is not here goes to the hub directly.
        tokens: of the consumer that a system is, by instance (``MES/P01``); likewise.
    """

    url: str = ""
    pinned: str | None = None
    flows: dict[str, str] = {}
    tokens: dict[str, str] = {}


class Endpoints(Struct, frozen=True, kw_only=True):
    """What the simulator prints once it listens: its control API, and every system (``ERP``, ``MES/P01``)."""

    control: str
    systems: dict[str, str]


def read_settings(line: bytes) -> SimulatorSettings:
    """Read the line.

    Raises:
        SimulatorError: not JSON, or not these settings.
    """
    try:
        return msgspec.json.decode(line, type=SimulatorSettings)
    except msgspec.DecodeError as error:
        raise SimulatorError(
            f"The simulator's settings cannot be read: {error}. It is started by the hub, which writes one JSON line "
            "to its standard input; nothing was started."
        ) from error


def settings_line(settings: SimulatorSettings) -> bytes:
    """The line that :func:`read_settings` reads."""
    plain: dict[str, Any] = msgspec.to_builtins(settings)
    return msgspec.json.encode(plain) + b"\n"


def instance_name(system: str, plant: str | None) -> str:
    """``ERP``, or ``MES/P01`` for a plant's own instance."""
    return system if plant is None else f"{system}/{plant}"
