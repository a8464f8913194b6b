"""The gateway of this hub: its state in the store, and the changes that policies make to it."""
