"""Rules about scopes, and about the operations that should want one."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import WRITES, Scene
from gateway_policies.model import Risk, Severity

BOOK = Book("Scopes and operations")


@BOOK.rule(
    "scope-unused",
    Severity.WARNING,
    "a scope that no operation wants",
    why="It opens nothing. Where it is granted, somebody believes to have an access that is not there, or an operation "
    "has lost the scope that guarded it.",
    advice="Name it in the operations that it guards, or take it out with its grants.",
)
def scope_unused(scene: Scene) -> Iterator[Broken]:
    """An orphan, granted or not."""
    for scope in scene.scopes:
        if scope.name not in scene.uses:
            grants = len(scene.granted.get(scope.name, ()))
            if grants:
                told = f"No operation wants {scope.address}; {_have(grants)} it for nothing."
            else:
                told = f"No operation wants {scope.address}, and no consumer has it."
            yield Broken(scope.address, told)


def _have(grants: int) -> str:
    return "1 consumer has" if grants == 1 else f"{grants:,} consumers have"


@BOOK.rule(
    "scope-ungranted",
    Severity.OFF,
    "a scope that no consumer has",
    why="Nobody can call the operations behind it. That is so with every new API, so the rule is off unless asked for.",
    advice="Grant it, or take out the operations.",
)
def scope_ungranted(scene: Scene) -> Iterator[Broken]:
    """A scope that operations want and nobody has."""
    for scope in scene.scopes:
        uses = scene.uses.get(scope.name)
        if uses and scope.name not in scene.granted:
            yield Broken(scope.address, f"No consumer has {scope.address}, so nobody can call {uses[0]}.")


@BOOK.rule(
    "scope-description",
    Severity.WARNING,
    "a scope without a description",
    why="Who approves a grant sees the scope's name and this sentence.",
    advice="Say with description what it allows.",
)
def scope_description(scene: Scene) -> Iterator[Broken]:
    """A scope that does not say what it allows."""
    for scope in scene.scopes:
        if not scope.description.strip():
            yield Broken(scope.address, f"{scope.address} has no description.")


@BOOK.rule(
    "scope-risk",
    Severity.WARNING,
    "a scope of low risk that lets records be deleted",
    why="The risk decides how many people a grant needs. What can delete is not low.",
    advice='Say risk = "operational", or a higher one.',
)
def scope_risk(scene: Scene) -> Iterator[Broken]:
    """Low, and wanted by a DELETE."""
    for scope in scene.scopes:
        if scope.risk is Risk.LOW:
            use = next((each for each in scene.uses.get(scope.name, ()) if "DELETE" in each.operation.methods), None)
            if use is not None:
                yield Broken(scope.address, f"{scope.address} is of low risk, and allows {use}.", "risk")


@BOOK.rule(
    "operation-without-scope",
    Severity.ERROR,
    "an operation that writes and wants no scope",
    why="Any consumer with any token may call it: what was granted for reading stock would release orders.",
    advice="Name the scope that it wants.",
)
def operation_without_scope(scene: Scene) -> Iterator[Broken]:
    """POST, PUT, PATCH or DELETE without a scope."""
    for api in scene.apis:
        for each in api.operations:
            if each.scope is None and not WRITES.isdisjoint(each.methods):
                yield Broken(
                    api.address, f"{api.address}: {each.key} writes and wants no scope.", f"operations[{each.key}]"
                )


@BOOK.rule(
    "read-without-scope",
    Severity.WARNING,
    "an operation that reads and wants no scope",
    why="Any consumer with any token may read it, partners and portals too. For a health check that is meant; OPTIONS "
    "alone is not told.",
    advice="Name the scope that it wants, or suppress it with the reason.",
)
def read_without_scope(scene: Scene) -> Iterator[Broken]:
    """GET or HEAD without a scope."""
    for api in scene.apis:
        for each in api.operations:
            if each.scope is None and WRITES.isdisjoint(each.methods) and each.methods != ("OPTIONS",):
                yield Broken(api.address, f"{api.address}: {each.key} wants no scope.", f"operations[{each.key}]")
