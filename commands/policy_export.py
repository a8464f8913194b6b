"""``andon policy export``: what is live at the gateway as policy files, new ones or a patch of those that are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from commands.exits import Usage
from commands.output import Detail, put
from commands.policy_files import Environment, Folder, policies
from commands.policy_formats import below_repository
from commands.policy_gateway import GatewayOption, gateway_of, refusals, state_of
from commands.session import Session, session_of
from commands.terminal import Look, plain
from transactions.errors import Refused

if TYPE_CHECKING:
    from gateway_policies.loading import Loaded
    from gateway_policies.state import GatewayState
    from gateway_policies.writing.exporting import Left as LeftOut

Patch = Annotated[
    bool,
    typer.Option("--patch", help="Write nothing; print the difference to the files that are there, for 'git apply'."),
]
PolicySetName = Annotated[
    str | None,
    typer.Option("--set", metavar="NAME", help="The policy set whose resources it is; 'policies' unless told."),
]
_FEW = 5


class Left(Struct, frozen=True, kw_only=True):
    """What is not in the files, or not all of it, and why."""

    address: str
    why: str


class Written(Struct, frozen=True, kw_only=True):
    """The files that ``export`` wrote.

    Attributes:
        others: how many resources belong to other policy sets, and are not in the files.
        by_hand: the addresses that nobody owned; applying the files takes them in.
        contracts: documents that the files name, and that a gateway does not have.
    """

    gateway: str
    policy_set: str
    folder: str
    files: list[str]
    resources: int
    others: int
    by_hand: list[str]
    contracts: list[str]
    left: list[Left]


def export(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    gateway: GatewayOption = None,
    patch: Patch = False,
    environment: Environment = None,
    policy_set: PolicySetName = None,
) -> None:
    """Write what is live at the gateway as new policy files: what the policy set owns, and what was made by hand.
    Nothing is written over. With --patch the files stay, and what they lack of the gateway is printed."""
    session = session_of(ctx)
    if patch:
        if policy_set is not None:
            raise Usage("--set cannot be given with --patch. Nothing was done. The files say which set they are.")
        loaded = policies(session, folder, environment)
        assert loaded.policies is not None
        _, state = state_of(session, gateway, loaded.policies)
        print_patch(session, folder, loaded, state, adopt=True)
        return
    if environment is not None:
        raise Usage("--environment is for --patch. Nothing was done. A gateway does not tell what is the base of what.")
    _write(session, folder, gateway, policy_set)


def print_patch(session: Session, folder: Path, loaded: Loaded, state: GatewayState, *, adopt: bool) -> None:
    """Print the patch that takes what moved at the gateway into the files, and say on stderr what it leaves out."""
    from gateway_policies.rendering.patch import render_patch
    from gateway_policies.writing.taking import take_live

    taken = take_live(folder, loaded, state, adopt=adopt)
    text = render_patch(taken.before, taken.changed, prefix=below_repository(session.folder, folder))
    put(session.stdout, text.encode())
    _tell(session, taken.left)
    if not text:
        session.note("Nothing to take into the files." if not taken.left else "Nothing else to take into the files.")


def _write(session: Session, folder: Path, named: str | None, policy_set: str | None) -> None:
    from gateway_policies.loading.formats import NAME
    from gateway_policies.model import PolicySet
    from gateway_policies.writing.exporting import export as exported
    from gateway_policies.writing.files import AlreadyThere, write

    name = policy_set or PolicySet.DEFAULT_NAME
    if re.fullmatch(NAME.pattern, name) is None:
        raise Usage(f"--set {name!r} is no name. Nothing was done. Write lower case letters, digits and hyphens.")
    if folder.exists() and not folder.is_dir():
        raise Refused(f"{str(folder)!r} is a file. Nothing was written. Name a folder.")
    with refusals():
        found = exported(gateway_of(session, named, "plant-gateway").state(name), name)
    try:
        written = write(found.policies, folder)
    except AlreadyThere as error:
        raise Refused(
            f"{error} Name another folder, or ask for what these files lack: andon policy export --patch {folder}"
        ) from error
    except OSError as error:
        raise Refused(
            f"{str(folder)!r} cannot be written: {error.strerror}. See to its permissions, or name another folder."
        ) from error
    result = Written(
        gateway=found.policies.gateway,
        policy_set=name,
        folder=str(folder),
        files=[path.as_posix() for path in written],
        resources=len(found.policies.resources),
        others=found.others,
        by_hand=found.by_hand,
        contracts=[each for each in found.contracts if not (folder / each).is_file()],
        left=[Left(address=each.address, why=each.why) for each in found.left],
    )
    session.show(Detail(value=result, human=lambda look: _told(result, look), identify=lambda each: each.folder))
    _tell(session, found.left)


def _told(result: Written, look: Look) -> str:
    def several(number: int, one: str, more: str) -> str:
        return f"{number:,} {one if number == 1 else more}"

    files, found = several(len(result.files), "file", "files"), several(result.resources, "resource", "resources")
    lines = [f"{look.paint('✓', 'green')} {plain(result.folder)}: {found} of {plain(result.gateway)} in {files}"]
    if result.by_hand:
        was = "was" if len(result.by_hand) == 1 else "were"
        lines.append(f"  {len(result.by_hand):,} of them {was} made by hand: applying the files takes them in")
    if result.others:
        lines.append(f"  {several(result.others, 'resource', 'resources')} of other policy sets left out")
    if result.contracts:
        shown = ", ".join(map(plain, result.contracts[:_FEW]))
        more = f" and {len(result.contracts) - _FEW:,} more" if len(result.contracts) > _FEW else ""
        lines.append(
            f"  Put the contracts there, which a gateway does not have: {shown}{more}; until then it is a warning"
        )
    lines.append(f"Check them:  andon policy validate {plain(result.folder)}")
    return "".join(f"{each}\n" for each in lines)


def _tell(session: Session, left: list[LeftOut]) -> None:
    for each in left:
        session.note(f"{each.address}: {each.why}")
