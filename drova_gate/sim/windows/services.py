"""Services: start type and state; what is configured lies on volume C."""

from dataclasses import dataclass, replace

from drova_gate.sim.windows.journal import Journal

__all__ = ["RUNNING", "STOPPED", "Service", "Services"]

STOPPED, RUNNING = 1, 4
"""States as sc.exe numbers them."""


@dataclass(frozen=True, slots=True)
class Service:
    """One installed service."""

    name: str
    display: str
    start: str = "demand"
    """``auto``, ``demand`` or ``disabled``."""
    state: int = STOPPED
    binary: str = r"C:\Windows\System32\svchost.exe -k LocalServiceAndNoImpersonation -p"
    triggered: bool = False
    """Started on demand by Windows itself soon after each boot."""


class Services:
    """The service table."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._table: dict[str, Service] = {}
        self._base: dict[str, Service] | None = None

    def install(self, service: Service) -> None:
        """Add a service, as Windows or an installer does."""
        self._table[service.name.lower()] = service

    def get(self, name: str) -> Service | None:
        """A service by its name, case-blind."""
        return self._table.get(name.lower())

    def all(self) -> list[Service]:
        """Every service, sorted by name."""
        return [self._table[name] for name in sorted(self._table)]

    def set_start(self, name: str, start: str) -> None:
        """Configure when a service starts."""
        self._table[name.lower()] = replace(self._table[name.lower()], start=start)
        self._journal.record("write", f"service {name} start={start}")

    def set_state(self, name: str, state: int) -> None:
        """Start or stop a service."""
        self._table[name.lower()] = replace(self._table[name.lower()], state=state)
        self._journal.record("write", f"service {name} {'running' if state == RUNNING else 'stopped'}")

    def begin_shadow(self) -> None:
        """From now on what is configured will be forgotten at boot."""
        if self._base is None:
            self._base = dict(self._table)

    def forget(self) -> None:
        """Go back to what was configured when volume C entered Shadow Mode."""
        if self._base is not None:
            self._table, self._base = self._base, None

    def keep(self) -> None:
        """Make the present configuration the disk's content."""
        self._base = None

    def lasting(self) -> dict[str, str]:
        """The start types that the disk holds once Shadow Mode's overlay is dropped."""
        return {name: service.start for name, service in (self._table if self._base is None else self._base).items()}

    def boot(self) -> None:
        """Start what starts by itself; everything else is stopped."""
        self._table = {
            name: replace(service, state=RUNNING if _runs_by_itself(service) else STOPPED)
            for name, service in self._table.items()
        }


def _runs_by_itself(service: Service) -> bool:
    return service.start == "auto" or (service.triggered and service.start == "demand")
