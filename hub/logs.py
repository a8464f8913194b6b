"""Logs: one line of JSON per event on standard error, terminal escapes and line breaks in data made harmless."""

from __future__ import annotations

import sys

import structlog


def set_up_logs() -> None:
    """Log to standard error as JSON lines; JSON encodes control characters, so no payload can forge a line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
