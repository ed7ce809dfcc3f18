"""The settings that a decision depends on, and the patience that it has: each number with its reason. Data only."""

from dataclasses import dataclass

__all__ = ["Policy"]


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
