"""No protector: the disk keeps what a player leaves. For owners who roll back by other means; said loudly."""

from drova_gate.host.commands import Script
from drova_gate.protect.protector import Protection

__all__ = ["NoProtector"]


class NoProtector:
    """The protector ``none``: nothing to ask, nothing to enter, nothing forgotten."""

    name = "none"
    forgets = False

    def status(self) -> Script:
        """Nothing to ask."""
        return ()

    def enter(self, volumes: frozenset[str]) -> Script:  # noqa: ARG002 -- the protocol's signature
        """Nothing to enter."""
        return ()

    def leave(self, volumes: frozenset[str]) -> Script:  # noqa: ARG002 -- the protocol's signature
        """Nothing to leave."""
        return ()

    def read_status(self, sections: dict[str, str]) -> Protection:  # noqa: ARG002 -- the protocol's signature
        """No volume is ever protected."""
        return Protection(frozenset())

    def read_enter(
        self,
        sections: dict[str, str],  # noqa: ARG002 -- the protocol's signature
        volumes: frozenset[str],  # noqa: ARG002 -- the protocol's signature
    ) -> Protection:
        """No volume is protected, and that is what was asked for: no fault."""
        return Protection(frozenset(), frozenset())
