"""Admin-API clients behind small protocols; contexts and credentials."""
