"""Admin-API clients: calls as data, the two senders that carry them, contexts and credentials."""
