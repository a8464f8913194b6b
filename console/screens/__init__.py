"""Screens: one a file, its style sheet beside it."""
