"""A plan of policies carried out: shown, confirmed, applied, or left to wait for a second person."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer
from msgspec import Struct

from commands.exits import Declined, Exit, Usage, misread
from commands.gateway_status import seen
from commands.output import Detail
from commands.policy_gateway import refusals
from commands.policy_plan import text_of
from commands.policy_progress import Told
from commands.policy_rights import check_glass
from commands.progress import Progress
from commands.session import Session
from commands.terminal import Look, plain
from platforms.errors import ReadOnly
from transactions.durations import parse_duration, short
from transactions.errors import Refused, SecondPersonWanted, Stale, Unreachable

if TYPE_CHECKING:
    from gateway_policies.changeset import Changeset
    from gateway_policies.enforcement import Effective
    from gateway_policies.gateway import Gateway, Revision
    from gateway_policies.planning.model import Plan
    from transactions.plans import Plan as Waiting

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
BreakGlass = Annotated[
    bool,
    typer.Option(
        "--break-glass",
        help="Without the second person it wants: a permission of that name, and a --reason; somebody else reviews it "
        "within a day.",
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait", help="Wait for whoever changes the gateway now, and for the second person, instead of ending with 6."
    ),
]
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="TIME", help="How long to --wait at most: 90s, 30m, 8h.", show_default=True)
]
T = TypeVar("T")
DEFAULT_TIMEOUT = "10m"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class State(StrEnum):
    """What became of a plan."""

    APPLIED = "applied"
    APPLIED_BEFORE = "applied-before"
    NOTHING_TO_DO = "nothing-to-do"
    AWAITING_APPROVAL = "awaiting-approval"


class Applied(Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        revision: that the gateway came to by it; None where there was nothing to do, or it waits.
        asked_as: the hash under which it waits, or waited, for a second person.
        add, change, remove, rename, adopt: how many resources.
        effective: when it was in force, and what was seen of it; None where nobody tells.
    """

    gateway: str
    state: State
    revision: int | None
    plan: str
    by: str
    asked_as: str | None
    add: int
    change: int
    remove: int
    rename: int
    adopt: int
    effective: Effective | None = None


class How(Struct, frozen=True, kw_only=True):
    """How a plan is carried out.

    Attributes:
        folder: of the policies, for their places.
        reason: why, in the words of whoever applies.
        asks: the gateway looks itself whether a second person has to approve, and knows by its token who applies.
        wait: how long to wait, in seconds; None: not at all.
        done: what the gateway is afterwards, for people.
    """

    folder: Path
    yes: bool
    asks: bool
    reason: str | None = None
    break_glass: bool = False
    wait: float | None = None
    done: str = "is as the files say"


def patience(wait: bool, timeout: str) -> float | None:
    """``--wait`` and ``--timeout`` in seconds; None for not waiting.

    Raises:
        Usage: they cannot be used.
    """
    if not wait:
        if timeout != DEFAULT_TIMEOUT:
            raise Usage("--timeout says how long to --wait, and --wait was not given. Nothing was done. Give both.")
        return None
    try:
        return parse_duration(timeout).total_seconds()
    except ValueError as error:
        raise misread("--timeout", error) from error


def check_may(session: Session, *, yes: bool, look: str = "'andon policy plan'") -> None:
    """Whether this session may change a gateway at all.

    Args:
        look: what shows the plan without applying it.

    Raises:
        ReadOnly, Usage: it may not, or there is nobody to ask.
    """
    if session.resolved.read_only:
        raise ReadOnly(
            "This session is read-only, and this would change the gateway. Nothing was changed. "
            "Leave out --read-only, or set read_only = false in the context."
        )
    if not yes and not session.interactive:
        raise Usage(
            "There is no terminal to ask for a confirmation. Nothing was done. "
            f"Add --yes to apply, or look with {look}."
        )


def carry_out(session: Session, gateway: Gateway, made: Plan, how: How) -> None:
    """Show a plan, ask, and apply it: all of it or nothing.

    Raises:
        Refused, Stale: it is not applied, and says why.
        typer.Exit: it waits for a second person.
    """
    from gateway_policies.planning.applying import changeset_of

    if how.break_glass and not (how.reason or "").strip():
        raise Usage("--break-glass needs a --reason. Nothing was done. Say why it cannot wait for somebody else.")
    if how.break_glass and how.asks and made.verdict.second_person:
        check_glass(session)
    _finish(session, gateway)
    if not made.empty and not (session.options.quiet and how.yes):
        session.stderr.write(text_of(made, session.look_err(), folder=how.folder, full=session.options.verbose))
    with refusals():
        state = gateway.state(made.policy_set)
        changeset = changeset_of(made, state, by=_who(), reason=_reason(made, how))
    changeset = msgspec.structs.replace(changeset, break_glass=how.break_glass)
    if made.empty and not made.records:
        _show(session, made, how, State.NOTHING_TO_DO, None, changeset.by)
        return
    if made.verdict.second_person and not how.asks:
        session.note("A second person should have seen this: this gateway cannot ask one, and takes your word for it.")
    if not how.yes:
        _confirm(session, made, how)
    try:
        revision = _apply(session, gateway, changeset, how)
    except SecondPersonWanted as wanted:
        _second_person(session, made, how, wanted)
        return
    _show(session, made, how, State.APPLIED, revision.number, revision.by, effective=revision.effective)
    if revision.not_in_force is not None:
        session.note(
            "It is taken, and not in force: what the gateway served before is served on, or nothing. "
            f"{revision.not_in_force} The hub tries it again by itself; 'andon gateway status' tells when it is in "
            "force."
        )
    if made.verdict.second_person and how.asks and how.break_glass:
        session.note(
            "It was applied without its second person. Somebody else with the role approver owes a review within 24 "
            "hours: 'andon approvals list' shows it to them."
        )


def applied_before(session: Session, gateway: Gateway, made: Plan, how: How) -> bool:
    """Whether a saved plan was applied already, which is told, and is as good as applying it.

    Raises:
        Stale: it was, and the gateway has changed since.
    """
    with refusals():
        taken = gateway.revision_of(made.hash)
        if taken is None:
            return False
        _finish(session, gateway)
        state = gateway.state(made.policy_set)
    if state.fingerprint != taken.fingerprint:
        raise Stale(
            f"The plan {made.hash[:12]} was applied already, as revision {taken.number} by {taken.by}, and the gateway "
            f"has changed since; it is at revision {state.revision} now. Nothing was changed. Make a new plan."
        )
    _show(session, made, how, State.APPLIED_BEFORE, taken.number, taken.by)
    return True


def _reason(made: Plan, how: How) -> str | None:
    """Why: what the person says, else what was said of what the plan overrides."""
    given = (how.reason or "").strip()
    overridden = {each.overridden for change in made.changes for each in change.blockers if each.overridden is not None}
    return given or "; ".join(sorted(overridden)) or None


def _apply(session: Session, gateway: Gateway, changeset: Changeset, how: How) -> Revision:
    from gateway_policies.errors import Locked

    edits = sum(map(len, changeset.steps))
    with refusals(), Progress(session) as progress:
        told = Told(progress, changeset.gateway, edits)

        def once() -> Revision | None:
            try:
                return gateway.apply(changeset, session.clock.now(), told)
            except Locked:
                if how.wait is None:
                    raise
                return None

        try:
            found = _until(session, how.wait, once, progress, "waiting for whoever changes the gateway now")
            return found if found is not None else gateway.apply(changeset, session.clock.now(), told)
        except Unreachable as error:
            return _lost(session, gateway, changeset, error)
        except KeyboardInterrupt:
            progress.end()
            _interrupted(session, gateway, changeset, how)
            raise


def _finish(session: Session, gateway: Gateway) -> None:
    """What was applied before and cut off is brought to an end, also where there is nothing else to do."""
    with refusals():
        cut_off = gateway.finish(_who(), session.clock.now())
    if cut_off is not None:
        session.note(
            f"Revision {cut_off.number} by {cut_off.by} was cut off while its files were written. They are all there "
            "now."
        )


def _interrupted(session: Session, gateway: Gateway, changeset: Changeset, how: How) -> None:
    """Whoever interrupts a change is told whether it was made, and does not leave it half done."""
    try:
        taken = gateway.revision_of(changeset.plan)
        if taken is not None:
            gateway.finish(changeset.by, session.clock.now())
    except Unreachable:
        said = "Whether the gateway took the change is not known. Look with 'andon policy revisions'."
    else:
        if taken is not None:
            said = f"The gateway had taken the change by then: it is whole, as revision {taken.number}."
        elif how.asks:
            said = "The gateway has not taken it so far. Look with 'andon policy revisions' whether it did after all."
        else:
            said = "Nothing was changed."
    # Loud also with --quiet, as every end but the good one is.
    session.stderr.write(plain(f"andon: It was interrupted. {said}") + "\n")


def _lost(session: Session, gateway: Gateway, changeset: Changeset, error: Unreachable) -> Revision:
    """The answer did not come: whether it was done is asked, not guessed."""
    for pause in (_FIRST_PAUSE, 1.0, 2.0):
        session.sleep(pause)
        try:
            found = gateway.revision_of(changeset.plan)
        except Unreachable:
            continue
        if found is not None:
            return found
        raise Unreachable(f"{error.detail} The gateway was asked again, and has not taken the change.") from error
    raise Unreachable(
        f"{error.detail} Whether the gateway took the change is not known. "
        "Look with 'andon policy revisions'; a saved plan can be applied again, and is taken only once."
    ) from error


def _until(
    session: Session, seconds: float | None, look: Callable[[], T | None], progress: Progress, waiting: str
) -> T | None:
    """Look until there is something, or the time is over; how long that takes is told."""
    found, pause, began = look(), _FIRST_PAUSE, session.clock.now()
    end = None if seconds is None else began + timedelta(seconds=seconds)
    while found is None and end is not None and session.clock.now() < end:
        progress.show(f"{waiting}: {short(session.clock.now() - began)} of {short(end - began)}")
        session.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 1.5)
        found = look()
    return found


def _second_person(session: Session, made: Plan, how: How, wanted: SecondPersonWanted) -> None:
    from platforms.hub import plans

    digest = str(wanted.extra["hash"])
    waiting = session.send(plans.show(digest))
    _tell_waiting(session, waiting)
    decided = None if how.wait is None else _decided(session, digest, how.wait)
    if decided is None:
        _show(session, made, how, State.AWAITING_APPROVAL, None, waiting.requested_by, digest)
        raise typer.Exit(Exit.REFUSED)
    _check_decided(decided)
    _show(session, made, how, State.APPLIED, decided.revision, decided.requested_by, digest)


def _decided(session: Session, digest: str, seconds: float) -> Waiting | None:
    from platforms.hub import plans
    from transactions.plans import PlanState

    def look() -> Waiting | None:
        found = session.send(plans.show(digest))
        return None if found.state is PlanState.AWAITING_APPROVAL else found

    session.note(f"Waiting for {short(timedelta(seconds=seconds))} at most; ctrl+c ends the waiting, and nothing else.")
    with Progress(session) as progress:
        return _until(session, seconds, look, progress, "waiting for the second person")


def _check_decided(plan: Waiting) -> None:
    from transactions.plans import PlanState

    if plan.state is PlanState.RUN:
        return
    if plan.state is PlanState.REJECTED:
        said = f" by {plan.approval.decided_by}: {plan.approval.reason}" if plan.approval is not None else ""
        raise Refused(f"The plan {plan.hash[:12]} was rejected{said}. Nothing was changed. Make a new plan.")
    if plan.state is PlanState.STALE:
        raise Stale(
            f"The gateway has changed while the plan {plan.hash[:12]} waited. Nothing was changed. Make a new plan."
        )
    raise Stale(f"Nobody decided about the plan {plan.hash[:12]} in time. Nothing was changed. Make a new plan.")


def _tell_waiting(session: Session, plan: Waiting) -> None:
    # Loud also with --quiet: the hash is what the other person needs.
    told = plain(
        f"andon: {' '.join(plan.second_person)} Nothing was changed yet. The plan {plan.hash} waits for a second "
        f"person until {plan.expires_at:%Y-%m-%d %H:%M} UTC. When that one has run "
        f"'andon approvals approve {plan.hash[:12]} --reason TEXT' it is applied by itself."
    )
    session.stderr.write(f"{told}\n")


def _who() -> str:
    """Whoever runs this, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # what it is depends on the machine: a number without a name, or Windows
        return "unknown"


def _confirm(session: Session, made: Plan, how: How) -> None:
    resolved, second = session.resolved, made.verdict.second_person and how.asks
    if second and how.break_glass:
        # As for transactions: words that are typed for nothing else.
        words = f"break glass {resolved.name}" if resolved.production else "break glass"
        if session.ask(f"It wants a second person. Type '{words}' to apply it without one:") != words:
            raise _declined()
        return
    if how.asks and resolved.production:
        if session.ask(f"This is production. Type {resolved.name} to apply it:") != resolved.name:
            raise _declined()
        return
    question = "It wants a second person. Ask for approval? [y/N]" if second else "Apply it? [y/N]"
    while (answer := session.ask(question).lower()) not in ("y", "yes"):
        if answer in ("", "n", "no"):
            raise _declined()


def _declined() -> Declined:
    return Declined("It was not confirmed. Nothing was changed. To do it after all, give the command again.")


def _show(
    session: Session,
    made: Plan,
    how: How,
    state: State,
    revision: int | None,
    by: str,
    asked_as: str | None = None,
    effective: Effective | None = None,
) -> None:
    told = made.verdict
    applied = Applied(
        gateway=made.target.gateway,
        state=state,
        revision=revision,
        plan=made.hash,
        by=by,
        asked_as=asked_as,
        add=told.add,
        change=told.change,
        remove=told.remove,
        rename=told.rename,
        adopt=told.adopt,
        effective=effective,
    )
    session.show(
        Detail(value=applied, human=lambda look: _told(applied, made, how, look), identify=lambda each: each.plan)
    )


def _told(applied: Applied, made: Plan, how: How, look: Look) -> str:
    match applied.state:
        case State.NOTHING_TO_DO:
            return f"Nothing to do: the gateway {plain(how.done)}.\n"
        case State.AWAITING_APPROVAL:
            return f"{look.paint('◆ waits', 'yellow')}  plan {(applied.asked_as or '')[:12]}… for a second person\n"
        case State.APPLIED_BEFORE:
            return (
                f"{look.paint('✓', 'green')} The plan {applied.plan[:12]} was applied already as revision "
                f"{applied.revision}, by {plain(applied.by)}. Nothing was changed now.\n"
            )
        case State.APPLIED:
            counts = {
                "added": applied.add,
                "changed": applied.change,
                "removed": applied.remove,
                "renamed": applied.rename,
                "adopted": applied.adopt,
                "given up": sum(each.action.value == "release" for each in made.changes),
            }
            done = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing to change"
            mark, name = look.paint("✓", "green"), plain(applied.gateway)
            seen_now = seen(applied.effective, look)
            return f"{mark} {name} {how.done}: {done} (revision {applied.revision})\n{seen_now}"
