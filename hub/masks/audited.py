"""Hidden values as the audit keeps them: masked, with a keyed hash that tells whether two are the same.

The hash is HMAC-SHA-256 with a key of this store: without it nobody can try values until one fits, and prices and names
are few enough to try.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from hub.documents import Written
from hub.masks.document import Hidden, Hit
from hub.store.schema import meta
from transactions.history import MASK

_KEY = "masks.hash-key"
_MOST = 100
"""Values of one path that are told apart; more of them are hashed together."""


def hash_key(connection: Connection) -> bytes:
    """The key of this store's hashes, made at its first use.

    Args:
        connection: the writer's.
    """
    found: str | None = connection.execute(select(meta.c.value).where(meta.c.name == _KEY)).scalar()
    if found is None:
        found = secrets.token_hex(32)
        connection.execute(meta.insert(), {"name": _KEY, "value": found})
    return bytes.fromhex(found)


def audited_values(hidden: Hidden, content: bytes, key: bytes) -> dict[str, dict[str, Any]]:
    """What a document hides, as the audit keeps it: ``{path: {"masked": "▒▒▒", "hmac": "…"}}``.

    Args:
        hidden: the document with its masks on.
        content: its real bytes.
        key: of the store; see :func:`hash_key`.

    Returns:
        By the place of each value; by the declared path, with their ``count``, where it finds more than a hundred; for
        a document that is withheld whole, one entry for ``$``.
    """
    if hidden.content is None:
        return {"$": {"masked": MASK, "hmac": hmac.new(key, content, hashlib.sha256).hexdigest()}}
    by_path: dict[str, list[Hit]] = defaultdict(list)
    for hit in hidden.hits:
        by_path[hit.path].append(hit)
    told: dict[str, dict[str, Any]] = {}
    for path, hits in by_path.items():
        if len(hits) > _MOST:
            told[path] = {"masked": MASK, "hmac": _hashed([hit.value for hit in hits], key), "count": len(hits)}
        else:
            told |= {hit.place: {"masked": MASK, "hmac": _hashed(hit.value, key)} for hit in hits}
    return told


def _hashed(value: Any, key: bytes) -> str:
    said = msgspec.json.encode(value, enc_hook=_number, order="deterministic")
    return hmac.new(key, said, hashlib.sha256).hexdigest()


def _number(value: Any) -> Any:
    if isinstance(value, Written):
        return msgspec.Raw(value.written.encode())
    raise NotImplementedError(f"{type(value).__name__} is no part of a document")
