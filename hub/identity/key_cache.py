"""The keys of an external issuer, kept: fetched when they are old or one is missing, and never too often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from msgspec import Struct

from hub.identity.key_sets import KeySet, PublicKey
from transactions.errors import Unavailable

log = structlog.get_logger("andon.identity")

PATIENCE = 5.0
"""Seconds that a fetch may take, all in all."""
BETWEEN = 30.0
"""Seconds between two fetches that a missing key, or an issuer that does not answer, gives reason for."""
BETWEEN_FIRST = 5.0
"""The same while there are no keys at all."""
SERVE_ON = 24 * 3600.0
"""Seconds that old keys are good for while the issuer gives no new ones."""


class IssuerError(Exception):
    """The issuer's keys cannot be had; the message says why, in the middle of a sentence."""


class Fetched(Struct, frozen=True):
    """Keys, and for how many seconds they may be kept."""

    keys: KeySet
    max_age: float


class KeyCache:
    """Keys of one issuer.

    Args:
        issuer: for messages.
        fetch: gets them, or raises IssuerError.
        clock: seconds that only go forward.
        patience: seconds for one fetch.
    """

    def __init__(
        self,
        issuer: str,
        fetch: Callable[[], Awaitable[Fetched]],
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self._issuer, self._fetch, self._clock, self._patience = issuer, fetch, clock, patience
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._fresh_until = 0.0
        self._retry_at = self._look_again_at = float("-inf")
        self._running: asyncio.Task[None] | None = None
        self._trouble = ""
        self.generation = 0
        """Counts changes of the keys: what was verified with earlier ones is verified again."""

    async def current(self) -> KeySet:
        """The keys as they are known, fetched anew when they are too old.

        Raises:
            Unavailable: there are none, and none to be had now.
        """
        if self._keys is None or self._clock() >= self._fresh_until:
            await self._renew(missing=False)
        keys = self._keys
        if keys is None or self._clock() >= self._fetched_at + SERVE_ON:
            raise Unavailable(
                f"The issuer {self._issuer} cannot be asked for its keys ({self._trouble}), so no token of its people "
                "can be checked. Nothing was done. The hub asks again within seconds; try then, or tell whoever runs "
                "the issuer."
            )
        return keys

    async def candidates(self, key_id: str | None, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys that may have made a signature; one that is not known may be new, and the issuer is asked.

        Raises:
            Unavailable: see :meth:`current`.
        """
        before = self.generation
        found = (await self.current()).candidates(key_id, algorithm)
        if not found and key_id is not None and self.generation == before:
            await self._renew(missing=True)
            found = (await self.current()).candidates(key_id, algorithm)
        return found

    async def close(self) -> None:
        """Give up what is being fetched."""
        running = self._running
        if running is not None:
            running.cancel()
            await asyncio.wait([running])

    async def _renew(self, *, missing: bool) -> None:
        """Fetch, unless it was tried a moment ago; whoever comes meanwhile waits for the same answer. Anybody can name
        a key that there is not, so what is fetched for the sake of a ``missing`` one has a pause of its own."""
        if self._running is None:
            now = self._clock()
            if now < (self._look_again_at if missing else self._retry_at):
                return
            if missing:
                self._look_again_at = now + BETWEEN
            self._retry_at = now + (BETWEEN if self._keys is not None else BETWEEN_FIRST)
            self._running = asyncio.create_task(self._once(), name="andon-issuer-keys")
        # Shielded: whoever began it may go away, and others wait.
        await asyncio.shield(self._running)

    async def _once(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                fetched = await self._fetch()
        except (IssuerError, TimeoutError) as error:
            self._trouble = str(error) or f"no answer within {self._patience:g} s"
            log.warning("issuer.no-keys", issuer=self._issuer, because=self._trouble, old_keys=self._keys is not None)
        else:
            self._take(fetched)
        finally:
            self._running = None

    def _take(self, fetched: Fetched) -> None:
        if self._keys is None or _names(self._keys) != _names(fetched.keys):
            log.info("issuer.keys", issuer=self._issuer, keys=[key.id for key in fetched.keys.keys])
        self.generation += 1
        self._keys, self._fetched_at = fetched.keys, self._clock()
        self._fresh_until = self._fetched_at + fetched.max_age


def _names(keys: KeySet) -> list[str | None]:
    return [key.id for key in keys.keys]
