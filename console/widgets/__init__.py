"""Widgets: they take data and post messages, and never fetch."""
