"""The gateway's usage: its access log read, counted, kept small, and told."""
