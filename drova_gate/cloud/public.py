"""The calls that need no token, so none is sent: stations and games as everybody sees them."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drova_gate.cloud.answers import about, ids, plain, read_json, several, single
from drova_gate.cloud.calls import NOT_MODIFIED, Calls
from drova_gate.cloud.models import CatalogueItem, Hardware, PublicProduct, PublicStation

__all__ = ["PublicCalls"]

CATALOGUE_PATH = "/product-manager/product/listfull2"
STATIONS_PATH = "/server-manager/servers/public"
STATIONS_MOST = 1000
"""Public stations that the API lists at once; the rest by ``offset``."""


class PublicCalls(Calls):
    """The platform's public side."""

    async def catalogue(self) -> tuple[CatalogueItem, ...]:
        """All games of the platform (1.4 MB)."""
        answer = await self._public("GET", CATALOGUE_PATH)
        # In a thread, item by item: players' bytes pass through this loop.
        return await asyncio.to_thread(several, answer, CatalogueItem)

    async def catalogue_since(self, etag: str) -> tuple[tuple[CatalogueItem, ...], str] | None:
        """All games and the version's ETag (empty: none is offered); ``None``: nothing has changed since ``etag``."""
        answer = await self._once("GET", CATALOGUE_PATH, token=None, known=etag)
        if answer.status == NOT_MODIFIED:
            return None
        return await asyncio.to_thread(several, answer, CatalogueItem), answer.etag

    async def public_product(self, product_id: UUID) -> PublicProduct:
        """One game's title and picture."""
        answer = await self._public("GET", f"/server-manager/product/get2/{product_id}")
        found = single(answer, PublicProduct)
        if found.product_id is not None:
            about(answer, "productId", found.product_id, product_id)
        return found

    async def popular_games(self) -> tuple[UUID, ...]:
        """The ids of the most played games, the most played first."""
        return ids(await self._public("GET", "/accounting/statistics/most_popular_games"))

    async def public_stations(
        self,
        *,
        text: str | None = None,
        status: str | None = None,
        products: Sequence[UUID] = (),
        geo: Any = None,
        required_account: Any = None,
        free_to_play: bool | None = None,
        license_type: str | None = None,
        published: bool = True,
        limit: int = STATIONS_MOST,
        offset: int = 0,
    ) -> tuple[PublicStation, ...]:
        """Published stations that are online; ``text`` is looked for in names and descriptions.

        What ``geo``, ``status`` and ``required_account`` take is not known for sure; they are sent as given.
        """
        body = {
            "stationNameOrDescription": text,
            "stationStatus": status,
            "products": [str(one) for one in products],
            "geo": geo,
            "requiredAccount": required_account,
            "freeToPlay": free_to_play,
            "license": license_type,
            "limit": limit,
            "offset": offset,
            "published": published,
        }
        return several(await self._public("POST", f"{STATIONS_PATH}/web", body=body), PublicStation)

    async def public_station(self, server_id: UUID) -> PublicStation:
        """One station's public card."""
        answer = await self._public("GET", f"{STATIONS_PATH}/{server_id}")
        found = single(answer, PublicStation)
        about(answer, "uuid", found.uuid, server_id)
        return found

    async def hardware(self, server_id: UUID) -> Hardware:
        """What a station is made of."""
        return single(await self._public("GET", f"/server-manager/hardware/list/{server_id}"), Hardware)

    async def geo_by_prefix(self, prefix: str) -> Any:
        """Places whose name begins so; the answer's shape is not known, it is handed on as sent."""
        return read_json(await self._public("GET", "/geo/byprefix", query={"prefix": prefix}))

    async def version(self) -> str:
        """What the session service calls itself; seen in another tool's code, not live, so the answer is handed on as text."""
        answer = await self._read("/session-manager/version")
        return plain(answer.body.decode("utf-8", "replace").strip())
