"""The tables of the gateway's usage: what was counted of its access log, and how far that was read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from hub.store.schema import metadata

usage_kinds = Table(  # what calls have in common; '' where nothing is known
    "gateway_usage_kinds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("consumer", String, nullable=False),
    Column("client", String, nullable=False),  # of whom no consumer is known
    Column("api", String, nullable=False),
    Column("version", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("outcome", String, nullable=False),
    UniqueConstraint("consumer", "client", "api", "version", "operation", "scope", "outcome"),
)

usage_counts = Table(
    "gateway_usage_counts",
    metadata,
    Column("grain", Integer, primary_key=True, autoincrement=False),  # seconds: a minute, an hour, a day
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # first second since 1970
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("calls", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),  # microseconds
    sqlite_with_rowid=False,
)

usage_arrivals = Table(  # what came as far as the throttles
    "gateway_usage_arrivals",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # first second of the minute
    Column("consumer", String, primary_key=True),
    Column("api", String, primary_key=True),
    Column("seconds", LargeBinary, nullable=False),  # sixty numbers in MessagePack, one for each second
    sqlite_with_rowid=False,
)

usage_peaks = Table(  # the busiest minute of each day, of what was let through
    "gateway_usage_peaks",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("address", String, primary_key=True),
    Column("per_minute", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),  # its first second
    sqlite_with_rowid=False,
)

usage_positions = Table(  # how far the access log was counted
    "gateway_usage_positions",
    metadata,
    Column("log", String, primary_key=True),
    Column("generation", BigInteger, nullable=False),  # how many files were rotated away before this one
    Column("head", String, nullable=False),  # sha256 of its first line, by which it is known
    Column("offset", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

usage_coverage = Table(  # of which APIs calls were counted, from when to when
    "gateway_usage_coverage",
    metadata,
    Column("api", String, primary_key=True),
    Column("since", BigInteger, nullable=False),  # seconds
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

usage_imports = Table(  # logs of others that were counted; none counts twice
    "gateway_usage_imports",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),  # microseconds
    Column("by", String, nullable=False),
    sqlite_with_rowid=False,
)
Index("gateway_usage_kinds_api", usage_kinds.c.api)
USAGE = (usage_kinds, usage_counts, usage_arrivals, usage_peaks, usage_positions, usage_coverage, usage_imports)
