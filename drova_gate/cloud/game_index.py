"""The games of the catalogue as commands need them: titles, Steam's numbers, what somebody may have meant. Pure.

Imports nothing heavy: a command that only turns ids into titles must not wait for models and sockets.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

__all__ = ["SKIPPED", "Game", "GameIndex", "plain_words", "steam_app_id"]

SKIPPED = frozenset({UUID("c9af5926-118e-4c5b-87d4-204099ceb6fb")})
"""Copies of a game that stations must not offer: Cyberpunk 2077 without its expansion has the same number in Steam's shop."""

STEAM = "steam"
"""``requiredAccount`` of games that Steam starts; others link to Steam's shop too, but are installed by another launcher."""

CLOSE = 0.72
"""How alike two words must be to be one with a slip of the finger ("wicher", "cyberpnk"), by difflib's ratio."""
CLOSE_MOST = 12
"""Words that a word of a question may stand for."""
PREFIX_WORTH, CLOSE_WORTH = 0.9, 0.8
"""What a word's beginning, or one like it, counts against the word itself."""
ENOUGH = 0.55
"""Part of a question that a name must answer to be among the nearest."""
LENGTH_WEIGHT = 0.05
"""Of two names that answer a question alike the shorter one is meant."""

ROMAN = {"ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
"""Parts of a series are typed in figures, whatever the title has. Not I and X, which are words and letters as well."""
INITIALS_LEAST, INITIALS_MOST = 3, 5
"""How many first words are called by their first letters: gta, gta5."""

_APP = re.compile(r"store\.steampowered\.com/(?:agecheck/)?app/(\d{1,10})(?!\d)", re.IGNORECASE)
_BETWEEN_ALIASES = re.compile(r"[,;|\n]")


@dataclass(frozen=True, slots=True)
class Game:
    """One game of the catalogue."""

    product_id: UUID
    title: str
    """As stations' lists show it; the id when the catalogue gives none."""
    display_name: str = ""
    aliases: tuple[str, ...] = ()
    required_account: str = ""
    """The launcher's name, such as Steam or Epic Games."""
    in_shop_url: str = ""
    use_default_desktop: bool | None = None
    """``None``: not said, which is not ``False``."""

    @property
    def steam_id(self) -> int | None:
        """Steam's number of a game that Steam starts."""
        return steam_app_id(self.in_shop_url) if self.required_account.casefold() == STEAM else None

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it is called."""
        return tuple(name for name in (self.title, self.display_name, *self.aliases) if name)


def steam_app_id(url: str) -> int | None:
    """Read the number out of an address of Steam's shop."""
    found = _APP.search(url)
    return int(found[1]) if found else None


def game_of(raw: Mapping[str, Any]) -> Game:
    """Take one game from the API's own words; ``KeyError``, ``TypeError`` or ``ValueError`` when it has no id."""
    text = {name: value for name, value in raw.items() if isinstance(value, str)}
    flag, aliases = raw.get("useDefaultDesktop"), raw.get("aliases")
    if isinstance(aliases, str):
        aliases = _BETWEEN_ALIASES.split(aliases)
    return Game(
        product_id=UUID(text["productId"]),
        title=text.get("title") or text.get("displayName") or text["productId"],
        display_name=text.get("displayName", ""),
        aliases=tuple(one.strip() for one in aliases if isinstance(one, str)) if isinstance(aliases, list) else (),
        required_account=text.get("requiredAccount", ""),
        in_shop_url=text.get("inShopUrl", ""),
        use_default_desktop=flag if isinstance(flag, bool) else None,
    )


def plain_words(text: str) -> tuple[str, ...]:
    """Split a name into words as people type them: no case, no marks, ё as е, parts of a series in figures."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е").replace("'", "").replace("’", "")
    words = "".join(char if char.isalnum() else " " for char in folded).split()
    return tuple(ROMAN.get(word, word) for word in words)


def _spoken(name: tuple[str, ...]) -> frozenset[str]:
    """Every word that may be typed for a name: its own, and the first letters of its first words."""
    most = min(len(name), INITIALS_MOST)
    initials = ("".join(word[0] for word in name[:count]) for count in range(INITIALS_LEAST, most + 1))
    return frozenset((*name, *initials))


class GameIndex:
    """Games by id, by Steam's number and by name; what it does not look up costs nothing."""

    def __init__(self, games: Iterable[Game]) -> None:
        self._by_id = {game.product_id: game for game in games}

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def games(self) -> tuple[Game, ...]:
        """All of them, in the catalogue's order."""
        return tuple(self._by_id.values())

    def get(self, product_id: UUID) -> Game | None:
        """One game by its id."""
        return self._by_id.get(product_id)

    def title(self, product_id: UUID) -> str | None:
        """What a game is called."""
        game = self._by_id.get(product_id)
        return None if game is None else game.title

    def by_steam_id(self, app_id: int) -> tuple[Game, ...]:
        """Every game that Steam starts under this number, without copies that must be skipped."""
        return self._by_steam_id.get(app_id, ())

    def named(self, text: str) -> Game | None:
        """Return the one game that is meant by a full name, an alias or an id; ``None``: none, or several."""
        try:
            return self._by_id.get(UUID(text.strip()))
        except ValueError:
            found = self._by_words.get(plain_words(text), ())
            return found[0] if len(found) == 1 else None

    def search(self, text: str, limit: int = 5) -> tuple[Game, ...]:
        """Return the games whose names are nearest to a text, nearest first; empty when none is near."""
        words = plain_words(text)
        if not words or limit < 1:
            return ()
        meant = [self._alike(word) for word in words]
        whole = self._alike("".join(words))
        found: list[tuple[float, int, Game]] = []
        for order, game in enumerate(self._offered):
            worth = max((_worth(name, meant, whole) for name in self._terms[game.product_id]), default=0.0)
            if worth >= ENOUGH:
                found.append((-worth, order, game))
        return tuple(game for _, _, game in sorted(found)[:limit])

    @cached_property
    def _offered(self) -> tuple[Game, ...]:
        return tuple(game for game in self._by_id.values() if game.product_id not in SKIPPED)

    @cached_property
    def _by_steam_id(self) -> dict[int, tuple[Game, ...]]:
        found: dict[int, tuple[Game, ...]] = {}
        for game in self._offered:
            if (app_id := game.steam_id) is not None:
                found[app_id] = (*found.get(app_id, ()), game)
        return found

    @cached_property
    def _terms(self) -> dict[UUID, tuple[tuple[str, ...], ...]]:
        """Every name's words, by game."""
        return {
            game.product_id: tuple({words: None for name in game.names if (words := plain_words(name))})
            for game in self._offered
        }

    @cached_property
    def _by_words(self) -> dict[tuple[str, ...], tuple[Game, ...]]:
        found: dict[tuple[str, ...], tuple[Game, ...]] = {}
        for game in self._offered:
            for words in self._terms[game.product_id]:
                found[words] = (*found.get(words, ()), game)
        return found

    @cached_property
    def _vocabulary(self) -> tuple[str, ...]:
        """Every word of every name, and every name written as one word ("farcry5")."""
        names = [words for several in self._terms.values() for words in several]
        return tuple({word: None for words in names for word in (*words, "".join(words))})

    def _alike(self, word: str) -> dict[str, float]:
        """What a typed word may stand for, and how much that counts."""
        import difflib  # noqa: PLC0415 - a guard looks games up by their ids alone

        alike = {
            near: CLOSE_WORTH * difflib.SequenceMatcher(None, near, word).ratio()
            for near in difflib.get_close_matches(word, self._vocabulary, CLOSE_MOST, CLOSE)
        }
        alike |= {longer: PREFIX_WORTH for longer in self._vocabulary if longer.startswith(word)}
        return alike | {word: 1.0}


def _worth(name: tuple[str, ...], meant: list[dict[str, float]], whole: dict[str, float]) -> float:
    """How well a name answers a question; 1 and a little more is an exact answer."""
    spoken = _spoken(name)
    by_word = sum(max(alike.get(word, 0.0) for word in spoken) for alike in meant) / len(meant)
    at_once = whole.get("".join(name), 0.0)
    extra = LENGTH_WEIGHT * len(meant) / max(len(meant), len(name))
    return max(by_word, at_once) + (extra if by_word or at_once else 0.0)
