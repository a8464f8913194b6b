from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_conformance import GatewayConformance

from gateway_policies.canonical import canonical
from gateway_policies.directory import Directory, file_name
from gateway_policies.gateway import Gateway
from gateway_policies.model import Resource


class TestDirectory(GatewayConformance):
    @pytest.fixture(autouse=True)
    def _folder(self) -> Iterator[None]:
        with tempfile.TemporaryDirectory() as folder:
            self.folder, self.made = Path(folder), 0
            yield

    def make(self) -> Gateway:
        self.made += 1
        path = self.folder / str(self.made)
        path.mkdir()
        return Directory(path, "plant-gateway")

    def by_hand(self, gateway: Gateway, resource: Resource) -> None:
        (self.folder / str(self.made) / "live" / file_name(resource.address)).write_bytes(canonical(resource))
