"""What one process weighs, by the kernel's own figures."""

import os
import re
import socket
from pathlib import Path

__all__ = ["cpu_seconds", "descriptors", "free_port", "resident_mb"]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_mb(pid: int) -> float:
    """Megabytes of memory that are really there."""
    match = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(match[1]) / 1024 if match else float("nan")


def cpu_seconds(pid: int) -> float:
    """Seconds that it has computed, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid: int) -> int:
    """Files and sockets that it has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
