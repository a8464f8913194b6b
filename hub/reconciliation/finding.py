"""The transactions about an object that systems disagree on, and what their documents say it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import jsonpath_rfc9535
import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, select

from hub.documents import Form, json_texts, read_document
from hub.landscape import Landscape
from hub.reconciliation.declared import ReconciliationDeclaration
from hub.store.reach import within
from hub.store.schema import business_keys, payloads, transactions
from transactions.errors import AndonError
from transactions.model import Status
from transactions.people import Reach
from transactions.reconciliation.accounting import MAYBE_NOT, NOT_IN_TARGET, Lacking
from transactions.reconciliation.comparing import Disagreement, read_amount

_CHUNK = 400
_ACKNOWLEDGED = (Status.PROCESSED, Status.DUPLICATE)
_NEWEST = 50
MOST_DOCUMENTS = 5_000
"""Documents that are read for their quantities in one reconciliation."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A transaction that may have to do with a disagreement.

    Attributes:
        row: of ``transactions``.
        label: the instance it goes to.
        astray: it is of the same process, and its document names another object.
    """

    row: Any
    label: str
    quantity: Decimal | None
    sign: int
    astray: bool = False

    def lacking(self) -> Lacking:
        """What its target lacks while it does not have it."""
        return Lacking(id=self.row.id, target=self.label, sign=self.sign, quantity=self.quantity)


class Finder:
    """Finds transactions about objects, on one reader's connection.

    Args:
        reach: how far the rights of the one who asks go.
    """

    def __init__(
        self, connection: Connection, declared: ReconciliationDeclaration, landscape: Landscape, reach: Reach
    ) -> None:
        self._connection, self._declared = connection, declared
        self._landscape, self._reach = landscape, reach
        self._documents = MOST_DOCUMENTS

    def unposted(self, disagreements: Sequence[Disagreement]) -> list[list[Candidate]]:
        """For each disagreement the transactions about its object that are not in their target, or may not be."""
        statuses = NOT_IN_TARGET | MAYBE_NOT
        wanted: dict[tuple[str, str], set[str]] = defaultdict(set)  # field, key name → values
        for one in disagreements:
            wanted[one.field.name, self._searched(one)[0]].add(self._searched(one)[1])
        found: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
        for (field, name), values in wanted.items():
            for value, row in self._about(name, sorted(values), self._declared.field[field].flows, statuses):
                found[field, name, value].append(row)
        return [self._fitting(one, found[one.field.name, *self._searched(one)]) for one in disagreements]

    def acknowledged(self, one: Disagreement) -> list[Candidate]:
        """The newest transactions about an object that their targets acknowledged."""
        name, value = self._searched(one)
        flows = self._declared.field[one.field.name].flows
        rows = [row for _, row in self._about(name, [value], flows, _ACKNOWLEDGED, newest=_NEWEST)]
        return self._fitting(one, rows)

    def astray(self, one: Disagreement, about: Iterable[Candidate]) -> list[Candidate]:
        """Transactions that are not in their target, of the processes of those that are ``about`` the object, and that
        name another one: a number that was mistyped leads nowhere."""
        processes = sorted({each.row.correlation_id for each in about})[:_NEWEST]
        name, value = self._searched(one)
        rows = self._connection.execute(
            select(transactions).where(
                transactions.c.correlation_id.in_(processes),
                transactions.c.flow.in_(self._declared.field[one.field.name].flows),
                transactions.c.status.in_(sorted(NOT_IN_TARGET | MAYBE_NOT)),
                *within(self._reach, transactions),
            )
        ).all()
        found = []
        for row in rows:
            keys = _keys_of(row)
            rest = {part: said for part, said in self._keys(one).items() if part != name}
            fits = all(keys.get(part, said) == said for part, said in rest.items())
            if fits and keys.get(name) not in (None, value) and _same_plant(one, row):
                found.append(self._candidate(one, row, None, astray=True))
        return found

    def _about(
        self,
        name: str,
        values: list[str],
        flows: list[str],
        statuses: Iterable[Status],
        newest: int | None = None,
    ) -> Iterable[tuple[str, Any]]:
        query = (
            select(business_keys.c.value.label("searched"), transactions)
            .join(transactions, transactions.c.seq == business_keys.c.tx_seq)
            .where(
                business_keys.c.name == name,
                transactions.c.flow.in_(flows),
                transactions.c.status.in_(sorted(statuses)),
                *within(self._reach, transactions),
            )
            .order_by(transactions.c.seq.desc())
        )
        for start in range(0, len(values), _CHUNK):
            some: ColumnElement[bool] = business_keys.c.value.in_(values[start : start + _CHUNK])
            for row in self._connection.execute(query.where(some).limit(newest)):
                yield row.searched, row

    def _fitting(self, one: Disagreement, rows: list[Any]) -> list[Candidate]:
        found = []
        for row in rows:
            if not _same_plant(one, row):
                continue
            quantities = self._quantities(one, row)
            keys = _keys_of(row)
            named = all(keys.get(name, value) == value for name, value in self._keys(one).items())
            # A document of several lines names its first one in its keys: its quantities tell what else it is about.
            if quantities or named:
                found.append(self._candidate(one, row, sum(quantities, Decimal(0)) if quantities else None))
        return found

    def _candidate(self, one: Disagreement, row: Any, quantity: Decimal | None, *, astray: bool = False) -> Candidate:
        system, plant = self._landscape.instance(row.target, row.plant)
        return Candidate(
            row=row,
            label=system if plant is None else f"{system}/{plant}",
            quantity=None if Status(row.status) in MAYBE_NOT else quantity,
            sign=self._declared.field[one.field.name].sign(row.flow),
            astray=astray,
        )

    def _quantities(self, one: Disagreement, row: Any) -> list[Decimal] | None:
        """What the row's document adds or takes of the object; None where that cannot be told from it."""
        path = self._declared.field[one.field.name].quantities_of(self._keys(one))
        if path is None or self._documents <= 0:
            return None
        self._documents -= 1
        content = self._connection.execute(
            select(payloads.c.content).where(payloads.c.sha256 == row.payload_sha256)
        ).scalar()
        masks = self._landscape.masks.flow(row.flow)
        if content is not None and masks is not None:
            content = masks.hide(content, row.content_type).content
        if content is None:
            return None
        try:
            document = read_document(content, row.content_type)
            texts = json_texts(path)(document.tree) if document.form is Form.JSON else None
        except (AndonError, jsonpath_rfc9535.JSONPathError):
            return None  # it may be what is wrong with it that it cannot be read
        amounts = [read_amount(text) for text in texts or ()]
        known = [amount for amount in amounts if amount is not None]
        return known if len(known) == len(amounts) else None

    def _keys(self, one: Disagreement) -> dict[str, str]:
        return {name: value for name, value in zip(self._declared.key, one.key.values, strict=True) if value}

    def _searched(self, one: Disagreement) -> tuple[str, str]:
        """The last key that the object has: the lot of a material rather than the material."""
        return list(self._keys(one).items())[-1]


def _keys_of(row: Any) -> dict[str, str]:
    keys: dict[str, str] = msgspec.json.decode(row.business_keys)
    return keys


def _same_plant(one: Disagreement, row: Any) -> bool:
    """Whether a transaction may be about an object; systems without plants name none."""
    return not one.key.plant or row.plant in (None, one.key.plant)
