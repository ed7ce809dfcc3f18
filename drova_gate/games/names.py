"""Which game an owner means: by title, by Drova's id, or by Steam's number. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from drova_gate.cloud.game_index import SKIPPED, GameIndex, plain_words
from drova_gate.errors import NotKnown

__all__ = ["STEAM_MARK", "GameNames", "Named"]

STEAM_MARK = "steam:"
"""Before a number: it is Steam's, as in the address of the game's page in Steam's shop."""
WHERE = "drova_gate games list"


@dataclass(frozen=True, slots=True)
class Named:
    """A game that was meant."""

    product_id: UUID
    title: str


class GameNames:
    """Every game that the catalogue or a station of the owner names."""

    def __init__(self, catalogue: GameIndex, stations: Iterable[Mapping[UUID, str]] = ()) -> None:
        self._catalogue = catalogue
        self._titles = {game.product_id: game.title for game in catalogue.games}
        self._by_words: dict[tuple[str, ...], dict[UUID, None]] = {}
        for game in catalogue.games:
            for name in game.names:
                self._note(name, game.product_id)
        for titles in stations:
            for product_id, title in titles.items():
                self._titles.setdefault(product_id, title)
                self._note(title, product_id)

    def title(self, product_id: UUID) -> str:
        """What a game is called; its id when nobody says."""
        return self._titles.get(product_id, str(product_id))

    def find(self, text: str) -> Named:
        """Return the one game that is meant; ``NotKnown`` has the nearest titles, or all that it may be."""
        wanted = text.strip()
        if wanted.casefold().startswith(STEAM_MARK):
            return self._by_steam(wanted)
        try:
            product_id = UUID(wanted)
        except ValueError:
            return self._by_title(wanted)
        if product_id not in self._titles:
            raise NotKnown(
                f"game {wanted}", "neither the catalogue nor a station has this id", f"{WHERE} shows ids with --json"
            )
        return Named(product_id, self.title(product_id))

    def _note(self, name: str, product_id: UUID) -> None:
        # A copy that must be skipped is found by its id alone: its title means the other one.
        if product_id not in SKIPPED and (words := plain_words(name)):
            self._by_words.setdefault(words, {})[product_id] = None

    def _by_steam(self, wanted: str) -> Named:
        number = wanted[len(STEAM_MARK) :].strip()
        if not (number.isascii() and number.isdigit()):
            raise NotKnown(f"game {wanted!r}", "is no number of Steam's", f"write it so: {STEAM_MARK}570")
        found = self._catalogue.by_steam_id(int(number))
        if not found:
            fact = "no game of the catalogue has this number"
            raise NotKnown(f"game {wanted}", fact, "write its title; not every game of Drova's says its number")
        return self._one(wanted, [game.product_id for game in found])

    def _by_title(self, wanted: str) -> Named:
        found = self._by_words.get(plain_words(wanted), {})
        # Letter by letter weighs more than the same words, which may name two games ("Dota 2", "DOTA: 2").
        exact = [one for one in found if self._titles[one] == wanted]
        if len(exact) == 1 or found:
            return self._one(wanted, exact if len(exact) == 1 else list(found))
        near = [game.title for game in self._catalogue.search(wanted, 3)] or self._inside(wanted)
        advice = f"did you mean {', '.join(near)}?" if near else f"{WHERE} shows those that stations have"
        raise NotKnown(f"game {wanted!r}", "is not known", advice)

    def _inside(self, wanted: str) -> list[str]:
        """Find titles that only stations know, by a part of theirs."""
        fold = wanted.casefold()
        return sorted(title for title in set(self._titles.values()) if fold and fold in title.casefold())[:3]

    def _one(self, wanted: str, found: list[UUID]) -> Named:
        if len(found) == 1:
            return Named(found[0], self.title(found[0]))
        which = ", ".join(f"{self.title(one)} ({one})" for one in found)
        raise NotKnown(f"game {wanted!r}", f"may be {which}", "write the id of the one you mean")
