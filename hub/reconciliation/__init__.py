"""Reconciliation: the systems themselves are asked, what they say is compared, and what differs is tied to what the hub
knows of it."""
