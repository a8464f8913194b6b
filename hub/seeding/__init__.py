"""Bulk-written stores of failed transactions, to measure and to practise with."""
