"""The filter language: one for console, command line and admin API.

``parse`` reads it, ``show`` writes it in its one canonical form, ``matches`` answers it for one transaction, and
``complete`` offers what may come next. ``docs/reference/filters.md`` is made from the registry of fields.
"""

from transactions.filters.completion import Completion, complete
from transactions.filters.matching import matches
from transactions.filters.parsing import parse
from transactions.filters.query import Query, show

__all__ = ["Completion", "Query", "complete", "matches", "parse", "show"]
