"""The simulated systems: one child process with an HTTP server for every system and plant, their books and outboxes."""
