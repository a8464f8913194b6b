"""What may come next in a filter, shown behind the cursor; tab or the right arrow takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from textual.suggester import Suggester

from console.source import Source
from transactions.errors import AndonError
from transactions.filters import complete

_NAMED = ("plant", "flow", "target", "source", "system")


class FilterSuggester(Suggester):
    """Suggests fields, and the values that are known of them.

    Args:
        source: asked once for plants, flows and systems, when a filter comes to one of them.
        keys: names of the business keys at hand.
    """

    def __init__(self, source: Source, keys: Callable[[], Iterable[str]] = tuple) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._source, self._keys = source, keys
        self._known: dict[str, list[str]] | None = None

    async def get_suggestion(self, value: str) -> str | None:
        """The filter with the first thing that goes on from what is written; None where nothing does."""
        if not value or value[-1] in " \t(":
            return None  # everything may come next, and the reference page says what
        asked = _Asked()
        found = complete(value, len(value), keys=self._keys(), known=asked)
        if asked.any and self._known is None:
            self._known = await self._ask()
        if asked.any:
            found = complete(value, len(value), keys=self._keys(), known=self._known)
        whole = (value[: each.start] + each.text for each in found)
        return next((one for one in whole if len(one) > len(value) and one.startswith(value)), None)

    async def _ask(self) -> dict[str, list[str]] | None:
        try:
            board, systems = await self._source.board(), await self._source.systems()
        except AndonError:
            return None  # the list itself says what is wrong; a suggestion never complains
        names = sorted({system.name for system in systems})
        return {
            "plant": sorted({lamp.plant for lamp in board.lamps if lamp.plant}),
            "flow": sorted({lamp.flow for lamp in board.lamps}),
            "target": names,
            "source": names,
            "system": names,
        }


class _Asked(Mapping[str, Iterable[str]]):
    """Knows nothing, and notes whether somebody wanted to know."""

    def __init__(self) -> None:
        self.any = False

    def __getitem__(self, field: str) -> Iterable[str]:
        self.any = self.any or field in _NAMED
        raise KeyError(field)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMED)

    def __len__(self) -> int:
        return len(_NAMED)
