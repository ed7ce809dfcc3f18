"""The words of the decision: phases, facts, actions. Data only.

A *fact* is something just read. ``None`` always means "not known", never "not there". Times are seconds of one monotonic
clock that the caller reads (``now``), except where a name ends in ``_wall`` (seconds since 1970) or ``_ms``.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

__all__ = [
    "Action",
    "Adopt",
    "Alarm",
    "AnswerHeld",
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
    "Policy",
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
class Policy:
    """The settings that a decision depends on."""

    prepare_all: bool = False
    """Prepare for every product, not only desktops."""
    admit_unprotected: bool = False
    relay: bool = False
    """A relay is ours, so players can be held (socket mode)."""
    protector_forgets: bool = True
    """The protector makes the disk forget; ``False`` with ``DROVA_PROTECTOR=none``."""
    reset_wait_seconds: float = 300.0
    """How long a reset may take to be proved before it is tried again."""
    reset_ignored_seconds: float = 60.0
    """How long a station may still show the old boot stamp before the reset is sent again."""
    reset_tries: int = 2
    resets_an_hour: int = 10
    """More is a loop, not business: a rental and its reboot take six minutes at least, and a station that reboots for nothing makes 30."""
    mend_seconds: float = 600.0
    """From a reset that proved nothing to the next try in quarantine; doubles each time. The owner may be at the station by then."""
    mend_cap: float = 21_600.0
    wake_seconds: float = 120.0
    """After its reset a PC answers within 30 to 90 s: then it is called and the owner told."""
    wake_until: float = 1800.0
    """Afterwards it is off because somebody wants it so."""
    agent_wait_seconds: float = 90.0
    """For the Drova agent to open its port on a station that is free: it may be updating itself."""
    prepare_tries: int = 2
    """Preparations in a row that the station fails before it is no offer to players any more."""
    rest_seconds: float = 3600.0
    """For which such a station stays hidden before one more player may try it."""
    unguarded_seconds: float = 15.0
    """For a session to stand there without its station being reachable before the owner is told."""
    silence_seconds: float = 60.0
    """For the cloud to be silent before the owner of a station without a relay is told."""
    list_lag_seconds: float = 1.5
    """For a new session to stand in the cloud's list: an answer without one is believed of a player only when he has waited for so long."""
    back_seconds: float = 20.0
    """While the cloud is silent: for a player whose connection broke, or whose station has just been prepared, to come, which his client
    does by itself; whoever comes later may be the next one."""
    evict: bool = False
    """Without a relay: end the stream of a player whose station is not protected."""
    prepare_retry_seconds: float = 2.0
    """After a preparation that failed; short enough for a second try within the five seconds that a player is held. Doubles each time."""
    prepare_retry_cap: float = 60.0
    prepare_tries_in_game: int = 3
    """Without a relay: preparations that ran through and failed, after which the player is left alone."""
    ends_soon_seconds: float = 900.0
    """Before a lease's deadline: the owner is told, in time to ask for more."""
    still_hidden_seconds: float = 600.0
    """For a station that we hid to be seen clean and shown again, before the owner is told what is missing."""
    fresh_session_seconds: float = 90.0
    """At the first look after a start: an unprepared session older than this may have its player in the game already."""


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


Action = Adopt | Prepare | Reset | Wake | Evict | Release | AnswerHeld | Publish | OwnHiding | EndLease | Forget | Alarm


@dataclass(frozen=True, slots=True)
class Decision:
    """The next phase, what to do, and the one sentence that says why."""

    phase: Phase
    actions: tuple[Action, ...]
    reason: str
