"""Where a demonstration writes: standard output, whose reader may leave at any time."""

import os
import sys

__all__ = ["write"]


def write(text: str) -> None:
    """Write and flush."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (``| head``): the play goes on to its end, for the exit code's sake.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
