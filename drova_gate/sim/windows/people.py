"""Who has an account on the PC, and where his things are."""

import random
from dataclasses import dataclass

from drova_gate.sim.plan import StationPlan

__all__ = ["Person", "computer_name", "people"]

_OTHER_USER = "Игрок"
"""The console user of the fault other_console_user: a profile path that is not ASCII."""


@dataclass(frozen=True, slots=True)
class Person:
    """A local account."""

    name: str
    sid: str

    @property
    def profile(self) -> str:
        """``%USERPROFILE%``."""
        return f"C:\\Users\\{self.name}"

    @property
    def roaming(self) -> str:
        """``%APPDATA%``."""
        return f"{self.profile}\\AppData\\Roaming"

    @property
    def local(self) -> str:
        """``%LOCALAPPDATA%``."""
        return f"{self.profile}\\AppData\\Local"

    @property
    def hive(self) -> str:
        """His registry hive."""
        return f"HKU\\{self.sid}"


def computer_name(plan: StationPlan) -> str:
    """``%COMPUTERNAME%``: upper case, at most 15 characters."""
    return plan.name.upper()[:15]


def people(plan: StationPlan) -> tuple[Person, Person]:
    """The SSH user and the owner of the desktop; one and the same unless the plan says otherwise."""
    chance = random.Random(plan.name)
    domain = "S-1-5-21-" + "-".join(str(chance.randrange(10**8, 2**32)) for _ in range(3))
    owner = plan.console_user or plan.login
    if "other_console_user" in plan.faults and owner == plan.login:
        owner = _OTHER_USER
    if owner.lower() == plan.login.lower():
        both = Person(plan.login, f"{domain}-1001")
        return both, both
    return Person(plan.login, f"{domain}-1002"), Person(owner, f"{domain}-1001")
