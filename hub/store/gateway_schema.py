"""The tables of the gateway's state: resources and changes are canonical JSON of gateway_policies."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from hub.store.schema import metadata

gateway_resources = Table(
    "gateway_resources",
    metadata,
    Column("address", String, primary_key=True),
    Column("resource", Text),  # none: owned, and gone
    Column("owner", String),  # the policy set; none: made by hand
    sqlite_with_rowid=False,
)

gateway_applied = Table(  # what each policy set applied last
    "gateway_applied",
    metadata,
    Column("policy_set", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("resource", Text, nullable=False),
    sqlite_with_rowid=False,
)

gateway_revisions = Table(
    "gateway_revisions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String, nullable=False),
    Column("policy_set", String, nullable=False),
    Column("plan", String, nullable=False, unique=True),
    Column("fingerprint", String, nullable=False),
    Column("reason", Text),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("changes", Text, nullable=False),  # what the set had applied before, by address; null where nothing
    Column("adopted", Text),  # what was made by hand and became the set's, as it was before, by address
)

gateway_asked = Table(  # changes that want, or wanted, a second person: what a plan of the action policy applies
    "gateway_asked",
    metadata,
    Column("plan", String, primary_key=True),  # of plans
    Column("policy_plan", String, nullable=False),  # the hash of the policies' own plan
    Column("base", String, nullable=False),
    Column("changeset", Text, nullable=False),  # canonical JSON, as it was sent
    Column("revision", BigInteger),  # that it became
)
Index("gateway_asked_policy_plan", gateway_asked.c.policy_plan)
