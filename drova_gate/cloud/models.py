"""What the Drova API sends, as typed and frozen values.

Fields that nobody here knows are kept (``model_extra``), so nothing is lost on the way. A field that a decision rests on is
exact: without it the answer is not understood. A field that is only shown is tolerant: in a form we do not know it reads as
``None``, because a strange billing word must not hide the end of a session. Times are milliseconds since 1970.
"""

from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

__all__ = [
    "DESKTOP_PRODUCT",
    "Account",
    "CatalogueItem",
    "Endpoint",
    "Milliseconds",
    "Money",
    "Product",
    "RenewedToken",
    "Server",
    "Session",
    "StationProduct",
    "Wire",
]

DESKTOP_PRODUCT = UUID("9fd0eb43-b2bb-4ce3-93b8-9df63f209098")
"""The product that is the desktop itself; reserved by Drova."""

Milliseconds = Annotated[int, Field(ge=0, le=253_402_300_799_999)]
"""Since 1970, to the end of the year 9999: what a date can be made of."""

Money = int | float | str
"""Amounts came redacted in every sample: their JSON type is not known, so it is kept as sent."""


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


_SHOWN = WrapValidator(_or_none)
"""Marks a field that is only shown; see the module's docstring."""

Text = Annotated[str | None, _SHOWN]
Flag = Annotated[bool | None, _SHOWN]
Number = Annotated[int | float | str | None, _SHOWN]
"""Sent as a number by some calls and as text by others; kept as sent."""
Id = Annotated[UUID | None, _SHOWN]
"""Any UUID version: 21 products of the catalogue are version 1."""
Moment = Annotated[Milliseconds | None, _SHOWN]


class Wire(BaseModel):
    """Anything the API sends."""

    # hide_input: a validation error is part of an error's chain, and what was sent may be a token.
    # defer_build: a router does not pay for the models of calls that it never makes.
    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, defer_build=True)


class CamelWire(Wire):
    """The part of the API that writes camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Session(Wire):
    """One rental."""

    uuid: UUID
    server_id: UUID
    product_id: UUID
    created_on: Milliseconds
    status: str
    """As sent; NEW, HANDSHAKE, ACTIVE, ABORTED and FINISHED are known, others may come."""
    finished_on: Moment = None
    """Absent while it runs; whether it is over is said by ``status`` alone."""
    client_id: Id = None
    merchant_id: Id = None
    creator_ip: Text = None
    """The player's address as text: nothing promises IPv4."""
    billing_type: Text = None
    """Prepaid, subscription, trial; an open set."""
    abort_comment: Text = None
    score: Number = None
    score_reason: Number = None
    score_text: Text = None


class Server(Wire):
    """One station in the owner's list."""

    uuid: UUID
    published: bool
    """Shown in the catalogue."""
    state: str
    """As sent; LISTEN is free, HANDSHAKE and BUSY are taken, OFFLINE and UNVERIFIED (never started) are not there; an open set."""
    name: Text = None
    user_id: Id = None
    description: Text = None
    """HTML as the owner wrote it: not safe to show as it is."""
    verified: Number = None
    """READY here; a number in the product lists."""
    allow_desktop: Flag = None
    disable_updates: Flag = None
    deleted: Flag = None
    created_on: Moment = None
    alive_since: Moment = None
    last_heartbeat: Moment = None
    """0: never."""
    city_name: Text = None
    latitude: Number = None
    longitude: Number = None
    distance: Number = None
    product_id: Id = None
    session_id: Id = None
    product_list: Annotated[tuple[UUID, ...] | None, _SHOWN] = None
    groups_list: Annotated[tuple[Any, ...] | None, _SHOWN] = None
    options_mask: Annotated[int | None, _SHOWN] = None

    @property
    def ever_seen(self) -> bool:
        """Whether the station's agent has ever reported."""
        return bool(self.last_heartbeat)


class Product(Wire):
    """One game, by ``product/get``."""

    product_id: UUID
    use_default_desktop: bool
    """The player gets the station's desktop."""
    title: Text = None
    game_path: Text = None
    work_path: Text = None
    args: Text = None


class CatalogueItem(CamelWire):
    """One game of the public catalogue, by ``listfull2``."""

    product_id: UUID
    use_default_desktop: bool | None = None
    """``None``: not said, which is not ``False``."""
    title: Text = None
    display_name: Text = None
    aliases: Annotated[Any, _SHOWN] = None
    description_en: Text = None
    description_ru: Text = None
    developer: Text = None
    publisher: Text = None
    age_group: Annotated[Any, _SHOWN] = None
    card_picture: Text = None
    page_picture: Text = None
    in_shop_url: Text = None
    license_type: Text = None
    """Required, Free and (sic) Require."""
    metacritic_score: Number = None
    need_vpn: Flag = None
    no_license_required: Annotated[Flag, Field(alias="noLicenseRequred")] = None
    """Misspelt by the API."""
    required_account: Annotated[str | bool | None, _SHOWN] = None
    """The launcher's name, such as Steam or Epic Games."""


class StationProduct(CamelWire):
    """One game on one station, by ``list4edit2``."""

    product_id: UUID
    enabled: bool
    use_default_desktop: bool | None = None
    title: Text = None
    available: Flag = None
    published: Flag = None
    need_vpn: Flag = None
    verified: Number = None
    """2 is ready; on a station itself the same word is a text."""


class Account(Wire):
    """The owner's account."""

    uuid: UUID
    name: Text = None
    emails: Annotated[Any, _SHOWN] = None
    balance: Annotated[Money | None, _SHOWN] = None
    exportable_money: Annotated[Money | None, _SHOWN] = None
    created_on: Moment = None
    disabled: Flag = None
    roles: Annotated[tuple[str, ...] | None, _SHOWN] = None
    trial_msecs_left: Number = None
    unlimited_credit: Flag = None
    use_mts_billing: Flag = None
    use_prepaid: Flag = None
    use_subscription: Flag = None


class Endpoint(Wire):
    """One address under which players reach a station."""

    uuid: UUID
    server_id: UUID
    ip: str
    base_port: int
    """7985 is the agent's own port; 7995 and 8005 were seen as ports that owners forward."""
    externally_routable: Flag = None
    user_defined: Flag = None
    priority: Annotated[int | None, _SHOWN] = None
    updated_on: Moment = None


class RenewedToken(Wire):
    """The answer to a renewal; unknown fields are dropped, because any of them may be secret."""

    model_config = ConfigDict(extra="ignore")

    proxy_token: Annotated[SecretStr | None, Field(alias="proxyToken")] = None
    verification_status: Annotated[str | None, Field(alias="verificationStatus")] = None
    client_id: Id = None

    @property
    def refused(self) -> bool:
        """Whether the API says that it did not renew (it does so with status 200)."""
        return self.verification_status is not None and self.verification_status.casefold() != "success"
