"""Taking a port some time before anything listens on it."""

from __future__ import annotations

import socket


def take_port(taking: socket.socket, host: str, port: int) -> None:
    """Bind a socket that will listen later.

    A named port is taken although connections of its last owner linger. One that the kernel chooses (0) stays this
    socket's alone: of two that may reuse an address and do not listen yet, both would have it, and the second to listen
    would fail.

    Raises:
        OSError: the port is taken, or may not be.
    """
    if port:
        taking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taking.bind((host, port))


def before_listening(taken: socket.socket) -> None:
    """What lingers of its connections will not be in the way of the next one that takes the port."""
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
