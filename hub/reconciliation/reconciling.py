"""One reconciliation from beginning to end: ask, compare, explain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from hub.delivery.channel import Channel
from hub.errors import StoreError
from hub.kpis.reconciled import remember_results, results
from hub.landscape import Landscape
from hub.reconciliation.asking import Answered, Asker
from hub.reconciliation.declared import ReconciliationDeclaration
from hub.reconciliation.fields import Chosen, choose
from hub.reconciliation.finding import Candidate, Finder
from hub.reconciliation.proving import Prover
from hub.reconciliation.telling import acknowledged, explains, unposted
from hub.store.database import Database
from hub.store.shown import shown
from transactions.clock import Clock
from transactions.errors import Forbidden, Invalid, NotFound, Refused
from transactions.model import Status, Transaction
from transactions.people import Reach
from transactions.reconciliation.accounting import account
from transactions.reconciliation.comparing import Compared, Disagreement, compare
from transactions.reconciliation.model import Asked, Cause, Difference, Explained, Kind, Reconciliation, Said
from transactions.reconciliation.tolerance import Tolerance

log = structlog.get_logger("andon.reconciliation")
_RELATED = 5
MOST_TRACED = 1_000
"""Differences for which acknowledged deliveries are looked for, where what is open does not explain them."""
_SUPERSEDED = "superseded"
_ORDER = {Explained.NOT: 0, Explained.IN_PART: 1, Explained.WHOLLY: 2}


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        as_of: the cut-off; None for now without the time in which late postings still land.
        plant: one plant only.
        limit: differences that are shown.
    """

    kind: Kind
    as_of: datetime | None
    tolerance: Tolerance
    plant: str | None
    limit: int


class _Explanation(Struct, kw_only=True):
    """What is known of one disagreement so far."""

    one: Disagreement
    open: list[Candidate]
    closed: list[Candidate] = []
    traced: bool = True
    verdict: Explained = Explained.NOT
    causes: list[Cause] = []


class Reconciler:
    """Holds what systems say against each other, and against what the hub knows."""

    def __init__(
        self, database: Database, landscape: Landscape, channel: Channel, authorization: str | None, clock: Clock
    ) -> None:
        self._database, self._landscape, self._channel = database, landscape, channel
        self._authorization, self._clock = authorization, clock

    async def reconcile(self, wanted: Wanted, reach: Reach) -> Reconciliation:
        """Ask the systems, compare what they say, and explain what differs.

        Args:
            reach: how far the rights of the one who asks go; nothing beyond is asked, compared or named.

        Raises:
            NotFound: nothing is declared to be compared, or no such plant within reach.
            Forbidden, Refused: nothing of it may, or can, be compared.
            Invalid: the cut-off is in the future.
        """
        declared = self._landscape.catalogue.reconciliation.get(wanted.kind)
        if declared is None:
            raise NotFound(
                f"This hub declares nothing to be compared for {wanted.kind}. "
                f"Declare it in the hub's settings under [reconciliation.{wanted.kind}]."
            )
        plants = self._plants(wanted.plant, reach)
        chosen = self._chosen(wanted.kind, declared, reach)
        began = self._clock.now()
        as_of = self._cut_off(wanted, chosen, began)
        fields = frozenset(field.name for field in chosen.fields)
        asker = Asker(self._channel, self._landscape, self._authorization)
        answers = await asker.ask(wanted.kind, declared, fields, plants, as_of)
        local = frozenset(name for name, system in self._landscape.catalogue.system.items() if system.local)
        given = {each.instance: each.said for each in answers if each.problem is None}
        compared = compare(chosen.fields, given, local, wanted.tolerance)
        prover = Prover(self._channel, self._landscape, self._authorization, began)
        known = await self._explain(compared.disagreements, declared, wanted.tolerance, reach, prover)
        untraced = sum(not each.traced for each in known)
        if wanted.as_of is None and reach.flows is None:  # the whole of it, now: what key figures are made of
            await self._remember(wanted.kind, began, as_of, answers, compared, known)
        return _told(wanted, declared, chosen, as_of, answers, compared, known, (prover.left, untraced))

    async def _remember(
        self,
        kind: Kind,
        at: datetime,
        as_of: datetime,
        answers: list[Answered],
        compared: Compared,
        known: list[_Explanation],
    ) -> None:
        found = results(
            kind,
            at=at,
            as_of=as_of,
            compared=compared.by_plant,
            differing=[(each.one.key.plant, each.verdict is not Explained.NOT) for each in known],
            complete=all(each.problem is None for each in answers),
        )
        try:
            if found:
                await self._database.write(lambda c: remember_results(c, found))
        except StoreError as error:  # the writer has logged it; who asked is answered all the same
            log.warning("reconciliation.not-kept", error=error.detail)

    def _plants(self, plant: str | None, reach: Reach) -> frozenset[str] | None:
        plants = self._landscape.catalogue.plant
        if plant is None:
            return reach.plants
        if plant not in plants or not reach.touches(plant, None):
            known = [name for name in sorted(plants) if reach.touches(name, None)]
            raise NotFound(f"There is no plant {plant!r} that you may see. There is: {', '.join(known) or 'none'}.")
        return frozenset({plant})

    def _chosen(self, kind: Kind, declared: ReconciliationDeclaration, reach: Reach) -> Chosen:
        chosen = choose(self._landscape.catalogue, kind, declared, reach, self._landscape.masks)
        if not chosen.fields:
            flows = {flow for field in declared.field.values() for flow in field.flows}
            beyond = any(not reach.covers_flow(flow) for flow in flows)
            raise (Forbidden if beyond else Refused)(
                f"Nothing of {kind} can be compared here. Nobody was asked. " + "; ".join(chosen.left_out) + "."
            )
        return chosen

    def _cut_off(self, wanted: Wanted, chosen: Chosen, now: datetime) -> datetime:
        if wanted.as_of is not None:
            if wanted.as_of > now:
                raise Invalid(
                    f"{wanted.as_of:%Y-%m-%d %H:%M:%S} UTC is in the future, and systems say only what was. "
                    "Nobody was asked. Name a moment that has passed."
                )
            return wanted.as_of
        systems = self._landscape.catalogue.system
        late = (systems[name].settle_seconds() for field in chosen.fields for name in field.systems)
        return now - timedelta(seconds=max(late, default=0.0))

    async def _explain(
        self,
        disagreements: list[Disagreement],
        declared: ReconciliationDeclaration,
        tolerance: Tolerance,
        reach: Reach,
        prover: Prover,
    ) -> list[_Explanation]:
        if not disagreements:
            return []

        def first(connection: object) -> tuple[list[_Explanation], dict[str, Transaction]]:
            finder = Finder(connection, declared, self._landscape, reach)  # type: ignore[arg-type]
            found = [
                _Explanation(one=one, open=[each for each in open_ if each.row.failure_code != _SUPERSEDED])
                for one, open_ in zip(disagreements, finder.unposted(disagreements), strict=True)
            ]
            traced = 0
            for known in found:
                if _judge(known, tolerance) is not Explained.WHOLLY:
                    traced += 1
                    if traced > MOST_TRACED:
                        known.traced = False
                        continue
                    known.closed = finder.acknowledged(known.one)
                    have = {each.row.id for each in known.open}
                    astray = finder.astray(known.one, known.closed)
                    known.open = known.open + [each for each in astray if each.row.id not in have]
            named = {each.row.id: each.row for known in found for each in known.open}
            now, masks = self._clock.now(), self._landscape.masks
            return found, {name: shown(connection, row, now, masks) for name, row in named.items()}  # type: ignore[arg-type]

        found, told = await self._database.read(first)
        unclear = [known for known in found if _judge(known, tolerance) is not Explained.WHOLLY]
        await prover.prove([each for known in unclear for each in _suspects(known)])
        for known in found:
            lost = [
                each
                for each in (_suspects(known) if known in unclear else ())
                if explains(known.one, each, prover.proven(each))
            ]
            candidates = {each.row.id: each for each in (*known.open, *lost)}
            known.verdict, causes = account(known.one, [each.lacking() for each in candidates.values()], tolerance)
            closed = {each.row.id for each in lost}
            known.causes = [
                acknowledged(candidates[cause.id], prover.proven(candidates[cause.id]))
                if cause.id in closed
                else unposted(candidates[cause.id], told[cause.id])
                for cause in causes
            ]
        return found


def _judge(known: _Explanation, tolerance: Tolerance) -> Explained:
    return account(known.one, [each.lacking() for each in known.open], tolerance)[0]


def _suspects(known: _Explanation) -> Iterable[Candidate]:
    """Acknowledged deliveries whose absence would bring the sides nearer: those are worth a question."""
    suspects = {each.row.id: each for each in known.closed if each.row.status in (Status.PROCESSED, Status.DUPLICATE)}
    for each in suspects.values():
        verdict, _ = account(known.one, [each.lacking()], Tolerance())
        if verdict is not Explained.NOT:
            yield each


def _told(
    wanted: Wanted,
    declared: ReconciliationDeclaration,
    chosen: Chosen,
    as_of: datetime,
    answers: list[Answered],
    compared: Compared,
    known: list[_Explanation],
    left: tuple[int, int],
) -> Reconciliation:
    asked = [
        Asked(system=each.instance.label, records=each.records, problem=each.problem)
        for each in sorted(answers, key=lambda each: each.instance.label)
    ]
    items = sorted((_difference(declared, each) for each in known), key=_rank)
    notes = [
        *chosen.left_out,
        *(
            f"{each.instance.label} cannot be asked as of a moment and said what it holds now"
            for each in answers
            if each.undated
        ),
        *([f"{compared.unknown:,} values, since a system they depend on gave no answer"] if compared.unknown else []),
        *([f"{left[0]:,} acknowledged deliveries were not asked for; name a plant"] if left[0] else []),
        *([f"{left[1]:,} differences were not looked into any further; name a plant"] if left[1] else []),
    ]
    reopenable = dict.fromkeys(cause.id for item in items for cause in item.causes if cause.reopenable)
    return Reconciliation(
        items=items[: wanted.limit],
        next_cursor=None,
        kind=wanted.kind,
        agree=not items and all(each.problem is None for each in asked),
        as_of=as_of,
        plant=wanted.plant,
        tolerance=wanted.tolerance.describe(),
        compared=compared.compared,
        differences=len(items),
        unexplained=sum(item.explained is Explained.NOT for item in items),
        asked=asked,
        left_out=notes,
        reopenable=list(reopenable),
    )


def _rank(item: Difference) -> tuple[int, str, list[str], str]:
    return _ORDER[item.explained], item.plant, list(item.keys.values()), item.field


def _difference(declared: ReconciliationDeclaration, known: _Explanation) -> Difference:
    one = known.one
    causes = {cause.id for cause in known.causes}
    return Difference(
        keys=dict(zip(declared.key, one.key.values, strict=True)),
        plant=one.key.plant,
        field=one.field.name,
        said=[
            Said(
                system=side.instance.label,
                value=None if side.value is None else side.value.text,
                unit=None if side.value is None else side.value.unit,
                differs=side.differs,
            )
            for side in one.sides
        ],
        amount=None if one.amount is None else format(one.amount, "f"),
        unit=one.unit,
        explained=known.verdict,
        causes=known.causes,
        related=[each.row.id for each in known.closed if each.row.id not in causes][:_RELATED],
    )
