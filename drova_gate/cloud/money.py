"""The calls about money: the account, what the stations earn, prepaid minutes, promocodes."""

from uuid import UUID

from drova_gate.cloud.answers import Answer, one, read_json, several, single
from drova_gate.cloud.calls import Calls
from drova_gate.cloud.models import Account, OpenDeal, PrepaidSale, PrepaidStats, Promocode, UnpaidStats, Usage
from drova_gate.errors import AnswerNotUnderstood, CloudRefused, CloudThrottled, CloudUnavailable, OutcomeUnknown

__all__ = ["CODES_MOST", "MoneyCalls"]

PREPAID_PATH = "/accounting/prepaid"
CODES_MOST = 9999
"""Promocodes that the API issues at once."""
LOOK_FIRST = "they may have been issued; look at the list of promocodes before you try again"


class MoneyCalls(Calls):
    """The owner's account and its income."""

    async def account(self) -> Account:
        """The account that the token belongs to."""
        return single(await self._read("/accounting/myaccount"), Account)

    async def usage(self) -> Usage:
        """What the stations earned today, this week and this month."""
        return single(await self._read("/accounting/statistics/myserverusageprepared"), Usage)

    async def unpaid_stats(self, user_id: UUID) -> UnpaidStats:
        """What an account has not paid for: the rest of its trial."""
        return single(await self._read(f"/accounting/unpayedstats/{user_id}"), UnpaidStats)

    async def prepaid_stats(self, merchant_id: UUID) -> PrepaidStats:
        """Prepaid minutes: sold, used, allowed to sell."""
        return single(await self._read(f"{PREPAID_PATH}/prepaid_stats4merchant/{merchant_id}"), PrepaidStats)

    async def prepaid_sales(self, merchant_id: UUID) -> tuple[PrepaidSale, ...]:
        """Every sale of prepaid playtime; one that cannot be read is left out and said."""
        return several(await self._read(f"{PREPAID_PATH}/list4merchant/{merchant_id}"), PrepaidSale)

    async def open_deals(self) -> tuple[OpenDeal, ...]:
        """Payments that are under way to the owner."""
        return several(await self._read("/accounting/tinkoff/prepaid/getOpenedDeals"), OpenDeal)

    async def promocodes(self) -> tuple[Promocode, ...]:
        """Promocodes that nobody has used and that have not expired."""
        # The last word of the path: ``false``, not the expired ones.
        return several(await self._read(f"{PREPAID_PATH}/list_unused_promocodes/false"), Promocode)

    async def issue_promocodes(self, count: int, playtime_ms: int) -> tuple[Promocode, ...]:
        """Make promocodes, each worth ``playtime_ms`` of play; sent once, ``OutcomeUnknown`` when its answer says too little.

        The API does it by a GET, which creates value each time it is made: so it goes the way of a write, and the new codes are
        what is read back.
        """
        path = f"{PREPAID_PATH}/issue_promocodes/{count}/{playtime_ms}"
        if not 1 <= count <= CODES_MOST or playtime_ms < 1:
            fact = f"from 1 to {CODES_MOST} codes of at least 1 ms can be asked for"
            raise CloudRefused(f"Drova API, GET {path}", fact, "nothing was sent")
        try:
            answer = await self._write("GET", path)
        except CloudThrottled:
            raise
        except (CloudUnavailable, AnswerNotUnderstood) as error:
            raise OutcomeUnknown(error.subject, error.fact, LOOK_FIRST) from error
        return _issued(answer, count)


def _issued(answer: Answer, count: int) -> tuple[Promocode, ...]:
    """Read the new codes: all of them, for a code that is lost here is lost money."""
    try:
        raw = read_json(answer)
        if not isinstance(raw, list) or len(raw) != count:
            found = len(raw) if isinstance(raw, list) else "no list of"
            raise answer.not_understood(f"{count} codes were expected, there are {found}")
        return tuple(one(answer, Promocode, item, f"[{index}]") for index, item in enumerate(raw))
    except AnswerNotUnderstood as error:
        raise OutcomeUnknown(error.subject, error.fact, LOOK_FIRST) from error
