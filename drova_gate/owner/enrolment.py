"""Taking a merchant token into keeping, and forgetting it."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.models import Account
from drova_gate.cloud.token import FileTokenKeeper, token_file
from drova_gate.errors import CallOwner, CloudUnauthorised
from drova_gate.owner.login import forget_login, keep_login, kept_login, login_file
from drova_gate.owner.settings import OwnerSettings

__all__ = ["Enrolled", "Forgotten", "enrol", "forget"]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Whose token is kept now."""

    account: Account
    stations: int
    file: Path
    renewed: bool


@dataclass(slots=True)
class Forgotten:
    """What was deleted, and what the owner should know besides."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def enrol(settings: OwnerSettings, token: SecretStr) -> Enrolled:
    """Check a token, renew it if it has run out, and keep it; a station's own token is ``CallOwner``."""
    keeper = _Keeper(token_file(settings.state_dir, token))
    try:
        async with DrovaClient(token, base_url=settings.api_url, keep_token=keeper) as client:
            account = await client.account()
            await _refuse_a_stations_own(client)
            stations = sum(not one.deleted for one in await client.servers(account.uuid))
    except CallOwner:
        # Nothing came of it: nothing of it stays.
        if not keeper.saved:
            _forget_descent(settings, token, Forgotten())
        raise
    before = _known_login(settings)
    if before is not None and before.get_secret_value() != token.get_secret_value():
        _forget_descent(settings, before, Forgotten())
    try:
        file = keep_login(settings.state_dir, token)
    except OSError as error:
        raise _not_writable(settings, error) from error
    return Enrolled(account, stations, file, keeper.saved)


async def _refuse_a_stations_own(client: DrovaClient) -> None:
    """A station's token opens that station alone, and ends one day for good: it cannot be renewed.

    It gives itself away by telling its station's sessions whatever station is asked for. As the API may do the same for a merchant one
    day, the last word has the renewal: it is made for such a token alone, because it costs a good one its life.
    """
    bound = await client.bound_to()
    if bound is None:
        return
    try:
        await client.renew_token()
    except CloudUnauthorised as error:
        raise CallOwner(
            "token",
            f"it is the own token of station {bound}, which opens that station alone and cannot be renewed",
            "log in with the merchant token: from the QR code in Drova's cabinet",
        ) from error


def forget(settings: OwnerSettings) -> Forgotten:
    """Delete the kept token and everything that descends from it; ``CallOwner`` when the folder cannot be written."""
    done = Forgotten()
    token = None
    try:
        token = kept_login(settings.state_dir)
    except CallOwner as error:
        done.notes.append(f"{error.subject} {error.fact}: which renewed tokens descend from it is not known, they stay")
    try:
        if token is not None:
            _forget_descent(settings, token, done)
        if forget_login(settings.state_dir):
            done.files.append(login_file(settings.state_dir))
    except OSError as error:
        raise _not_writable(settings, error) from error
    if done.files:
        done.notes.append("at Drova the token goes on to be valid")
    return done


def _forget_descent(settings: OwnerSettings, token: SecretStr, done: Forgotten) -> None:
    """Delete the renewed tokens of this one, unless the settings have it too: then the gate lives on them."""
    if token.get_secret_value() in {one.get_secret_value() for one in settings.named_tokens}:
        done.notes.append("the settings have the same token: what was renewed of it stays")
        return
    file = token_file(settings.state_dir, token)
    for one in (file, file.with_name(f"{file.name}.lock")):
        if one.exists():
            one.unlink()
            done.files.append(one)


def _known_login(settings: OwnerSettings) -> SecretStr | None:
    try:
        return kept_login(settings.state_dir)
    except CallOwner:
        return None  # damaged: about to be replaced


def _not_writable(settings: OwnerSettings, error: OSError) -> CallOwner:
    return CallOwner(f"login {settings.state_dir}", f"cannot be written ({error.strerror})", "use sudo, or make room")


class _Keeper(FileTokenKeeper):
    """A keeper that knows whether it had something to keep."""

    saved = False

    def save(self, configured: SecretStr, renewed: SecretStr) -> None:
        """Write the file whole."""
        super().save(configured, renewed)
        self.saved = True
