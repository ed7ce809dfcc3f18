"""The way back: leave Shadow Mode at the next boot, and boot. Whether it worked is a matter of later looks."""

from enum import StrEnum
from typing import Protocol

from drova_gate.host.commands import Run, Script
from drova_gate.host.link import Completed, HostLink
from drova_gate.host.marks import BOOT_KEY, BOOT_VALUE
from drova_gate.host.parse import labels

__all__ = ["Leavable", "ResetAnswer", "read_reset", "reset", "reset_script"]

_SECONDS = 20.0
"""The command takes under a second; a dying Windows may leave us without an end."""


class Leavable(Protocol):
    """The part of a protector that a reset needs; protectors live a layer above."""

    def leave(self, volumes: frozenset[str]) -> Script:
        """Schedule the way out for the next boot."""


class ResetAnswer(StrEnum):
    """What the station said to a reset; none of them proves anything."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The link broke first, which is how many reboots look."""


def reset_script(protector: Leavable, volumes: frozenset[str], boot_stamp: str) -> Script:
    """Leave a fresh boot stamp, schedule the way out of ``volumes``, reboot.

    The stamp comes first: a reboot is proved by its absence. ``/f``, because with ``/t 0`` Windows does not imply it and any
    program could hold the reboot up; always ``/r``, because ``/s`` may only hibernate the kernel.
    """
    stamp = ("add", BOOT_KEY, "/v", BOOT_VALUE, "/t", "REG_SZ", "/d", boot_stamp, "/f")
    return (
        Run("reg.exe", stamp, label="stamp"),
        *protector.leave(volumes),
        Run("shutdown.exe", ("/r", "/f", "/t", "0"), label="reboot"),
    )


def read_reset(done: Completed) -> ResetAnswer:
    """Read what ``reset_script`` printed before the link broke."""
    match labels(done.stdout).get("reboot"):
        case "ok":
            return ResetAnswer.ACCEPTED
        case "failed":
            return ResetAnswer.REFUSED
        case _:
            return ResetAnswer.UNKNOWN


async def reset(link: HostLink, protector: Leavable, volumes: frozenset[str], boot_stamp: str) -> ResetAnswer:
    """Send the reset as one command; a lost end is normal."""
    return read_reset(await link.run(reset_script(protector, volumes, boot_stamp), timeout=_SECONDS, lost_is_fine=True))
