"""Issuing promocodes: each is worth money to whoever has it, so it is done once, knowingly, and no code is lost.

What is asked for is written down before it is asked, and what comes is kept the moment it comes. When the answer does not come, the
list of unused codes tells which ones appeared since.
"""

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.models import Promocode
from drova_gate.errors import CallOwner, GateError, OutcomeUnknown
from drova_gate.files import claim, give_to_folder, make_folder

__all__ = ["AGAIN_SECONDS", "Asked", "Issued", "PromocodeBook", "issue"]

AGAIN_SECONDS = 60.0
"""The same order within so short a time is more likely a slip, or a script that tries again, than a wish."""
MINUTE_MSECS = 60_000


@dataclass(frozen=True, slots=True)
class Asked:
    """An order that was sent."""

    at: float
    """Seconds since 1970."""
    count: int
    minutes: int
    outcome: str
    """``asked`` when nobody knows what became of it, else ``issued``, ``unknown`` or ``refused``."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What came of an order."""

    codes: tuple[Promocode, ...]
    unknown: GateError | None = None
    """The answer did not come, or not whole; ``codes`` are those that have appeared in the list since."""
    looked: bool = True
    """Whether the list could be asked then."""
    not_kept: str = ""
    """Why the codes are not in the file, if they are not."""


class PromocodeBook:
    """The file (mode 0600) of what was issued from here: JSON lines, only ever added to."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "promocodes.jsonl"

    def claim(self) -> Callable[[], None]:
        """Keep other orders out until the returned function is called; ``CallOwner`` while one is under way."""
        try:
            give_back = claim(self.path.with_suffix(".lock"))
        except OSError as error:
            fact = f"{self.path.parent} cannot be written ({error.strerror})"
            raise CallOwner("promocodes", fact, "use sudo, or make room; nothing was issued") from error
        if give_back is None:
            raise CallOwner("promocodes", "another command is issuing some now", "wait until it has ended")
        return give_back

    def last(self) -> Asked | None:
        """Read the newest order; ``None``: there was none."""
        found: dict[str, Any] | None = None
        for line in self._lines():
            if line.get("what") == "order":
                found = line
            elif found is not None and line.get("what") == "outcome":
                found = found | {"outcome": line.get("outcome")}
        try:
            return (
                None
                if found is None
                else Asked(
                    float(found["at"]), int(found["count"]), int(found["minutes"]), str(found.get("outcome") or "asked")
                )
            )
        except (KeyError, TypeError, ValueError):
            return None

    def codes(self) -> tuple[Promocode, ...]:
        """Read every code that was ever kept here."""
        found = []
        for line in self._lines():
            try:
                found.append(Promocode.model_validate(line["code"]))
            except (KeyError, ValueError):
                continue
        return tuple({one.promocode: one for one in found}.values())

    def order(self, count: int, minutes: int) -> None:
        """Write an order down before it is sent; ``OSError`` if the disk refuses."""
        self._add([{"what": "order", "at": time.time(), "count": count, "minutes": minutes}])

    def outcome(self, outcome: str, codes: Iterable[Promocode] = ()) -> None:
        """Keep what came of it; ``OSError`` if the disk refuses."""
        now = time.time()
        kept = [{"what": "code", "at": now, "code": one.model_dump(mode="json", by_alias=True)} for one in codes]
        self._add([*kept, {"what": "outcome", "at": now, "outcome": outcome}])

    def _lines(self) -> list[dict[str, Any]]:
        try:
            text = self.path.read_bytes()
        except OSError:
            return []
        found = []
        for line in text.splitlines():
            try:
                raw = json.loads(line)
            except (ValueError, RecursionError):
                continue  # torn by a power cut
            if isinstance(raw, dict):
                found.append(raw)
        return found

    def _add(self, lines: Iterable[dict[str, Any]]) -> None:
        # In front, too: a line that a power cut has torn must not swallow this one.
        text = "\n" + "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
        make_folder(self.path.parent)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "ab") as file:
            give_to_folder(handle, self.path.parent)
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(handle)


async def issue(client: DrovaClient, book: PromocodeBook, count: int, minutes: int) -> Issued:
    """Issue codes, once; the caller has claimed the book and asked the owner. A refusal is a ``GateError``."""
    # Without it nobody could tell afterwards which codes are new.
    before = {one.promocode for one in await client.promocodes()}
    try:
        book.order(count, minutes)
    except OSError as error:
        fact = f"{book.path} cannot be written ({error.strerror})"
        raise CallOwner("promocodes", fact, "make room, or use sudo; nothing was issued") from error
    try:
        codes = await client.issue_promocodes(count, minutes * MINUTE_MSECS)
    except OutcomeUnknown as error:
        return await _appeared(client, book, before, error)
    except GateError:
        _keep(book, "refused", ())
        raise
    return Issued(codes, not_kept=_keep(book, "issued", codes))


async def _appeared(client: DrovaClient, book: PromocodeBook, before: set[str], unknown: OutcomeUnknown) -> Issued:
    """Look which codes are new."""
    try:
        codes = tuple(one for one in await client.promocodes() if one.promocode not in before)
    except GateError:
        return Issued((), unknown, looked=False, not_kept=_keep(book, "unknown", ()))
    return Issued(codes, unknown, not_kept=_keep(book, "unknown", codes))


def _keep(book: PromocodeBook, outcome: str, codes: Iterable[Promocode]) -> str:
    """Keep what came; what the disk says if it refuses: the codes must reach the owner all the same."""
    try:
        book.outcome(outcome, codes)
    except OSError as error:
        return error.strerror or str(error)
    return ""
