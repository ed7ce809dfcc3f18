"""What a running cmd.exe keeps: its streams, its batch files, and how a command leaves them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from drova_gate.sim.shells.cmd_environment import Environment

__all__ = ["Frame", "Input", "Jump", "LeaveBatch", "LeaveShell", "Saved", "Streams", "Write"]

Write = Callable[[bytes], None]


class Jump(Exception):
    """``goto``."""

    def __init__(self, label: str) -> None:
        self.label = label
        super().__init__(label)


class LeaveBatch(Exception):
    """``exit /b``, ``goto :eof``: the end of this batch file or subroutine."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class LeaveShell(Exception):
    """``exit``, or a syntax error in a batch file: the end of this cmd.exe."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class Input:
    """Standard input: what was piped or redirected in; commands in a row read on where the last one stopped."""

    def __init__(self, data: bytes = b"") -> None:
        self._rest = data

    def line(self) -> bytes | None:
        """The next line without its end; ``None``: nothing is left."""
        if not self._rest:
            return None
        line, _, self._rest = self._rest.partition(b"\n")
        return line.removesuffix(b"\r")

    def rest(self) -> bytes:
        """Everything that is left."""
        rest, self._rest = self._rest, b""
        return rest


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a command reads and writes."""

    stdin: Input
    out: Write
    err: Write


@dataclass(frozen=True, slots=True)
class Saved:
    """What ``setlocal`` keeps for ``endlocal``."""

    environment: Environment
    directory: str
    delayed: bool


@dataclass(slots=True)
class Frame:
    """A batch file that runs, or a subroutine of it."""

    path: str
    lines: list[bytes]
    name: str
    """``%0`` as it was typed."""
    arguments: list[str]
    raw_arguments: str
    """``%*``."""
    labels: tuple[int, ...]
    """Which of the lines begin with a colon."""
    at: int = 0
    saved: list[Saved] = field(default_factory=list)

    def numbered(self) -> dict[str, str]:
        """``%0`` to ``%9`` and ``%*``."""
        return dict(zip("0123456789", [self.name, *self.arguments[:9]], strict=False)) | {"*": self.raw_arguments}
