"""Calls that a gateway refused: what it said of them, which policy that was, since when, and what helps."""
