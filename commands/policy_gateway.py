"""The gateway that a policy command is about, and its refusals as errors of commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.exits import Usage
from commands.session import Session
from transactions.errors import NotFound, PlanAltered, Refused, Stale, Unavailable

if TYPE_CHECKING:
    from gateway_policies.gateway import Gateway
    from gateway_policies.model import PolicySet
    from gateway_policies.state import GatewayState

GatewayOption = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        metavar="TARGET",
        help="The gateway: directory:PATH, one JSON file for each resource; else the one of the context's hub.",
    ),
]
_DIRECTORY = "directory"


def gateway_of(session: Session, named: str | None, name: str) -> Gateway:
    """The gateway that ``--gateway`` names, else the one of the hub that the session works on.

    Args:
        name: of the gateway, for one that is new.

    Raises:
        Usage: it is no kind of gateway.
    """
    if named is None:
        from platforms.hub.gateway import HubGateway

        return HubGateway(session.client)
    from gateway_policies.directory import Directory

    kind, colon, path = named.partition(":")
    if not colon or kind != _DIRECTORY or not path:
        raise Usage(f"--gateway {named!r} is no gateway. Nothing was done. Write directory:PATH.")
    return Directory(Path(path), name)


@contextmanager
def refusals() -> Iterator[None]:
    """What a gateway or a plan refuses, as errors of commands."""
    from gateway_policies import errors

    try:
        yield
    except errors.PlanAltered as error:
        raise PlanAltered(str(error)) from error
    except errors.Refused as error:
        raise Refused(str(error)) from error
    except errors.Moved as error:
        raise Stale(str(error)) from error
    except errors.Missing as error:
        raise NotFound(str(error)) from error
    except errors.Unreadable as error:
        raise Unavailable(str(error)) from error


def state_of(session: Session, named: str | None, policies: PolicySet) -> tuple[Gateway, GatewayState]:
    """The gateway, and how it is now for these policies.

    Raises:
        Refused: the policies are for another one.
        NotFound: there is none.
    """
    with refusals():
        found = gateway_of(session, named, policies.gateway)
        state = found.state(policies.name)
    if state.gateway != policies.gateway:
        raise Refused(
            f"The policies are for the gateway {policies.gateway!r}, and {named or session.resolved.url} has "
            f"{state.gateway!r}. Nothing was done. Name the right --gateway, or the right name in andon.toml."
        )
    return found, state


def tell_cut_off(session: Session, gateway: Gateway) -> None:
    """Say, where only looked is, that a change stopped while its files were written, and what writes the rest."""
    with refusals():
        begun = gateway.unfinished()
    if begun is not None:
        session.note(
            f"Revision {begun.number} by {begun.by}, of {begun.at:%Y-%m-%d %H:%M} UTC, was cut off while its files "
            "were written. It counts here as made, and whoever reads the files themselves may see half of it. The next "
            "'andon policy apply' writes the rest, also where it has nothing else to do."
        )
