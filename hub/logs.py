"""Logs: one line of JSON per event on standard error, terminal escapes and line breaks in data made harmless."""

from __future__ import annotations

import sys
from typing import TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer


class _Stderr:
    """Standard error as it is when a line is written; a reader that went away never breaks what is logged about."""

    def write(self, text: str) -> int:
        try:
            return sys.stderr.write(text)
        except (OSError, ValueError):  # a broken pipe, a closed file: nobody is there to be told
            return 0

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except (OSError, ValueError):  # as above
            return


def set_up_logs() -> None:
    """Log to standard error as JSON lines; JSON encodes control characters, so no payload can forge a line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # never with local variables: they hold payloads and tokens
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Stderr())),
        cache_logger_on_first_use=False,
    )
