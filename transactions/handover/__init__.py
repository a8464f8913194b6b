"""The handover of a shift: what came in, what was done, what is left and for whom it waits, what to watch."""
