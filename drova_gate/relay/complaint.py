"""Complaints that are loud once and quiet afterwards, so that a log stays readable when something goes on and on."""

import logging
import time

__all__ = ["Complaint"]

QUIET_SECONDS = 60.0
"""After a loud line the same complaint is only counted for so long: a fault that lasts shows once a minute."""


class Complaint:
    """One named trouble: WARNING the first time and once a minute, DEBUG in between, INFO once when it is over."""

    def __init__(self, logger: logging.Logger, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._logger = logger
        self._quiet_seconds = quiet_seconds
        self._loud_at: float | None = None
        self._hushed = 0

    @property
    def standing(self) -> bool:
        """Whether it was said and is not over yet."""
        return self._loud_at is not None

    def say(self, text: str) -> None:
        """The trouble happened (again)."""
        now = time.monotonic()
        if self._loud_at is not None and now - self._loud_at < self._quiet_seconds:
            self._hushed += 1
            self._logger.debug("%s", text)
            return
        if self._hushed:
            text = f"{text} (and {self._hushed} times more since it was last said)"
        self._logger.warning("%s", text)
        self._loud_at = now
        self._hushed = 0

    def over(self, text: str) -> None:
        """The trouble is gone; said only if it was there."""
        if self._loud_at is None:
            return
        self._logger.info("%s", text)
        self._loud_at = None
        self._hushed = 0
