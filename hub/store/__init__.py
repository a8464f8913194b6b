"""The hub's durable memory: one database, one writer."""
