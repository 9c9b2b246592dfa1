"""Logs: one JSON object a line, and only fields from an allow-list.

A log is read by people who may not read records. What is not on the list is dropped, whoever passes it; exceptions are
reduced to their class, because their texts quote values.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, cast

import structlog

#: Codes, ids, counts and times only. Adding a field here is a decision about what operators may see.
ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "request_id",
        "method",
        "route",
        "status",
        "code",
        "milliseconds",
        "error",
        "worker",
        "tree",
        "size",
        "entries",
        "lag_seconds",
        "sqlstate",
        "count",
        "entry_id",
        "job",
        "address",
        "migration",
        "version",
    }
)
_SCALARS = (str, int, float, bool, type(None))


def allow_list(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Structlog processor: keep allowed scalar fields, replace an exception by its class name."""
    failure = event.pop("exc_info", None)
    kept = {name: value for name, value in event.items() if name in ALLOWED and isinstance(value, _SCALARS)}
    if failure:
        error: object = sys.exc_info()[1] if failure is True else failure
        if isinstance(error, tuple):
            error = cast("tuple[object, ...]", error)[1]
        kept["error"] = type(error).__name__
    return kept


class _OneLine(logging.Formatter):
    """Records of other libraries: logger name and level, never their message."""

    def format(self, record: logging.LogRecord) -> str:
        event = {"event": "library", "level": record.levelname.lower(), "error": None}
        if record.exc_info and record.exc_info[0]:
            event["error"] = record.exc_info[0].__name__
        return str(structlog.processors.JSONRenderer()(None, "", {**event, "code": record.name}))


def configure_logs(level: int = logging.INFO) -> None:
    """Set up structlog and silence the text of every other logger (uvicorn, SQLAlchemy, ...)."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            allow_list,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel(logging.WARNING)


def log() -> Any:
    """The logger. Call as `log().info("event_name", request_id=..., status=...)`."""
    return structlog.get_logger()
