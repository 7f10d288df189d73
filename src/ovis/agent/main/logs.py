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


_least = [logging.INFO]


def set_level(level: int) -> None:
    """Log from this level on."""
    _least[0] = level


def _loud_enough(_: Any, name: str, event: Any) -> Any:
    if _NUMBERS.get(name, logging.CRITICAL) < _least[0]:
        raise structlog.DropEvent
    return event


_NUMBERS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "exception": logging.ERROR,
}


def configure(level: int = logging.INFO) -> None:
    """Set up structlog for a daemon."""
    set_level(level)
    structlog.configure(
        processors=[
            _loud_enough,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _mask,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=lambda v, **kw: msgspec.json.encode(v, enc_hook=str).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
