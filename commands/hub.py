"""``andon hub``: serve and seed one, ask one, send it documents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from commands import completing
from commands.app import Noun
from commands.exits import Exit, Usage
from commands.output import Column, Detail, Listing
from commands.output.table_form import render
from commands.session import Session, session_of
from commands.simulate import app as simulate
from commands.terminal import Look, plain, spoken, state
from commands.users import app as users
from platforms.hub import server, simulator
from transactions.books import Books, FlowBooks
from transactions.errors import Invalid
from transactions.landscape import HubStatus
from transactions.model import Transaction

app = Noun(help="Serve, seed and ask a hub; send it documents; its simulator.")
app.add_typer(simulate, name="simulate")
app.add_typer(users, name="users")

CONTENT_TYPES = {
    ".json": "application/json",
    ".xml": "application/xml",
    ".csv": "text/csv",
    ".edi": "application/edi-x12",
    ".txt": "text/plain",
}

WRONG = frozenset({"missing", "double", "mismatched", "unresolved"})


def _figure(name: str) -> Column:
    def style(line: FlowBooks) -> str | None:
        return "red" if name in WRONG and getattr(line, name) else None

    return Column(name.replace("_", " "), lambda line, _: str(getattr(line, name)), style=style, right=True)


BOOKS: tuple[Column, ...] = (
    Column("flow", lambda line, _: line.flow),
    Column("target", lambda line, _: line.target),
    *map(_figure, ("owed", "agreed", "missing", "double", "mismatched", "in_flight", "unresolved", "written_off")),
)


@app.verb()
def serve(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Where everything is kept; ANDON_DATA_DIR, or a folder of the user's, unless told.",
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="0 picks a free one.")] = 8470,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The team's settings, TOML.")] = None,
    schemas: Annotated[
        Path | None,
        typer.Option(
            "--schemas", metavar="DIR", help="JSON Schemas and XSDs that documents must fit before they are sent."
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option("--tls-cert", metavar="FILE", help="Serve TLS with this certificate and its chain, PEM."),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="Its key, PEM, where that is a file of its own.")
    ] = None,
    gateway: Annotated[
        bool,
        typer.Option("--gateway/--no-gateway", help="Enforce the policies that are applied: Envoy is the gateway."),
    ] = True,
    gateway_port: Annotated[
        int | None,
        typer.Option(
            "--gateway-port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Where the gateway listens, once there is an API: 8480 unless told, or a free one with --port 0.",
            show_default=False,
        ),
    ] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Start the simulated systems too.")] = False,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the simulated story.")] = 1,
    speed: Annotated[
        float, typer.Option("--speed", metavar="X", min=0, help="Speed of the simulated plant; 0 emits nothing.")
    ] = 1.0,
    paused: Annotated[bool, typer.Option("--paused", hidden=True)] = False,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", hidden=True)] = False,
) -> None:
    """Serve a hub on this machine until it is stopped."""
    from commands.serving import Serving, serve_hub

    asked = Serving(
        data=data,
        host=host,
        port=port,
        config=config,
        schemas=schemas,
        tls_cert=tls_cert,
        tls_key=tls_key,
        gateway=gateway,
        gateway_port=gateway_port,
        simulate=simulate,
        seed=seed,
        speed=speed,
        paused=paused,
        ephemeral=ephemeral,
    )
    serve_hub(session_of(ctx), asked)


@app.verb()
def seed(
    ctx: typer.Context,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="The hub's folder.")],
    transactions: Annotated[
        int, typer.Option("--transactions", metavar="N", min=0, help="How many failed ones to write.")
    ],
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed writes the same.")] = 1,
) -> None:
    """Write failed transactions into a hub's folder, to measure and to practise with."""
    from commands.serving import seed_hub

    seed_hub(session_of(ctx), data, transactions, seed)


@app.verb()
def status(ctx: typer.Context) -> None:
    """What the hub is, and how many transactions are in which status."""
    session = session_of(ctx)
    answer = session.send(server.status())
    session.show(
        Detail(value=answer, human=lambda look: describe_status(answer, look), identify=lambda each: each.platform)
    )


@app.verb()
def send(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The document; - reads it from stdin.")],
    flow: Annotated[
        str, typer.Option("--flow", metavar="FLOW", help="The flow it belongs to.", autocompletion=completing.flows)
    ],
    plant: Annotated[
        str | None, typer.Option("--plant", metavar="PLANT", help="Its plant.", autocompletion=completing.plants)
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Its idempotency key; the flow's recipe otherwise.")
    ] = None,
    content_type: Annotated[
        str | None,
        typer.Option("--content-type", metavar="TYPE", help="What it is; by its name and beginning otherwise."),
    ] = None,
) -> None:
    """Send a business document in, as a source system would."""
    session = session_of(ctx)
    document = _read(session, file)
    kind = content_type or content_type_of(file, document)
    page = session.send(server.ingress(document, kind, flow=flow, plant=plant, key=key))
    from commands.transaction_view import COLUMNS

    session.show(
        Listing(
            of=Transaction,
            items=page.items,
            columns=COLUMNS,
            empty="The hub took it in and has nobody to deliver it to.",
            identify=lambda each: each.id,
            next_cursor=page.next_cursor,
        )
    )


@app.verb()
def books(ctx: typer.Context) -> None:
    """Do the simulated systems agree? Exits 10 where they do not."""
    session = session_of(ctx)
    answer = session.send(simulator.books())
    session.show(
        Detail(
            value=answer,
            human=lambda look: describe_books(answer, look),
            identify=lambda each: "agree" if each.agree else "differ",
        )
    )
    if not answer.agree:
        raise typer.Exit(Exit.DIFFERENCES)


def describe_status(answer: HubStatus, look: Look) -> str:
    """In words."""
    serving = look.paint("● serving", "green", "bold")
    if answer.no_writes_since is not None:
        serving = look.paint("■ takes no writes", "red", "bold")
    lines = [
        f"{serving}  {plain(answer.platform)}, andon {plain(answer.version)}",
        f"  since         {spoken(look.now - answer.started_at)}",
        f"  database      {plain(answer.database)} (schema {plain(answer.schema)})",
        f"  profile       {plain(answer.profile)}{', with simulated systems' if answer.simulate else ''}",
        f"  transactions  {answer.transactions}",
        f"  search        {_search(answer.search_behind)}",
        *_gateway(answer),
    ]
    if answer.no_writes_since is not None:
        began = spoken(look.now - answer.no_writes_since)
        lines[1:1] = [
            f"  refused since {answer.no_writes_since:%H:%M} UTC ({began}): {plain(answer.no_writes_because or '?')}",
            "  Nothing is taken in, sent or changed until there is room again on the disk of the hub's data folder.",
            "  Make room; everything goes on by itself then.",
        ]
    for name, count in answer.counts.items():
        if count:
            word, style = state(name)
            lines.append(f"    {look.paint(f'{word:<22}', style)}{count:>8}")
    return "\n".join(lines)


def _gateway(answer: HubStatus) -> list[str]:
    if answer.gateway is None:
        return []
    because = "" if answer.gateway_because is None else f": {plain(answer.gateway_because)}"
    return [f"  gateway       {plain(answer.gateway)}{because}"]


def _search(behind: int) -> str:
    if not behind:
        return "everything is indexed"
    return f"{behind} to be indexed; answers are right, and take longer until then"


def describe_books(answer: Books, look: Look) -> str:
    """A sentence, then a line for every flow and target."""
    names = ("missing", "double", "mismatched", "in_flight", "unresolved", "written_off")
    told = ", ".join(f"{name.replace('_', ' ')} {getattr(answer, name)}" for name in names)
    verdict = look.paint("✓ the books agree", "green", "bold")
    if not answer.agree:
        verdict = look.paint("■ the books do not agree", "red", "bold")
    listing = Listing(of=FlowBooks, items=answer.flows, columns=BOOKS, empty="Nothing was owed yet.", identify=str)
    return f"{verdict}: {told}\n\n{render(listing, look)}"


def content_type_of(name: str, document: bytes) -> str:
    """What a document is: by its name, else by how it begins."""
    known = CONTENT_TYPES.get(Path(name).suffix.lower())
    if known is not None:
        return known
    start = document.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return {b"<": "application/xml", b"{": "application/json", b"[": "application/json"}.get(
        start, "application/octet-stream"
    )


def _read(session: Session, file: str) -> bytes:
    if file == "-":
        if session.interactive:
            session.note("Reading the document from this terminal. Ctrl+d ends it.")
        document = sys.stdin.buffer.read()
    else:
        try:
            document = Path(file).read_bytes()
        except OSError as error:
            raise Usage(
                f"{file} cannot be read: {error.strerror or error}. Nothing was sent. Check the path."
            ) from error
    if not document.strip():
        name = "What came on stdin" if file == "-" else file
        raise Invalid(f"{name} is empty, and nothing is no document. Nothing was sent. Check what writes it.")
    return document
