"""The metrics are valid Prometheus text, whatever the names in them."""

from __future__ import annotations

import re
from pathlib import Path

from hub.metrics import exposition
from hub.store.database import open_database
from hub.store.schema import tallies

SAMPLE = re.compile(r'[a-z_]+(?:\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,(?=[a-z]))?)+\})? -?\d+')


async def test_every_line_is_valid_and_values_are_escaped(tmp_path: Path) -> None:
    store = open_database(tmp_path)
    row = {"status": "failed", "plant": "", "flow": 'a"b\\c\nd', "target": "ERP", "fingerprint": "f", "count": 3}
    await store.write(lambda c: c.execute(tallies.insert(), [row, {**row, "fingerprint": "g", "count": 4}]))
    text = await store.read(lambda c: exposition(c, {"MES/P01": "open", "ERP": "closed"}, search_behind=12))
    store.close()
    assert text.endswith("\n")
    families: list[str] = []
    for line in text.splitlines():
        kind = re.fullmatch(r"# TYPE ([a-z_]+) (?:gauge|counter)", line)
        if kind:
            families.append(kind[1])
        elif not line.startswith("# HELP "):
            assert SAMPLE.fullmatch(line), line
            assert re.match(r"[a-z_]+", line)[0] == families[-1]  # type: ignore[index]
    assert len(families) == len(set(families)) == 7
    assert r'andon_transactions{status="failed",flow="a\"b\\c\nd",target="ERP",plant=""} 7' in text
    assert 'andon_breaker_open{target="MES/P01"} 1' in text
    assert 'andon_breaker_open{target="ERP"} 0' in text
    assert "andon_audit_total 0" in text
    assert "andon_search_behind 12" in text
