"""What the commands on policy files share: the folder, what is wrong with it, and the way to say so."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from commands.session import Session
from commands.terminal import Look, plain
from transactions.errors import NotFound, Refused

if TYPE_CHECKING:
    from gateway_policies.findings import Finding
    from gateway_policies.loading import Loaded

Folder = Annotated[
    Path,
    typer.Argument(metavar="[DIR]", help="The folder of the policies; 'policies' unless told.", show_default=False),
]
Environment = Annotated[
    str | None,
    typer.Option("--environment", metavar="NAME", help="Lay environments/NAME over the base."),
]

_COLOURS = {"error": "red", "warning": "yellow"}


class Told(Struct, frozen=True, kw_only=True):
    """A finding as machines get it. The file is as an editor opens it: with the folder, as it was given."""

    rule: str
    severity: str
    message: str
    help: str
    address: str | None
    file: str | None
    line: int | None
    column: int | None


def environments(folder: Path) -> list[str]:
    """The environments of a folder of policies."""
    from gateway_policies.loading import environments_of

    return environments_of(folder)


def found(folder: Path, environment: str | None = None) -> Loaded:
    """What is in a folder of policies, right or wrong.

    Raises:
        NotFound: there is no such folder, or no such environment in it.
    """
    from platformdirs import user_cache_path

    from gateway_policies.loading import Cache, load

    loaded = load(folder, environment, cache=Cache(user_cache_path("andon", appauthor=False) / "policies"))
    for each in loaded.findings:
        if each.rule in ("no-folder", "no-environment"):
            raise NotFound(f"{each.message} Nothing was done. {each.help.rstrip('.')}.")
    return loaded


def policies(session: Session, folder: Path, environment: str | None = None) -> Loaded:
    """The policies of a folder, for a command that has to have them; what there is to say of them goes to stderr.

    Raises:
        NotFound: there is no such folder, or no such environment in it.
        Refused: there is an error in them.
    """
    loaded = found(folder, environment)
    tell(session, folder, loaded)
    if loaded.policies is None:
        errors = sum(each.severity == "error" for each in loaded.findings)
        raise Refused(
            f"The policies in {str(folder)!r} cannot be used: {errors} error{'s' if errors != 1 else ''}. "
            "Nothing was done. Mend what is listed above; 'andon policy validate' lists it again."
        )
    return loaded


def tell(session: Session, folder: Path, loaded: Loaded) -> None:
    """Say on stderr what there is to say of the policies; with --quiet only where they cannot be used."""
    findings = told(folder, loaded.findings)
    if findings and not (session.options.quiet and loaded.policies is not None):
        session.stderr.write(describe(findings, session.look_err()))


def told(folder: Path, findings: Iterable[Finding]) -> list[Told]:
    """Findings as machines get them."""
    return [
        Told(
            rule=each.rule,
            severity=each.severity,
            message=each.message,
            help=each.help,
            address=each.address,
            file=None if each.place is None else (folder / each.place.file).as_posix(),
            line=None if each.place is None else each.place.line,
            column=None if each.place is None else each.place.column,
        )
        for each in findings
    ]


def describe(findings: Iterable[Told], look: Look) -> str:
    """Findings as people read them, and as editors and terminals follow them: place, what is wrong, what to do."""
    lines = []
    for each in findings:
        place = "" if each.file is None else f"{plain(each.file)}:{each.line}:{each.column}: "
        word = look.paint(each.severity, _COLOURS.get(each.severity, "dim"))
        lines.append(f"{place}{word}: {plain(each.message)} {look.paint(f'[{each.rule}]', 'dim')}\n")
        if each.help:
            lines.append(f"    {plain(each.help)}\n")
    return "".join(lines)
