"""Volumes with case-blind paths, an overlay while in Shadow Mode, files in use, read-only files, junctions."""

import errno
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from drova_gate.sim.windows.journal import Journal

__all__ = ["FileInUse", "FileSystem", "Node", "parent_of"]

_GIGABYTE = 1_000_000_000
_RESIDENT = 600
"""Bytes of a file that NTFS keeps in its own table: these find room on a full volume too."""


class FileInUse(PermissionError):
    """Windows error 32: another process holds the file without sharing it."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EACCES, "in use by another process", path)


@dataclass(frozen=True, slots=True)
class Node:
    """A file, a directory or a junction."""

    name: str
    """As it was written at creation: Windows keeps the case and never compares it."""
    data: bytes | None = None
    """``None``: a directory."""
    flags: frozenset[str] = frozenset()
    """Of ``r`` read-only, ``h`` hidden, ``s`` system, ``a`` archive."""
    target: str = ""
    """Where a junction leads."""
    modified: float = 0.0
    """Seconds since 1970."""


class _Disk:
    """A volume's nodes by key, and by directory: nobody looks through the whole volume for what is in one."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self._inside: dict[str, dict[str, None]] = {}

    def copy(self) -> "_Disk":
        other = _Disk()
        other.nodes = dict(self.nodes)
        other._inside = {key: dict(inside) for key, inside in self._inside.items()}
        return other

    def put(self, key: str, node: Node) -> None:
        self.nodes[key] = node
        if not key.endswith("\\"):
            self._inside.setdefault(_directory(key), {})[key] = None

    def remove(self, key: str) -> None:
        del self.nodes[key]
        self._inside.get(_directory(key), {}).pop(key, None)

    def inside(self, key: str) -> list[tuple[str, Node]]:
        return [(inner, self.nodes[inner]) for inner in self._inside.get(key, ())]

    def below(self, key: str) -> Iterator[tuple[str, Node]]:
        for inner, node in self.inside(key):
            yield inner, node
            yield from self.below(inner)


class _Volume:
    def __init__(self, letter: str, free: float) -> None:
        self.letter = letter
        self.free = free
        self.now = _Disk()
        self.now.put(f"{letter.lower()}:\\", Node(f"{letter}:\\"))
        self.base: _Disk | None = None
        """What the disk will hold after the next boot; ``None``: not in Shadow Mode."""


class FileSystem:
    """The fixed volumes of a PC; paths are absolute Windows paths, with either kind of slash."""

    def __init__(self, drives: Mapping[str, float], journal: Journal, in_use: Callable[[str], bool]) -> None:
        self._volumes = {letter.upper(): _Volume(letter.upper(), free * _GIGABYTE) for letter, free in drives.items()}
        self._journal = journal
        self._in_use = in_use
        self.full: Callable[[], bool] = lambda: False
        """Whether no volume has room for another byte."""
        self.clock_ahead = 0.0
        """Seconds by which the PC's clock is wrong."""

    # -- Shadow Mode ---------------------------------------------------------------------------------------------

    def begin_shadow(self, letter: str) -> None:
        """From now on writes to this volume go to the overlay."""
        volume = self._volumes[letter]
        if volume.base is None:
            volume.base = volume.now.copy()

    def forget(self, letter: str) -> None:
        """Drop the overlay: the volume is as it was when it entered Shadow Mode."""
        volume = self._volumes[letter]
        if volume.base is not None:
            volume.now, volume.base = volume.base, None

    def keep(self, letter: str) -> None:
        """Make the overlay the disk's content."""
        self._volumes[letter].base = None

    def commit(self, path: str) -> bool:
        """Write one file or folder of the overlay through to the disk; whether there was something to write."""
        key = self._key(path)
        volume = self._volumes[key[0].upper()]
        now, base = volume.now, volume.base
        if key not in now.nodes or base is None:
            return key in now.nodes
        for part in _ancestors(key):
            if part not in base.nodes:
                base.put(part, now.nodes[part])
        for other, node in [(key, now.nodes[key]), *now.below(key)]:
            base.put(other, node)
        return True

    def lasting(self) -> dict[str, tuple[str, bytes | None, frozenset[str], str]]:
        """What the disks hold once every overlay is dropped: key to name, content, attributes and junction target."""
        disks = (volume.now if volume.base is None else volume.base for volume in self._volumes.values())
        return {
            key: (node.name, node.data, node.flags, node.target) for disk in disks for key, node in disk.nodes.items()
        }

    # -- reading -------------------------------------------------------------------------------------------------

    def letters(self) -> list[str]:
        """The volumes' letters, sorted."""
        return sorted(self._volumes)

    def unplug(self, letter: str) -> None:
        """The volume is not there any more."""
        del self._volumes[letter]

    def free(self, letter: str) -> int:
        """Free bytes of a volume."""
        return int(self._volumes[letter.upper()].free)

    def exists(self, path: str) -> bool:
        """Whether a file or directory is there."""
        return self._find(path) is not None

    def is_dir(self, path: str) -> bool:
        """Whether a directory (or a junction) is there."""
        node = self._find(path)
        return node is not None and node.data is None

    def is_junction(self, path: str) -> bool:
        """Whether the path itself is a junction."""
        node = self._find(path, follow_last=False)
        return node is not None and bool(node.target)

    def read(self, path: str) -> bytes:
        """A file's content."""
        node = self._get(path)
        if node.data is None:
            raise IsADirectoryError(errno.EISDIR, "is a directory", path)
        return node.data

    def size(self, path: str) -> int:
        """Bytes of a file; 0 for a directory."""
        return len(self._get(path).data or b"")

    def modified(self, path: str) -> float:
        """Seconds since 1970 of the last write."""
        return self._get(path).modified

    def attributes(self, path: str) -> set[str]:
        """Letters: ``r`` ``h`` ``s`` ``a``, ``d`` for a directory, ``l`` for a junction."""
        node = self._get(path, follow_last=False)
        kind = {"d"} if node.data is None else set[str]()
        return kind | set(node.flags) | ({"l"} if node.target else set[str]())

    def listing(self, path: str) -> list[str]:
        """Names in a directory, sorted as NTFS sorts them."""
        key = self._key(path)
        node = self._disk(key).nodes.get(key)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "no such directory", path)
        if node.data is not None:
            raise NotADirectoryError(errno.ENOTDIR, "not a directory", path)
        return sorted((child.name for _, child in self._children(key)), key=str.upper)

    def real_name(self, path: str) -> str:
        """The path as its parts were written at creation."""
        key = self._key(path, follow_last=False)
        nodes = self._disk(key).nodes
        names = [nodes[part].name for part in [*_ancestors(key), key]]
        return names[0] + "\\".join(names[1:])

    def files_below(self, path: str) -> Iterator[str]:
        """Every file below a directory, junctions not followed."""
        if not self.is_dir(path) or self.is_junction(path):
            return
        for name in self.listing(path):
            inner = path.rstrip("\\") + "\\" + name
            if self.is_dir(inner):
                yield from self.files_below(inner)
            else:
                yield inner

    # -- writing -------------------------------------------------------------------------------------------------

    def write(self, path: str, data: bytes) -> None:
        """Create a file or replace its content; its directory must be there."""
        key = self._key(path)
        node = self._disk(key).nodes.get(key)
        if node is not None and node.data is None:
            raise IsADirectoryError(errno.EISDIR, "is a directory", path)
        self._need_parent(key, path)
        if node is not None:
            self._need_writable(key, node, path)
        if len(data) > _RESIDENT and self.full():
            raise OSError(errno.ENOSPC, "no space left on the volume", path)
        flags = node.flags if node is not None else frozenset({"a"})
        self._put(key, Node(node.name if node is not None else _last(path), data, flags, modified=self._now()))
        self._wrote(path, key)

    def delete(self, path: str) -> None:
        """Delete a file."""
        key = self._key(path, follow_last=False)
        node = self._get(path, follow_last=False)
        if node.data is None:
            raise PermissionError(errno.EACCES, "is a directory", path)
        self._need_writable(key, node, path)
        self._disk(key).remove(key)
        self._wrote(path, key)

    def make_directory(self, path: str, *, parents: bool = False) -> None:
        """Create a directory; with ``parents``, its parents too, and an existing one is fine."""
        key = self._key(path)
        now = self._disk(key).nodes
        if key in now:
            if parents and now[key].data is None:
                return
            raise FileExistsError(errno.EEXIST, "already there", path)
        if parents and _directory(key) not in now:
            for part, written in _written_ancestors(path):
                if self._find(part) is None:
                    self._put(self._key(part), Node(written, modified=self._now()))
        self._need_parent(key, path)
        self._put(key, Node(_last(path), modified=self._now()))
        self._wrote(path, key)

    def make_junction(self, path: str, target: str) -> None:
        """Create a junction that leads to another directory."""
        key = self._key(path)
        self._need_parent(key, path)
        self._put(key, Node(_last(path), target=target, modified=self._now()))
        self._wrote(path, key)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory, or a junction without what it leads to."""
        key = self._key(path, follow_last=False)
        node = self._get(path, follow_last=False)
        if node.data is not None:
            raise NotADirectoryError(errno.ENOTDIR, "not a directory", path)
        if not node.target and any(True for _ in self._children(key)):
            raise OSError(errno.ENOTEMPTY, "directory not empty", path)
        self._disk(key).remove(key)
        self._wrote(path, key)

    def remove_tree(self, path: str) -> None:
        """Remove a directory and what is in it as ``rmdir /s /q`` does: read-only files too, junctions as links only.

        Goes on past a file in use and raises :class:`FileInUse` for the first one at the end; its parents stay.
        """
        key = self._key(path, follow_last=False)
        if not self._get(path, follow_last=False).target:
            held = [inner for inner, _ in self._children(key, deep=True) if self._in_use(inner)]
            if held:
                self._remove_around(key, held)
                self._wrote(path, key)
                raise FileInUse(held[0])
        disk = self._disk(key)
        for inner in [*(inner for inner, _ in self._children(key, deep=True)), key]:
            disk.remove(inner)
        self._wrote(path, key)

    def rename(self, old: str, new: str, *, replace: bool = False) -> None:
        """Move a file or directory; ``replace`` overwrites a file that is there, as MoveFileEx does."""
        source, target = self._key(old, follow_last=False), self._key(new, follow_last=False)
        node = self._get(old, follow_last=False)
        self._need_parent(target, new)
        there = self._disk(target).nodes.get(target)
        if there is not None and target != source:
            if not replace or there.data is None or node.data is None:
                raise FileExistsError(errno.EEXIST, "already there", new)
            self._need_writable(target, there, new)
        if self._in_use(source) or any(self._in_use(inner) for inner, _ in self._children(source, deep=True)):
            raise FileInUse(old)
        if node.data is None and source[0] != target[0]:
            raise PermissionError(errno.EACCES, "a directory cannot move to another volume", old)
        moved = [(source, node), *self._children(source, deep=True)]
        for key, _ in moved:
            self._disk(key).remove(key)
        for key, inner in moved:
            fresh = replace_name(inner, _last(new)) if key == source else inner
            self._put(target + key[len(source) :], fresh)
        self._wrote(f"{old} -> {new}", target)
        if source[0] != target[0]:
            self._wrote(old, source)

    def set_attributes(self, path: str, flags: set[str]) -> None:
        """Replace the ``r`` ``h`` ``s`` ``a`` attributes."""
        key = self._key(path, follow_last=False)
        node = self._get(path, follow_last=False)
        self._put(key, replace_flags(node, frozenset(flags & {"r", "h", "s", "a"})))
        self._wrote(path, key)

    # -- inside --------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return time.time() + self.clock_ahead

    def _key(self, path: str, *, follow_last: bool = True) -> str:
        """The path in lower case with plain parts, junctions resolved."""
        letter, parts = _split(path)
        if letter not in self._volumes:
            raise FileNotFoundError(errno.ENOENT, "no such volume", path)
        nodes = self._volumes[letter].now.nodes
        root, *keys = _keys(path)
        for index, key in enumerate(keys if follow_last else keys[:-1], start=1):
            node = nodes.get(key)
            if node is not None and node.target:
                return self._key("\\".join([node.target, *parts[index:]]), follow_last=follow_last)
        return keys[-1] if keys else root

    def _disk(self, key: str) -> _Disk:
        return self._volumes[key[0].upper()].now

    def _find(self, path: str, *, follow_last: bool = True) -> Node | None:
        try:
            key = self._key(path, follow_last=follow_last)
        except FileNotFoundError:
            return None
        return self._disk(key).nodes.get(key)

    def _get(self, path: str, *, follow_last: bool = True) -> Node:
        node = self._find(path, follow_last=follow_last)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return node

    def _children(self, key: str, *, deep: bool = False) -> list[tuple[str, Node]]:
        disk = self._disk(key)
        return list(disk.below(key)) if deep else disk.inside(key)

    def _put(self, key: str, node: Node) -> None:
        self._disk(key).put(key, node)

    def _need_parent(self, key: str, path: str) -> None:
        parent = self._disk(key).nodes.get(_directory(key))
        if parent is None or parent.data is not None:
            raise FileNotFoundError(errno.ENOENT, "no such directory", path)

    def _need_writable(self, key: str, node: Node, path: str) -> None:
        if "r" in node.flags:
            raise PermissionError(errno.EACCES, "read-only", path)
        if self._in_use(key):
            raise FileInUse(path)

    def _remove_around(self, key: str, held: list[str]) -> None:
        staying = {key, *held}
        for path in held:
            staying.update(_ancestors(path))
        disk = self._disk(key)
        for inner in [inner for inner, _ in self._children(key, deep=True) if inner not in staying]:
            disk.remove(inner)

    def _wrote(self, path: str, key: str) -> None:
        self._journal.record("write", path, volume=key[0].upper())


def replace_name(node: Node, name: str) -> Node:
    """The same node under another name."""
    return replace(node, name=name)


def replace_flags(node: Node, flags: frozenset[str]) -> Node:
    """The same node with other attributes."""
    return replace(node, flags=flags)


def parent_of(path: str) -> str:
    """The directory of a path."""
    letter, parts = _split(path)
    return f"{letter}:\\" + "\\".join(parts[:-1])


@lru_cache(4096)
def _split(path: str) -> tuple[str, tuple[str, ...]]:
    flat = path.replace("/", "\\")
    flat = flat.removeprefix("\\\\?\\")
    if len(flat) < 2 or flat[1] != ":":
        raise FileNotFoundError(errno.ENOENT, "not an absolute Windows path", path)
    parts: list[str] = []
    for part in flat[2:].split("\\"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            # Windows drops blanks and dots at a name's end.
            parts.append(part.rstrip(" ."))
    return flat[0].upper(), tuple(parts)


@lru_cache(4096)
def _keys(path: str) -> tuple[str, ...]:
    """The keys of the volume's root, of each directory on the way, and of the path itself; junctions not resolved."""
    letter, parts = _split(path)
    low = [part.lower() for part in parts]
    root = f"{letter.lower()}:\\"
    return (root, *(root + "\\".join(low[:count]) for count in range(1, len(low) + 1)))


def _directory(key: str) -> str:
    """The key of the directory that a file or directory is in."""
    above = key.rpartition("\\")[0]
    return above if len(above) > 2 else above + "\\"


def _last(path: str) -> str:
    return _split(path)[1][-1]


def _ancestors(key: str) -> list[str]:
    """Every directory above a key, the volume's root first."""
    parts = key[3:].split("\\")
    return [key[:3], *(key[:3] + "\\".join(parts[:count]) for count in range(1, len(parts)))] if key[3:] else [key[:3]]


def _written_ancestors(path: str) -> list[tuple[str, str]]:
    letter, parts = _split(path)
    return [(f"{letter}:\\" + "\\".join(parts[:count]), parts[count - 1]) for count in range(1, len(parts))]
