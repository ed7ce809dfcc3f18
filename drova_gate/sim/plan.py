"""What a simulated station is to be like, and what is written down about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["AGENT_FAULTS", "STATION_FAULTS", "Costs", "Entry", "StationPlan"]

STATION_FAULTS = frozenset(
    {
        "shadow_refuses",
        "shadow_partial",
        "shadow_password",
        "shadow_missing",
        "shadow_silent",
        "cmdtool_deleted",
        "reset_ignored",
        "reboot_never",
        "comes_back_shadowed",
        "not_rolled_back",
        "never_comes_back",
        "slow_boot",
        "ssh_drop_preparing",
        "ssh_drop_session",
        "login_refused",
        "host_key_changed",
        "station_off",
        "no_registration",
        "two_registrations",
        "nobody_signed_in",
        "other_console_user",
        "console_session_2",
        "policy_not_kept",
        "file_in_use",
        "disk_full",
        "explorer_gone",
        "powershell_shell",
        "english_windows",
        "max_sessions_1",
    }
)
"""Faults of the PC and of its SSH server."""

AGENT_FAULTS = frozenset({"agent_resets", "agent_silent", "ready_glued", "agent_refuses"})
"""Faults of the Drova agent that runs on the PC."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What things take on the station, in seconds; 0 everywhere makes a station that answers at once."""

    command: float = 0.10
    """One SSH command, before its shell runs: measured on real stations at 0.10 to 0.15."""
    process: float = 0.05
    """Each program that is started."""
    reboot: float = 1.0
    """From the links being cut to sshd answering again."""
    ready: float = 0.3
    """From a player's connection to the agent's ready byte."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to the station."""

    at: float
    """Seconds of the monotonic clock."""
    kind: str
    """``write``, ``volatile`` (memory-only registry), ``kill``, ``start``, ``reboot``, ``login`` or ``shadow``."""
    subject: str
    shadowed: bool
    """The volume written to was in Shadow Mode at that time; what is no write counts as volume C."""


@dataclass(frozen=True, slots=True)
class StationPlan:
    """A station to be simulated; ``ValueError`` for a fault name that nobody knows."""

    name: str = "pc1"
    language: Literal["ru", "en"] = "ru"
    shell: Literal["cmd", "powershell", "bash"] = "cmd"
    """What sshd starts; ``bash`` only echoes, as far as it goes."""
    login: str = "gate"
    password: str = "station-password"  # noqa: S105 - of a simulated station
    authorized_key: str | None = None
    """OpenSSH public key text that may log in beside the password."""
    shadow_password: str = "shadow-password"  # noqa: S105 - of a simulated station
    drives: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"C": 200.0, "D": 500.0}))
    """Volume letter to free space in GB."""
    console_user: str | None = None
    """``None``: the SSH login sits at the console; empty: nobody is signed in."""
    console_session: int = 1
    max_sessions: int = 10
    """sshd's MaxSessions."""
    ssh_version: str = "OpenSSH_for_Windows_9.5"
    """What the SSH server says of itself."""
    sftp: bool = True
    """sshd offers the subsystem."""
    elevated: bool = True
    """The SSH login gets an administrator's whole token."""
    administrator: bool = True
    """It is a member of that group at all."""
    mac: str = "00-15-5D-01-02-03"
    """Of the wired adapter, as getmac prints it."""
    registrations: tuple[tuple[str, str, str], ...] = (
        (
            "5f0c2a9e-6a1d-4f57-9f5e-2d3b8c1a7e40",
            "7c9d1be2-64a0-4b8e-8a3f-f1d2c3b4a596",
            "a1b2c3d4-1111-4222-8333-444455556666",
        ),
    )
    """(server uuid, token, user uuid) as the Drova agent keeps them; the last one is the live one."""
    costs: Costs = field(default_factory=Costs)
    faults: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = self.faults - STATION_FAULTS - AGENT_FAULTS
        if unknown:
            raise ValueError(f"station {self.name}: unknown faults {', '.join(sorted(unknown))}")
        if "C" not in self.drives:
            raise ValueError(f"station {self.name}: Windows needs a volume C")
