"""Shadow Defender: which volumes forget, now and after the next boot."""

from collections.abc import Callable, Iterable
from enum import Enum

__all__ = ["Change", "ShadowDefender"]


class Change(Enum):
    """What CmdTool says about one volume, after ``Change the status of C: successfully``."""

    DONE = "."
    AT_BOOT = "Please restart the computer for this to take effect."
    ONLY_AT_BOOT = "but a reboot is required for changes to take effect."
    FAILED = "error code = 5"


class ShadowDefender:
    """The state behind CmdTool; ``begin`` and ``leave`` do to a volume what Shadow Mode does."""

    def __init__(
        self,
        password: str,
        letters: Iterable[str],
        faults: set[str],
        *,
        begin: Callable[[str], None],
        leave: Callable[[str], None],
        roll_back: Callable[[str], None],
        keep: Callable[[str], None],
    ) -> None:
        self.password = password
        self.active: set[str] = set()
        """Volumes in Shadow Mode now."""
        self.at_boot: set[str] = set()
        """Volumes that will be in Shadow Mode after the next boot."""
        self._letters = sorted(letters)
        self._faults = faults
        self._begin = begin
        self._leave = leave
        self._roll_back = roll_back
        self._keep = keep

    def accepts(self, password: str | None) -> bool:
        """Whether the password is right; none given is the empty one."""
        return "shadow_password" not in self._faults and (password or "") == self.password

    def enter(self, letter: str, *, now: bool) -> Change:
        """Let a volume forget: from the next boot on, with ``now`` at once."""
        if letter not in self._letters:
            return Change.FAILED
        if "shadow_refuses" in self._faults:
            return Change.DONE if now else Change.AT_BOOT
        self.at_boot.add(letter)
        if not now:
            return Change.AT_BOOT
        if "shadow_partial" in self._faults and letter == self._letters[-1]:
            return Change.ONLY_AT_BOOT
        if letter not in self.active:
            self._begin(letter)
            self.active.add(letter)
        return Change.DONE

    def exit(self, letter: str, *, now: bool) -> Change:
        """Make a volume normal: from the next boot on, with ``now`` at once."""
        if letter not in self._letters:
            return Change.FAILED
        self.at_boot.discard(letter)
        if not now:
            return Change.AT_BOOT
        if letter in self.active:
            self.active.discard(letter)
            self._leave(letter)
        return Change.DONE

    def unplug(self, letter: str) -> None:
        """The volume is not there any more."""
        self.at_boot.discard(letter)
        self.active.discard(letter)
        self._letters.remove(letter)

    def boot(self) -> None:
        """A boot forgets every overlay, then the stored state holds."""
        were = set(self.active)
        for letter in sorted(were):
            if "not_rolled_back" in self._faults:
                self._keep(letter)
            else:
                self._roll_back(letter)
        if were and "comes_back_shadowed" in self._faults:
            self._faults.discard("comes_back_shadowed")
            self.at_boot |= were
        if "shadow_partial" in self._faults:
            self.at_boot.discard(self._letters[-1])
        self.active = set(self.at_boot)
        for letter in sorted(self.active):
            self._begin(letter)
