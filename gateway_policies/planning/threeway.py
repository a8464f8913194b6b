"""What the files, the gateway and the last application say of one resource, held against each other fact by fact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from gateway_policies.model import Resource, Throttle
from gateway_policies.planning.facets import Value, facets, field_of, with_kept
from gateway_policies.planning.model import FieldChange, Moved

_STRENGTH = {Moved.DRIFT: 0, Moved.PENDING: 1, Moved.CONFLICT: 2}


class Compared(Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        fields: the facts in which the gateway differs from the files.
        after: the resource to be put: as the files say, but for what is noise.
    """

    fields: tuple[FieldChange, ...]
    after: Resource

    @property
    def moved(self) -> Moved:
        """The strongest of the fields'."""
        return max((each.moved for each in self.fields), key=_STRENGTH.__getitem__, default=Moved.PENDING)


class Noise:
    """Drift that is nobody's concern, as patterns: ``address`` or ``address:field``, where ``*`` is anything."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._resources: list[re.Pattern[str]] = []
        self._fields: list[tuple[re.Pattern[str], re.Pattern[str]]] = []
        for each in patterns:
            address, colon, field = each.partition(":")
            if colon:
                self._fields.append((_pattern(address), _pattern(field)))
            else:
                self._resources.append(_pattern(address))

    def covers(self, address: str) -> bool:
        """Whether whatever moves at that address is noise."""
        return any(each.fullmatch(address) for each in self._resources)

    def fields_at(self, address: str) -> list[re.Pattern[str]]:
        """The patterns of the fields that are noise at that address."""
        if self.covers(address):
            return [_pattern("*")]
        return [field for resource, field in self._fields if resource.fullmatch(address)]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))


def compare(files: Resource, live: Resource, applied: Resource | None, noise: Noise) -> Compared:
    """Hold the three against each other.

    Args:
        files: what the policies say.
        live: what the gateway has, of the same kind.
        applied: what was last applied; None: all that differs was moved by the files.
        noise: what to leave as it is live.
    """
    if files == live:
        return Compared(fields=(), after=live)
    wanted, found = facets(files), facets(live)
    base = found if applied is None else facets(applied)
    noisy = noise.fields_at(files.address)
    kept: set[str] = set()
    fields: list[FieldChange] = []
    for facet in sorted(wanted.keys() | found.keys()):
        if wanted.get(facet) == found.get(facet) or (facet == "burst" and _same_burst(files, live)):
            continue
        if applied is not None and _matches(noisy, facet):
            if wanted.get(facet) == base.get(facet):
                kept.add(facet)
                continue
            fields += _difference(facet, wanted.get(facet), found.get(facet), found.get(facet))
            continue
        fields += _difference(facet, wanted.get(facet), found.get(facet), base.get(facet))
    return Compared(fields=tuple(fields), after=with_kept(files, live, frozenset(kept)))


def _same_burst(files: Resource, live: Resource) -> bool:
    # It is a fact only where it is not the refill, so a refill that moves makes one of a burst that has not.
    return isinstance(files, Throttle) and isinstance(live, Throttle) and files.burst == live.burst


def _matches(patterns: list[re.Pattern[str]], facet: str) -> bool:
    return any(each.fullmatch(facet) or each.fullmatch(field_of(facet)) for each in patterns)


def _difference(facet: str, wanted: Value, found: Value, base: Value) -> Iterator[FieldChange]:
    if any(isinstance(each, tuple) for each in (wanted, found)) and all(
        isinstance(each, tuple) or (each is None and facet == "brownouts") for each in (wanted, found, base)
    ):
        yield from _set_difference(facet, _members(wanted), _members(found), _members(base))
        return
    if base == found:
        yield FieldChange(field=facet, moved=Moved.PENDING, before=found, after=wanted)
    elif base == wanted:
        yield FieldChange(field=facet, moved=Moved.DRIFT, before=found, after=wanted, applied=base)
    else:
        yield FieldChange(field=facet, moved=Moved.CONFLICT, before=found, after=wanted, applied=base)


def _members(value: Value) -> frozenset[str]:
    return frozenset(value) if isinstance(value, tuple) else frozenset()


def _set_difference(
    facet: str, wanted: frozenset[str], found: frozenset[str], base: frozenset[str]
) -> Iterator[FieldChange]:
    # A member is there or is not, so one of the two sides has always stayed where it was.
    for moved, moving in ((Moved.PENDING, wanted ^ base), (Moved.DRIFT, found ^ base)):
        added, removed = (wanted - found) & moving, (found - wanted) & moving
        if added or removed:
            yield FieldChange(field=facet, moved=moved, added=tuple(sorted(added)), removed=tuple(sorted(removed)))
