"""Who may come in: the hub's own people and their tokens, and the tokens of an external issuer."""
