"""The settings by name: what an owner may write, what holds if he does not, and what it means."""

from dataclasses import dataclass

__all__ = ["SETTINGS", "Setting"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name is a contract with the owners' files."""

    name: str
    default: str
    meaning: str
    secret: bool = False
    whole_process: bool = False
    """Belongs to the process, not to a station."""


SETTINGS: tuple[Setting, ...] = (
    Setting("WINDOWS_HOST", "", "address of the station (required)"),
    Setting("WINDOWS_LOGIN", "", "SSH login, an administrator of the station (required)"),
    Setting("WINDOWS_PASSWORD", "", "password of the SSH login (required, or WINDOWS_KEY_FILE)", secret=True),
    Setting("WINDOWS_KEY_FILE", "", "private key file, instead of the password"),
    Setting("WINDOWS_SSH_PORT", "22", "port of the station's SSH server"),
    Setting(
        "WINDOWS_HOST_KEY", "", "pinned host key, SHA256:...; empty: learned at first use, kept in the state directory"
    ),
    Setting(
        "SHADOW_DEFENDER_PASSWORD", "", "password of Shadow Defender (required with it; may be set empty)", secret=True
    ),
    Setting("SHADOW_DEFENDER_DRIVES", "", "volumes to protect, e.g. CDE; empty: all fixed volumes"),
    Setting("DROVA_PROTECTOR", "shadow_defender", "shadow_defender, or none: nothing is rolled back by us"),
    Setting("DROVA_SOCKET_LISTEN", "", "TCP port to listen on (required by drova_socket)"),
    Setting("DROVA_LISTEN_HOST", "0.0.0.0", "address to listen on"),  # noqa: S104 - a relay serves players from outside
    Setting("DROVA_TARGET_PORT", "7985", "the station's port that players are relayed to"),
    Setting(
        "DROVA_ALLOW",
        "",
        "networks and addresses that players may come from, e.g. 192.168.0.0/16; empty: from anywhere",
    ),
    Setting("DROVA_MAX_CONNECTIONS", "256", "connections that the relay takes at once, in all"),
    Setting("DROVA_MAX_PER_ADDRESS", "32", "connections that the relay takes at once from one address"),
    Setting(
        "DROVA_DRAIN_SECONDS",
        "0",
        "at a stop no new player is let in, and those who play have so long to end by themselves; 0: they are cut at once",
    ),
    Setting("DROVA_API_URL", "https://services.drova.io", "the Drova API"),
    Setting(
        "DROVA_TOKEN",
        "",
        "merchant token, renewed and kept in the state directory; empty: the station's own token, read from its registry",
        secret=True,
    ),
    Setting(
        "DROVA_HOLD_SECONDS",
        "5",
        "how long a player may be held at the door while the station is prepared; 0: never hold",
    ),
    Setting("DROVA_UNPROTECTED", "refuse", "a player whose station is not prepared in time: refuse or admit"),
    Setting(
        "DROVA_EVICT",
        "off",
        "on: without a relay, end the stream of a player whose station is not protected (ese.exe on the station)",
    ),
    Setting("DROVA_WOL_MAC", "", "the station's MAC address, to wake it when it does not come back from its reset"),
    Setting("DROVA_PREPARE", "desktop", "prepare for desktop sessions only, or for all"),
    Setting("DROVA_WIPE", "full", "full, or min: the smallest sign-out of each recipe"),
    Setting(
        "DROVA_LAUNCHERS_DIR",
        "",
        "folder with your own recipes and lockdown.toml; what has the same name replaces ours",
    ),
    Setting("DROVA_POLL_SECONDS", "1", "time between two questions to the cloud while something is going on"),
    Setting(
        "DROVA_STATE_DIR",
        "",
        "where the gate remembers; empty: /var/lib/drova_gate, else the user's state directory",
        whole_process=True,
    ),
    Setting(
        "DROVA_CONFIG",
        "",
        "file with many stations: TOML with [defaults] and [[station]], or JSON with defaults and hosts",
        whole_process=True,
    ),
    Setting(
        "DROVA_EVENTS_DAYS",
        "90",
        "for how many days the record of events is kept",
        whole_process=True,
    ),
    Setting(
        "DROVA_STATUS_GROUP",
        "",
        "Unix group whose members may ask for the status; empty: the gate's own user and root",
        whole_process=True,
    ),
    Setting(
        "DROVA_GEO_DIR",
        "",
        "folder with GeoIP files (.mmdb) that tell players' cities and providers; empty: the state directory, /usr/share/GeoIP, /var/lib/GeoIP",
        whole_process=True,
    ),
    Setting("ENV_LOCATION", ".env", "the file that the settings are read from", whole_process=True),
    Setting(
        "DROVA_LANG",
        "",
        "language of what people read (doctor, status, errors): ru or en; empty: the locale's; logs stay English",
        whole_process=True,
    ),
    Setting("DROVA_LOG_FORMAT", "text", "text, or json for machines", whole_process=True),
    Setting("DROVA_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR", whole_process=True),
)
