"""What a gateway's access log says: who called what, when, and what came of it."""
