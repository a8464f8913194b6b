"""Acting: every command that changes something stores a plan, shows it, and runs it."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from commands.exits import Declined, Exit, Usage, misread
from commands.following import follow
from commands.outcome import Outcome, exit_of_outcome, outcome_of, show_outcome
from commands.plan_files import plan_named, read_plan, write_plan
from commands.plan_view import describe_plan, show_plan
from commands.session import Session
from commands.terminal import plain
from platforms.errors import ReadOnly
from platforms.hub import plans
from transactions.durations import parse_rate
from transactions.edits import Step
from transactions.errors import NotFound, PlanAltered, Refused, SecondPersonWanted, Stale
from transactions.plans import Action, Plan, PlanOptions, PlanRequest, PlanState, Resolution, check_unaltered

PLACED = frozenset({Action.HOLD, Action.RELEASE})
_PAST = {
    Action.DISCARD: "discarded",
    Action.RESTORE: "restored",
    Action.RESOLVE: "resolved",
    Action.REOPEN: "reopened",
    Action.COMPENSATE: "reversed",
}
OF_THE_PLAN = (
    *("rate", "concurrency", "canary", "stop_after_failures", "force_superseded", "force_schema", "drain_rate"),
    *("break_glass", "force_maybe_posted", "evidence", "resolve_as", "process", "date"),
)


class Acting(Struct, frozen=True, kw_only=True):
    """What the line asks for; the fields are the options of the acting commands."""

    action: Action
    ids: list[str] | None = None
    filter: str | None = None
    reason: str | None = None
    dry_run: bool = False
    plan_out: Path | None = None
    plan: str | None = None
    yes: bool = False
    rate: str | None = None
    concurrency: int | None = None
    canary: int | None = None
    stop_after_failures: int | None = None
    force_superseded: bool = False
    break_glass: bool = False
    force_schema: bool = False
    patch: list[Step] = []
    wait: bool = True
    target: str | None = None
    plant: str | None = None
    flow: str | None = None
    drain_rate: str | None = None
    evidence: str | None = None
    resolve_as: Resolution | None = None
    process: bool = False
    date: str | None = None
    force_maybe_posted: bool = False


def act(session: Session, asked: Acting) -> Exit:
    """Plan, ask, run, follow, sum up.

    Returns:
        The exit code of the command.
    """
    session.given_filter = asked.filter
    if session.resolved.read_only:
        raise ReadOnly(
            f"This session is read-only, and {asked.action} would change something. Nothing was sent. "
            "Leave out --read-only, or set read_only = false in the context."
        )
    _check(session, asked)
    plan = _stored(session, asked) if asked.plan is not None else _make(session, asked)
    if asked.plan_out is not None:
        write_plan(plan, asked.plan_out)
        session.note(f"The plan is in {asked.plan_out}")
    return _go(session, asked, plan)


def act_again(session: Session, batch: str, reason: str | None, *, dry_run: bool, yes: bool) -> Exit:
    """Make a plan of what failed in a batch, and run it like any other.

    Returns:
        The exit code of the command.
    """
    from platforms.hub import batches

    found = session.send(batches.show(batch))
    asked = Acting(action=found.action, ids=["of the batch"], reason=reason, dry_run=dry_run, yes=yes)
    if session.resolved.read_only:
        raise ReadOnly(
            f"This session is read-only, and {asked.action} would change something. Nothing was sent. "
            "Leave out --read-only, or set read_only = false in the context."
        )
    _check(session, asked)
    return _go(session, asked, session.send(batches.retry_failed(batch, _reason(session, asked))))


def _go(session: Session, asked: Acting, plan: Plan) -> Exit:
    """Run a plan that is stored, or only show it."""
    if asked.dry_run:
        show_plan(session, plan)
        if asked.action not in PLACED and any(item.runs for item in plan.items):
            session.note(f"Nothing was sent. Run exactly this: andon tx {plan.action} --plan {plan.hash[:12]}")
        return Exit.DONE
    stop = _cannot_run(session, plan)
    if stop is not None:
        return stop
    if not asked.yes:
        _confirm(session, plan)
    try:
        batch = session.send(plans.run(plan.hash))
    except SecondPersonWanted:
        return _waits(session, session.send(plans.show(plan.hash)))
    session.note(f"Batch {batch.id} runs plan {plan.hash[:12]}…")
    waiting = sum(item.waits is True for item in plan.items)
    if waiting:
        many = "1 transaction waits" if waiting == 1 else f"{waiting} transactions wait"
        session.note(
            f"{many} for a hold, and the run for them: they go when it is released (andon systems list --holds)."
            + (" ctrl+c stops waiting for it here, and not the run." if asked.wait else "")
        )
    if asked.wait:
        batch = follow(session, batch)
    outcome = outcome_of(session, plan, batch)
    show_outcome(session, outcome)
    if plan.second_person and plan.options.break_glass:
        session.note(
            "It ran without its second person. Somebody else with the role approver owes a review within 24 hours: "
            f"andon approvals approve {plan.hash[:12]} --reason TEXT"
        )
    return exit_of_outcome(outcome, waited=asked.wait)


def _check(session: Session, asked: Acting) -> None:
    if asked.plan is not None:
        if asked.ids or asked.filter is not None:
            raise Usage("--plan says what is acted on, and so do ids and --filter. Nothing was done. Leave one out.")
        values = {name: getattr(asked, name) for name in OF_THE_PLAN}
        given = [
            f"--{name.replace('_', '-')}" for name, value in values.items() if value is not None and value is not False
        ]
        if given:
            raise Usage(
                f"{' and '.join(given)} cannot be given with --plan: a plan is run as it was made. "
                f"Nothing was done. Leave out {' and '.join(given)}, or make a new plan."
            )
        if asked.reason is not None:
            session.note("The plan keeps the reason it was made with; --reason is not used.")
    elif asked.action not in PLACED and bool(asked.ids) == (asked.filter is not None):
        both = "both were" if asked.ids else "neither was"
        raise Usage(
            f"{asked.action} wants ids or --filter, and {both} given. Nothing was done. "
            "Name transactions by id, or all that match a filter."
        )
    if not asked.dry_run and not asked.yes and not session.interactive:
        raise Usage(
            f"There is no terminal to ask for a confirmation, and {asked.action} changes something. Nothing was done. "
            "Add --yes to act, or --dry-run to see the plan."
        )


def _make(session: Session, asked: Acting) -> Plan:
    try:
        options = PlanOptions(
            rate=_rate("--rate", asked.rate),
            concurrency=asked.concurrency,
            canary=asked.canary,
            stop_after_failures=asked.stop_after_failures,
            force_superseded=asked.force_superseded,
            break_glass=asked.break_glass,
            force_schema=asked.force_schema,
            patch=asked.patch,
            target=asked.target,
            plant=asked.plant,
            flow=asked.flow,
            drain_rate=_rate("--drain-rate", asked.drain_rate),
            evidence=asked.evidence,
            resolve_as=asked.resolve_as,
            process=asked.process,
            date=asked.date,
            force_maybe_posted=asked.force_maybe_posted,
        )
    except ValueError as error:
        raise Usage(f"{error}. Nothing was done. Give another number.") from error
    request = PlanRequest(
        action=asked.action,
        reason=_reason(session, asked),
        ids=list(dict.fromkeys(asked.ids)) if asked.ids else None,
        filter=asked.filter,
        options=options,
    )
    return session.send(plans.create(request))


def _rate(option: str, text: str | None) -> float | None:
    try:
        return None if text is None else parse_rate(text)
    except ValueError as error:
        raise misread(option, error) from error


def _reason(session: Session, asked: Acting) -> str:
    reason = (asked.reason or "").strip()
    if not reason and asked.reason is None and session.interactive:
        reason = session.ask(f"Reason for {asked.action}:")
    if not reason:
        raise Usage(
            f"{asked.action} wants a reason, and none was given. Nothing was done. "
            'Add --reason "TEXT"; it is kept in the audit.'
        )
    return reason


def _stored(session: Session, asked: Acting) -> Plan:
    """The plan that ``--plan`` names, as the platform has it."""
    named = plan_named(asked.plan or "")
    if isinstance(named, Path):
        given = read_plan(named)
        try:
            plan = session.send(plans.show(given.hash))
        except NotFound as error:
            raise PlanAltered(
                f"The platform does not know the plan in {named}: it was made on another platform "
                f"({given.platform!r}), or is long gone. Nothing was sent. Switch to the right context, or make a new "
                "plan here."
            ) from error
        check_unaltered(given, plan.platform)
    else:
        plan = session.send(plans.show(named))
    if plan.action is not asked.action:
        raise Refused(
            f"The plan {plan.hash[:12]}… is to {plan.action}, and the command is {asked.action}. Nothing was sent. "
            f"Run it with 'andon tx {plan.action} --plan {plan.hash[:12]}'."
        )
    match plan.state:
        case PlanState.RUN:
            raise Stale(
                f"The plan {plan.hash[:12]}… was run already, as batch {plan.batch}. "
                "A plan runs once; nothing was sent. "
                "Make a new plan for what is still open."
            )
        case PlanState.EXPIRED | PlanState.REJECTED:
            raise Stale(f"The plan {plan.hash[:12]}… is {plan.state}. Nothing was sent. Make a new plan.")
        case _:
            return plan


def _cannot_run(session: Session, plan: Plan) -> Exit | None:
    """The exit code where there is nothing to run, with the outcome shown; None where it can run."""
    if plan.state is PlanState.AWAITING_APPROVAL:
        return _waits(session, plan)
    if plan.action in PLACED:
        return None
    if not plan.items:
        show_outcome(session, Outcome.without_run(plan))
        return Exit.DONE
    if not any(item.runs for item in plan.items):
        show_outcome(session, Outcome.without_run(plan))
        past = _PAST.get(plan.action, "sent")
        session.note(f"None of {len(plan.items)} can be {past} as they are. Nothing was {past}; each says why above.")
        return Exit.REFUSED
    return None


def _waits(session: Session, plan: Plan) -> Exit:
    """The plan is stored, and somebody else has to approve it."""
    show_outcome(session, Outcome.without_run(plan))
    # Loud also with --quiet: the hash is what the other person needs.
    told = plain(
        f"andon: {' '.join(plan.second_person)} Nothing was changed yet. The plan {plan.hash} waits for a second "
        f"person until {plan.expires_at:%Y-%m-%d %H:%M} UTC. When that one has run "
        f"'andon approvals approve {plan.hash[:12]} --reason TEXT' it starts by itself."
    )
    session.stderr.write(f"{told}\n")
    return Exit.REFUSED


def _confirm(session: Session, plan: Plan) -> None:
    session.stderr.write(describe_plan(plan, session.look_err()))
    resolved = session.resolved
    if plan.second_person and plan.options.break_glass:
        # As the console does: words that are typed for nothing else.
        words = f"break glass {resolved.name}" if resolved.production else "break glass"
        if session.ask(f"It wants a second person. Type '{words}' to run it without one:") != words:
            raise _declined(plan)
        return
    if resolved.production:
        # As the console does: on production the name is typed, so that a habit does not answer.
        if session.ask(f"This is production. Type {resolved.name} to run the plan:") != resolved.name:
            raise _declined(plan)
        return
    question = "It wants a second person. Ask for approval? [y/N]" if plan.second_person else "Run it? [y/N]"
    while (answer := session.ask(question).lower()) not in ("y", "yes"):
        if answer in ("", "n", "no"):
            raise _declined(plan)


def _declined(plan: Plan) -> Declined:
    if plan.action in PLACED:
        # These take no --plan: a place is named again sooner than a hash.
        return Declined("It was not confirmed. Nothing was changed. To do it after all, give the command again.")
    return Declined(
        "The plan was not confirmed. Nothing was sent. "
        f"It stays valid until {plan.expires_at:%Y-%m-%d %H:%M} UTC: 'andon tx {plan.action} --plan {plan.hash[:12]}'."
    )
