"""The errors of drova_gate, named by what the caller will do.

::

    GateError
    ├── TryAgain                  wait (with back-off), then do the same again
    │   ├── StationUnreachable    no SSH link: off, booting, cable, sshd stopped
    │   ├── OutcomeUnknown        a command was sent, its end never came: look at the station, do not assume
    │   ├── SftpMissing           the station's sshd gives no SFTP channel
    │   ├── CloudUnavailable      time-out, 5xx, connection error
    │   │   └── CloudThrottled    429; ``retry_after`` seconds
    │   └── AnswerNotUnderstood   the other side's answer has a shape we do not know (which call, which field)
    ├── CallOwner                 only a person can mend it; the text says what to do
    │   ├── SettingsFault         wrong settings: exit 78, one line per fault
    │   │   └── OptionFault       what was typed is wrong, not the settings: exit 2
    │   ├── LoginRefused          SSH login or key not accepted
    │   ├── HostKeyChanged        the station's host key is not the pinned one
    │   ├── ShellNotSupported     sshd starts a shell that is neither cmd.exe nor PowerShell
    │   ├── RegistrationMissing   the Drova agent has no key in the registry
    │   ├── NobodySignedIn        no user at the station's console
    │   ├── ProtectorMissing      the protector's program is not on the station
    │   ├── ProtectorRefused      the protector refused its password
    │   ├── CloudUnauthorised     401 although the token was renewed
    │   ├── CloudForbidden        403
    │   ├── CloudRefused          400/422: the call itself is wrong
    │   │   └── CloudNotFound     404: the thing asked for is not there
    │   ├── PortNotOpened         the relay's port is taken or not allowed
    │   ├── RecipeFault           a recipe or policy file is wrong
    │   ├── NotKnown              a name that was typed is not known; the text has the nearest ones
    │   ├── PlayerInside          refused, because a player is on the station
    │   └── SomethingMissing      an optional library or file is not there; the text says how to get it
    └── NotConfirmed              the effect was read back and is not there

Every text reads like a colleague's note: subject, fact, what to do. None of them carries a secret.
"""

from collections.abc import Sequence

__all__ = [
    "AnswerNotUnderstood",
    "CallOwner",
    "CloudForbidden",
    "CloudNotFound",
    "CloudRefused",
    "CloudThrottled",
    "CloudUnauthorised",
    "CloudUnavailable",
    "GateError",
    "HostKeyChanged",
    "LoginRefused",
    "NobodySignedIn",
    "NotConfirmed",
    "NotKnown",
    "OptionFault",
    "OutcomeUnknown",
    "PlayerInside",
    "PortNotOpened",
    "ProtectorMissing",
    "ProtectorRefused",
    "RecipeFault",
    "RegistrationMissing",
    "SettingsFault",
    "SftpMissing",
    "ShellNotSupported",
    "SomethingMissing",
    "StationUnreachable",
    "TryAgain",
]


class GateError(Exception):
    """Any error of ours: ``subject: fact; advice``."""

    def __init__(self, subject: str, fact: str, advice: str = "") -> None:
        self.subject = subject
        self.fact = fact
        self.advice = advice
        super().__init__(subject, fact, advice)

    def amend(self, fact: str, advice: str) -> None:
        """Say it with what the caller knows beside it; the kind of error stays."""
        self.fact, self.advice = fact, advice

    def __str__(self) -> str:
        return f"{self.subject}: {self.fact}" + (f"; {self.advice}" if self.advice else "")


class TryAgain(GateError):
    """A passing condition: wait with back-off, then do the same again."""


class StationUnreachable(TryAgain):
    """There is no SSH link to the station."""


class OutcomeUnknown(TryAgain):
    """A command was sent and its end never came back (asyncssh: ``exit_status is None``)."""

    def __init__(self, subject: str, fact: str, advice: str = "", *, partial: str = "") -> None:
        super().__init__(subject, fact, advice)
        self.partial = partial
        """What the command had printed until then."""


class SftpMissing(TryAgain):
    """The station's sshd gives no SFTP channel."""


class CloudUnavailable(TryAgain):
    """The Drova API did not answer usefully: time-out, 5xx, connection error."""


class CloudThrottled(CloudUnavailable):
    """The Drova API asks for patience (429)."""

    def __init__(self, subject: str, fact: str, advice: str = "", *, retry_after: float) -> None:
        super().__init__(subject, fact, advice)
        self.retry_after = retry_after
        """Seconds to wait before the next request."""


class AnswerNotUnderstood(TryAgain):
    """An answer has a shape we do not know; the text names the call and the field."""


class CallOwner(GateError):
    """Only a person can mend this; the text says what to do."""


class SettingsFault(CallOwner):
    """Settings are wrong: one line per fault, all of them at once."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("settings", " | ".join(self.faults))

    def __str__(self) -> str:
        return "\n".join(self.faults)


class OptionFault(SettingsFault):
    """Options of a command are wrong, told like settings: all of them at once."""


class LoginRefused(CallOwner):
    """sshd did not accept the password or the key."""


class HostKeyChanged(CallOwner):
    """The station shows another host key than the pinned one."""


class ShellNotSupported(CallOwner):
    """sshd's shell is neither cmd.exe nor PowerShell."""


class RegistrationMissing(CallOwner):
    """The Drova agent's server id and token are not in the station's registry."""


class NobodySignedIn(CallOwner):
    """No user is signed in at the station's console."""


class ProtectorMissing(CallOwner):
    """The protector's program is not on the station."""


class ProtectorRefused(CallOwner):
    """The protector refused its password."""


class CloudUnauthorised(CallOwner):
    """The Drova API refuses the token, renewed or not."""


class CloudForbidden(CallOwner):
    """The Drova API knows us and says no (403)."""


class CloudRefused(CallOwner):
    """The Drova API refuses the call itself (400, 422); or we do, before it is sent."""


class CloudNotFound(CloudRefused):
    """The Drova API does not have what was asked for (404)."""


class PortNotOpened(CallOwner):
    """A port could not be opened for listening."""


class RecipeFault(CallOwner):
    """A recipe or policy file is wrong: file, key, what is allowed."""


class NotKnown(CallOwner):
    """A name that the owner typed is not known."""


class PlayerInside(CallOwner):
    """It would disturb a player: refused until he has left, or the owner insists."""


class SomethingMissing(CallOwner):
    """An optional library, program or file is not there."""


class NotConfirmed(GateError):
    """The effect was read back and is not there."""
