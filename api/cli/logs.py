"""Logs go to standard error: lines for people at a terminal, JSON for collectors. Standard output belongs to results."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(level: int = logging.WARNING) -> None:
    """Send structlog and the standard library's logging to standard error, in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    last: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if terminal:
        last = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)  # no values: they are personal
    format_exceptions = [] if terminal else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[*shared, *format_exceptions, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *format_exceptions, last],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
