"""What runs on the hub's own machine; the only commands that import the hub, each when it is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.exits import Exit
from commands.session import Session
from platforms.context_file import data_folder
from transactions.errors import AndonError

OWN_PACKAGES = frozenset({"commands", "console", "gateway_policies", "hub", "platforms", "themes", "transactions"})


class ExtraMissing(AndonError):
    """The hub's own dependencies are not installed."""

    problem, status, title = "extra-missing", 500, "The hub is not installed"


@contextmanager
def hub_extra() -> Iterator[None]:
    """Say how to install what serving needs, where it is not there.

    Raises:
        ExtraMissing: a package of the extra ``hub`` cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in OWN_PACKAGES:
            # Not a missing extra but a broken installation; the traceback is what somebody needs then.
            raise
        raise ExtraMissing(
            f"Serving a hub needs the package {missing!r}, which is not installed. "
            "Console and commands work without it, and this one does not. "
            "Install the extra: uv tool install 'andon[hub]', or pip install 'andon[hub]'."
        ) from error


def serve_hub(
    session: Session,
    *,
    data: Path | None,
    host: str,
    port: int,
    database: str | None,
    config: Path | None,
    simulate: bool,
    seed: int,
    speed: float,
    schemas: Path | None,
) -> int:
    """Serve until stopped; returns the exit code."""
    with hub_extra():
        from hub.serve import ServeOptions, serve
    options = ServeOptions(
        data=data or data_folder(session.environ),
        host=host,
        port=port,
        database=database,
        config=config,
        simulate=simulate,
        seed=seed,
        speed=speed,
        schemas=schemas,
    )
    serve(options)
    return Exit.DONE


def seed_hub(session: Session, data: Path, transactions: int, seed: int) -> None:
    """Write failed transactions into a hub's folder."""
    with hub_extra():
        from hub.seed import seed as write
    write(data, transactions, seed)
    session.note(f"{transactions} failed transactions are in {data}")
