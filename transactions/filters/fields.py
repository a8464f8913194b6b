"""Every field that can be filtered: those of a transaction's JSON, its age, and the business keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from transactions.model import DueBecause, FailureKind, Help, KeyOrigin, Priority, Risk, Status

KEY_PREFIX = "business_keys."


class FieldType(StrEnum):
    """What a field's values are, and so what may be asked of it."""

    TEXT = "text"
    SEARCH = "search"
    ENUM = "enum"
    TIME = "time"
    DURATION = "duration"
    NUMBER = "number"
    FLAG = "flag"


class Field(Struct, frozen=True, kw_only=True):
    """One field.

    Attributes:
        name: its path in the transaction's JSON.
        type: what its values are.
        about: what it is, for the reference.
        example: a filter that uses it.
        nullable: it may be null, which ``none`` asks for.
        values: all there are, for an enum.
        short: the name without ``failure.``, where it has one.
    """

    name: str
    type: FieldType
    about: str
    example: str
    nullable: bool = False
    values: tuple[str, ...] = ()
    short: str | None = None

    @property
    def shown(self) -> str:
        """The name as filters are written with it."""
        return self.short or self.name


def _text(name: str, about: str, example: str, *, nullable: bool = False, short: str | None = None) -> Field:
    return Field(name=name, type=FieldType.TEXT, about=about, example=example, nullable=nullable, short=short)


def _enum(
    name: str, kind: type[StrEnum], about: str, example: str, *, nullable: bool = False, short: str | None = None
) -> Field:
    values = tuple(str(value) for value in kind)
    return Field(
        name=name, type=FieldType.ENUM, about=about, example=example, nullable=nullable, values=values, short=short
    )


def _time(name: str, about: str, example: str, *, nullable: bool = False) -> Field:
    return Field(name=name, type=FieldType.TIME, about=about, example=example, nullable=nullable)


FIELDS: tuple[Field, ...] = (
    _text("id", "the transaction", "id:tx-01*"),
    _text("flow", "the flow", "flow:material-consumption,goods-receipt"),
    _text("plant", "the plant", "plant:P03", nullable=True),
    _text("source", "the system it came from", "source:MES"),
    _text("target", "the system it goes to", "-target:ERP"),
    _enum("status", Status, "where it is in its life", "status:failed,in-doubt"),
    _enum("risk", Risk, "what a wrong posting costs", "risk:financial,quality"),
    _time("created_at", "when it came in", "created_at:2026-11-20"),
    _time("failed_at", "when it failed last", "failed_at>-2h", nullable=True),
    _time("due_at", "when it should be processed", "due_at<+30m", nullable=True),
    _enum("due_because", DueBecause, "which clock says `due_at`", "due_because:shift-end,lot-expiry", nullable=True),
    _enum("priority", Priority, "why it comes where it comes in the order", "priority:line-down", nullable=True),
    Field(name="overdue", type=FieldType.FLAG, about="still open after `due_at`", example="overdue:true"),
    Field(name="attempts", type=FieldType.NUMBER, about="deliveries tried", example="attempts>3"),
    _enum("failure.kind", FailureKind, "why it failed", "kind:throttled,locked", nullable=True, short="kind"),
    _enum("failure.help", Help, "what helps", "help:data", nullable=True, short="help"),
    _text("failure.code", "the code the system gave", "code:M7053", nullable=True, short="code"),
    Field(
        name="failure.message",
        type=FieldType.SEARCH,
        about="what the system said",
        example='message:"deficit of stock"',
        nullable=True,
        short="message",
    ),
    _text("failure.system", "the system that said it", "system:ERP", nullable=True, short="system"),
    _text("failure.policy_ref", "the policy that stopped it", "policy_ref:none", nullable=True, short="policy_ref"),
    _text("group", "the fingerprint of its cause", "group:3f2a*", nullable=True),
    _text("correlation_id", "its process", "correlation_id:258456"),
    _text("causation_id", "what caused it", "causation_id:none", nullable=True),
    _text("idempotency_key", "the key it is delivered under", "idempotency_key:MES/P01/*"),
    _enum("key_origin", KeyOrigin, "where that key came from", "key_origin:generated"),
    _text("content_type", "the content type of the payload", "content_type:*xml*"),
    _text("payload_sha256", "the hash of the payload", "payload_sha256:9f86d0*"),
    Field(name="revision", type=FieldType.NUMBER, about="revision of the payload", example="revision>1"),
    _text("assignee", "who works on it; `me` is whoever asks", "assignee:me", nullable=True),
    _text("ticket", "the id of its ticket", "ticket:INC-*", nullable=True),
    _text("owner", "the team that owns it", "owner:erp-integration", nullable=True),
    _text("waiting_on", "what it waits for", "-waiting_on:none", nullable=True),
    _text("superseded_by", "the newer one that replaced it", "superseded_by:none", nullable=True),
    _text("document", "the number the target gave", "document:4900*", nullable=True),
    _text("etag", "its version, for conditional requests", "etag:12.3"),
    Field(
        name="age",
        type=FieldType.DURATION,
        about="how long since `failed_at`, else since `created_at`",
        example="age>15m",
    ),
)

_BY_NAME: dict[str, Field] = {name: field for field in FIELDS for name in (field.name, field.short) if name is not None}


def find_field(name: str, keys: frozenset[str] | None) -> Field | None:
    """The field that a filter means by ``name``; business keys give way to fields of the same name.

    Args:
        name: as it was written.
        keys: the business keys there are; None takes any name for one.
    """
    field = _BY_NAME.get(name)
    if field is not None:
        return field
    key = name.removeprefix(KEY_PREFIX)
    if not key or (keys is not None and key not in keys):
        return None
    return key_field(key)


def key_field(key: str) -> Field:
    """The field of a business key."""
    short = None if key in _BY_NAME or key.startswith(KEY_PREFIX) else key
    return Field(
        name=KEY_PREFIX + key,
        type=FieldType.TEXT,
        about="a business key",
        example=f"{short or KEY_PREFIX + key}:4711*",
        nullable=True,
        short=short,
    )


def field_names(keys: Iterable[str] = ()) -> list[str]:
    """Every name a filter may use, fields first, each in its short form."""
    return [field.shown for field in FIELDS] + sorted(key_field(key).shown for key in keys)


def near(word: str, among: Iterable[str]) -> list[str]:
    """Up to three of ``among`` that ``word`` may have meant, the nearest first."""
    asked = word.lower()
    rated = [(difflib.SequenceMatcher(None, asked, name).ratio(), name) for name in dict.fromkeys(among)]
    best = max((ratio for ratio, _ in rated), default=0.0)
    close = sorted(((ratio, name) for ratio, name in rated if ratio >= max(0.6, best - 0.1)), reverse=True)
    begun = [name for _, name in rated if len(asked) >= 2 and name.startswith(asked)]
    return list(dict.fromkeys([*(name for _, name in close), *begun]))[:3]
