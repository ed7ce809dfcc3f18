"""The calls about games on stations. Every write is read back."""

from collections.abc import Sequence
from uuid import UUID

from drova_gate.cloud.answers import Answer, about, not_confirmed, reading_back, several, single
from drova_gate.cloud.calls import Calls, word
from drova_gate.cloud.models import ListedProduct, Product, ProductSettings, StationProduct

__all__ = ["GameCalls"]

EDIT_PATH = "/server-manager/serverproduct/list4edit2"
PRODUCT_PATH = "/server-manager/serverproduct"
READY = "READY"
"""The only state of a game that owners' tools send; lists show it as the number 2."""
IN_THE_CABINET = "look at the game in the cabinet"


class GameCalls(Calls):
    """The games of a station. What takes a game off a station is not known, so there is no call for it."""

    async def product(self, product_id: UUID) -> Product:
        """One game, as stations start it."""
        answer = await self._read(f"/server-manager/product/get/{product_id}")
        found = single(answer, Product)
        about(answer, "product_id", found.product_id, product_id)
        return found

    async def station_products(self, server_id: UUID, user_id: UUID | None = None) -> tuple[StationProduct, ...]:
        """All games of a station; one that cannot be read is left out and said."""
        return several(await self._read(f"{EDIT_PATH}/{server_id}", user_id=user_id), StationProduct)

    async def station_product(self, server_id: UUID, product_id: UUID, user_id: UUID | None = None) -> ProductSettings:
        """How a station starts one game."""
        _, found = await self._settings(server_id, product_id, user_id)
        return found

    async def listed_products(self, server_id: UUID) -> tuple[ListedProduct, ...]:
        """All games of a station with their paths, in one call; seen in another tool's code, not live."""
        return several(await self._read(f"/product-manager/serverproduct/list/{server_id}"), ListedProduct)

    async def add_product(self, server_id: UUID, product_id: UUID, user_id: UUID | None = None) -> None:
        """Put a game on a station's list, and read it back; it is not enabled by this."""
        query = None if user_id is None else {"user_id": str(user_id)}
        write = await self._write("POST", f"{PRODUCT_PATH}/add/{server_id}/{product_id}", query=query)
        # The whole list: what the call for one game answers about a game that is not there is not known.
        with reading_back(write):
            read = await self._read(f"{EDIT_PATH}/{server_id}", user_id=user_id)
            listed = several(read, StationProduct)
        if all(one.product_id != product_id for one in listed):
            not_confirmed(write, read, "the game is not on the station's list", IN_THE_CABINET)

    async def set_product_enabled(
        self, server_id: UUID, product_id: UUID, user_id: UUID | None = None, *, enabled: bool
    ) -> None:
        """Offer a game on a station or not, and read it back; ``NotConfirmed`` if it reads otherwise."""
        path = f"{PRODUCT_PATH}/set_enabled/{server_id}/{product_id}/{word(enabled)}"
        write = await self._write("POST", path, body={})
        read, found = await self._settings(server_id, product_id, user_id, after=write)
        if found.enabled is not enabled:
            not_confirmed(write, read, f"the game still reads as {_enabled(found)}", IN_THE_CABINET)

    async def update_product(
        self,
        server_id: UUID,
        product_id: UUID,
        user_id: UUID | None = None,
        *,
        enabled: bool,
        game_path: str | None,
        work_path: str | None,
        allowed_paths: str | Sequence[str] | None,
        args: str | None,
    ) -> ProductSettings:
        """Say how a station starts a game (``None``: the default), and read it back; ``NotConfirmed`` if it reads otherwise."""
        paths = allowed_paths if isinstance(allowed_paths, str | None) else tuple(allowed_paths)
        body = {
            "server_id": str(server_id),
            "product_id": str(product_id),
            "verified": READY,
            "enabled": enabled,
            "game_path": game_path,
            "work_path": work_path,
            "allowed_paths": list(paths) if isinstance(paths, tuple) else paths,
            "args": args,
        }
        write = await self._write("POST", f"{PRODUCT_PATH}/update", body=body)
        read, found = await self._settings(server_id, product_id, user_id, after=write)
        wanted = {
            "enabled": enabled,
            "game_path": game_path,
            "work_path": work_path,
            "allowed_paths": paths,
            "args": args,
        }
        other = [field for field, value in wanted.items() if getattr(found, field) != value]
        if other:
            not_confirmed(write, read, f"not as asked: {', '.join(other)}", IN_THE_CABINET)
        return found

    async def _settings(
        self, server_id: UUID, product_id: UUID, user_id: UUID | None, after: Answer | None = None
    ) -> tuple[Answer, ProductSettings]:
        with reading_back(after):
            answer = await self._read(f"{EDIT_PATH}/{server_id}/{product_id}", user_id=user_id)
            found = single(answer, ProductSettings)
            about(answer, "productId", found.product_id, product_id)
        return answer, found


def _enabled(found: ProductSettings) -> str:
    return "enabled" if found.enabled else "disabled"
