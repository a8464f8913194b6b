"""The Textual console: one screen per file, widgets that take data and post messages."""
