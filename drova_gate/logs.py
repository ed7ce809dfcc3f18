"""Logging: to standard error, for people or for machines."""

import json
import logging
import time

from drova_gate.columns import printable

__all__ = ["configure_logging"]


_ESCAPED = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""JSON leaves them as they are, and some terminals obey them."""


class _TextLines(logging.Formatter):
    """One line a record: what a renter has left on a station stands in some, and may neither begin a line of its own nor steer a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class' own name
        return printable(super().formatMessage(record), " ")


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False).translate(_ESCAPED)


def configure_logging(log_format: str, level: str, *, under_systemd: bool) -> None:
    """Log to standard error; the journal keeps the time itself, so under systemd a line carries none."""
    handler = logging.StreamHandler()
    if log_format == "json":
        handler.setFormatter(_JsonLines())
    else:
        stamp = "" if under_systemd else "%(asctime)s "
        handler.setFormatter(_TextLines(f"{stamp}%(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("asyncssh", "aiohttp.access"):
        # They log every connection and channel; what matters of it we say ourselves.
        logging.getLogger(noisy).setLevel(logging.WARNING)
