"""The station as the compiler sees it: whose hive, whose folders, which session. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drova_gate.host.identity import Console
from drova_gate.steps.guard import FOLDERS, split_key

__all__ = ["Target", "hive_of", "target_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where the preparation's HKCU and path variables lead on this station."""

    user_hive: str
    r"""``HKEY_USERS\<SID>`` of the console user; HKEY_CURRENT_USER only when his SID is not known."""
    session: int
    """The console session's number."""
    task_user: str
    r"""``DOMAIN\user`` for a task in the console session; empty when he is the SSH login himself."""
    folders: Mapping[str, str]
    """Windows' own folders by the name of their path variable, without braces."""
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Recipe and place to the folder that the registry names; one that is missing was not found on the station."""

    @property
    def home(self) -> str:
        """Where the payload lies."""
        return self.folders["program_data"] + r"\drova_gate"

    def path(self, recipe: str, path: str) -> str | None:
        """Fill in a path of this recipe; ``None``: its place was not found on this station."""
        head, _, rest = path.partition("\\")
        if not head.startswith("{"):
            return path
        name = head[1:-1]
        folder = self.folders[name] if name in FOLDERS else self.places.get((recipe, name))
        return None if folder is None else f"{folder}\\{rest}"

    def key(self, key: str) -> str:
        """Full path of a recipe's registry key."""
        hive, rest = split_key(key)
        return f"{self.user_hive if hive == 'HKCU' else 'HKEY_LOCAL_MACHINE'}\\{rest}"


def hive_of(sid: str) -> str:
    """Return the console user's hive; without his SID he can only be the SSH login himself."""
    return rf"HKEY_USERS\{sid}" if sid else "HKEY_CURRENT_USER"


def target_of(
    console: Console,
    program_data: str,
    documents: str = "",
    places: Mapping[tuple[str, str], str] | None = None,
) -> Target:
    """The station as the compiler sees it; ``documents``: empty for where it usually is."""
    account = rf"{console.domain}\{console.user}" if console.domain else console.user
    drive = program_data[:2]
    return Target(
        user_hive=hive_of(console.sid),
        session=console.session_id,
        task_user="" if console.same_as_login else account,
        folders={
            "profile": console.profile,
            "local": console.local,
            "roaming": console.roaming,
            # What has no variable of its own stands beside what has.
            "local_low": rf"{console.profile}\AppData\LocalLow",
            "documents": documents or rf"{console.profile}\Documents",
            "program_data": program_data,
            "program_files": rf"{drive}\Program Files",
            "program_files_x86": rf"{drive}\Program Files (x86)",
        },
        places=places or {},
    )
