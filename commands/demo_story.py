"""The story of the demo: a healthy shift, three faults, what fails and why, the recovery, and whether the books agree.

It is told through the admin API, as any runbook would do it; the phases are emit, quiesce, fault, emit, quiesce,
recover, so that the same seed counts the same.
"""

from __future__ import annotations

from msgspec import Struct

from commands.following import follow
from commands.session import Session
from platforms.hub import approvals, landscape, plans, server, simulator, transactions
from transactions.books import Books, FaultChange
from transactions.causes.model import Cause
from transactions.errors import SecondPersonWanted
from transactions.model import Status
from transactions.plans import Action, PlanRequest

DOCUMENTS_PER_SECOND = 2
"""What the sources emit at speed 1, in plant time."""

FAULTS: tuple[tuple[FaultChange, str], ...] = (
    (
        FaultChange(on=True, name="missing-material", system="ERP", plant="P02"),
        "the material masters of plant P02 are not maintained in ERP",
    ),
    (
        FaultChange(on=True, name="target-down", system="WMS", plant="P01"),
        "the warehouse system of plant P01 is down",
    ),
    (
        FaultChange(on=True, name="drop-after-posting", system="ERP", plant="P03"),
        "connections from P03 break after ERP has posted, so nobody hears the answer",
    ),
)
_CLOSED_BY_PEOPLE = (Status.FAILED, Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED)
_ASKED_FOR = "plant:P03 target:ERP status:processed"
_ROUNDS = 6
_LOOK_EVERY = 0.05


class Told(Struct, frozen=True, kw_only=True):
    """What the story came to.

    Attributes:
        transactions: how many the hub handled.
        failed: not closed at the quiet point before the recovery, without what is held.
        recovered: how many of those are closed now.
    """

    seed: int
    transactions: int
    failed: int
    recovered: int
    books: Books


def healthy_shift(session: Session, documents: int) -> None:
    """Emit documents with nothing wrong, and wait until all is quiet."""
    _emit(session, documents)
    counts = session.send(server.status()).counts
    session.note(
        f"  {documents} documents became {sum(counts.values())} transactions; {counts[Status.PROCESSED]} posted."
    )


def break_things(session: Session, documents: int) -> int:
    """Switch the faults on, emit, and wait until all is quiet.

    Returns:
        how many transactions are not closed, without those that are held.
    """
    posted_before = session.send(transactions.count(_ASKED_FOR)).count
    session.note("Three faults begin:")
    for change, words in FAULTS:
        session.send(simulator.change(change))
        session.note(f"  ■ {change.name}: {words}.")
    _emit(session, documents)
    board = session.send(landscape.board())
    failed = sum(board.counts[status] for status in _CLOSED_BY_PEOPLE)
    session.note(f"The shift goes on; {documents} documents later {failed} transactions failed:")
    for cause in board.causes:
        session.note(f"  ■ {cause.count:>3}  {_in_words(cause)}")
    rest = failed - sum(cause.count for cause in board.causes)
    if rest > 0:
        session.note(f"  ■ {rest:>3}  of other causes")
    if board.counts[Status.HELD]:
        session.note(f"  ◆ {board.counts[Status.HELD]:>3}  wait behind them: sequence is kept within an order.")
    posted = session.send(transactions.count(_ASKED_FOR)).count - posted_before
    session.note(
        f"  ✓ {posted:>3}  to ERP from P03 got no answer. Andon asked ERP for each key instead of sending again: "
        "all are posted, once."
    )
    return failed


def heal(session: Session) -> None:
    """Switch every fault off."""
    session.send(simulator.change(FaultChange(on=False)))
    session.note("The masters are maintained, the warehouse answers again. Nothing is resent by itself.")


def four_eyes(session: Session, second: Session) -> None:
    """Somebody would rather close money than send it again; that wants a second person, who says no."""
    page = session.send(transactions.list_page("status:failed (risk:financial or risk:quality)", limit=1))
    if not page.items:
        return
    request = PlanRequest(action=Action.DISCARD, reason="easier than sending it again", ids=[page.items[0].id])
    plan = session.send(plans.create(request))
    try:
        session.send(plans.run(plan.hash))
    except SecondPersonWanted:
        asker, decider = session.send(server.whoami()).subject, second.send(server.whoami()).subject
        session.note(f"{asker} asks to discard one of them, and it waits: {' '.join(plan.second_person)}")
        second.send(approvals.reject(plan.hash, "ERP still needs it: replay it"))
        session.note(f"  ■ {decider} rejects it: ERP still needs it. {asker} could not have decided that alone.")


def recover(session: Session) -> int:
    """Replay what failed, as stored plans, until nothing does.

    Returns:
        how many plans it took.
    """
    for round_number in range(1, _ROUNDS + 1):
        plan = session.send(
            plans.create(PlanRequest(action=Action.REPLAY, reason="the cause is mended", filter="status:failed"))
        )
        if not plan.items:
            return round_number - 1
        told = ", ".join(f"{verdict} {count}" for verdict, count in plan.verdicts.items() if count)
        session.note(f"Plan {plan.hash[:12]}: replay of {len(plan.items)} ({told}).")
        batch = follow(session, session.send(plans.run(plan.hash)))
        told = ", ".join(f"{state} {count}" for state, count in batch.counts.items() if count)
        session.note(f"  ✓ {told}")
        session.send(simulator.drain())
    return _ROUNDS


def conclude(session: Session, seed: int, failed: int) -> Told:
    """Ask the systems themselves whether they agree."""
    books = session.send(simulator.books())
    counts = session.send(server.status()).counts
    still_open = sum(counts[status] for status in _CLOSED_BY_PEOPLE)
    return Told(
        seed=seed, transactions=sum(counts.values()), failed=failed, recovered=max(0, failed - still_open), books=books
    )


def in_words(told: Told) -> str:
    """The end of the story, for people."""
    books = told.books
    figures = ", ".join(
        f"{name.replace('_', ' ')} {getattr(books, name)}"
        for name in ("missing", "double", "mismatched", "in_flight", "unresolved", "written_off")
    )
    agree = "✓ The books agree" if books.agree else "■ The books do not agree"
    return (
        f"{told.transactions} transactions, {told.failed} failed, {told.recovered} recovered (seed {told.seed}).\n"
        f"{agree}: {figures}.\n"
    )


def _emit(session: Session, documents: int) -> None:
    target = session.send(simulator.state()).emitted + documents
    session.send(simulator.resume(documents))
    while (state := session.send(simulator.state())).emitted < target or state.outbox_waiting:
        session.sleep(_LOOK_EVERY)
    session.send(simulator.drain())


def _in_words(cause: Cause) -> str:
    helps = f"{cause.help}, {cause.owner}" if cause.owner else str(cause.help)
    waiting = f"; {cause.blocks.held} wait behind" if cause.blocks.held else ""
    return f"{cause.title} (helps: {helps}{waiting})"
