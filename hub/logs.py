"""Logs: one line of JSON per event on standard error, terminal escapes and line breaks in data made harmless."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor


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


class _Foreign(logging.StreamHandler[TextIO]):
    """What libraries log, as lines of the same form."""


def set_up_logs() -> None:
    """Log to standard error as JSON lines, also what libraries log; JSON encodes control characters, so no payload can
    forge a line or steer the terminal of who reads it."""
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        # never with local variables: they hold payloads and tokens
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        structlog.processors.JSONRenderer(serializer=_line),
    ]
    stderr = cast(TextIO, _Stderr())
    structlog.configure(
        processors=[*first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _Foreign) for handler in root.handlers):
        handler = _Foreign(stderr)
        handler.setLevel(logging.WARNING)
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[*first, structlog.stdlib.add_logger_name],
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            )
        )
        root.addHandler(handler)


def _line(event: dict[str, Any], **how: Any) -> str:
    """ASCII alone, so that C1 controls and marks that turn text around are escaped; DEL, which is ASCII, is too."""
    return json.dumps(event, ensure_ascii=True, **how).replace("\x7f", "\\u007f")
