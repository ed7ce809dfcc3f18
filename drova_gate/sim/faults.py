"""What can go wrong, by name: the list that people choose from, and what the right end of each is.

A fault with a side ``station``, ``agent`` or ``cloud`` is switched in that part's set of faults; a ``script`` fault is played by
whoever drives the session. What can go wrong around an owner's account, whatever is played on his stations, stands apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["ACCOUNT_FAULTS", "FAULTS", "Fault", "Side"]

Side = Literal["station", "agent", "cloud", "script"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can go wrong around a desktop session."""

    name: str
    side: Side
    line: str
    """What happens, for the owner of a station."""
    refused: bool = False
    """The right end is that the session's player is not let in."""
    quarantined: bool = False
    """The right end is that the station stays closed after the session: it could not be proved clean."""


_STATION = (
    # Without Shadow Mode on every volume whatever the player does stays: nobody may come in.
    Fault("shadow_refuses", "station", "Shadow Defender says that it entered Shadow Mode, and did not", refused=True),
    Fault("shadow_partial", "station", "the last disk never enters Shadow Mode", refused=True),
    Fault("shadow_password", "station", "Shadow Defender refuses the password", refused=True),
    Fault("shadow_missing", "station", "Shadow Defender is not installed", refused=True),
    Fault("shadow_silent", "station", "Shadow Defender's program says nothing and does nothing", refused=True),
    # The player is in by then; a plain reboot rolls the disk back without the program.
    Fault("cmdtool_deleted", "station", "the player deletes Shadow Defender's program"),
    # The second reset helps in both cases.
    Fault("reset_ignored", "station", "Windows takes the first order to reboot and does nothing"),
    Fault("comes_back_shadowed", "station", "after the reboot the disks are in Shadow Mode again"),
    # This player was let in rightly; the next one must not be.
    Fault("not_rolled_back", "station", "the reboot keeps what the session wrote to the disk", quarantined=True),
    Fault("never_comes_back", "station", "the station stays off after the reboot", quarantined=True),
    Fault("reboot_never", "station", "Windows takes every order to reboot and does nothing", quarantined=True),
    Fault("slow_boot", "station", "the reboot takes five times as long"),
    # A lost link says nothing about the script: look again, then go on.
    Fault("ssh_drop_preparing", "station", "the SSH link breaks while the station is being prepared"),
    Fault("ssh_drop_session", "station", "the SSH link breaks five times in the middle of the session"),
    # Without a login nothing can be protected.
    Fault("login_refused", "station", "Windows refuses the SSH login", refused=True),
    # The link from before the change serves the session; nobody may log in to a stranger, so the reset is never proved.
    Fault(
        "host_key_changed", "station", "the station shows another SSH host key after the first login", quarantined=True
    ),
    # It is there before any player is.
    Fault("station_off", "station", "the station is off for the first three seconds"),
    # Without the station's identity no session can be known as its own.
    Fault("no_registration", "station", "the Drova agent is not registered on the station", refused=True),
    Fault("two_registrations", "station", "an old registration of the Drova agent is left beside the live one"),
    # The locks are the console user's: whoever signs in later would have none of them.
    Fault("nobody_signed_in", "station", "nobody is signed in at the station's console", refused=True),
    Fault("other_console_user", "station", "the player's desktop belongs to another Windows user, named in Cyrillic"),
    Fault("console_session_2", "station", "the console is Windows session 2, not 1"),
    # A lock that does not hold is an open door.
    Fault("policy_not_kept", "station", "Windows takes one lock and does not keep it", refused=True),
    # Named in log and report; Shadow Mode and the lockdown are what a player's admission rests on.
    Fault("file_in_use", "station", "the file with Steam's saved sign-in cannot be deleted"),
    # Without the script nothing is wiped or locked; without Explorer the player would see an empty screen.
    Fault("disk_full", "station", "no disk of the station has room for another byte", refused=True),
    Fault("explorer_gone", "station", "Explorer does not come up again once it was closed", refused=True),
    Fault("powershell_shell", "station", "the SSH server starts PowerShell instead of cmd.exe"),
    Fault("english_windows", "station", "Windows speaks English instead of Russian"),
    Fault("max_sessions_1", "station", "the SSH server allows hardly any sessions at once (MaxSessions 2)"),
)

_AGENT = (
    # Players connect again.
    Fault("agent_resets", "agent", "the Drova agent drops the first player's connection"),
    # The station itself never says that it is ready: nobody can be let in.
    Fault("agent_silent", "agent", "the Drova agent takes connections and never says that it is ready", refused=True),
    Fault("ready_glued", "agent", "the ready byte comes together with other data"),
    Fault("agent_refuses", "agent", "the Drova agent's port is closed", refused=True),
)

_CLOUD = (
    Fault("cloud_401_once", "cloud", "Drova's token has run out and must be renewed"),
    # These four last until they are switched off. As long as nothing is known of the session, the waiting player is not let in
    # (DROVA_UNPROTECTED=refuse); switched on in mid-session they must change nothing.
    Fault("cloud_401", "cloud", "Drova refuses the token, renewed or not", refused=True),
    # Over before the hold is.
    Fault("cloud_429", "cloud", "Drova asks for patience a few times"),
    Fault("cloud_500", "cloud", "Drova answers every call with an error", refused=True),
    Fault("cloud_timeout", "cloud", "Drova takes calls and never answers", refused=True),
    Fault("cloud_garbage", "cloud", "Drova answers with something that is no answer", refused=True),
    # An empty list in mid-session is no end of a session.
    Fault("cloud_empty", "cloud", "Drova's list of sessions is empty for a while in mid-session"),
    Fault("foreign_sessions", "cloud", "other stations' sessions stand in the answer"),
    Fault("unknown_status", "cloud", "the session has a status that nobody knows"),
    Fault("ipv6_player", "cloud", "the player's address is IPv6"),
    Fault("old_uuid_product", "cloud", "the game is an old entry of the catalogue that opens the desktop"),
    Fault("publish_lies", "cloud", "Drova confirms that it hides or shows the station and does not"),
)

_SCRIPT = (
    # The second player waits for the reset.
    Fault("back_to_back", "script", "the next session starts before the end of this one is ever shown"),
    # The session is over: whoever still waits for it must not come in to a station that is about to reboot.
    Fault("aborted_preparing", "script", "the session is aborted while the station is being prepared", refused=True),
    Fault("second_connection", "script", "a second connection comes in during the session"),
    Fault("client_half_closes", "script", "the player closes his sending side before the station is ready"),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in (*_STATION, *_AGENT, *_CLOUD, *_SCRIPT)})
"""Every fault by its name, in the order in which people meet them."""

_ACCOUNT = (
    Fault("publish_inverted", "cloud", "Drova hides a station when it is told to show it, and the other way round"),
    Fault("finished_late", "cloud", "Drova's list shows the end of a session some seconds late"),
    Fault("writes_lie", "cloud", "Drova confirms a change that the owner asks for and does not make it"),
    Fault("write_hangs", "cloud", "Drova makes a change that the owner asks for and never answers"),
    Fault("cloud_down", "cloud", "Drova cuts every connection without an answer"),
)

ACCOUNT_FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _ACCOUNT})
"""What can go wrong around an owner's account: for his commands, and no part of a session's play."""
