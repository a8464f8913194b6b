"""``andon policy lint``: what loads, and still should not be so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from commands.exits import Exit, Usage
from commands.output import Column, Detail, Listing
from commands.policy_files import Environment, Folder, environments, found
from commands.policy_formats import Format, FormatOption, show_findings
from commands.session import Session, session_of
from commands.terminal import Look
from transactions.errors import NotFound, Refused

if TYPE_CHECKING:
    from gateway_policies.findings import Finding
    from gateway_policies.linting.examining import Linted
    from gateway_policies.model import Severity
    from gateway_policies.rendering.finding_words import RuleText

ALL = "all"

Explain = Annotated[
    str | None,
    typer.Option(
        "--explain", metavar="RULE", help="Say what a rule looks for, why, and what to do; 'all' lists the rules."
    ),
]

Fix = Annotated[
    bool,
    typer.Option(
        "--fix", help="Mend in the files what takes no decision and changes nothing at the gateway; comments stay."
    ),
]


class RuleTold(Struct, frozen=True, kw_only=True):
    """A rule as machines get it; ``fixes`` says what ``--fix`` does about it, and is empty where it does nothing."""

    rule: str
    about: str
    severity: str
    title: str
    why: str
    help: str
    fixes: str


_COLOURS = {"error": "red", "warning": "yellow", "off": "dim"}

COLUMNS: tuple[Column, ...] = (
    Column("rule", lambda each, _: each.rule),
    Column("severity", lambda each, _: each.severity, style=lambda each: _COLOURS.get(each.severity)),
    Column("", lambda each, _: "fix" if each.fixes else "", give=1, least=3),
    Column("what breaks it", lambda each, _: each.title, give=2),
)


def lint(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    environment: Environment = None,
    format: FormatOption = None,
    fix: Fix = False,
    explain: Explain = None,
) -> None:
    """Hold the policies against the rules of the house: who may too much, what ends when, what goes unannounced.
    Without --environment the base and every environment is looked at. Exits 6 with errors; severities and
    suppressions are in andon.toml."""
    from gateway_policies.findings import refuses

    session = session_of(ctx)
    if explain is not None:
        _explain(session, explain)
        return
    fixed = _mend(session, folder, environment) if fix else []
    linted = examined(session, folder, environment)
    _show(session, linted, fixed, format, folder)
    if refuses(linted.findings):
        raise typer.Exit(Exit.REFUSED)


def _show(session: Session, linted: Linted, fixed: list[Finding], format: Format | None, folder: Path) -> None:
    from gateway_policies.rendering.finding_words import Known

    show_findings(
        session,
        linted.findings,
        format,
        folder=folder,
        suppressed=[Known(each.finding, each.suppression.reason) for each in linted.suppressed],
        fixed=fixed,
        rules=texts(),
    )


def _mend(session: Session, folder: Path, environment: str | None) -> list[Finding]:
    """Mend what can be, until nothing more can, and say on stderr what was done.

    Raises:
        Usage: it was asked for one environment.
        Refused: nothing may be changed, or a file cannot be.
    """
    from gateway_policies.linting.fixing import mend, said
    from gateway_policies.writing.edits import CannotEdit

    if environment is not None:
        raise Usage(
            "--fix mends what is so in the base and with every environment. Nothing was done. Leave out --environment."
        )
    if session.options.read_only:
        raise Refused("--fix changes files, and --read-only was given. Nothing was done. Leave out one of them.")
    fixed: list[Finding] = []
    # What is mended can leave something to mend, such as the suppression of what is gone; three rounds are plenty.
    for _ in range(3):
        loaded = found(folder)
        todo = [each for each in examined(session, folder).findings if each.edits]
        if loaded.policies is None or not todo:
            break
        try:
            mended = mend(folder, loaded, todo)
        except (CannotEdit, OSError) as error:
            raise Refused(f"The files cannot be mended: {error} What was mended before stays.") from error
        for finding in mended.fixed:
            place = (
                "" if finding.place is None else f"{(folder / finding.place.file).as_posix()}:{finding.place.line}: "
            )
            session.note(f"{place}{finding.rule}: {'; '.join(said(each) for each in finding.edits)}")
        for finding, why in mended.left:
            session.note(f"{finding.rule} at {finding.address} is not mended: {why}")
        fixed += mended.fixed
        if not mended.fixed:
            break
    return fixed


def examined(session: Session, folder: Path, environment: str | None = None) -> Linted:
    """What is wrong with a folder of policies: what cannot be loaded, else what breaks a rule.

    Raises:
        NotFound: there is no such folder, or no such environment in it.
    """
    from gateway_policies.linting.environments import together

    if environment is not None:
        return _with(session, folder, environment, [environment])
    names = environments(folder)
    base = _with(session, folder, None, names)
    return together(base, {name: _with(session, folder, name, None) for name in names})


def _with(session: Session, folder: Path, environment: str | None, read: list[str] | None) -> Linted:
    """The base, or the base with an environment.

    Args:
        read: the environments whose files are searched for secrets, with those of the base; None for no file.
    """
    from gateway_policies.findings import in_order
    from gateway_policies.linting import Linted, examine
    from gateway_policies.linting.files import texts_of

    loaded = found(folder, environment)
    if loaded.policies is None:
        return Linted(findings=loaded.findings)
    linted = examine(
        loaded.policies,
        loaded.places,
        session.clock.now().date(),
        texts=() if read is None else texts_of(folder, read),
    )
    return Linted(findings=in_order([*loaded.findings, *linted.findings]), suppressed=linted.suppressed)


def texts() -> list[RuleText]:
    """Every rule, the loader's too, as reports describe them."""
    from gateway_policies.rendering.finding_words import RuleText

    return [
        RuleText(id=each.rule, title=each.title, why=each.why, help=each.help, severity=_severity(each.severity))
        for each in told_rules()
    ]


def _severity(name: str) -> Severity:
    from gateway_policies.model import Severity as Known

    return Known(name)


def told_rules() -> list[RuleTold]:
    """Every rule, the loader's too, as machines get them."""
    from gateway_policies.linting.registry import BOOKS
    from gateway_policies.loading import EXPLANATIONS

    return [
        *(
            RuleTold(
                rule=each.id,
                about=book.title,
                severity=each.severity,
                title=each.title,
                why=each.why,
                help=each.help,
                fixes=each.fixes,
            )
            for book in BOOKS
            for each in book.rules
        ),
        *(
            RuleTold(rule=name, about="Loading", severity="error", title=text, why="", help="", fixes="")
            for name, text in EXPLANATIONS.items()
        ),
    ]


def _explain(session: Session, name: str) -> None:
    from gateway_policies.nearest import did_you_mean

    every = {each.rule: each for each in told_rules()}
    if name == ALL:
        session.show(
            Listing(of=RuleTold, items=list(every.values()), columns=COLUMNS, empty="", identify=lambda each: each.rule)
        )
        return
    if name not in every:
        raise NotFound(
            f"There is no rule {name!r}.{did_you_mean(name, every)} 'andon policy lint --explain {ALL}' lists them."
        )
    session.show(
        Detail(value=every[name], human=lambda look: _described(every[name], look), identify=lambda each: each.rule)
    )


def _described(rule: RuleTold, look: Look) -> str:
    import textwrap

    width = min(look.width or 80, 100)
    always = rule.about == "Loading"
    lines = [f"{look.paint(rule.rule, 'bold')}: {rule.title}", ""]
    for text in (rule.why, rule.help):
        if text:
            lines += [*textwrap.wrap(text, width), ""]
    if rule.fixes:
        lines += [*textwrap.wrap(f"--fix {rule.fixes}.", width), ""]
    if always:
        lines.append("Always an error: the policies cannot be loaded.")
    else:
        lines.append(f'{rule.severity.capitalize()} unless [lint] in andon.toml says another: {rule.rule} = "…"')
    return "\n".join(lines) + "\n"
