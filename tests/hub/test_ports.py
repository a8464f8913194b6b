"""A port that was taken is one's own until something listens on it."""

from __future__ import annotations

import socket

import pytest

from hub.ports import before_listening, take_port


def somebody_else(port: int) -> None:
    """Another program that takes a port by its number, as servers do."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))


def test_a_port_that_the_kernel_chose_is_nobody_elses_before_it_listens() -> None:
    with socket.socket() as taken:
        take_port(taken, "127.0.0.1", 0)
        with pytest.raises(OSError, match="in use"):
            somebody_else(taken.getsockname()[1])


def test_a_named_port_is_taken_although_connections_of_its_last_owner_linger() -> None:
    with socket.socket() as first:
        take_port(first, "127.0.0.1", 0)
        before_listening(first)
        first.listen()
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            accepted, _ = first.accept()
            accepted.close()  # who closes first is the one of whom something lingers
            assert caller.recv(1) == b""
    with socket.socket() as second:
        take_port(second, "127.0.0.1", port)
        before_listening(second)
        second.listen()


def test_a_port_that_is_listened_on_is_refused() -> None:
    with socket.socket() as first, socket.socket() as second:
        take_port(first, "127.0.0.1", 0)
        before_listening(first)
        first.listen()
        with pytest.raises(OSError, match="in use"):
            take_port(second, "127.0.0.1", first.getsockname()[1])
