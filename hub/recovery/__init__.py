"""Acting on transactions: plans are built, stored and run; a run is a durable batch."""
