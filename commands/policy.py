"""``andon policy``: what governs the gateway, as files in git."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer
from msgspec import Struct

from commands.app import Noun
from commands.exits import Exit
from commands.output import Detail
from commands.policy_apply import apply
from commands.policy_contracts import contracts
from commands.policy_drift import drift
from commands.policy_export import export
from commands.policy_files import Environment, Folder, Told, describe, environments, found, told
from commands.policy_impact import impact
from commands.policy_lint import lint
from commands.policy_plan import plan
from commands.policy_revisions import revisions
from commands.policy_rollback import rollback
from commands.policy_simulate import simulate
from commands.policy_suggest import suggest
from commands.policy_trial import trial
from commands.policy_writing import fmt, init, schema
from commands.session import session_of
from commands.terminal import Look, plain

app = Noun(help="What governs the gateway, as files in git: check them, compare them, apply them.")
app.verb("init")(init)
app.verb("fmt")(fmt)
app.verb("schema")(schema)
app.verb("lint")(lint)
app.verb("plan")(plan)
app.verb("contracts")(contracts)
app.verb("apply")(apply)
app.verb("drift")(drift)
app.verb("export")(export)
app.verb("revisions")(revisions)
app.verb("rollback")(rollback)
app.verb("impact")(impact)
app.verb("suggest")(suggest)
app.verb("simulate")(simulate)
app.verb("trial")(trial)


class Validated(Struct, frozen=True, kw_only=True):
    """What came of loading a folder of policies.

    Attributes:
        valid: whether there is no error.
        environments: those that were checked besides the base, or the one that was asked for.
        resources: how many of each kind the base has (or the base with the environment that was asked for).
    """

    valid: bool
    folder: str
    environments: list[str]
    files: int
    resources: dict[str, int]
    errors: int
    warnings: int
    findings: list[Told]


@app.verb()
def validate(ctx: typer.Context, folder: Folder = Path("policies"), environment: Environment = None) -> None:
    """Load the policies and tell everything that is wrong, each with its place. Without --environment every one of
    them is tried. Exits 6 with errors."""
    session = session_of(ctx)
    from gateway_policies.findings import in_order

    names = [environment] if environment is not None else environments(folder)
    loads = (
        [found(folder, environment)] if environment is not None else [found(folder), *(found(folder, e) for e in names)]
    )
    findings = told(folder, in_order(each for loaded in loads for each in loaded.findings))
    first = loads[0]
    result = Validated(
        valid=all(loaded.policies is not None for loaded in loads),
        folder=str(folder),
        environments=names,
        files=first.files,
        resources=_counted(first.policies.resources if first.policies is not None else {}),
        errors=sum(each.severity == "error" for each in findings),
        warnings=sum(each.severity == "warning" for each in findings),
        findings=findings,
    )
    session.show(Detail(value=result, human=lambda look: _validated(result, look), identify=lambda each: each.folder))
    if not result.valid:
        raise typer.Exit(Exit.REFUSED)


def _counted(addresses: Iterable[str]) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for address in addresses:
        parts = address.split(".")
        kind = parts[2] if parts[0] in ("api", "consumer") and len(parts) > 2 else parts[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    return dict(sorted(kinds.items()))


def _validated(result: Validated, look: Look) -> str:
    text = describe(result.findings, look)
    folder = plain(result.folder)
    if not result.valid:
        more = f", {result.warnings} to look at" if result.warnings else ""
        return f"{text}\n{look.paint('✗', 'red')} {folder}: {_number(result.errors, 'error')}{more}\n"
    also = f"; with {', '.join(result.environments)}" if result.environments else ""
    has = ", ".join(_number(count, kind) for kind, count in result.resources.items()) or "nothing in them yet"
    lines = f"{text}\n" if text else ""
    return f"{lines}{look.paint('✓', 'green')} {folder}: {_number(result.files, 'file')} in order{also}\n  {has}\n"


def _number(count: int, word: str) -> str:
    word = "API" if word == "api" else word
    return f"{count:,} {word if count == 1 else f'{word}s'}"
