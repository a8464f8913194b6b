"""What runs on the hub's own machine; the only commands that import the hub, each when it is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from msgspec import Struct

from commands.output import Detail
from commands.session import Session
from commands.terminal import plain
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
        ExtraMissing: a package of the extra ``hub`` cannot be imported, or is of a version without what is needed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in OWN_PACKAGES:
            # Not a missing extra but a broken installation; the traceback is what somebody needs then.
            raise
        if find_spec(missing) is not None:
            raise ExtraMissing(
                f"Serving a hub needs {error.name!r}, and the installed version of {missing!r} does not have it. "
                "Nothing was started. Install 'andon[hub]' again from where Andon came from, so that versions fit: "
                "uv tool install --reinstall '.[hub]', or pip install '.[hub]', in its source folder."
            ) from error
        raise ExtraMissing(
            f"Serving a hub needs the package {missing!r}, which is not installed. "
            "Console and commands work without it, and this one does not. "
            "Install 'andon[hub]' from where Andon came from: uv tool install '.[hub]', or pip install '.[hub]', "
            "in its source folder."
        ) from error


class Serving(Struct, frozen=True, kw_only=True):
    """What the line asks to be served; the fields are those of ``hub.serve.ServeOptions``."""

    data: Path | None
    host: str
    port: int
    config: Path | None
    schemas: Path | None = None
    tls_cert: Path | None
    tls_key: Path | None
    gateway: bool = True
    gateway_port: int | None = None
    simulate: bool
    seed: int
    speed: float
    paused: bool
    ephemeral: bool


class Seeded(Struct, frozen=True, kw_only=True):
    """What was written into a hub's folder."""

    data: str
    transactions: int
    seed: int


def serve_hub(session: Session, asked: Serving) -> None:
    """Serve until stopped.

    Raises:
        AndonError: settings, folder, database or port cannot be used.
    """
    with hub_extra():
        from hub.serve import ServeOptions, serve
    fields = {name: getattr(asked, name) for name in Serving.__struct_fields__}
    usual = data_folder(session.environ)
    fields["data"] = data = asked.data or usual
    if session.stderr.isatty():
        # Its log is for machines; a person who looks at it wants to know what to do next.
        place = "" if data.absolute() == usual.absolute() else f"ANDON_DATA_DIR={quote(str(data.absolute()))} "
        fields["told"] = lambda url: session.note(
            f"The hub answers at {url}. In another terminal, the console: {place}andon --url {url}"
        )
    serve(ServeOptions(**fields))


def seed_hub(session: Session, data: Path, transactions: int, seed: int) -> None:
    """Write failed transactions into a hub's folder."""
    with hub_extra():
        from hub.seed import seed as write
    write(data, transactions, seed)
    done = Seeded(data=str(data), transactions=transactions, seed=seed)
    session.show(
        Detail(
            value=done,
            human=lambda _: plain(f"{transactions} failed transactions are in {data}"),
            identify=lambda each: each.data,
        )
    )
