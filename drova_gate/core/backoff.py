"""Waiting longer after each failure, a little unevenly, so that thirty stations do not come back in step. Pure."""

__all__ = ["Backoff"]


class Backoff:
    """Pauses that grow from ``first`` by ``factor`` up to ``cap`` (seconds), each shortened by chance by up to half."""

    def __init__(self, first: float, cap: float, factor: float = 2.0) -> None:
        if not (0 < first <= cap and factor >= 1):
            raise ValueError(f"back-off needs 0 < first <= cap and factor >= 1, not {first}, {cap}, {factor}")
        self._first, self._cap, self._factor = first, cap, factor
        self._pause = first

    def next(self, random: float) -> float:
        """Return the next pause; ``random`` is 0 to 1 and decides where between half and the whole of it."""
        pause = self._pause
        # Capped before it is kept: a counter as an exponent would overflow after a night of failures.
        self._pause = min(self._cap, pause * self._factor)
        return pause * (0.5 + 0.5 * random)

    def reset(self) -> None:
        """Start over: the last try went well."""
        self._pause = self._first
