"""The tables. Times are microseconds since 1970-01-01 UTC, so that they sort, compare and index as integers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

from transactions.kpis.counts import Measure

metadata = MetaData()

# A serial that SQLite takes as its rowid and PostgreSQL as a bigint.
_Serial = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

transactions = Table(
    "transactions",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("flow", String, nullable=False),
    Column("plant", String),
    Column("source", String, nullable=False),
    Column("target", String, nullable=False),
    Column("status", String, nullable=False),
    Column("risk", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("failed_at", BigInteger),  # never before it came in
    Column("due_at", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("failure_kind", String),
    Column("failure_help", String),
    Column("failure_code", String),
    Column("failure_message", Text),
    Column("failure_system", String),
    Column("failure_policy_ref", String),
    Column("fingerprint", String),
    Column("business_keys", Text, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("causation_id", String),
    Column("idempotency_key", String, nullable=False),
    Column("key_origin", String, nullable=False),
    Column("content_type", String, nullable=False),
    Column("payload_sha256", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("assignee", String),
    Column("owner", String),
    Column("waiting_on", String),
    Column("superseded_by", String),
    Column("document", String),
    Column("version", Integer, nullable=False),  # the ETag: counts changes
    # How it is delivered; none of these is shown.
    Column("lane", String),
    Column("object_key", String),
    Column("object_version", String),
    Column("blocked_by", String),  # the transaction it waits for, while held
    Column("hold_kind", String),  # lane, requires, breaker or people, while held
    Column("due_next", BigInteger),  # next attempt, lookup, or end of a wait
    Column("sent_at", BigInteger),  # when the newest delivery left
    Column("definitive", Integer, nullable=False),  # 1: the target certainly did not apply the newest delivery
    Column("status_before", String),  # before a claim or a discard
    Column("claimed_by", String),  # the batch whose action is in flight
    Column("lookups", Integer, nullable=False),  # questions asked since the newest delivery
    Column("tries", Integer, nullable=False),  # deliveries since it last became pending by intake or by a plan
    Column("ticket", String),
    Column("owned", Integer, nullable=False, server_default="0"),  # counts changes of ownership, beside `version`
    Column("group_before", String),  # the group it was in before a claim that sends it again
    Column("troubled_at", BigInteger),  # since when it needs somebody; none once it is closed
    Column("due_because", String),  # which clock says due_at
    Column("line_down", Integer, nullable=False, server_default="0"),  # 1: the document says that a line is down
    Column("rank", BigInteger),  # its place by priority, while it needs somebody or waits
)

Index("tx_created", transactions.c.created_at, transactions.c.id)
Index("tx_failed", transactions.c.failed_at, transactions.c.id)
Index("tx_status_failed", transactions.c.status, transactions.c.failed_at, transactions.c.id)
Index("tx_status_created", transactions.c.status, transactions.c.created_at, transactions.c.id)
Index("tx_status_rank", transactions.c.status, transactions.c.rank, transactions.c.id)
Index("tx_rank", transactions.c.rank, transactions.c.id)
Index("tx_status_due", transactions.c.status, transactions.c.due_at, transactions.c.id)
Index("tx_due", transactions.c.due_at, transactions.c.id)
Index("tx_flow", transactions.c.flow, transactions.c.failed_at, transactions.c.id)
Index("tx_plant", transactions.c.plant, transactions.c.failed_at, transactions.c.id)
Index("tx_target", transactions.c.target, transactions.c.failed_at, transactions.c.id)
Index("tx_fingerprint", transactions.c.fingerprint, transactions.c.failed_at, transactions.c.id)
Index(
    "tx_lamp",
    transactions.c.flow,
    transactions.c.plant,
    transactions.c.status,
    transactions.c.failed_at,
)
Index("tx_correlation", transactions.c.correlation_id)
Index("tx_key", transactions.c.target, transactions.c.idempotency_key, unique=True)
Index("tx_lane", transactions.c.lane, transactions.c.seq, sqlite_where=text("lane IS NOT NULL"))
Index("tx_object", transactions.c.object_key, sqlite_where=text("object_key IS NOT NULL"))
Index("tx_blocked_by", transactions.c.blocked_by, sqlite_where=text("blocked_by IS NOT NULL"))
Index("tx_due_next", transactions.c.due_next, sqlite_where=text("due_next IS NOT NULL"))
Index("tx_hold_kind", transactions.c.hold_kind, transactions.c.seq, sqlite_where=text("hold_kind IS NOT NULL"))
Index("tx_assignee", transactions.c.assignee, sqlite_where=text("assignee IS NOT NULL"))
Index("tx_ticket", transactions.c.ticket, sqlite_where=text("ticket IS NOT NULL"))
Index(  # of a group, what is past its time
    "tx_group_due",
    transactions.c.status,
    transactions.c.due_at,
    transactions.c.fingerprint,
    transactions.c.plant,
    sqlite_where=text("fingerprint IS NOT NULL"),
)
Index(  # all that a filter asks of groups most often, so that they are counted without a look at the rows
    "tx_groups",
    *(transactions.c[name] for name in ("fingerprint", "plant", "status", "failed_at", "created_at", "due_at", "flow")),
    *(transactions.c[name] for name in ("target", "risk", "source", "failure_kind", "failure_help", "failure_code")),
    transactions.c.assignee,
    sqlite_where=text("fingerprint IS NOT NULL"),
)
Index("tx_claimed_by", transactions.c.claimed_by, sqlite_where=text("claimed_by IS NOT NULL"))

business_keys = Table(
    "business_keys",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, primary_key=True),
    Column("tx_seq", _Serial, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

payloads = Table(  # by content, since one document goes to several targets
    "payloads",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("tx_id", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("sha256", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content_type", String, nullable=False),
    Column("headers", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String, nullable=False),
    Column("reason", Text),
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    metadata,
    Column("tx_id", String, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("purpose", String, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("by", String, nullable=False),
    Column("batch", String),
    Column("revision", Integer, nullable=False),
    Column("method", String, nullable=False),
    Column("url", String, nullable=False),
    Column("request_headers", Text, nullable=False),
    Column("response_status", Integer),
    Column("response_headers", Text),
    Column("response_body", Text),
    Column("outcome", String),
    Column("failure", Text),
    sqlite_with_rowid=False,
)

timeline = Table(
    "timeline",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("tx_id", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("by", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("status", String),
    Column("before", String),
    Column("attempt", Integer),
)
Index("timeline_tx", timeline.c.tx_id, timeline.c.seq)

ledger = Table(  # per target and key: every revision sent, its hash, and what the target said of it
    "ledger",
    metadata,
    Column("target", String, primary_key=True),
    Column("idempotency_key", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("sha256", String, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("applied_at", BigInteger),
    Column("document", String),
    sqlite_with_rowid=False,
)

intake = Table(  # what came in under which key, and what was answered
    "intake",
    metadata,
    Column("flow", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("sha256", String, nullable=False),
    Column("ids", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

tallies = Table(  # how many transactions are alike; kept on every change, so that no board scans
    "tallies",
    metadata,
    Column("status", String, primary_key=True),
    Column("plant", String, primary_key=True),
    Column("flow", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

groups = Table(
    "groups",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("flow", String, nullable=False),
    Column("target", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("code", String, nullable=False),
    Column("template", Text, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

failures_by_half_hour = Table(  # the trend of the board
    "failures_by_half_hour",
    metadata,
    Column("half_hour", BigInteger, primary_key=True),
    Column("plant", String, primary_key=True),
    Column("flow", String, primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

holds = Table(
    "holds",
    metadata,
    Column("id", String, primary_key=True),
    Column("target", String),
    Column("plant", String),
    Column("flow", String),
    Column("reason", Text, nullable=False),
    Column("placed_by", String, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("released_by", String),
    Column("released_at", BigInteger),
    Column("drain_rate", Text),
)

plans = Table(
    "plans",
    metadata,
    Column("hash", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("action", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("verdicts", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("batch", String),
)
Index("plans_created", plans.c.created_at, plans.c.hash)

batches = Table(
    "batches",
    metadata,
    Column("id", String, primary_key=True),
    Column("plan", String, nullable=False, unique=True),
    Column("action", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("started_by", String, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("total", Integer, nullable=False),
    Column("because", Text),
)
Index("batches_started", batches.c.started_at, batches.c.id)

batch_items = Table(
    "batch_items",
    metadata,
    Column("batch", String, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("tx_id", String, nullable=False),
    Column("flow", String, nullable=False),
    Column("plant", String),
    Column("target", String, nullable=False),
    Column("etag", String, nullable=False),
    Column("state", String, nullable=False),
    Column("status", String),
    Column("reason", Text),
    Column("updated_at", BigInteger, nullable=False),
    Column("wave", Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
Index("batch_items_state", batch_items.c.batch, batch_items.c.state, batch_items.c.n)
Index("batch_items_tx", batch_items.c.tx_id)

events = Table(
    "events",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("type", String, nullable=False),
    Column("id", String, nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("reason", Text),
    Column("before", Text),
    Column("after", Text),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
)

people = Table(  # the hub's own, where no identity provider names them
    "people",
    metadata,
    Column("name", String, primary_key=True),
    Column("roles", Text, nullable=False),
    Column("granted", Text, nullable=False),
    Column("limits", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String, nullable=False),
)

people_tokens = Table(  # one that is not here is not accepted, whatever its signature says
    "people_tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("issued_by", String, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("people_tokens_name", people_tokens.c.name)

plan_places = Table(  # where a plan acts; '' is everywhere
    "plan_places",
    metadata,
    Column("plan", String, primary_key=True),
    Column("plant", String, primary_key=True),
    Column("flow", String, primary_key=True),
    sqlite_with_rowid=False,
)

approvals = Table(  # that a plan wants a second person, and what that person said
    "approvals",
    metadata,
    Column("plan", String, primary_key=True),
    Column("because", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("asker", Text, nullable=False),  # who asked, with the rights of that moment
    Column("decided_at", BigInteger),
    Column("decided_by", String),
    Column("decision", String),  # approve or reject
    Column("reason", Text),
)
Index("approvals_open", approvals.c.asked_at, sqlite_where=text("decided_at IS NULL"))

reviews = Table(  # owed by somebody else after a plan ran without its second person
    "reviews",
    metadata,
    Column("plan", String, primary_key=True),
    Column("by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("done_by", String),
    Column("verdict", String),  # approve or reject
    Column("remark", Text),
)
Index("reviews_by", reviews.c.by, reviews.c.done_at)

drafts = Table(  # an edited payload that is not in use
    "drafts",
    metadata,
    Column("tx_id", String, primary_key=True),
    Column("base", Integer, nullable=False),
    Column("sha256", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content_type", String, nullable=False),
    Column("headers", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String, nullable=False),
    Column("reason", Text, nullable=False),
)

planned_edits = Table(  # the document that a plan will send for one of its items
    "planned_edits",
    metadata,
    Column("plan", String, primary_key=True),
    Column("tx_id", String, primary_key=True),
    Column("base", Integer, nullable=False),
    Column("sha256", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content_type", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("business_keys", Text, nullable=False),
    sqlite_with_rowid=False,
)

reversals = Table(  # which transaction reverses which; one each, taken up again where it failed
    "reversals",
    metadata,
    Column("tx_id", String, primary_key=True),
    Column("original", String, nullable=False, unique=True),
    Column("original_key", String, nullable=False),
    Column("by_hand", Text, nullable=False),
    Column("batch", String, nullable=False),
    sqlite_with_rowid=False,
)

corrections = Table(  # which transaction posts the right thing in place of which
    "corrections",
    metadata,
    Column("tx_id", String, primary_key=True),
    Column("original", String, nullable=False),
    Column("batch", String, nullable=False),
)

group_plants = Table(  # what is known of a group at each plant
    "group_plants",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("plant", String, primary_key=True),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("replayed", Integer, nullable=False),
    Column("repeated", Integer, nullable=False),
    sqlite_with_rowid=False,
)

group_failures_by_half_hour = Table(  # the trend of a group
    "group_failures_by_half_hour",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("half_hour", BigInteger, primary_key=True),
    Column("plant", String, primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

group_due = Table(  # how many of a group are due in each slot of five minutes, so that what is overdue is a sum
    "group_due",
    metadata,
    Column("status", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("plant", String, primary_key=True),
    Column("slot", BigInteger, primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

search_changes = Table(  # whose words or document changed, for the index of the search
    "search_changes",
    metadata,
    Column("n", _Serial, primary_key=True, autoincrement=True),
    Column("tx_seq", _Serial, nullable=False),
    sqlite_autoincrement=True,
)

# Key figures, by the minute, the hour and the day. The columns after the key are those of
# transactions.kpis.counts.Measure, in its order; plant and target are '' where there is none.
kpi_counts = Table(
    "kpi_counts",
    metadata,
    Column("grain", Integer, primary_key=True),  # seconds
    Column("at", BigInteger, primary_key=True),  # second that it begins at, since 1970-01-01 UTC
    Column("plant", String, primary_key=True),
    Column("flow", String, primary_key=True),
    Column("target", String, primary_key=True),
    *(Column(measure.value, BigInteger, nullable=False, server_default="0") for measure in Measure),
    sqlite_with_rowid=False,
)
Index(
    "kpi_open",
    kpi_counts.c.grain,
    kpi_counts.c.at,
    sqlite_where=text("open <> 0"),
    postgresql_where=text("open <> 0"),
)

kpi_spans = Table(  # how many spans of time each slot holds
    "kpi_spans",
    metadata,
    Column("grain", Integer, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("plant", String, primary_key=True),
    Column("flow", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("span", String, primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

reconciliations = Table(  # what each reconciliation of everything came to, by plant; the newest of a kind counts
    "reconciliations",
    metadata,
    Column("kind", String, primary_key=True),
    Column("plant", String, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("as_of", BigInteger, nullable=False),
    Column("compared", Integer, nullable=False),
    Column("differences", Integer, nullable=False),
    Column("unexplained", Integer, nullable=False),
    Column("complete", Integer, nullable=False),
    sqlite_with_rowid=False,
)

remarks = Table(  # words from one shift to the next
    "remarks",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("by", String, nullable=False),
    Column("plant", String),  # none: all of them
    Column("text", Text, nullable=False),
)
Index("remarks_at", remarks.c.at)
Index("audit_at", audit.c.at)
Index("timeline_notes", timeline.c.at, sqlite_where=text("kind = 'note'"))
