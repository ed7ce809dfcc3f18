"""The station as the compiler sees it: whose hive, whose folders, which session. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from drova_gate.steps.guard import split_key

__all__ = ["Target"]


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
    """Path variables without their braces; one that is missing was not found on the station."""

    @property
    def home(self) -> str:
        """Where the payload lies."""
        return self.folders["program_data"] + r"\drova_gate"

    def path(self, path: str) -> str | None:
        """Fill in a recipe's path; ``None``: its variable was not found on this station."""
        head, _, rest = path.partition("\\")
        if not head.startswith("{"):
            return path
        folder = self.folders.get(head[1:-1])
        return None if folder is None else f"{folder}\\{rest}"

    def key(self, key: str) -> str:
        """Full path of a recipe's registry key."""
        hive, rest = split_key(key)
        return f"{self.user_hive if hive == 'HKCU' else 'HKEY_LOCAL_MACHINE'}\\{rest}"
