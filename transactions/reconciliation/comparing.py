"""Holding what systems say against each other: pure, in whatever order their answers came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import msgspec
from msgspec import Struct

from transactions.reconciliation.tolerance import Tolerance

ZERO = Decimal(0)


class Instance(NamedTuple):
    """A system, or a plant's own instance of it."""

    system: str
    plant: str | None

    @property
    def label(self) -> str:
        """``ERP`` or ``MES/P01``."""
        return self.system if self.plant is None else f"{self.system}/{self.plant}"


class Key(NamedTuple):
    """An object: the plant it is at, and what it is known by."""

    plant: str
    values: tuple[str, ...]


class Value(Struct, frozen=True, kw_only=True):
    """What a system says of a field: a word, or an amount with its unit."""

    text: str
    amount: Decimal | None = None
    unit: str | None = None


Answer = Mapping[Key, Mapping[str, Value]]
"""What one system says: for each object its fields."""


class Field(Struct, frozen=True, kw_only=True):
    """Something systems have to agree on.

    Attributes:
        amount: it is a quantity, and nothing said is zero; else it is a word.
        leads: systems whose own doing it is: what they say together is what the others have to say. Empty where nobody
            leads, as with stock, which everybody counts alike.
        follows: systems that are told of it.
    """

    name: str
    amount: bool
    leads: tuple[str, ...]
    follows: tuple[str, ...]

    @property
    def systems(self) -> tuple[str, ...]:
        """Everybody who has to agree."""
        return tuple(dict.fromkeys((*self.leads, *self.follows)))


class Side(Struct, frozen=True, kw_only=True):
    """One system in a disagreement; ``missing`` is what it lacks (negative: has too much), for amounts."""

    instance: Instance
    value: Value | None
    differs: bool
    missing: Decimal | None = None


class Disagreement(Struct, frozen=True, kw_only=True):
    """Systems that say different things of one field of one object."""

    key: Key
    field: Field
    sides: tuple[Side, ...]
    unit: str | None = None

    @property
    def differing(self) -> list[Side]:
        """The sides that are not as they should be."""
        return [side for side in self.sides if side.differs]

    @property
    def amount(self) -> Decimal | None:
        """How far apart: as the side farthest off has it too much or, negative, too little, where one leads; else the
        largest minus the smallest."""
        if not self.field.amount:
            return None
        if self.field.leads:
            off = [-side.missing for side in self.differing if side.missing is not None]
            return max(off, key=abs) if off else None
        amounts = [amount_of(side.value) for side in self.sides]
        return max(amounts) - min(amounts)


class Compared(Struct, frozen=True, kw_only=True):
    """What came of it: disagreements by key and field, how many values were compared (and of which plants), and how
    many could not be, because a system they depend on gave no answer."""

    disagreements: list[Disagreement]
    compared: int
    unknown: int
    by_plant: dict[str, int] = msgspec.field(default_factory=dict)


def compare(
    fields: Iterable[Field], answers: Mapping[Instance, Answer], local: frozenset[str], tolerance: Tolerance
) -> Compared:
    """Hold answers against each other.

    Args:
        answers: what every system said that could be asked; one that is not there was not, which is not silence.
        local: systems with an instance for each plant.
    """
    found: list[Disagreement] = []
    compared = unknown = 0
    by_plant: Counter[str] = Counter()
    for field in fields:
        keys = {
            key
            for instance, answer in answers.items()
            if instance.system in field.systems
            for key, values in answer.items()
            if field.name in values
        }
        for key in sorted(keys):
            sides = _sides(field, key, answers, local)
            whole = len(sides) == len(field.systems)
            judged = _alike(field) if field.amount and not whole else field
            if len(sides) < 2 or (judged.amount and not judged.leads and not _enough(judged, sides)):
                unknown += 1
                continue
            unknown += not whole
            compared += 1
            by_plant[key.plant] += 1
            disagreement = _judge(judged, key, sides, tolerance)
            if disagreement is not None:
                found.append(disagreement)
    return Compared(disagreements=found, compared=compared, unknown=unknown, by_plant=dict(by_plant))


def read_amount(text: str) -> Decimal | None:
    """A number as systems write it; None for what is none, or of a size that no quantity has."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and -20 <= amount.adjusted() <= 20 else None


def amount_of(value: Value | None) -> Decimal:
    """An amount; silence is zero."""
    return ZERO if value is None or value.amount is None else value.amount


def _sides(
    field: Field, key: Key, answers: Mapping[Instance, Answer], local: frozenset[str]
) -> dict[Instance, Value | None]:
    found: dict[Instance, Value | None] = {}
    for system in field.systems:
        instance = Instance(system, key.plant if system in local else None)
        answer = answers.get(instance)
        if answer is not None:
            found[instance] = answer.get(key, {}).get(field.name)
    return found


def _alike(field: Field) -> Field:
    """The field without a lead: the sum that leads is not known while one of its parts is not."""
    return msgspec.structs.replace(field, leads=(), follows=field.follows or field.leads)


def _enough(field: Field, sides: Mapping[Instance, Value | None]) -> bool:
    return sum(instance.system in field.follows for instance in sides) >= 2


def _judge(field: Field, key: Key, sides: Mapping[Instance, Value | None], tolerance: Tolerance) -> Disagreement | None:
    if not field.amount:
        return _judge_words(field, key, sides)
    sides = {instance: value for instance, value in sides.items() if instance.system in field.systems}
    # Whoever leads and is told as well counts everything by himself: nothing is added up.
    if field.leads and not set(field.leads) & set(field.follows):
        return _judge_led(field, key, sides, tolerance)
    return _judge_alike(_alike(field) if field.leads else field, key, sides, tolerance)


def _judge_led(
    field: Field, key: Key, sides: Mapping[Instance, Value | None], tolerance: Tolerance
) -> Disagreement | None:
    unit, mixed = _unit(sides.values())
    wanted = sum((amount_of(value) for side, value in sides.items() if side.system in field.leads), ZERO)
    bound = tolerance.of(unit)
    judged = tuple(
        Side(instance=side, value=value, differs=False)
        if side.system in field.leads
        else Side(
            instance=side,
            value=value,
            differs=not bound.allows(amount_of(value), wanted) or _other_unit(value, sides, field, mixed),
            missing=wanted - amount_of(value),
        )
        for side, value in sides.items()
    )
    return _disagreement(field, key, judged, unit)


def _judge_alike(
    field: Field, key: Key, sides: Mapping[Instance, Value | None], tolerance: Tolerance
) -> Disagreement | None:
    unit, mixed = _unit(sides.values())
    amounts = [amount_of(value) for value in sides.values()]
    if not mixed and tolerance.of(unit).allows(max(amounts), min(amounts)):
        return None
    usual = _usual(amounts)
    judged = tuple(
        Side(
            instance=side,
            value=value,
            differs=usual is None or amount_of(value) != usual or mixed,
            # Between two, nobody can say who is right: what one lacks is what the other has.
            missing=(max(amounts) if usual is None else usual) - amount_of(value),
        )
        for side, value in sides.items()
    )
    return _disagreement(field, key, judged, unit)


def _judge_words(field: Field, key: Key, sides: Mapping[Instance, Value | None]) -> Disagreement | None:
    wanted = _word_wanted(field, sides)
    speaks = any(value is not None for side, value in sides.items() if side.system in field.leads)
    judged = []
    for side, value in sides.items():
        # Who only leads need not know what another lead did; who is told has to.
        bound = side.system in field.follows or not field.leads or not speaks
        differs = (value is not None or bound) and (value is None or value.text != wanted)
        judged.append(Side(instance=side, value=value, differs=differs))
    return _disagreement(field, key, tuple(judged), None)


def _word_wanted(field: Field, sides: Mapping[Instance, Value | None]) -> str | None:
    said = [(side.system, value.text) for side, value in sides.items() if value is not None]
    only_leads = [text for system, text in said if system in field.leads and system not in field.follows]
    leads = [text for system, text in said if system in field.leads]
    for texts in (only_leads, leads, [text for _, text in said]):
        if texts:
            return _most_common(texts)
    return None


def _disagreement(field: Field, key: Key, sides: tuple[Side, ...], unit: str | None) -> Disagreement | None:
    if not any(side.differs for side in sides):
        return None
    ordered = tuple(sorted(sides, key=lambda side: (side.instance.system not in field.leads, side.instance.label)))
    return Disagreement(key=key, field=field, sides=ordered, unit=unit)


def _unit(values: Iterable[Value | None]) -> tuple[str | None, bool]:
    """The unit of amounts, and whether they have several."""
    units = sorted({value.unit for value in _amounts(values) if value.unit})
    return (units[0] if len(units) == 1 else None), len(units) > 1


def _amounts(values: Iterable[Value | None]) -> Iterator[Value]:
    return (value for value in values if value is not None and value.amount)


def _other_unit(value: Value | None, sides: Mapping[Instance, Value | None], field: Field, mixed: bool) -> bool:
    """Whether a system counts in another unit than those who lead."""
    if not mixed or value is None or not value.unit:
        return False
    leading = {each.unit for side, each in sides.items() if side.system in field.leads and each is not None}
    return value.unit not in leading


def _usual(amounts: list[Decimal]) -> Decimal | None:
    """What more than half of them say."""
    amount, count = Counter(amounts).most_common(1)[0]
    return amount if count * 2 > len(amounts) else None


def _most_common(texts: list[str]) -> str:
    counts = Counter(texts)
    return max(sorted(counts), key=lambda text: counts[text])
