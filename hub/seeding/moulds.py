"""Moulds: documents of the simulator's story and their failed deliveries, with the numbers of one order taken out.

Writing and reading a document takes a hundred times as long as filling in a mould, so each is written and read once,
for an order with unmistakable numbers, and then cast for as many orders as are wanted.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from hub.declarations import Catalogue, FlowDeclaration
from hub.delivery.envelope import delivery_headers
from hub.documents import extract_keys, read_document
from hub.intake import lane_of, object_of
from hub.landscape import Landscape
from hub.masks.flow import Secrets
from hub.seeding.causes import CAUSES, Cause, refused
from hub.simulator.documents import Pen, moment_text
from hub.simulator.story import POT_LIFE, SHELF_LIFE, Step, block_steps
from transactions.grouping import fingerprint, template
from transactions.landscape import Semantics

VARIANTS = 12
"""The story's turns repeat after so many blocks."""
_BLOCK = 300_000  # the block whose numbers are taken out; a multiple of VARIANTS
_SHARE = 0.3  # of the documents of an order, those that fail somewhere
_AT = datetime.fromisoformat("2001-02-03T04:05:06.007+00:00")
_SEPARATOR = "\x1f"


class Pattern(Struct, frozen=True):
    """Several texts in one format string, which is filled in at one go."""

    text: str

    def cast(self, values: dict[str, str]) -> list[str]:
        """The texts with ``values`` in them."""
        return (self.text % values).split(_SEPARATOR)


class FailedDelivery(Struct, frozen=True, kw_only=True):
    """A delivery that failed. ``own``: idempotency key, lane, object, failure message, request URL, request headers,
    response body, failure as JSON; empty is none.

    Attributes:
        kind, help: of the failure, as plain text.
        answered: HTTP status and headers as JSON; None where nothing left.
        contested: other orders use the same lane, so that only the first to fail in it failed.
    """

    target: str
    label: str
    kind: str
    help: str
    code: str
    system: str
    answered: tuple[int, str] | None
    shape: str
    group: str
    tries: int
    contested: bool
    own: Pattern


class FailedDocument(Struct, frozen=True, kw_only=True):
    """A document that failed at one target or more. ``own``: payload, business keys as JSON, headers as JSON, intake
    key, correlation id, object version, then the values of the business keys in the order of ``key_names``."""

    flow: str
    risk: str
    owner: str
    plant: str
    source: str
    content_type: str
    origin: str
    key_names: tuple[str, ...]
    own: Pattern
    deliveries: tuple[FailedDelivery, ...]


class _Numbers(Struct, frozen=True):
    """What differs from order to order, and where it stands in a text of the order that is taken as the pattern."""

    places: tuple[tuple[re.Pattern[str], str], ...]

    def pattern(self, texts: Iterable[str | None]) -> Pattern:
        text = _SEPARATOR.join(each or "" for each in texts).replace("%", "%%")
        for place, name in self.places:
            text = place.sub(f"%({name})s", text)
        return Pattern(text)


def numbers_of(block: int, index: int, at: str, tx_id: str, trace: str) -> dict[str, str]:
    """What is filled in for the order ``index`` of ``block``.

    Args:
        block, index: as in the story; six digits and more.
        at: when it is written, RFC 3339.
        tx_id: id of the transaction; empty where the document is cast.
        trace: 32 hex digits.
    """
    lot, raw = f"{block + 1:06d}", f"{block // 50 + 1:06d}"
    return {
        "number": str(1_000_000 + index),
        "sales": str(2_000_000 + index),
        "index": f"{index:08d}",
        "lot": lot,
        "raw": raw,
        "typo": f"O{lot[1:]}",
        "rawtypo": f"O{raw[1:]}",
        "version": str(block + 1),
        "product": f"{1 + index * 7919 % 999:03d}",
        "machine": f"{1 + index % 40:02d}",
        "at": at,
        "soon": moment_text(datetime.fromisoformat(at) + POT_LIFE),
        "shelf": f"{datetime.fromisoformat(at) + SHELF_LIFE:%Y-%m-%d}",
        "tx": tx_id,
        "trace": trace,
    }


def _numbers(block: int, index: int) -> _Numbers:
    own = numbers_of(block, index, moment_text(_AT), "", "")
    at = _AT.strftime("%Y-%m-%dT%H:%M:%S")
    return _Numbers(
        (
            (re.compile(re.escape(own["soon"])), "soon"),
            (re.compile(re.escape(own["shelf"])), "shelf"),
            (re.compile(rf"{at}[.0-9]*(?:Z|\+00:00)"), "at"),
            (re.compile(r"@transaction@"), "tx"),
            (re.compile(r"(?<=00-)[0-9a-f]{32}(?=-)"), "trace"),
            (re.compile(own["number"]), "number"),
            (re.compile(own["sales"]), "sales"),
            (re.compile(own["index"]), "index"),
            (re.compile(rf"(?<=-){own['lot']}"), "lot"),
            (re.compile(rf"(?<=-){own['raw']}"), "raw"),
            (re.compile(rf"(?<=-){own['typo']}"), "typo"),
            (re.compile(rf"(?<=-){own['rawtypo']}"), "rawtypo"),
            (re.compile(rf"\b{own['version']}\b"), "version"),
            (re.compile(r"(?<=\bFG-\d)\d{3}\b"), "product"),
            (re.compile(r"(?<=Finished good \d)\d{3}\b"), "product"),
            (re.compile(r"(?<=\bP\d\d-L\d-M)\d+\b"), "machine"),
        )
    )


class Foundry:
    """Makes moulds, each when it is first wanted.

    Args:
        seed: the same seed makes the same moulds.
        catalogue: what is declared.
    """

    KINDS = 6
    """Different courses that one turn of the story takes."""

    def __init__(self, seed: int, catalogue: Catalogue) -> None:
        self._seed = seed
        self._catalogue = catalogue
        self._landscape = Landscape(catalogue)
        self.plants = sorted(catalogue.plant)
        self._lines = {name: plant.lines for name, plant in catalogue.plant.items()}
        self._steps: dict[int, list[Step]] = {}
        self._made: dict[tuple[int, int, int], tuple[FailedDocument, ...]] = {}

    def course(self, block: int, place: int, kind: int) -> tuple[FailedDocument, ...]:
        """The documents that fail in an order of the plant at ``place``."""
        key = (block % VARIANTS, place, kind)
        if key not in self._made:
            self._made[key] = tuple(self._course(*key))
        return self._made[key]

    def _course(self, variant: int, place: int, kind: int) -> Iterable[FailedDocument]:
        chance = random.Random(f"{self._seed}|{variant}|{place}|{kind}")  # noqa: S311  a story, not a secret
        block = _BLOCK + variant
        if variant not in self._steps:
            self._steps[variant] = block_steps(self._seed, block, self.plants, self._lines)
        steps = [step for step in self._steps[variant] if step.plant == self.plants[place]]
        numbers = _numbers(block, block * len(self.plants) + place)
        lanes: set[str] = set()
        failed: set[tuple[str, str, str]] = set()
        for place_in_story, step in enumerate(steps):
            if chance.random() < _SHARE:
                found = self._document(step, place_in_story, chance, numbers, lanes, failed)
                if found is not None:
                    yield found

    def _document(
        self,
        step: Step,
        n: int,
        chance: random.Random,
        numbers: _Numbers,
        lanes: set[str],
        failed: set[tuple[str, str, str]],
    ) -> FailedDocument | None:
        flow = self._catalogue.flow[step.flow]
        sender = self._label(step.source, step.plant)
        written = step.write(Pen(sender, _AT, f"{sender}-{step.process}-{n}"))
        keys = extract_keys(read_document(written.body, written.content_type), flow.keys)
        targets = [target for target in self._landscape.targets(flow, step.plant) if target != step.source]
        first = chance.choice(targets)
        fitting = [cause for cause in CAUSES if cause.fits(step.flow, first, keys)]
        cause = chance.choices(fitting, [each.weight for each in fitting])[0]
        body = cause.damage(written.body)
        keys = extract_keys(read_document(body, written.content_type), flow.keys)
        if any(name not in keys for name in flow.identity):
            return None
        intake_key = ":".join([step.source, step.plant, step.flow, *(keys[name] for name in flow.identity)])
        headers = {
            "ce-source": f"/{sender}",
            "ce-plant": step.plant,
            "ce-correlationid": step.process,
            "traceparent": f"00-{'a' * 32}-00f067aa0ba902b7-01",
        }
        masks = self._landscape.masks.flow(step.flow)
        hidden = None if masks is None else masks.secrets([(body, written.content_type)])
        deliveries = []
        for target in targets if cause.everywhere else [first]:
            lane = lane_of(flow, target, step.plant, keys)
            waits = any((need.flow, target, keys.get(need.key, "")) in failed for need in flow.requires)
            if waits or lane in lanes or not cause.fits(step.flow, target, keys):
                continue  # it would be held, not failed
            if lane is not None:
                lanes.add(lane)
            failed.update((step.flow, target, value) for value in keys.values())
            row = _Row(
                flow=step.flow,
                plant=step.plant,
                source=step.source,
                content_type=written.content_type,
                idempotency_key=f"{intake_key}:{target}",
                correlation_id=step.process,
            )
            deliveries.append(self._delivery(row, flow, cause, target, keys, headers, lane, numbers, hidden))
        if not deliveries:
            return None
        return FailedDocument(
            flow=step.flow,
            risk=flow.risk.value,
            owner=flow.owner,
            plant=step.plant,
            source=step.source,
            content_type=written.content_type,
            origin="recipe",
            key_names=tuple(keys),
            own=numbers.pattern(
                [
                    body.decode(),
                    msgspec.json.encode(keys).decode(),
                    msgspec.json.encode(headers).decode(),
                    intake_key,
                    step.process,
                    keys.get(flow.version) if flow.version else None,
                    *keys.values(),
                ]
            ),
            deliveries=tuple(deliveries),
        )

    def _delivery(
        self,
        row: _Row,
        flow: FlowDeclaration,
        cause: Cause,
        target: str,
        keys: dict[str, str],
        came_with: dict[str, str],
        lane: str | None,
        numbers: _Numbers,
        hidden: Secrets | None,
    ) -> FailedDelivery:
        label = self._label(target, row.plant)
        dialect = self._catalogue.system[target].dialect
        ended = refused(cause, target, label, dialect, row.flow, row.plant, keys)
        answer = ended.answer
        failure = ended.failure if hidden is None else hidden.failure(ended.failure)
        # the same span every time: the same seed writes the same
        headers = delivery_headers(row, came_with, _AT) | {"traceparent": came_with["traceparent"]}
        shape = template(failure.message)
        own = numbers.pattern(
            [
                row.idempotency_key,
                lane,
                object_of(row.flow, flow, target, row.plant, keys),
                failure.message,
                f"https://{label.lower().replace('/', '.')}.example/documents/{row.flow}",
                msgspec.json.encode(headers).decode(),
                answer.body.decode() if answer else None,
                msgspec.json.encode(failure).decode(),
            ]
        )
        lane_pattern = numbers.pattern([lane])
        return FailedDelivery(
            target=target,
            label=label,
            kind=failure.kind.value,
            help=failure.help.value,
            code=failure.code,
            system=failure.system,
            answered=(answer.status, msgspec.json.encode(answer.headers).decode()) if answer else None,
            shape=shape,
            group=fingerprint(row.flow, target, failure.kind, failure.code, shape),
            tries=cause.tries,
            contested=lane is not None
            and flow.semantics is not Semantics.SNAPSHOT
            and not any(f"%({name})s" in lane_pattern.text for name in ("number", "index", "lot")),
            own=own,
        )

    def _label(self, system: str, plant: str | None) -> str:
        name, instance = self._landscape.instance(system, plant)
        return name if instance is None else f"{name}/{instance}"


class _Row(Struct, frozen=True, kw_only=True):
    """What the headers of a delivery are made of."""

    flow: str
    plant: str
    source: str
    content_type: str
    idempotency_key: str
    correlation_id: str
    id: str = "@transaction@"
    causation_id: str | None = None
