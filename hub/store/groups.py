"""Groups a page at a time, and one, with what is known of each: counters and indexes, for the groups shown only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, ColumnElement, Connection, String, and_, column, func, select
from sqlalchemy import values as listed

from hub.masks import Masks
from hub.store.group_matching import Asked, Found, blocked, find, overdue, unindexed
from hub.store.journal import HALF_HOUR
from hub.store.rows import moment
from hub.store.schema import group_failures_by_half_hour, group_plants, groups, transactions
from hub.store.shown import shown_template
from transactions.clock import from_micros
from transactions.errors import BadCursor, Invalid, NotFound
from transactions.groups import Group
from transactions.model import FailureKind
from transactions.pages import Cursor, Page, decode_cursor, encode_cursor
from transactions.people import Reach

SORTS = ("count", "last_seen", "first_seen", "overdue", "blocked")
SHORTEST_PREFIX = 4
"""Characters of a fingerprint that may stand for it, while no other group begins with them."""
_HALF_HOURS = 8
_SHOWN_AT_ONCE = 5
_T = transactions.c
_P = group_plants.c


class _Seen(Struct, frozen=True):
    first: int
    last: int
    replayed: int
    repeated: int


def group_page(
    connection: Connection, asked: Asked, sort: str, limit: int, cursor: str | None, masks: Masks
) -> Page[Group]:
    """One page of the groups that have transactions that match.

    Args:
        connection: a reader's.
        asked: which transactions count.
        sort: one of :data:`SORTS`, with ``-`` before it for descending.
        limit: of the page.
        cursor: where the page before ended.
        masks: those of now.

    Raises:
        Invalid: groups cannot be sorted so.
        BadCursor: not a cursor of this list and order.
    """
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        raise Invalid(
            f"Groups cannot be sorted by {name!r}. They can be by: {', '.join(SORTS)}; '-' before it descends."
        )
    after = _after(cursor, f"groups:{sort}")
    found = find(connection, asked)
    values = _values(connection, asked, found, name)
    ordered = sorted(((values[group], group) for group in found), reverse=descending)
    if after is not None:
        ordered = [here for here in ordered if (here < after if descending else here > after)]
    chosen = ordered[:limit]
    return Page(
        items=_describe(connection, asked, {group: found[group] for _, group in chosen}, masks),
        next_cursor=encode_cursor(Cursor(f"groups:{sort}", *chosen[-1])) if len(ordered) > limit else None,
    )


def one_group(connection: Connection, asked: Asked, prefix: str, masks: Masks) -> Group:
    """A group by its fingerprint, or the beginning of it. It is known as long as the store is, also when none of its
    transactions match any more.

    Raises:
        NotFound: there is none within reach.
        Invalid: several begin so, or it is too short.
    """
    fingerprint = _fingerprint(connection, prefix, asked.reach)
    found = find(connection, asked, [fingerprint])
    return _describe(connection, asked, {fingerprint: found.get(fingerprint, Found())}, masks)[0]


def _fingerprint(connection: Connection, prefix: str, reach: Reach) -> str:
    if len(prefix) < SHORTEST_PREFIX:
        raise Invalid(
            f"{prefix!r} is too short to name a group. Give {SHORTEST_PREFIX} characters or more of its fingerprint."
        )
    places = select(_P.fingerprint).where(*_plants(reach, group_plants))
    query = select(groups.c.fingerprint).where(
        groups.c.fingerprint >= prefix, groups.c.fingerprint < prefix + "\U0010ffff", *_flows(reach)
    )
    if reach.plants is not None:
        query = query.where(groups.c.fingerprint.in_(places))
    names = list(connection.execute(query.order_by(groups.c.fingerprint).limit(_SHOWN_AT_ONCE)).scalars())
    if prefix in names:
        return prefix
    if not names:
        raise NotFound(
            f"There is no group {prefix!r}{'' if reach.everything else ' that you may see'}. "
            "`andon groups list` shows those that are here."
        )
    if len(names) > 1:
        raise Invalid(
            f"Several groups begin with {prefix!r}: {', '.join(names)}. Give more characters of the one meant."
        )
    return str(names[0])


def _after(cursor: str | None, order: str) -> tuple[int, str] | None:
    if cursor is None:
        return None
    read = decode_cursor(cursor, order)
    if not isinstance(read.value, int):
        raise BadCursor(
            "The cursor does not fit this list: it was changed on its way. "
            "Start again without a cursor, and pass next_cursor on as it is."
        )
    return read.value, read.id


def _values(connection: Connection, asked: Asked, found: dict[str, Found], name: str) -> dict[str, int]:
    """What every group is sorted by."""
    values = {group: each.count for group, each in found.items()}
    if name in ("first_seen", "last_seen"):
        seen = _seen(connection, asked.reach, None)
        return {group: getattr(seen[group], name.removesuffix("_seen")) for group in found}
    if name == "overdue":
        late = overdue(connection, asked) if asked.tallied else {group: each.overdue for group, each in found.items()}
        values = {group: late.get(group, 0) for group in found}
    elif name == "blocked":
        held = blocked(connection, asked)
        values = {group: held.get(group, 0) for group in found}
    return values


def _describe(connection: Connection, asked: Asked, found: dict[str, Found], masks: Masks) -> list[Group]:
    """Everything that is known of some groups, in their order."""
    names = list(found)
    if not names:
        return []
    rows = {row.fingerprint: row for row in connection.execute(select(groups).where(groups.c.fingerprint.in_(names)))}
    seen = _seen(connection, asked.reach, names)
    late = overdue(connection, asked, names) if asked.tallied else {name: found[name].overdue for name in names}
    held = blocked(connection, asked, names)
    trends = _trends(connection, asked, names)
    edges = _edges(connection, asked, found)
    described = []
    for name in names:
        row, known = rows[name], seen[name]
        oldest, sample = edges.get(name, (None, None))
        described.append(
            Group(
                fingerprint=name,
                flow=row.flow,
                target=row.target,
                kind=row.kind,
                help=FailureKind(row.kind).help,
                code=row.code,
                template=shown_template(row, masks),
                count=found[name].count,
                first_seen=from_micros(known.first),
                last_seen=from_micros(known.last),
                plants=dict(sorted(found[name].plants.items())),
                oldest_failed_at=moment(oldest),
                overdue=late.get(name, 0),
                blocked=held.get(name, 0),
                trend=trends.get(name, [0] * _HALF_HOURS),
                replayed=known.replayed,
                repeated=known.repeated,
                sample=sample,
                owner=asked.owners.get(row.flow),
            )
        )
    return described


def _seen(connection: Connection, reach: Reach, names: Collection[str] | None) -> dict[str, _Seen]:
    """When groups were seen at the plants within reach, and how replays of theirs ended there."""
    query = (
        select(
            groups.c.fingerprint,
            groups.c.first_seen,
            groups.c.last_seen,
            func.min(_P.first_seen).label("first"),
            func.max(_P.last_seen).label("last"),
            func.coalesce(func.sum(_P.replayed), 0).label("replayed"),
            func.coalesce(func.sum(_P.repeated), 0).label("repeated"),
        )
        .join(group_plants, and_(_P.fingerprint == groups.c.fingerprint, *_plants(reach, group_plants)), isouter=True)
        .where(*([] if names is None else [groups.c.fingerprint.in_(list(names))]))
        .group_by(groups.c.fingerprint, groups.c.first_seen, groups.c.last_seen)
    )
    found = {}
    for row in connection.execute(query):
        first, last = row.first, row.last
        if reach.plants is None or first is None:  # what is known of the whole group, also from before plants were
            first = min(row.first_seen, row.first_seen if first is None else first)
            last = max(row.last_seen, row.last_seen if last is None else last)
        found[row.fingerprint] = _Seen(first, last, int(row.replayed), int(row.repeated))
    return found


def _trends(connection: Connection, asked: Asked, names: Collection[str]) -> dict[str, list[int]]:
    table = group_failures_by_half_hour
    first = asked.micros // HALF_HOUR - _HALF_HOURS + 1
    rows = connection.execute(
        select(table).where(
            table.c.fingerprint.in_(list(names)), table.c.half_hour >= first, *_plants(asked.reach, table)
        )
    )
    found: dict[str, list[int]] = defaultdict(lambda: [0] * _HALF_HOURS)
    for row in rows:
        if row.half_hour < first + _HALF_HOURS:
            found[row.fingerprint][row.half_hour - first] += row.count
    return found


def _edges(connection: Connection, asked: Asked, found: dict[str, Found]) -> dict[str, tuple[int | None, str | None]]:
    """When the oldest of each group failed, and the id of the newest."""
    if not asked.tallied:
        newest = _newest(connection, asked, found)
        return {name: (each.oldest, newest.get(name)) for name, each in found.items()}
    oldest = _first(_T.failed_at, asked, _T.failed_at.is_not(None)).order_by(_T.failed_at, _T.id)
    newest = _first(_T.id, asked).order_by(_T.failed_at.desc(), _T.id.desc())
    rows = connection.execute(
        select(
            groups.c.fingerprint,
            oldest.limit(1).scalar_subquery().label("oldest"),
            newest.limit(1).scalar_subquery().label("newest"),
        ).where(groups.c.fingerprint.in_(list(found)))
    )
    return {row.fingerprint: (row.oldest, row.newest) for row in rows}


def _first(wanted: Any, asked: Asked, *more: ColumnElement[bool]) -> Any:
    mine = unindexed(asked.condition)  # the index of the group leads to it
    return select(wanted).where(_T.fingerprint == groups.c.fingerprint, mine, *more).correlate(groups)


def _newest(connection: Connection, asked: Asked, found: dict[str, Found]) -> dict[str, str]:
    """The id of the newest of each group, where it is known when that failed: few rows are looked at, and what the
    condition asks of other tables is asked once."""
    when = [(name, each.newest) for name, each in found.items() if each.newest is not None]
    if not when:
        return {}
    edge = listed(column("name", String), column("at", BigInteger), name="edge").data(when).cte("edge")
    query = (
        select(edge.c.name, func.max(_T.id))
        .select_from(edge.join(transactions, and_(_T.fingerprint == edge.c.name, _T.failed_at == edge.c.at)))
        .where(unindexed(asked.condition))
        .group_by(edge.c.name)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _plants(reach: Reach, table: Any) -> list[ColumnElement[bool]]:
    return [] if reach.plants is None else [table.c.plant.in_(sorted(reach.plants))]


def _flows(reach: Reach) -> list[ColumnElement[bool]]:
    return [] if reach.flows is None else [groups.c.flow.in_(sorted(reach.flows))]
