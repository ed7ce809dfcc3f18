"""What Steam has installed on a station: one command for its place, then its files over SFTP, all at once. Changes nothing."""

import asyncio
from dataclasses import dataclass

from drova_gate.errors import OutcomeUnknown, StationUnreachable, TryAgain
from drova_gate.host.link import HostLink
from drova_gate.steam.keyvalues import Damaged
from drova_gate.steam.libraries import Library, Listed, app_of, listed_libraries, manifest_name
from drova_gate.steam.manifest import InstalledApp, read_manifest
from drova_gate.steam.place import find_steam

__all__ = ["Fault", "Scan", "read_app", "scan"]

FILE_LIMIT = 512 * 1024
"""Bytes of a manifest or of the list; real ones have 1 to 60 KB (a game of hundreds of depots)."""
AT_ONCE = 16
"""Files open at a time: Windows' sshd holds 256 handles of all kinds, and more in flight gains nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A file or folder that could not be read."""

    place: str
    what: str
    app_id: int | None = None
    """The app whose manifest it is: it is installed, but nothing more is known of it."""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything that was found."""

    steam: str
    """Steam's own folder."""
    libraries: tuple[Library, ...]
    apps: tuple[InstalledApp, ...]
    """In the order of their names; an app that lies in two libraries stands twice, the better copy first."""
    faults: tuple[Fault, ...] = ()
    list_read: bool = True
    """The list of libraries was read: no library is missing here without a fault that says so."""

    @property
    def complete(self) -> bool:
        """Whether an app that is not here is really not installed: every library was listed."""
        return self.list_read and all(library.there for library in self.libraries)

    @property
    def known(self) -> frozenset[int]:
        """Apps that are there in whatever state, those with a damaged manifest included."""
        damaged = {fault.app_id for fault in self.faults if fault.app_id is not None}
        return frozenset({app.app_id for app in self.apps} | damaged)

    def app(self, app_id: int) -> InstalledApp | None:
        """Find an app; of several copies the best."""
        return next((app for app in self.apps if app.app_id == app_id), None)


async def scan(link: HostLink) -> Scan:
    """Look through every library; what cannot be read is named among the faults, and the rest goes on."""
    steam = await find_steam(link)
    listed, faults = await _listed(link, steam)
    looks = await asyncio.gather(*(_look(link, one) for one in listed))
    gate = asyncio.Semaphore(AT_ONCE)
    jobs = [(library, app_id) for library, apps, _ in looks for app_id in apps]
    read = await asyncio.gather(*(_read(link, library, app_id, gate) for library, app_id in jobs))
    apps = [one for one in read if isinstance(one, InstalledApp)]
    apps.sort(key=lambda app: (app.name.casefold(), app.app_id, not app.ready))
    return Scan(
        steam=steam,
        libraries=tuple(library for library, _, _ in looks),
        apps=tuple(apps),
        faults=(
            *faults,
            *(fault for _, _, fault in looks if fault is not None),
            *(one for one in read if isinstance(one, Fault)),
        ),
        list_read=not faults,
    )


async def read_app(link: HostLink, library: str, app_id: int) -> InstalledApp | None:
    """Read one manifest anew; ``None``: it is not there, or half written just now."""
    path = _manifest_path(library, app_id)
    data = await link.read(path, limit=FILE_LIMIT)
    try:
        return None if data is None else read_manifest(data, library, app_id)
    except Damaged:
        return None


async def _listed(link: HostLink, steam: str) -> tuple[tuple[Listed, ...], list[Fault]]:
    r"""Read the list; Steam keeps a copy in ``config``, which stands in when the first one is damaged."""
    faults: list[Fault] = []
    for folder in ("steamapps", "config"):
        path = rf"{steam}\{folder}\libraryfolders.vdf"
        try:
            data = await link.read(path, limit=FILE_LIMIT)
            if data is not None:
                return listed_libraries(data, steam), []
            faults.append(Fault(path, "is not there"))
        except Damaged as damage:
            faults.append(Fault(path, str(damage)))
        except (StationUnreachable, OutcomeUnknown):
            raise
        except TryAgain as error:
            faults.append(Fault(path, _reason(error, path)))
    return listed_libraries(None, steam), faults


async def _look(link: HostLink, listed: Listed) -> tuple[Library, tuple[int, ...], Fault | None]:
    """List one library's manifests; free space is asked for in the same breath."""
    library = Library(listed.path, there=True, noted=listed.apps)
    try:
        names, free = await asyncio.gather(
            link.names_if_there(library.apps_folder), link.free_space(f"{library.volume}:\\")
        )
    except (StationUnreachable, OutcomeUnknown):
        raise
    except TryAgain as error:
        return _gone(listed), (), Fault(library.apps_folder, _reason(error, library.apps_folder))
    if names is None:
        return (
            _gone(listed),
            (),
            Fault(library.apps_folder, "is not there: its volume is gone, or the folder was removed"),
        )
    apps = sorted({app for name in names if (app := app_of(name)) is not None})
    return Library(listed.path, there=True, free=free, noted=listed.apps), tuple(apps), None


def _gone(listed: Listed) -> Library:
    return Library(listed.path, there=False, noted=listed.apps)


async def _read(link: HostLink, library: Library, app_id: int, gate: asyncio.Semaphore) -> InstalledApp | Fault | None:
    path = _manifest_path(library.path, app_id)
    try:
        async with gate:
            data = await link.read(path, limit=FILE_LIMIT)
        # Gone since the folder was listed: it was uninstalled just now.
        return None if data is None else read_manifest(data, library.path, app_id)
    except Damaged as damage:
        return Fault(path, str(damage), app_id)
    except (StationUnreachable, OutcomeUnknown):
        raise
    except TryAgain as error:
        return Fault(path, _reason(error, path), app_id)


def _manifest_path(library: str, app_id: int) -> str:
    return Library(library, there=True).apps_folder + "\\" + manifest_name(app_id)


def _reason(error: TryAgain, path: str) -> str:
    return error.fact.removeprefix(f"{path}: ").removeprefix(f"{path} ")
