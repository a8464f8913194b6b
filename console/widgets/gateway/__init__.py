"""The pages of a gateway: what governs it, as people look at it."""
