"""Environment variables: case-blind names that keep their writing."""

from collections.abc import Mapping

__all__ = ["Environment"]


class Environment:
    """The variables of one shell."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._items = {name.upper(): (name, value) for name, value in variables.items()}

    def get(self, name: str) -> str | None:
        """The value, or ``None``: not defined."""
        item = self._items.get(name.upper())
        return None if item is None else item[1]

    def set(self, name: str, value: str) -> None:
        """Set a variable; an empty value removes it, for Windows knows no empty variables."""
        if value:
            written, _ = self._items.get(name.upper(), (name, ""))
            self._items[name.upper()] = (written, value)
        else:
            self._items.pop(name.upper(), None)

    def copy(self) -> "Environment":
        """The same variables, for a shell of its own."""
        other = Environment({})
        other._items = dict(self._items)
        return other

    def mapping(self) -> dict[str, str]:
        """A copy as programs get it."""
        return dict(self._items.values())

    def listing(self, prefix: str = "") -> list[tuple[str, str]]:
        """What ``set prefix`` shows: sorted, without hidden names, which begin with ``=``."""
        wanted = prefix.upper()
        return [
            item for name, item in sorted(self._items.items()) if name.startswith(wanted) and not name.startswith("=")
        ]
