"""``andon policy plan``: what would have to happen at the gateway for it to be as the files say."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.exits import Exit, Usage
from commands.output import Detail, put
from commands.policy_files import Environment, Folder, policies
from commands.policy_formats import below_repository
from commands.policy_gateway import GatewayOption, state_of, tell_cut_off
from commands.policy_lint_gate import check_rules, note_rules
from commands.policy_overrides import check_overrides
from commands.session import Session, session_of
from commands.terminal import Look, plain
from transactions.errors import NotFound

if TYPE_CHECKING:
    from gateway_policies.gateway import Gateway
    from gateway_policies.planning.model import Plan
    from gateway_policies.planning.usage import Usage as Traffic


class Format(StrEnum):
    """What ``--format`` takes."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"


FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, json (as --out), markdown (for a comment on a pull request), sarif, github (annotations) or gitlab "
        "(Code Quality).",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Save the plan, for 'andon policy apply --plan FILE'.")
]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit 10 when there is something to do, 0 when not.")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="ADDRESS",
        help="Only what is at this address or below it, and what that cannot be without; * is anything. "
        "May be given several times.",
    ),
]
Override = Annotated[
    list[str] | None,
    typer.Option(
        "--override",
        metavar="ADDRESS",
        help="Do what is blocked at this address all the same; needs --reason. May be given several times.",
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why it is overridden; kept in the plan.")]
UsageFile = Annotated[
    Path | None,
    typer.Option(
        "--usage",
        metavar="FILE",
        help="What was seen at the gateway, as JSON; else what the hub has counted in 30 days. "
        "Otherwise calls are unknown.",
    ),
]
SEEN = "30d"
"""How far back calls count that plans tell of."""

_COLOURS: dict[str, tuple[str, ...]] = {
    "verdict": ("bold",),
    "title": ("bold",),
    "add": ("green",),
    "change": ("yellow",),
    "remove": ("red",),
    "drift": ("magenta",),
    "blocked": ("red", "bold"),
    "note": ("dim",),
}


def plan(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    gateway: GatewayOption = None,
    environment: Environment = None,
    out: Out = None,
    format: FormatOption = None,
    exit_code: ExitCode = False,
    only: Only = None,
    override: Override = None,
    reason: Reason = None,
    usage: UsageFile = None,
) -> None:
    """Compare the files, the gateway, and what was last applied: what is to be done, what was changed by hand, what
    is in the way. Changes nothing. With --verbose all that is known of every change."""
    session = session_of(ctx)
    rules = out is not None  # it is to be applied
    found, made = make(session, folder, gateway, environment, only or (), override or (), reason, usage, rules=rules)
    tell_cut_off(session, found)
    if out is not None:
        save(made, out)
    show(session, made, format, folder=folder)
    if out is not None:
        session.note(f"The plan is in {out}, and good until {made.expires_at:%Y-%m-%d %H:%M} UTC.")
    if exit_code and not made.empty:
        raise typer.Exit(Exit.DIFFERENCES)


def make(
    session: Session,
    folder: Path,
    named: str | None,
    environment: str | None,
    only: Sequence[str],
    override: Sequence[str],
    reason: str | None,
    usage: Path | None,
    *,
    rules: bool,
) -> tuple[Gateway, Plan]:
    """The gateway, and a plan for it.

    Args:
        rules: hold the policies against the rules, since something is to come of the plan.

    Raises:
        Usage: an option cannot be used.
        Refused: there is an error in the policies, or they are for another gateway.
        NotFound: there is no such folder, environment, gateway, or address.
    """
    if override and not (reason or "").strip():
        raise Usage("--override needs a --reason. Nothing was done. Say why it has to be done all the same.")
    seen = seen_at(session, named, usage)
    with _uncollected():
        return _made(session, folder, named, environment, only, override, reason, seen, rules)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for garbage: of tens of thousands of resources all stay, and looking through them takes a fifth
    of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _made(
    session: Session,
    folder: Path,
    named: str | None,
    environment: str | None,
    only: Sequence[str],
    override: Sequence[str],
    reason: str | None,
    seen: Traffic | None,
    rules: bool,
) -> tuple[Gateway, Plan]:
    from gateway_policies.nearest import did_you_mean
    from gateway_policies.planning.making import make_plan
    from gateway_policies.planning.selecting import unknown

    loaded = policies(session, folder, environment)
    assert loaded.policies is not None
    hold = check_rules if rules else note_rules
    hold(session, loaded, folder, environment)
    found, state = state_of(session, named, loaded.policies)
    known = [*loaded.policies.resources, *state.live]
    for each in unknown(only, loaded.policies, state):
        raise NotFound(
            f"Neither the policies nor the gateway have {each!r}.{did_you_mean(each, known)} Nothing was done. "
            "Write an address as the plan does: api.NAME.version.V, consumer.NAME.grant.SCOPE; * is anything."
        )
    made = make_plan(
        loaded.policies,
        state,
        made_at=session.clock.now(),
        environment=environment,
        usage=seen,
        places=loaded.places,
        overrides={each: (reason or "").strip() for each in override},
        only=only,
    )
    check_overrides(made, override)
    return found, made


def seen_at(session: Session, named: str | None, file: Path | None) -> Traffic | None:
    """What was seen at a gateway: what a file says, else what the hub has counted; None where nothing is known.

    Args:
        named: ``--gateway``; None for the hub's own.

    Raises:
        Usage: the file cannot be read, or is none.
    """
    if file is not None:
        return traffic(file)
    if named is not None:
        return None  # files in a directory are not called
    from platforms.hub import gateway

    try:
        return session.send(gateway.calls(SEEN)).usage
    except NotFound:
        return None  # a hub that does not count calls


def traffic(path: Path) -> Traffic:
    """What was seen at a gateway, from a file.

    Raises:
        Usage: it cannot be read, or is none.
    """
    import msgspec

    from gateway_policies.planning.usage import Usage as Seen

    try:
        return msgspec.json.decode(path.read_bytes(), type=Seen)
    except OSError as error:
        raise Usage(f"The usage {path} cannot be read: {error.strerror or error}. Nothing was done.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Usage(f"{path} is not what was seen at a gateway: {error}. Nothing was done.") from error


def save(made: Plan, path: Path) -> None:
    """Write a plan whole or not at all.

    Raises:
        Usage: the place cannot be written to.
    """
    from gateway_policies import durable
    from gateway_policies.planning.saved import to_bytes

    try:
        durable.put(path, to_bytes(made))
    except OSError as error:
        raise Usage(
            f"The plan cannot be written to {path}: {error.strerror or error}. Nothing was done. Give another --out."
        ) from error


def show(session: Session, made: Plan, format: Format | None, *, folder: Path) -> None:
    """Print a plan."""
    from gateway_policies.planning.saved import to_bytes
    from gateway_policies.rendering.plan_findings import RULES, plan_findings
    from gateway_policies.rendering.plan_markdown import plan_markdown

    # Code hosts name files from the root of the repository.
    prefix = below_repository(session.folder, folder)
    match format:
        case Format.JSON:
            put(session.stdout, to_bytes(made))
        case Format.MARKDOWN:
            put(session.stdout, plan_markdown(made, folder=prefix).encode())
        case Format.SARIF:
            from commands.version import installed_version
            from gateway_policies.rendering.sarif import render_sarif

            found, version = plan_findings(made), installed_version()
            put(session.stdout, render_sarif(found, prefix=prefix, rules=RULES, version=version).encode())
        case Format.GITHUB:
            from gateway_policies.rendering.annotations import render_github

            put(session.stdout, plain(render_github(plan_findings(made), prefix=prefix)).encode())
        case Format.GITLAB:
            from gateway_policies.rendering.code_quality import render_code_quality

            put(session.stdout, render_code_quality(plan_findings(made), prefix=prefix).encode())
        case Format.TEXT:
            put(session.stdout, text_of(made, session.look(), folder=folder, full=session.options.verbose).encode())
        case None:
            session.show(
                Detail(
                    value=made,
                    human=lambda look: text_of(made, look, folder=folder, full=session.options.verbose),
                    identify=lambda each: str(each.hash),
                )
            )


def text_of(made: Plan, look: Look, *, folder: Path, full: bool = False) -> str:
    """A plan for people."""
    from gateway_policies.rendering.plan_text import plan_lines

    lines = (
        look.paint(plain(each.text), *_COLOURS.get(each.tone, ()))
        for each in plan_lines(made, verbose=full, folder=folder.as_posix())
    )
    return "".join(f"{each}\n" for each in lines)
