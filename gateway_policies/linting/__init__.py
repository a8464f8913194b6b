"""Rules over policies: what loads, and still should not be so."""

from gateway_policies.linting.examining import Linted, examine, lint
from gateway_policies.linting.registry import rules

__all__ = ["Linted", "examine", "lint", "rules"]
