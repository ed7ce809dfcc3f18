r"""Where the gate leaves its marks on a station: the boot stamp and the marker.

The boot stamp is a random id in ``HKLM\HARDWARE``, which Windows keeps in memory only and builds anew at every boot: it is
gone exactly when Windows has booted anew. The marker is a random id on the disk, written in Shadow Mode: it is gone
exactly when the disk was rolled back.
"""

__all__ = [
    "BOOT_KEY",
    "BOOT_VALUE",
    "MARKER_KEY",
    "MARKER_SESSION_VALUE",
    "MARKER_VALUE",
    "full_path",
    "marker_file",
]

BOOT_KEY = r"HKLM\HARDWARE\DESCRIPTION\System"
"""A stable key of a volatile hive: it takes values, while a new stable subkey would be refused (error 1021)."""
BOOT_VALUE = "drova_gate"
MARKER_KEY = r"HKLM\SOFTWARE\drova_gate"
MARKER_VALUE = "marker"
MARKER_SESSION_VALUE = "session"


def full_path(key: str) -> str:
    """Spell a key as ``reg query`` prints it."""
    hive, _, rest = key.partition("\\")
    return {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS", "HKCU": "HKEY_CURRENT_USER"}[hive] + "\\" + rest


def marker_file(volume: str) -> str:
    """Return the marker's path on a volume, by its letter."""
    return f"{volume}:\\drova_gate.marker"
