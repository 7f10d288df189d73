"""The agent's logs: one JSON line an event on standard error, secrets masked by name."""

import logging
import sys
from typing import Any

import msgspec
import structlog


def _mask(_: Any, __: str, event: Any) -> Any:
    for key in event:
        if any(word in key.lower() for word in ("password", "secret", "token", "ticket")):
            event[key] = "***"
    return event


def configure(level: int = logging.INFO) -> None:
    """Set up structlog for a daemon."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _mask,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=lambda v, **kw: msgspec.json.encode(v, enc_hook=str).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
