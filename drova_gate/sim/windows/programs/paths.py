"""File arguments of console programs."""

from fnmatch import translate
from re import IGNORECASE
from re import compile as compile_pattern

from drova_gate.sim.windows.program import Call

__all__ = ["absolute", "matching"]


def absolute(call: Call, path: str) -> str:
    """A path argument as an absolute one."""
    flat = path.replace("/", "\\").strip('"')
    if flat[1:2] == ":":
        return flat
    if flat.startswith("\\"):
        return call.directory[:2] + flat
    return call.directory.rstrip("\\") + "\\" + flat


def matching(call: Call, pattern: str) -> list[str]:
    """Files and folders that a pattern with ``*`` and ``?`` in its last part names."""
    whole = absolute(call, pattern)
    folder, _, last = whole.rpartition("\\")
    files = call.machine.files
    if "*" not in last and "?" not in last:
        return [whole] if files.exists(whole) else []
    top = folder + "\\" if folder.endswith(":") else folder
    if not files.is_dir(top):
        return []
    # Windows' "*.*" means every name.
    wanted = compile_pattern(translate("*" if last == "*.*" else last), IGNORECASE)
    return [f"{folder}\\{name}" for name in files.listing(top) if wanted.match(name)]
