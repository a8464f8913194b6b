"""What the hub's store tells of a shift."""
