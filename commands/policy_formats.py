"""Findings about policies in every form that people, scripts, code hosts and pipelines take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.output import Detail, put
from commands.session import Session
from commands.terminal import Look, plain

if TYPE_CHECKING:
    from gateway_policies.findings import Finding
    from gateway_policies.rendering.finding_words import Known, RuleText


class Format(StrEnum):
    """What ``--format`` takes."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"


FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, json, sarif (2.1.0, for code hosts and editors), github (annotations of a workflow) or "
        "gitlab (a report for Code Quality).",
    ),
]

_WIDEST = 100


def show_findings(
    session: Session,
    findings: Sequence[Finding],
    format: Format | None,
    *,
    folder: Path,
    suppressed: Sequence[Known] = (),
    fixed: Sequence[Finding] = (),
    rules: Iterable[RuleText] = (),
) -> None:
    """Print findings.

    Args:
        format: what was asked for; None for what ``-o`` says.
        folder: of the policies, as it was given; code hosts get paths below the repository that it is in.
        suppressed: findings that are known.
        fixed: what is mended now; in text it is for the command to say.
        rules: what is known of rules.
    """
    from gateway_policies.rendering.annotations import render_github
    from gateway_policies.rendering.code_quality import render_code_quality
    from gateway_policies.rendering.finding_json import findings_report, render_json
    from gateway_policies.rendering.sarif import render_sarif

    given = folder.as_posix()
    report = findings_report(findings, prefix=given, suppressed=suppressed, fixed=fixed)
    match format:
        case Format.TEXT:
            put(session.stdout, text_of(findings, session.look(), given, len(suppressed)).encode())
        case Format.JSON:
            put(session.stdout, render_json(report).encode())
        case Format.SARIF:
            from commands.version import installed_version

            prefix = below_repository(session.folder, folder)
            version = installed_version()
            text = render_sarif(findings, prefix=prefix, suppressed=suppressed, rules=rules, version=version)
            put(session.stdout, text.encode())
        case Format.GITHUB:
            text = plain(render_github(findings, prefix=below_repository(session.folder, folder)))
            put(session.stdout, text.encode())
        case Format.GITLAB:
            text = render_code_quality(findings, prefix=below_repository(session.folder, folder))
            put(session.stdout, text.encode())
        case None:
            session.show(
                Detail(
                    value=report,
                    human=lambda look: text_of(findings, look, given, len(suppressed)),
                    identify=lambda _: given,
                )
            )


def text_of(findings: Sequence[Finding], look: Look, prefix: str, suppressed: int) -> str:
    """Findings for people."""
    from gateway_policies.rendering.finding_text import render_text

    return render_text(
        findings,
        prefix=prefix,
        suppressed=suppressed,
        width=min(look.width or _WIDEST, _WIDEST),
        paint=look.paint,
        clean=plain,
    )


def below_repository(working: Path, folder: Path) -> str:
    """A folder's path below the root of the repository that it is in; below the working folder where it is in none.

    Args:
        working: the folder that we are in.
        folder: relative to it, or absolute.
    """
    path = (working / folder).resolve()
    root = next((each for each in (path, *path.parents) if (each / ".git").exists()), working.resolve())
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
