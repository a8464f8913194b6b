"""Recorded traffic against proposed throttles, with the arithmetic of the data plane."""
