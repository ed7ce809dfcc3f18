"""The owner's account and what it earns; the token's renewal."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr

from drova_gate.cloud.models.wire import SHOWN, CamelWire, Flag, Id, Int, Moment, Money, Number, Raw, Text, Wire

__all__ = [
    "Account",
    "OpenDeal",
    "PrepaidSale",
    "PrepaidStats",
    "Promocode",
    "RenewedToken",
    "Stat",
    "StationUsage",
    "UnpaidStats",
    "Usage",
    "UsagePeriod",
]


class Account(Wire):
    """The owner's account."""

    uuid: UUID
    name: Text = None
    emails: Raw = None
    balance: Money = None
    exportable_money: Money = None
    created_on: Moment = None
    disabled: Flag = None
    roles: Annotated[tuple[str, ...] | None, SHOWN] = None
    trial_msecs_left: Number = None
    unlimited_credit: Flag = None
    use_mts_billing: Flag = None
    use_prepaid: Flag = None
    use_subscription: Flag = None
    mts_msisdn: Raw = None
    mts_pcr: Raw = None
    primary_qiwi_bankcard_id: Raw = None
    qiwi_wallet: Raw = None


class Stat(CamelWire):
    """Rentals of a period."""

    session_count: Int = None
    total_income: Money = None
    total_msecs: Int = None


class StationUsage(CamelWire):
    """One station's part of a period."""

    total_stat: Stat | None = None
    per_game_stats: dict[UUID, Stat] = Field(default_factory=dict)


class UsagePeriod(CamelWire):
    """A day, a week or a month: in all, by station, by game."""

    total_stat: Stat | None = None
    per_server_stats: dict[UUID, StationUsage] = Field(default_factory=dict)
    per_game_stats: dict[UUID, Stat] = Field(default_factory=dict)


class Usage(CamelWire):
    """What the stations earned lately."""

    today_stat: UsagePeriod
    week_stat: UsagePeriod
    month_stat: UsagePeriod


class UnpaidStats(Wire):
    """What is left of the trial."""

    trial_msecs_left: Number = None


class Promocode(Wire):
    """Playtime that somebody can redeem."""

    promocode: Annotated[str, Field(min_length=1)]
    """Worth money to whoever reads it."""
    id: Number = None
    created_on: Moment = None
    expired_on: Moment = None
    """The end of its time: about a month after it was made."""
    expired: Flag = None
    merchant_id: Id = None
    playtime_msecs: Int = None


class PrepaidStats(Wire):
    """Prepaid minutes of a merchant."""

    merchant_id: Id = None
    balance: Money = None
    allowed_to_sell_minutes: Int = None
    sold_minutes: Int = None
    used_minutes: Int = None


class PrepaidSale(Wire):
    """One sale of prepaid playtime."""

    uuid: UUID
    client_id: Id = None
    """``None``: nobody has redeemed it yet."""
    created_on: Moment = None
    has_order: Flag = None
    playtime_msecs: Int = None


class OpenDeal(Wire):
    """A payment that is under way to the owner."""

    deal_id: Annotated[Number, Field(alias="dealId")] = None
    """The one camelCase name among snake_case ones."""
    created_on: Moment = None
    payout: Money = None
    sum: Money = None
    terminal_index: Raw = None


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
