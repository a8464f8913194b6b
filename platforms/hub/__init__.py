"""The calls of the hub's admin API, grouped by noun."""
