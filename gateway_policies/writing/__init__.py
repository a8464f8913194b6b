"""Policies to files: new ones, and changes in those that are there, with their comments kept."""
