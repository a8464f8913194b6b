"""Signing in: who makes tokens for a platform, how people and machines get them, and where they are kept."""
