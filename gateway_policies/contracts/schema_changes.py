"""Changes of schemas: compared both ways, so that what breaks is told from what only widens."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace as other

from gateway_policies.contracts.branch import Conj
from gateway_policies.contracts.change import Change, Direction, Level
from gateway_policies.contracts.containment import Containment, Pair
from gateway_policies.contracts.documents import Dialect, Library, Node
from gateway_policies.contracts.naming import Subject, Told, change_of
from gateway_policies.contracts.schemas import Schemas


def compare_schemas(
    before: Any,
    after: Any,
    direction: Direction,
    *,
    dialect: Dialect = Dialect.JSON_SCHEMA,
    closed_world: bool = True,
) -> list[Change]:
    """What changed between two JSON Schemas, and whether it breaks documents that go one way.

    Args:
        direction: to the one whose schema it is (what was valid must stay so), or from it (what is valid must have
            been so).
        closed_world: take the members that a schema names for all there are where it does not say; without it every
            schema that does not close its objects lets anything through by any name.

    Returns:
        Breaking ones first; nothing breaking and nothing undecided: every document that counts goes on being valid.
    """
    one, two = Library.of(before, dialect), Library.of(after, dialect)
    if not isinstance(one.root, Node) or not isinstance(two.root, Node):
        return []
    differences = Differences(Schemas(one, closed_world=closed_world), Schemas(two, closed_world=closed_world))
    differences.ask((one.root,), (two.root,), Subject(f"{direction.value}-body", "the document", direction))
    return ordered(differences.changes())


@dataclass(frozen=True, slots=True)
class _Question:
    subject: Subject
    forward: Pair
    backward: Pair
    known: bool


class Differences:
    """Gathers pairs of schemas, then says what changed of all of them."""

    def __init__(self, before: Schemas, after: Schemas) -> None:
        self.before = before
        self.after = after
        self._engines: dict[tuple[Direction, bool], Containment] = {}
        self._questions: list[_Question] = []
        self._seen: dict[Pair, list[tuple[Told, str]]] = {}

    def ask(self, before: Conj, after: Conj, subject: Subject) -> None:
        """Compare two schemas of what goes one way."""
        request = subject.direction is Direction.REQUEST
        forward, backward = self._engine(subject.direction, True), self._engine(subject.direction, False)
        pairs = ((before, after), (after, before)) if request else ((after, before), (before, after))
        self._questions.append(_Question(subject, forward.pair(*pairs[0]), backward.pair(*pairs[1]), True))

    def _engine(self, direction: Direction, forward: bool) -> Containment:
        """The comparison of one way; backward finds what only widened."""
        key = (direction, forward)
        if key not in self._engines:
            sub_is_older = (direction is Direction.REQUEST) is forward
            sub, sup = (self.before, self.after) if sub_is_older else (self.after, self.before)
            self._engines[key] = Containment(sub, sup, direction, sub_is_older=sub_is_older, with_notes=forward)
        return self._engines[key]

    def changes(self) -> Iterator[Change]:
        """What changed, as often as it shows."""
        for engine in self._engines.values():
            engine.solve()
        for question in self._questions:
            yield from self._answers(question)

    def _answers(self, question: _Question) -> Iterator[Change]:
        subject = question.subject
        request = subject.direction is Direction.REQUEST
        told: set[tuple[object, ...]] = set()
        for each, path in self._below(question.forward, sub_is_older=request):
            level = each.level or (Level.BREAKING if each.certain else Level.UNDECIDED)
            told.add(_place(each, path))
            yield change_of(each, path, subject, level)
        for each, path in self._below(question.backward, sub_is_older=not request):
            if _place(each, path) not in told:
                yield change_of(each, path, subject, Level.COMPATIBLE)

    def _below(self, pair: Pair, *, sub_is_older: bool) -> list[tuple[Told, str]]:
        """What there is to tell of below a pair; many operations ask for the same."""
        if pair not in self._seen:
            self._seen[pair] = list(_walk(pair, sub_is_older=sub_is_older))
        return self._seen[pair]


def _place(told: Told, path: str) -> tuple[object, ...]:
    """What makes two gaps the same change, seen from both sides."""
    facet = "property" if told.facet in ("required", "member") else told.facet
    value = str(told.before) + str(told.after) if facet == "enum-value" else ""
    return (facet, path, told.name, value)


def _walk(start: Pair, *, sub_is_older: bool) -> Iterator[tuple[Told, str]]:
    """Everything to tell of below a pair, each pair once, by the shortest way to it, sure ways first."""
    seen: set[Pair] = set()
    todo: deque[tuple[Pair, str]] = deque([(start, "")])
    unsure: deque[tuple[Pair, str]] = deque()
    while todo or unsure:
        sure = bool(todo)
        pair, path = (todo or unsure).popleft()
        if pair in seen or not pair.loud:
            continue
        seen.add(pair)
        for told in _own(pair, sub_is_older=sub_is_older) if pair.own else ():
            yield (told if sure else told._replace(certain=False)), path
        for edge, several in pair.edges:
            (todo if sure and not several else unsure).append((edge.pair, _joined(path, edge.step)))


def _own(pair: Pair, *, sub_is_older: bool) -> Iterator[Told]:
    members = {gap.name for gap in pair.own if gap.facet == "property"}
    seen: set[tuple[object, ...]] = set()
    for gap in pair.own:
        told = Told.of(gap, sub_is_older=sub_is_older)
        key = (told.facet, told.name, str(told.before) + str(told.after) if told.facet == "enum-value" else "")
        if key in seen or (gap.facet == "required" and gap.name in members):
            continue
        seen.add(key)
        yield told


def _joined(path: str, step: str) -> str:
    if not path or step.startswith("["):
        return path + step
    return f"{path}.{step}"


def _together(changes: Iterable[Change]) -> Iterator[Change]:
    """Changes once for each place, with every operation where they show: a schema that many share changes once."""
    found: dict[tuple[object, ...], Change] = {}
    operations: dict[tuple[object, ...], dict[str, None]] = {}
    for change in changes:
        told = change.message if not change.path else ""
        key = (change.id, change.level, change.before, change.after, told)
        found.setdefault(key, change)
        operations.setdefault(key, {}).update(dict.fromkeys(change.operations))
    return (other(change, operations=tuple(operations[key])) for key, change in found.items())


_ORDER = {Level.BREAKING: 0, Level.UNDECIDED: 1, Level.COMPATIBLE: 2}


def ordered(changes: Iterable[Change]) -> list[Change]:
    """Breaking ones first, then by where they are: the same changes in the same order, always."""
    return sorted(
        _together(changes), key=lambda each: (_ORDER[each.level], each.operations[:1], each.path, each.id, each.message)
    )
