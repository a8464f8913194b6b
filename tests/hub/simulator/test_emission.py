"""The cursor of the story: what is emitted, to whom it is owed, and where it goes on."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

import msgspec
import pytest

from hub.declarations import Catalogue, shipped_catalogue
from hub.simulator.emission import Emission
from hub.simulator.faults import Switchboard
from hub.simulator.reading import Reader
from hub.simulator.settings import SimulatorSettings
from transactions.books import FaultChange

CATALOGUE = shipped_catalogue()


class Sources:
    """Emission over a workshop's database."""

    def __init__(self, workshop: Any) -> None:
        self.workshop = workshop
        self.woken = 0

    def start(self, catalogue: Catalogue = CATALOGUE, **changes: Any) -> Emission:
        base = SimulatorSettings(
            data="unused", seed=7, hub="http://127.0.0.1:1", token="t", control_token="c", catalogue=catalogue
        )
        settings = msgspec.structs.replace(base, **changes)
        board = Switchboard(self.workshop.connection, catalogue, settings.seed)
        return Emission(self.workshop.connection, settings, board, Reader(catalogue), self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def outbox(self) -> list[dict[str, Any]]:
        rows = self.workshop.connection.execute("SELECT * FROM outbox ORDER BY seq")
        return [{**dict(row), "headers": msgspec.json.decode(row["headers"])} for row in rows]

    def owed(self) -> list[Any]:
        found: list[Any] = self.workshop.connection.execute("SELECT * FROM owed ORDER BY seq, target").fetchall()
        return found

    def fault(self, name: str, **where: Any) -> None:
        self.workshop.switchboard.change(FaultChange(on=True, name=name, **where))


@pytest.fixture
def sources(workshop: Any) -> Sources:
    return Sources(workshop)


def test_every_document_is_owed_to_every_target_but_its_source(sources: Sources) -> None:
    emission = sources.start()
    assert emission.emit(90) == 90
    assert sources.woken == 1
    targets: dict[int, list[str]] = {}
    for row in sources.owed():
        targets.setdefault(row["seq"], []).append(row["target"])
        assert row["transaction_id"] is None
        assert row["identity"].startswith(f"{row['flow']}|")
    for row in sources.outbox():
        source = row["source"].split("/")[0]
        assert targets[row["seq"]] == sorted(set(CATALOGUE.flow[row["flow"]].targets) - {source})
        assert row["state"] == "waiting"
        assert row["not_before"] == 0


def test_a_restart_goes_on_where_it_was(sources: Sources, workshops: Any) -> None:
    for count in (1, 13, 26, 40):
        emission = sources.start()
        emission.emit(count)
    with workshops() as other:
        whole = Sources(other)
        whole.start().emit(80)
        assert [row["payload"] for row in whole.outbox()] == [row["payload"] for row in sources.outbox()]
        assert [row["headers"] for row in whole.outbox()] == [row["headers"] for row in sources.outbox()]
    assert sources.start().emitted == 80


def test_it_emits_what_was_asked_for_and_no_more(sources: Sources) -> None:
    emission = sources.start(documents=10)
    assert (emission.emit(7), emission.finished) == (7, False)
    assert (emission.emit(7), emission.finished) == (3, True)
    assert emission.emit(7) == 0
    assert len(sources.outbox()) == emission.emitted == 10
    assert sources.woken == 2, "nothing new wakes nobody"
    assert sources.start(documents=12).emit(99) == 2, "more is asked for at the next start"


def test_an_allowance_pauses_by_itself_and_survives(sources: Sources) -> None:
    emission = sources.start(paused=True)
    assert not emission.emitting
    emission.resume(5)
    assert (emission.emit(3), emission.emitting) == (3, True)
    again = sources.start()
    assert (again.emitting, again.emit(9), again.emitting) == (True, 2, False)
    last = sources.start()
    assert not last.emitting, "later starts go on as they were left"
    last.resume()
    assert last.emit(9) == 9
    last.pause()
    assert not sources.start().emitting


def test_the_plant_clock_moves_with_the_documents(sources: Sources) -> None:
    emission = sources.start()
    before = emission.plant_clock()
    emission.emit(10)
    assert (emission.plant_clock() - before).total_seconds() == 5


def test_messages_have_names_of_their_own_and_causes_in_their_process(sources: Sources) -> None:
    sources.start().emit(120)
    by_name = {row["headers"]["ce-id"]: row for row in sources.outbox() if "ce-id" in row["headers"]}
    styles = Counter()  # type: ignore[var-annotated]
    for row in sources.outbox():
        headers = row["headers"]
        source = row["source"].split("/")[0]
        styles[("Idempotency-Key" in headers, "ce-id" in headers)] += 1
        assert headers["ce-source"] == f"/{row['source']}"
        assert headers["ce-plant"] == row["plant"]
        assert ("/" in row["source"]) == CATALOGUE.system[source].local
        cause = by_name.get(headers.get("ce-causationid"))
        if cause is not None:
            assert cause["seq"] < row["seq"]
            assert cause["headers"]["ce-correlationid"] == headers["ce-correlationid"]
    assert set(styles) == {(True, True), (False, True), (False, False)}
    assert len(by_name) == styles[(True, True)] + styles[(False, True)]
    keys = [row["headers"].get("Idempotency-Key") for row in sources.outbox()]
    assert len(set(keys) - {None}) == len([key for key in keys if key])


def test_a_trace_is_its_process(sources: Sources) -> None:
    sources.start().emit(60)
    traces: dict[str, set[str]] = {}
    spans = set()
    for row in sources.outbox():
        version, trace, span, flags = row["headers"]["traceparent"].split("-")
        assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
        traces.setdefault(row["headers"]["ce-correlationid"], set()).add(trace)
        spans.add(span)
    assert all(len(found) == 1 for found in traces.values())
    assert len(spans) == 60


def test_a_damaged_document_is_owed_as_it_should_have_been(sources: Sources, workshops: Any) -> None:
    with workshops() as other:
        healthy = Sources(other)
        healthy.start().emit(60)
        sources.fault("wrong-master-data")
        sources.start().emit(60)
        said = [(row["identity"], row["essence"]) for row in sources.owed()]
        assert said == [(row["identity"], row["essence"]) for row in healthy.owed()]
        changed = [
            one["flow"]
            for one, two in zip(sources.outbox(), healthy.outbox(), strict=True)
            if one["payload"] != two["payload"]
        ]
    assert changed
    assert set(changed) == {"material-consumption", "production-confirmation", "goods-receipt", "inventory-movement",
                            "labor-time"}  # fmt: skip


def test_a_message_sent_twice_is_owed_once(sources: Sources) -> None:
    sources.fault("duplicate-messages", flow="labor-time")
    sources.start().emit(60)
    twins = [row for row in sources.outbox() if row["flow"] == "labor-time"]
    owed = [row["seq"] for row in sources.owed() if row["flow"] == "labor-time"]
    assert len(twins) == 2 * len(owed) > 0
    for first, second in zip(twins[::2], twins[1::2], strict=True):
        assert first["payload"] == second["payload"]
        assert "Idempotency-Key" not in second["headers"], "a new message id is all it has"
        assert second["headers"]["ce-id"].endswith("-R1")
        assert first["seq"] in owed
        assert second["seq"] not in owed


def test_a_late_message_waits_in_its_outbox(sources: Sources) -> None:
    sources.fault("late-messages", flow="master-data", system="ERP")
    sources.start().emit(60)
    late = {(row["flow"], row["source"]) for row in sources.outbox() if row["not_before"] > 0}
    assert late == {("master-data", "ERP")}


def test_faults_of_a_share_hit_the_same_documents_at_any_pace(sources: Sources, workshops: Any) -> None:
    with workshops() as other:
        sizes = []
        for one, paces in ((sources, [60]), (Sources(other), [7] * 8 + [4])):
            one.fault("schema-drift", probability=0.5)
            emission = one.start()
            assert sum(emission.emit(pace) for pace in paces) == 60
            sizes.append([b"QuantityValue" in row["payload"] for row in one.outbox()])
    assert sizes[0] == sizes[1]
    assert 0 < sum(sizes[0]) < 60


@pytest.mark.parametrize("missing", sorted(CATALOGUE.system))
def test_a_catalogue_without_a_system_tells_the_story_without_it(sources: Sources, missing: str) -> None:
    def without(systems: list[str]) -> list[str]:
        return [system for system in systems if system != missing]

    catalogue = msgspec.structs.replace(
        CATALOGUE,
        system={name: system for name, system in CATALOGUE.system.items() if name != missing},
        flow={
            name: msgspec.structs.replace(flow, sources=without(flow.sources), targets=without(flow.targets))
            for name, flow in CATALOGUE.flow.items()
        },
    )
    emission = sources.start(catalogue)
    assert emission.emit(150) == 150, "the cursor moves on over what nobody sends"
    names = {row["headers"]["ce-id"] for row in sources.outbox() if "ce-id" in row["headers"]}
    for row in sources.outbox():
        assert row["source"].split("/")[0] != missing
        cause = row["headers"].get("ce-causationid", "")
        assert not cause.startswith(f"{missing}-"), "a message that was never sent caused nothing"
    assert names
    assert missing not in {row["target"] for row in sources.owed()}


@pytest.mark.parametrize("flow", ["production-order-release", "labor-time"])
def test_a_catalogue_without_a_flow(sources: Sources, flow: str) -> None:
    flows = {name: one for name, one in CATALOGUE.flow.items() if name != flow}
    sources.start(msgspec.structs.replace(CATALOGUE, flow=flows)).emit(60)
    assert {row["flow"] for row in sources.outbox()} == set(flows)


def test_without_plants_there_is_no_story(sources: Sources) -> None:
    assert sources.start(msgspec.structs.replace(CATALOGUE, plant={})).emit(5) == 0


def test_what_fails_in_the_middle_is_not_emitted_at_all(sources: Sources) -> None:
    emission = sources.start()
    emission.emit(5)
    sources.workshop.connection.execute("CREATE TRIGGER full AFTER INSERT ON outbox WHEN new.seq > 8"
                                        " BEGIN SELECT raise(ABORT, 'disk full'); END")  # fmt: skip
    with pytest.raises(sqlite3.Error, match="disk full"):
        emission.emit(10)
    assert not sources.workshop.connection.in_transaction
    assert len(sources.outbox()) == 5
    sources.workshop.connection.execute("DROP TRIGGER full")
    again = sources.start()
    assert again.emitted == 5
    again.emit(5)
    assert len({row["payload"] for row in sources.outbox()}) == 10
