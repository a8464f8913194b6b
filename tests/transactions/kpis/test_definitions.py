"""The definitions: complete, told once, and computed as their words say."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.filters import parse
from transactions.kpis.counts import Measure, Span, Totals, summed
from transactions.kpis.definitions import BY_NAME, DEFINITIONS, Better, Source, Unit
from transactions.kpis.reference import page
from transactions.kpis.windows import Window

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
WINDOW = Window(label="8h", begin=NOW - timedelta(hours=8), until=NOW)
PAGE = next(
    (up / "docs/reference/kpis.md" for up in Path(__file__).parents if (up / "docs/reference/kpis.md").exists()), None
)


@pytest.mark.skipif(PAGE is None, reason="the docs are not beside these tests")
def test_the_page_is_what_the_definitions_say() -> None:
    assert PAGE is not None
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: python -m transactions.kpis.reference > docs/reference/kpis.md"
    )


def test_names_and_titles_are_told_once_and_every_definition_is_whole() -> None:
    assert len(BY_NAME) == len({one.title for one in DEFINITIONS}) == len(DEFINITIONS)
    for one in DEFINITIONS:
        assert one.formula
        assert one.above
        assert one.excludes
        assert (one.compute is None) == (one.source is not Source.COUNTED)
        assert one.source is Source.RECONCILED or not one.kinds
        assert one.bar is None or one.better is not Better.NEITHER


@pytest.mark.parametrize("one", [one for one in DEFINITIONS if one.drill is not None], ids=lambda one: one.name)
def test_the_filter_behind_a_figure_can_be_read(one) -> None:
    parse(one.drill(WINDOW))


@pytest.mark.parametrize("one", [one for one in DEFINITIONS if one.compute is not None], ids=lambda one: one.name)
def test_of_nothing_nothing_is_known_but_counts(one) -> None:
    figure = one.compute(Totals(), 8.0)
    if one.unit is Unit.COUNT or one.unit is Unit.PER_HOUR:
        assert figure.value == 0
    else:
        assert figure.value is None
    assert one.met(None) is None


def totals(**counts: int) -> Totals:
    return Totals(counts=Counter({Measure(name): n for name, n in counts.items()}))


@pytest.mark.parametrize(
    ("name", "counts", "value"),
    [
        ("on-time", {"owed": 200, "in_time": 197}, 98.5),
        ("synchronisation-completeness", {"received": 110, "applied": 95, "written_off": 10}, 95.0),
        ("failed-rate", {"posted": 90, "duplicates": 2, "stuck": 3, "failed": 5}, 5.0),
        ("first-pass-success", {"first_tried": 50, "first_passed": 40}, 80.0),
        ("replay-success", {"replay_posted": 3, "replay_failed": 1, "replayed": 9}, 75.0),
        ("duplicate-rate", {"received": 98, "repeated": 2, "duplicates": 1}, 3.0),
        ("mean-time-to-resolve", {"resolved": 4, "resolved_ms": 10_000}, 2.5),
        ("throughput", {"posted": 80}, 10.0),
        ("manual-touches", {"touched": 3, "received": 1_500}, 2.0),
        ("on-time", {"owed": 1, "in_time": 2}, 100.0),  # a due date was moved across the window's edge
    ],
)
def test_worked_examples(name: str, counts: dict[str, int], value: float) -> None:
    compute = BY_NAME[name].compute
    assert compute is not None
    assert compute(totals(**counts), 8.0).value == pytest.approx(value)


def test_a_bar_is_met_on_the_better_side() -> None:
    assert BY_NAME["on-time"].met(99.0) is True
    assert BY_NAME["on-time"].met(98.9) is False
    assert BY_NAME["failed-rate"].met(2.0) is True
    assert BY_NAME["failed-rate"].met(2.1) is False
    assert BY_NAME["replay-volume"].met(5.0) is None
    assert BY_NAME["posting-latency-p95"].met(3.0, bar=2.0) is False


counted = st.builds(
    lambda counts, spans: Totals(counts=Counter(counts), spans={Span.POSTED: Counter(spans)}),
    st.dictionaries(st.sampled_from(Measure), st.integers(-5, 1_000)),
    st.dictionaries(st.integers(0, 120), st.integers(0, 50)),
)


@given(st.lists(counted, max_size=5))
def test_totals_add_up_in_any_order_and_shares_stay_shares(parts: list[Totals]) -> None:
    whole = summed(parts)
    assert whole.counts == summed(reversed(parts)).counts
    assert all(whole[measure] == sum(part[measure] for part in parts) for measure in Measure)
    for one in DEFINITIONS:
        if one.compute is not None and one.unit is Unit.PERCENT:
            value = one.compute(whole, 1.0).value
            assert value is None or value <= 100.0
