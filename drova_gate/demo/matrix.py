"""The fault matrix: what can go wrong, at which step of a session, in which mode. Data, and the rules over it. Pure.

A cell is one fault, one step, one mode. Left out is what could not show anything, by one rule: a fault is tried at every step from
``first`` to ``last``, where ``last`` is the last step at which what it breaks is still to be used; what cuts a link or the power is not
tried while the station is off anyway.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import product

from drova_gate.config import Mode

__all__ = ["MATRIX", "STEPS", "Cell", "Heals", "MatrixFault", "Step", "cells", "pairwise", "share"]


class Step(StrEnum):
    """The steps of a session, in their order; each begins with something that the station or the cloud writes down."""

    BEFORE_OFFER = "before_offer"
    """The gate has looked at the station and asked the cloud."""
    AT_OFFER = "at_offer"
    """The cloud has the session."""
    READY = "ready"
    """The agent says that it is ready."""
    PROTECT = "protect"
    """The order to enter Shadow Mode runs."""
    UPLOAD = "upload"
    """The first file of the preparation is made."""
    PREPARE = "prepare"
    """The script kills its first program."""
    CONFIRM = "confirm"
    """The protector is asked once more after the script."""
    IN_SESSION = "in_session"
    """The player plays on a prepared station."""
    FINISHED = "finished"
    """The cloud says FINISHED."""
    RESET_SENT = "reset_sent"
    """The order to reboot comes in."""
    REBOOTING = "rebooting"
    """The station is off for its reset."""
    PROOF = "proof"
    """The station is back and not looked at yet."""

    def before(self, other: "Step") -> bool:
        """Whether this step comes earlier in a session."""
        return STEPS.index(self) < STEPS.index(other)


STEPS = tuple(Step)


class Heals(Enum):
    """When the world is healthy again."""

    AT_ONCE = "at once"
    """It strikes once; nothing stays broken."""
    SOON = "soon"
    """By itself, after a second."""
    BY_OWNER = "by the owner"
    """Only when the owner has been told and mends it."""


@dataclass(frozen=True, slots=True)
class MatrixFault:
    """One row of the matrix."""

    name: str
    line: str
    """What happens, for people."""
    heals: Heals = Heals.SOON
    first: Step = Step.BEFORE_OFFER
    last: Step = Step.PROOF
    cuts: bool = False
    """Cuts a link or the power: there is none to cut while the station is off."""
    process: bool = False
    """The gate runs as a process of its own."""
    more_resets: int = 0
    """How many more than one for each session it may take: none, unless the fault itself undoes or hides the first."""
    more_resets_why: str = ""
    serves: bool = True
    """A session can be served while it lasts."""
    encore: bool = False
    """A second session follows before the owner mends it."""

    def tried_at(self, step: Step) -> bool:
        """Whether the row has a cell at this step."""
        if self.cuts and step is Step.REBOOTING:
            return False
        return STEPS.index(self.first) <= STEPS.index(step) <= STEPS.index(self.last)


_FORGOTTEN = "what the gate did last stands nowhere, so after a restart it may do it again"

_GATE = (
    MatrixFault("gate_killed", "the gate is killed with SIGKILL and started again", Heals.AT_ONCE, process=True),
    MatrixFault("state_truncated", "the gate stops, half of its state file is lost, it starts again", Heals.AT_ONCE),
    MatrixFault("state_newer", "the gate stops, its state file is a later version's, it starts again", Heals.AT_ONCE),
    MatrixFault(
        "state_read_only",
        "the state file cannot be written, and the gate is restarted, twice",
        Heals.BY_OWNER,
        more_resets=1,
        more_resets_why=_FORGOTTEN,
        encore=True,
    ),
    MatrixFault(
        "router_disk_full",
        "the router's disk is full, and the gate is restarted, twice",
        Heals.BY_OWNER,
        more_resets=1,
        more_resets_why=_FORGOTTEN,
        encore=True,
    ),
    MatrixFault("clock_forward", "the router's clock jumps a day ahead", Heals.AT_ONCE),
    MatrixFault("clock_1970", "the router starts again with its clock in 1970", Heals.AT_ONCE),
)
_OWNER = (MatrixFault("maintenance", "the owner orders maintenance, and ends it a little later", Heals.AT_ONCE),)
_LINK = (
    MatrixFault("ssh_drop", "the SSH link breaks", Heals.AT_ONCE, cuts=True),
    MatrixFault(
        "upload_cut", "the SSH link breaks half-way through the upload", Heals.AT_ONCE, Step.UPLOAD, Step.UPLOAD
    ),
    MatrixFault(
        "host_key_changed",
        "the station shows another SSH host key, until the owner accepts it",
        Heals.BY_OWNER,
        serves=False,
    ),
)
_POWER = (
    MatrixFault(
        "power_cut",
        "the station loses power for a moment",
        Heals.AT_ONCE,
        cuts=True,
    ),
    MatrixFault(
        "self_reboot",
        "the station reboots by itself",
        Heals.AT_ONCE,
        cuts=True,
    ),
    MatrixFault("station_clock", "the station's clock jumps a day ahead", Heals.AT_ONCE),
)
_CLOUD = (
    MatrixFault("cloud_401", "Drova refuses the token for a while"),
    MatrixFault("cloud_429", "Drova asks for patience a few times"),
    MatrixFault("cloud_500", "Drova answers with errors for a while"),
    MatrixFault("cloud_timeout", "Drova takes calls and does not answer for a while"),
    MatrixFault("cloud_garbage", "Drova answers with what is no answer for a while"),
    MatrixFault("cloud_empty", "Drova's list of sessions is empty for a while"),
)
_PROTECTOR = (
    MatrixFault("shadow_missing", "Shadow Defender's program is gone for a while"),
    MatrixFault("shadow_silent", "Shadow Defender's program does nothing and says nothing for a while"),
    MatrixFault("shadow_password", "Shadow Defender refuses the password for a while"),
    MatrixFault("shadow_partial", "one disk does not enter Shadow Mode for a while", last=Step.PROTECT),
    MatrixFault(
        "shadow_left",
        "the player takes a disk out of Shadow Mode; the owner looks it through",
        Heals.BY_OWNER,
        Step.IN_SESSION,
        Step.IN_SESSION,
        serves=False,
    ),
    MatrixFault(
        "comes_back_shadowed",
        "the way out of Shadow Mode is lost: the disks come back in it",
        Heals.AT_ONCE,
        Step.IN_SESSION,
        Step.RESET_SENT,
        more_resets=1,
        more_resets_why="the first one cannot lead out",
    ),
)
_SCRIPT = (
    MatrixFault("disk_full", "the station's disks are full for a while", last=Step.PREPARE),
    MatrixFault(
        "script_killed", "the script is killed on the station half-way", Heals.AT_ONCE, Step.PREPARE, Step.PREPARE
    ),
    MatrixFault("explorer_gone", "Explorer does not come up again for a while", last=Step.PREPARE),
)
_RESET = (
    MatrixFault(
        "reboot_never",
        "Windows takes orders to reboot and does nothing",
        Heals.BY_OWNER,
        Step.IN_SESSION,
        Step.RESET_SENT,
        more_resets=2,
        more_resets_why="none of them is carried out",
    ),
    MatrixFault(
        "never_comes_back", "the station stays off after its reset", Heals.BY_OWNER, Step.IN_SESSION, Step.REBOOTING
    ),
)

FAMILIES: dict[str, tuple[MatrixFault, ...]] = {
    "gate": _GATE,
    "owner": _OWNER,
    "link": _LINK,
    "power": _POWER,
    "cloud": _CLOUD,
    "protector": _PROTECTOR,
    "script": _SCRIPT,
    "reset": _RESET,
}

MATRIX: dict[str, MatrixFault] = {fault.name: fault for family in FAMILIES.values() for fault in family}
"""Every row by its name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault at one step in one mode."""

    fault: MatrixFault
    step: Step
    mode: Mode

    @property
    def name(self) -> str:
        """Unique, and fit for a file name."""
        return f"{self.fault.name}-{self.step}-{self.mode}"


def cells(faults: Iterable[MatrixFault] | None = None) -> list[Cell]:
    """List the cells of these rows (all of them when none are named), meaningless ones left out."""
    rows = MATRIX.values() if faults is None else faults
    return [
        Cell(fault, step, mode)
        for fault, step, mode in product(rows, STEPS, (Mode.SOCKET, Mode.POLL))
        if fault.tried_at(step)
    ]


def pairwise() -> list[Cell]:
    """List few cells that hold every pair of (fault, mode) and of (step, mode); the same ones each time.

    Greedy: the next cell is the one with the most pairs that no cell before it holds. Rows that run the gate as a process take longest and
    count only for themselves.
    """
    everything = cells()
    left = {pair for cell in everything for pair in _pairs(cell)}
    chosen: list[Cell] = []
    while left:
        best = max(everything, key=lambda cell: (len(left & _pairs(cell)), _scatter(cell)))
        chosen.append(best)
        left -= _pairs(best)
    return chosen


def _pairs(cell: Cell) -> set[tuple[str, str]]:
    own = {(cell.fault.name, str(cell.mode))}
    return own if cell.fault.process else own | {(str(cell.step), str(cell.mode))}


def _scatter(cell: Cell) -> int:
    """Ties go to another step for each fault, so that a row is not tried at its first step only."""
    number = list(MATRIX).index(cell.fault.name) + (6 if cell.mode is Mode.POLL else 0)
    return (STEPS.index(cell.step) + 5 * number) % len(STEPS)


def share(whole: list[Cell], number: int, of: int) -> Iterator[Cell]:
    """Every ``of``-th cell from ``number`` on, counted from 1: what one of several processes runs."""
    return iter(whole[number - 1 :: of])
