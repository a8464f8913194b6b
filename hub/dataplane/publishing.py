"""Envoy's resources as files: written where they changed, by renaming, and known to be taken when Envoy says so."""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256
from pathlib import Path

import msgspec
import structlog

from hub.dataplane.administration import Administration
from hub.dataplane.bootstrap import CLUSTERS, FILTERS, ROUTES, STAT, file_of
from hub.dataplane.compiling import Compiled
from hub.dataplane.routes import NAME
from hub.dataplane.vocabulary import Message, typed
from hub.errors import DataPlaneError, StoreError

log = structlog.get_logger("andon.dataplane")

_TAKEN_WITHIN = 20.0
_LOOK_EVERY = 0.01
_STATISTICS = {
    CLUSTERS: "cluster_manager.cds",
    ROUTES: f"http.{STAT}.rds.{NAME}",
    **{name: f"extension_config_discovery.http_filter.{name}" for name in FILTERS},
}
_ASKED = r"(version_text|update_rejected)$"


class Publisher:
    """Writes resources below a folder, and remembers what it wrote.

    Args:
        folder: of the data plane.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, str] = {}
        self._clusters: list[Message] = []

    def write(self, wanted: Compiled) -> None:
        """Write everything, before anybody reads it.

        Raises:
            StoreError: it cannot be written.
        """
        self._clusters = wanted.clusters
        for name, resources in _resources(wanted).items():
            self._put(name, resources)

    async def publish(self, wanted: Compiled, envoy: Administration) -> None:
        """Write what changed, and wait until Envoy has taken it. New addresses come before what leads to them, and old
        ones go after it.

        Raises:
            StoreError: it cannot be written.
            DataPlaneError: Envoy rejects it, or does not take it in time; what it had before still serves.
        """
        rejected = await self._rejected(envoy)
        known = {each["name"]: each for each in (*self._clusters, *wanted.clusters)}
        await self._publish({CLUSTERS: _clusters(list(known.values()))}, envoy, rejected)
        resources = _resources(wanted)
        # who may call is there before what may be called
        await self._publish({name: each for name, each in resources.items() if name in FILTERS}, envoy, rejected)
        await self._publish({ROUTES: resources[ROUTES]}, envoy, rejected)
        self._clusters = wanted.clusters
        await self._publish({CLUSTERS: resources[CLUSTERS]}, envoy, rejected)

    async def _publish(
        self, resources: dict[str, list[Message]], envoy: Administration, rejected: dict[str, str]
    ) -> None:
        changed = {name for name, each in resources.items() if self._put(name, each)}
        try:
            await self._taken(changed, envoy, rejected)
        except DataPlaneError:
            for name in changed:  # not in force: it is written again, and asked about again, when it is tried again
                self._written.pop(name, None)
                self._put_back(name)
            raise

    async def _taken(self, changed: set[str], envoy: Administration, rejected: dict[str, str]) -> None:
        """Wait until Envoy has taken what changed; what is left in the set is what it has not."""
        try:
            async with asyncio.timeout(_TAKEN_WITHIN):
                while changed:
                    said = await envoy.statistics(_ASKED)
                    for name in sorted(changed):
                        if said.get(f"{_STATISTICS[name]}.version_text") == self._written[name]:
                            changed.discard(name)
                        elif said.get(_counter(name)) != rejected.get(_counter(name)):
                            raise DataPlaneError(f"Envoy rejects the new {name}, and goes on with the old ones.")
                    if changed:
                        await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError as error:
            raise DataPlaneError(f"Envoy does not take the new {', '.join(sorted(changed))}.") from error

    async def _rejected(self, envoy: Administration) -> dict[str, str]:
        said = await envoy.statistics(_ASKED)
        return {_counter(name): said.get(_counter(name), "") for name in _STATISTICS}

    def _put(self, name: str, resources: list[Message]) -> bool:
        """Write a resource where it is another than before; whether it was."""
        content = msgspec.json.encode(resources)
        version = sha256(content).hexdigest()[:16]
        if self._written.get(name) == version:
            return False
        target = file_of(self._folder, name)
        fresh = self._folder / f".{name}.new"  # not beside the target: what happens there is looked at
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # the addresses behind the gateway may want tokens that are the hub's
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(b'{"version_info":"%s","resources":%s}' % (version.encode(), content))
            if target.exists():
                before = self._before(name)
                before.unlink(missing_ok=True)
                os.link(target, before)
            fresh.replace(target)
        except OSError as error:
            raise StoreError(
                f"{target} cannot be written: {error.strerror}. The gateway goes on as it was. Check that the disk has "
                "room and that the user who runs the hub may write to its data folder."
            ) from error
        self._written[name] = version
        return True

    def _before(self, name: str) -> Path:
        return self._folder / f".{name}.before"

    def _put_back(self, name: str) -> None:
        """Have the file again that Envoy had taken: it reads it when it is started again."""
        try:
            self._before(name).replace(file_of(self._folder, name))
        except OSError as error:  # it serves on all the same, and the next try writes the file
            log.warning("envoy.not-put-back", resource=name, because=str(error))


def _counter(name: str) -> str:
    return f"{_STATISTICS[name]}.update_rejected"


def _resources(wanted: Compiled) -> dict[str, list[Message]]:
    return {
        CLUSTERS: _clusters(wanted.clusters),
        ROUTES: [typed("config.route.v3.RouteConfiguration", **wanted.routes)],
        **{
            name: [typed("config.core.v3.TypedExtensionConfig", name=name, typed_config=each)]
            for name, each in wanted.filters.items()
        },
    }


def _clusters(each: list[Message]) -> list[Message]:
    return [typed("config.cluster.v3.Cluster", **one) for one in each]
