"""The catalogue of the simulated cloud: a product's three spellings, and a thousand of them in the proportions of the real one.

Titles, shop addresses and Steam's numbers of well-known games are the real ones, so that what a client finds on a disk can be
matched; everything else is made up, the same in every run.
"""

import random
import uuid
from dataclasses import dataclass
from typing import Any

from drova_gate.sim.cloud_titles import EXTRA_IDS, EXTRA_TITLES, FIRST_WORDS, LAST_WORDS, STEAM_TITLES

__all__ = [
    "CYBERPUNK",
    "CYBERPUNK_COPY",
    "DESKTOP",
    "GAME",
    "OLD_DESKTOP_GAME",
    "OLD_GAME",
    "PRODUCTS",
    "Product",
    "catalogue",
]

Json = dict[str, Any]

DESKTOP = "9fd0eb43-b2bb-4ce3-93b8-9df63f209098"
"""The product that is the desktop itself; the one id that is the same everywhere."""
GAME = "3c1f7a90-5b0e-4d1c-9a64-8f2f4f6f1b01"
OLD_DESKTOP_GAME = "d5f8a0c4-87d5-11e7-bb31-0000000f0042"
"""An old entry with a version 1 uuid (the real catalogue has such) that opens the desktop."""
OLD_GAME = "d5f8a0c4-87d5-11e7-bb31-0000000f0043"
CYBERPUNK_COPY = "c9af5926-118e-4c5b-87d4-204099ceb6fb"
"""The real catalogue has Cyberpunk 2077 twice; this one is to be skipped."""

STEAM_FOLDER = "C:\\Program Files (x86)\\Steam\\"
_ACCOUNTS = (("Steam", 778), ("Epic Games", 92), ("Origin", 59), ("Ubisoft", 26), ("Battle.net", 14), (None, 24))
"""``requiredAccount`` of 993 real products; the last stands for the rest of names and for none."""
_LICENSES = (("Required", 80), ("Free", 16), ("Require", 4))
_OLD, _DESKTOPS, _REAL = 21, 41, 993
"""Of 993 real products 21 have version 1 uuids and 41 open the desktop."""


@dataclass(frozen=True, slots=True)
class Product:
    """A game of the catalogue, or the desktop."""

    uuid: str
    title: str
    desktop: bool = False
    game_path: str = "C:\\Games\\game.exe"
    work_path: str = "C:\\Games\\"
    args: str = ""
    allowed_paths: str = ""
    required_account: str | None = "Steam"
    shop: str | None = None
    license: str | None = "Required"
    description: tuple[str, str] = ("", "")
    """English, Russian."""

    def info(self) -> Json:
        """The answer of ``server-manager/product/get``: snake_case."""
        return {
            "allowed_paths": None,
            "args": self.args,
            "game_path": self.game_path,
            "product_id": self.uuid,
            "title": self.title,
            "use_default_desktop": self.desktop,
            "work_path": self.work_path,
        }

    def public(self) -> Json:
        """The answer of ``server-manager/product/get2``: camelCase."""
        return {
            "cardPicture": f"{self.uuid}.jpg",
            "displayName": self.title,
            "productId": self.uuid,
            "title": self.title,
        }

    def listed(self) -> Json:
        """A line of ``listfull2``: camelCase, half of it null, one name misspelt as it is."""
        english, russian = self.description
        return {
            "ageGroup": None,
            "aliases": None,
            "cardPicture": f"{self.uuid}.jpg",
            "descriptionEn": english,
            "descriptionRu": russian,
            "developer": None,
            "displayName": self.title,
            "inShopUrl": self.shop,
            "licenseType": self.license,
            "metacriticScore": None,
            "needVpn": False,
            "noLicenseRequred": None,
            "pagePicture": f"{self.uuid}.page.jpg",
            "productId": self.uuid,
            "publisher": "",
            "requiredAccount": self.required_account,
            "title": self.title,
            "useDefaultDesktop": self.desktop,
        }


PRODUCTS = (
    Product(DESKTOP, "Desktop", desktop=True, game_path="", work_path="", required_account=None),
    Product(GAME, "A Game"),
    Product(OLD_DESKTOP_GAME, "An Old Game With A Launcher", desktop=True, required_account="Epic Games"),
    Product(OLD_GAME, "An Old Game"),
)


def _made_id(title: str) -> str:
    """A version 4 uuid that is the same in every run."""
    return str(uuid.UUID(int=random.Random(f"drova product {title}").getrandbits(128), version=4))


CYBERPUNK = _made_id("Cyberpunk 2077")


def _description(title: str) -> tuple[str, str]:
    """About as much text as the real catalogue has: 1.4 to 1.7 MB for a thousand."""
    english = (
        f"<p>{title} is a game that you can play on any station of the list. "
        + "It needs a fast link and an account. " * 6
    )
    russian = f"<p>{title}: игра, доступная на станциях из списка. " + "Нужны быстрый канал и учётная запись. " * 5
    return english.strip() + "</p>", russian.strip() + "</p>"


def _steam(title: str, app: int | None, product: str | None = None) -> Product:
    shop = f"https://store.steampowered.com/app/{app}/" if app is not None else None
    return Product(
        product or _made_id(title),
        title,
        game_path=f"{STEAM_FOLDER}Steam.exe",
        work_path=STEAM_FOLDER,
        args=f"-language russian -nochatui -nofriendsui steam://rungameid/{app}" if app is not None else "",
        shop=shop,
        description=_description(title),
    )


def _known() -> list[Product]:
    """Well-known games: those of Steam with its numbers, those of others with the ids that people rely on."""
    games = [_steam(title, app) for title, app in STEAM_TITLES]
    games.append(_steam("Cyberpunk 2077", 1_091_500, CYBERPUNK_COPY))
    # Two of Steam's that have no shop address: people match them by hand.
    games += [_steam(title, None, product) for title, product in EXTRA_IDS]
    games += [
        Product(
            product or _made_id(title),
            title,
            desktop=desktop,
            game_path=path,
            work_path=path.rpartition("\\")[0] + "\\",
            required_account=account,
            license="Free",
            description=_description(title),
        )
        for title, product, account, desktop, path in EXTRA_TITLES
    ]
    return games


def _filler(count: int) -> list[Product]:
    """Games that nobody knows, with accounts, licences, old ids and desktops in the real proportions."""
    chance = random.Random(7985)
    games = []
    taken: set[str] = set()
    for number in range(count):
        title = f"{chance.choice(FIRST_WORDS)} {chance.choice(LAST_WORDS)}"
        while title in taken:
            title += f" {chance.choice(('II', 'III', 'Remastered', 'Online', 'Deluxe Edition'))}"
        taken.add(title)
        version = 1 if chance.random() < _OLD / _REAL else 4
        account = chance.choices([name for name, _ in _ACCOUNTS], [share for _, share in _ACCOUNTS])[0]
        app = 2_900_000 + 10 * number
        game = _steam(title, app, str(uuid.UUID(int=chance.getrandbits(128), version=version)))
        games.append(
            Product(
                game.uuid,
                title,
                desktop=chance.random() < _DESKTOPS / _REAL,
                game_path=game.game_path,
                work_path=game.work_path,
                args=game.args if account == "Steam" else "",
                required_account=account,
                shop=game.shop if account == "Steam" and chance.random() < 0.97 else None,
                license=chance.choices([*(name for name, _ in _LICENSES)], [share for _, share in _LICENSES])[0],
                description=game.description,
            )
        )
    return games


def catalogue(count: int) -> dict[str, Product]:
    """So many products by uuid, never fewer than the four that sessions are played with; well-known games come first."""
    room = max(0, count - len(PRODUCTS))
    games = _known()[:room]
    games += _filler(room - len(games))
    return {product.uuid: product for product in (*PRODUCTS, *games)}
