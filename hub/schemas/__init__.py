"""Schemas of business documents, JSON Schema and XSD, from a folder that the hub is pointed at."""

from hub.schemas.folder import NO_SCHEMAS, Schemas, read_schemas

__all__ = ["NO_SCHEMAS", "Schemas", "read_schemas"]
