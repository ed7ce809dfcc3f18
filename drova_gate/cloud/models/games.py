"""Games: in the catalogue, on the platform, on one station. Four calls, three spellings, two types of ``verified``."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from drova_gate.cloud.models.wire import SHOWN, CamelWire, Flag, Id, Number, Raw, Text, Truth, Wire

__all__ = [
    "DESKTOP_PRODUCT",
    "CatalogueItem",
    "ListedProduct",
    "Product",
    "ProductSettings",
    "PublicProduct",
    "StationProduct",
]

DESKTOP_PRODUCT = UUID("9fd0eb43-b2bb-4ce3-93b8-9df63f209098")
"""The product that is the desktop itself; reserved by Drova."""

Paths = Annotated[str | tuple[str, ...] | None, SHOWN]
"""The default was seen as a text, the owner's own only as ``null``; other tools send a list. Kept as sent."""


class Product(Wire):
    """One game, by ``product/get``."""

    product_id: UUID
    use_default_desktop: Truth
    """The player gets the station's desktop."""
    title: Text = None
    game_path: Text = None
    work_path: Text = None
    args: Text = None


class PublicProduct(CamelWire):
    """One game as everybody sees it, by ``product/get2``."""

    product_id: Id = None
    title: Text = None
    display_name: Text = None
    card_picture: Text = None


class CatalogueItem(CamelWire):
    """One game of the public catalogue, by ``listfull2``."""

    product_id: UUID
    use_default_desktop: Truth | None = None
    """``None``: not said, which is not ``False``."""
    title: Text = None
    display_name: Text = None
    aliases: Raw = None
    description_en: Text = None
    description_ru: Text = None
    developer: Text = None
    publisher: Text = None
    age_group: Raw = None
    card_picture: Text = None
    page_picture: Text = None
    in_shop_url: Text = None
    license_type: Text = None
    """Required, Free and (sic) Require."""
    metacritic_score: Number = None
    need_vpn: Flag = None
    no_license_required: Annotated[Flag, Field(alias="noLicenseRequred")] = None
    """Misspelt by the API."""
    required_account: Annotated[str | Truth | None, SHOWN] = None
    """The launcher's name, such as Steam or Epic Games."""


class _OnStation(CamelWire):
    """What both answers of the owner's site say of a game on a station."""

    product_id: UUID
    enabled: Truth
    title: Text = None
    available: Flag = None
    published: Flag = None
    verified: Number = None
    """2 is ready; on a station itself the same word is a text."""


class StationProduct(_OnStation):
    """One game on one station, by ``list4edit2``."""

    use_default_desktop: Truth | None = None
    need_vpn: Flag = None


class ProductSettings(_OnStation):
    """How one station starts one game: the owner's own word (``None``: the default holds) and the defaults."""

    game_path: Text = None
    work_path: Text = None
    args: Text = None
    allowed_paths: Paths = None
    default_game_path: Text = None
    default_work_path: Text = None
    default_args: Text = None
    default_allowed_paths: Paths = None


class ListedProduct(Wire):
    """One game on one station, by ``serverproduct/list`` (snake_case; seen in another tool's code, not live)."""

    product_id: UUID
    enabled: Truth
    verified: Number = None
    """READY here."""
    game_path: Text = None
    work_path: Text = None
    args: Text = None
