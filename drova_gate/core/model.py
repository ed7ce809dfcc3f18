"""The words of the decision: phases, facts, actions. Data only.

A *fact* is something just read. ``None`` always means "not known", never "not there". Times are seconds of one monotonic
clock that the caller reads (``now``), except where a name ends in ``_wall`` (seconds since 1970) or ``_ms``.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from drova_gate.core.policy import Policy

__all__ = [
    "Action",
    "Adopt",
    "Alarm",
    "AnswerHeld",
    "Bared",
    "CloudFacts",
    "Decision",
    "EndLease",
    "Evict",
    "Facts",
    "Forget",
    "HostFacts",
    "Lease",
    "OwnHiding",
    "Phase",
    "PreparationReport",
    "Prepare",
    "Publish",
    "Record",
    "RelayFacts",
    "Release",
    "Reset",
    "SessionFact",
    "StepOutcome",
    "StepResult",
    "Verdict",
    "Wake",
]


class Phase(StrEnum):
    """Where a station stands between two rentals."""

    UNKNOWN = "unknown"
    """First look after a start: adopt what is there."""
    CLEAN = "clean"
    PREPARING = "preparing"
    IN_SESSION = "in_session"
    RESETTING = "resetting"
    QUARANTINED = "quarantined"
    """Not proved clean: nobody is admitted."""
    MAINTENANCE = "maintenance"
    """The owner works on it: hands off."""


class Verdict(StrEnum):
    """What becomes of a held connection."""

    ADMIT = "admit"
    REFUSE = "refuse"


class StepOutcome(StrEnum):
    """How one step of a preparation ended."""

    CHANGED = "changed"
    CLEAN = "clean"
    """Nothing was there to change."""
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step's end, from evidence that was read back."""

    name: str
    """``<recipe>.<step>``, for example ``steam.token``."""
    outcome: StepOutcome
    reason: str = ""
    must: bool = False
    """A failed *must* step means: not prepared."""


@dataclass(frozen=True, slots=True)
class PreparationReport:
    """What a preparation did, as confirmed by the station."""

    session: UUID
    marker: str
    """The random id that stands on the station's disks while they are in Shadow Mode."""
    shadowed: frozenset[str]
    """Volume letters in Shadow Mode, by the protector's own list after everything else."""
    entered: frozenset[str]
    """Volume letters that we brought into Shadow Mode: those are ours to leave."""
    steps: tuple[StepResult, ...]
    commands: int
    """SSH commands sent for it."""
    seconds: float
    fault: str = ""
    """Why preparation stopped before its end; empty when it ran through."""
    passing: bool = False
    """What stopped it was no fault of the station's: a link that broke."""

    @property
    def prepared(self) -> bool:
        """Whether a player may come in: ran through, and no must-step failed."""
        return not self.fault and not any(step.must and step.outcome is StepOutcome.FAILED for step in self.steps)


@dataclass(frozen=True, slots=True)
class SessionFact:
    """A rental as the cloud tells it, on this station."""

    uuid: UUID
    product: UUID
    status: str
    """As sent; compare through the properties, new words must not break anything."""
    created_ms: int
    desktop: bool | None
    """Whether the player gets a desktop; ``None``: the product's flag is not known."""
    absent_at: float | None = None
    """When the cloud last answered without this session; ``None``: it stood in the first answer that this process got."""
    seen_at: float | None = None
    """When this process first saw it."""
    own: bool = False
    """The owner himself plays, by the cloud's word."""

    @property
    def over(self) -> bool:
        """FINISHED or ABORTED; an unknown word is not an end."""
        return self.status in ("FINISHED", "ABORTED")

    @property
    def active(self) -> bool:
        """The player is connected, by the cloud's word."""
        return self.status == "ACTIVE"


@dataclass(frozen=True, slots=True)
class CloudFacts:
    """One answer of the cloud about this station's sessions, newest first."""

    sessions: tuple[SessionFact, ...]
    read_at: float
    """When the request was sent: what came up later is not in it."""
    published: bool | None = None
    """In the catalogue; ``None``: not asked."""
    hidden_since: float | None = None
    """Since when every reading of the catalogue found it hidden; ``None``: it is shown, or not asked."""
    missing: tuple[SessionFact, ...] = ()
    """Sessions that had the station by an earlier answer to this process and that this one leaves out, which is no end."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One look at the station."""

    shadowed: frozenset[str] | None
    """Volumes in Shadow Mode; ``None``: the protector did not say."""
    marker: str | None
    """Our marker's id on the station; empty: none there; ``None``: not known."""
    marker_session: str | None
    """The session the marker was written for; empty: none."""
    boot_stamp: str | None
    """Our id in memory-only registry: any id of ours means the same boot as when it was written; empty: none there."""
    agent_up: bool | None
    """The Drova agent takes connections on its port."""
    read_at: float
    linked_at: float = 0.0
    """When the SSH link that this was read over came up."""
    protector_fault: str = ""
    """Why ``shadowed`` is not known, in words for the owner."""
    agent_down_since: float | None = None
    """Since when every look found the agent's port closed."""
    marked: frozenset[str] | None = None
    """Volumes on which a file of our marker lies; ``None``: not asked, or not answered."""
    unmarked: frozenset[str] = frozenset()
    """Volumes that were asked and are there without it; one that is unplugged or locked is in neither."""


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """What waits at the door."""

    held: int = 0
    """Connections whose ready byte was seen and which wait for a verdict."""
    oldest_at: float | None = None
    """When the longest-waiting one began to wait."""
    newest_at: float | None = None
    live: int = 0
    """Connections being relayed or held."""
    quiet_since: float | None = None
    """Since when nobody's bytes are relayed; ``None``: somebody's are now."""


@dataclass(frozen=True, slots=True)
class Record:
    """What outlives the process: one small file per station."""

    phase: Phase = Phase.UNKNOWN
    session: UUID | None = None
    """The guarded session."""
    session_created_ms: int = 0
    prepared: bool = False
    """The guarded session's preparation was confirmed."""
    marker: str = ""
    boot_stamp: str = ""
    """Left in the station's memory-only registry for the guarded session."""
    entered: frozenset[str] = frozenset()
    """Volumes that we brought into Shadow Mode."""
    bared: frozenset[str] = frozenset()
    """Of those, volumes that were seen out of it in the middle of the guarded session: what was written there then stays."""
    reset_tries: int = 0
    """Resets sent for the guarded session; a reset counts once the station has taken the command."""
    hidden_by_us: bool = False
    """Written before the station is hidden, and only when it was visible: what the owner hid stays his."""
    quarantine_reason: str = ""
    failed: int = 0
    """Preparations that the station itself failed, one after the other, whatever session they were for."""
    failed_why: str = ""
    """What the last of them lacked."""
    resets: tuple[int, ...] = ()
    """When resets were sent in the last hour, in seconds since 1970."""
    empty_since: int = 0
    """Since when nobody is in the guarded session, in seconds since 1970; 0: somebody is, as far as was noted."""
    server: UUID | None = None
    """The station's id in the cloud, so that a station that is off at our start can still be asked about."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The owner's order to keep hands off his station: a lease that ends by itself, or a bare note that he takes away."""

    why: str
    """In his words."""
    hides: bool = False
    """The station is hidden, and its player leaves, before the hands come off; ``False``: a bare note, hands off at once."""
    by: str = ""
    since_wall: int = 0
    until_wall: int | None = None
    """The deadline; ``None``: until he says so."""
    hidden: bool | None = None
    """While no gate ran his command has hidden the station, which makes it ours to show again, or has shown it (``False``);
    ``None``: what the record says, holds."""
    ended: bool = False
    """He has said so."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision may look at."""

    record: Record
    policy: Policy
    cloud: CloudFacts | None = None
    """``None``: the cloud did not answer in this cycle."""
    cloud_fault: str = ""
    cloud_silent_since: float | None = None
    """Since when the cloud has not answered; ``None``: its last answer was good."""
    host: HostFacts | None = None
    """``None``: the station did not answer in this cycle."""
    host_fault: str = ""
    relay: RelayFacts = field(default_factory=RelayFacts)
    maintenance: Lease | None = None
    """The owner's order, whether it is in force or over; ``None``: there is none."""
    released: bool = False
    """The owner has ordered that a quarantine be lifted."""
    wall_ms: int = 0
    """Milliseconds since 1970 by the gate's clock (a router's may be wrong after a power cut)."""
    report: PreparationReport | None = None
    """How the last preparation of this process ended."""
    report_at: float | None = None
    report_tries: int = 0
    """Preparations of the guarded session in this process that failed, one after the other."""
    phase_since: float | None = None
    """When this process entered the phase."""
    rested_since: float | None = None
    """When the station was last found unable to be prepared, or this process began to know it."""
    left_at: float | None = None
    """Since when nobody is in, as an earlier process noted it; ``None``: it did not, or somebody was let in since."""
    proved_at: float | None = None
    """When this process last saw the station proved clean after a reset: whoever was on it then was put out."""
    reset_at: float | None = None
    """When the last reset was sent, or this process began to wait for its proof."""


# -- actions ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepare:
    """Protect, sign out, lock down, confirm, for this session."""

    session: UUID
    created_ms: int


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take a session that the station itself says it was prepared for as the guarded one; change nothing."""

    session: UUID
    created_ms: int


@dataclass(frozen=True, slots=True)
class Bared:
    """Volumes have left Shadow Mode in the middle of the guarded session: to be remembered beyond its reset."""

    volumes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reset:
    """Leave Shadow Mode at the next boot, reboot; the proof is a matter of later facts."""

    why: str
    plain: bool = False
    """Reboot without the protector's program: it may be what hung."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Call a station that is off over the network; the caller minds the pace."""


@dataclass(frozen=True, slots=True)
class Evict:
    """End the player's stream on the station; the caller minds the pace."""

    why: str


@dataclass(frozen=True, slots=True)
class Release:
    """The owner's order is carried out: what was held against the station is forgotten."""


@dataclass(frozen=True, slots=True)
class AnswerHeld:
    """Give every held connection this verdict."""

    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Hide the station from the catalogue, or show it again (only if it was we who hid it)."""

    visible: bool
    why: str


@dataclass(frozen=True, slots=True)
class OwnHiding:
    """The owner's command has hidden the station for us, and we show it again; or it has done that already."""

    ours: bool


@dataclass(frozen=True, slots=True)
class EndLease:
    """The order is over: take it away."""

    why: str


@dataclass(frozen=True, slots=True)
class Forget:
    """The guarded session is settled: clear it from the record."""

    ours: frozenset[str] = frozenset()
    """Volumes of ours that were not seen out of Shadow Mode: those stay ours to leave."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Tell the owner, loudly, once per text."""

    text: str
    about: str = ""
    """Stands for the alarm where its text differs each time."""


Action = (
    Adopt
    | Prepare
    | Bared
    | Reset
    | Wake
    | Evict
    | Release
    | AnswerHeld
    | Publish
    | OwnHiding
    | EndLease
    | Forget
    | Alarm
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The next phase, what to do, and the one sentence that says why."""

    phase: Phase
    actions: tuple[Action, ...]
    reason: str
