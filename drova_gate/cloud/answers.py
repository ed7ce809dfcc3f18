"""What an answer of the Drova API means: a value, or an error named by what the caller will do. Pure.

Texts name the call, the field and the ``X-Request-Id``, never what was sent: that may be a token.
"""

import json
import logging
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from pydantic import ValidationError

from drova_gate.cloud.models import Session, Wire
from drova_gate.columns import printable
from drova_gate.errors import (
    AnswerNotUnderstood,
    CloudForbidden,
    CloudNotFound,
    CloudRefused,
    CloudThrottled,
    CloudUnauthorised,
    CloudUnavailable,
    GateError,
    NotConfirmed,
)

__all__ = [
    "Answer",
    "about",
    "all_sessions",
    "ids",
    "names",
    "not_confirmed",
    "one",
    "own_sessions",
    "plain",
    "read_json",
    "reading_back",
    "refusal",
    "retry_after",
    "sessions_by_station",
    "several",
    "single",
]

log = logging.getLogger(__name__)

W = TypeVar("W", bound=Wire)

PATIENCE_SECONDS = 30.0
"""Wait after a 429 that does not say how long; the API was never seen to name a limit."""
PATIENCE_MOST_SECONDS = 600.0
"""A longer Retry-After is not obeyed: a station must not stay unguarded for a day because of one header."""
PATIENCE_LEAST_SECONDS = 1.0
"""A date that has passed on the way still means: not at once."""

SAID_MOST = 200
"""Characters of the API's own words in an error text: a line, not a page of HTML."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it came, without its secrets' names: the call says what was asked."""

    call: str
    """Method and path."""
    status: int
    body: bytes
    request_id: str = ""
    retry_after: str = ""
    """The header as sent."""
    date: str = ""
    """The server's own clock, as sent."""
    etag: str = ""
    """Names this version of the answer, as sent."""

    @property
    def subject(self) -> str:
        """What an error text begins with."""
        return f"Drova API, {self.call}"

    @property
    def mark(self) -> str:
        """The id by which Drova's support finds the request."""
        return f" (X-Request-Id {self.request_id})" if self.request_id else ""

    def not_understood(self, what: str) -> AnswerNotUnderstood:
        """Make the error for an answer of a shape we do not know."""
        return AnswerNotUnderstood(
            self.subject, f"the answer is not understood: {what}{self.mark}", "it may pass by itself"
        )


# -- refusals --------------------------------------------------------------------------------------------------------


def refusal(answer: Answer, *, secrets: Iterable[str] = (), wall: float) -> GateError | None:
    """Return the error that an answer's status means, or ``None`` for a success; ``wall`` is seconds since 1970."""
    status = answer.status
    if 200 <= status < 300:
        return None
    fact = f"answered {status}{_said(answer.body, secrets)}{answer.mark}"
    match status:
        case 401:
            return CloudUnauthorised(answer.subject, fact, "the token is not accepted; look whether it is still valid")
        case 403:
            return CloudForbidden(answer.subject, fact, "this token may not do that; look whose token it is")
        case 429:
            pause = retry_after(answer.retry_after, answer.date, wall)
            return CloudThrottled(answer.subject, fact, f"wait {pause:.0f} s", retry_after=pause)
        case 408:
            return CloudUnavailable(answer.subject, fact, "it may pass by itself")
        case _ if status >= 500:
            return CloudUnavailable(answer.subject, fact, "it may pass by itself")
        case 404:
            return CloudNotFound(answer.subject, fact, "the thing asked for is not there, or the API has changed")
        case _ if status >= 400:
            return CloudRefused(answer.subject, fact, "what was asked is not accepted, or the API has changed")
        case _:
            # A redirect is not followed: it would carry the token to another host.
            return answer.not_understood(f"status {status}; something between here and Drova may be answering")


def retry_after(header: str, date: str, wall: float) -> float:
    """Read ``Retry-After`` (seconds or an HTTP date) as seconds from now, within sensible bounds."""
    pause = PATIENCE_SECONDS
    text = header.strip()
    if text.isascii() and text.isdigit():
        pause = float(text)
    else:
        until = _http_date(text)
        if until is not None:
            # The server's own clock, when it says it: a router's may be wrong after a power cut.
            now = _http_date(date)
            pause = until - (wall if now is None else now)
    return min(max(pause, PATIENCE_LEAST_SECONDS), PATIENCE_MOST_SECONDS) if math.isfinite(pause) else PATIENCE_SECONDS


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):
        # IndexError and TypeError: the standard parser's way to refuse some short texts.
        return None


def _said(body: bytes, secrets: Iterable[str]) -> str:
    """Return the API's own ``message``, short, printable and without secrets."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, RecursionError, TypeError, KeyError, IndexError):
        return ""
    if not isinstance(message, str):
        return ""
    for secret in secrets:
        message = message.replace(secret, "***")
    return f" “{plain(message)}”" if message.strip() else ""


def plain(text: str) -> str:
    """Text of the other side, made fit for one line of a log."""
    return printable(text[:SAID_MOST])


@contextmanager
def reading_back(write: Answer | None) -> Iterator[None]:
    """Let an error of a reading say that the write before it, if any, was accepted: it does not mean "nothing was done"."""
    try:
        yield
    except GateError as error:
        if write is None:
            raise
        error.amend(
            f"{error.fact}, after {write.call} was accepted{write.mark}",
            f"{error.advice}; the change may be there, look before it is made again",
        )
        raise


def not_confirmed(write: Answer, read: Answer, fact: str, advice: str) -> NoReturn:
    """Say that a write was accepted and cannot be seen: with the ids of both requests."""
    raise NotConfirmed(write.subject, f"accepted{write.mark}, but {fact}{read.mark}", advice)


# -- values ----------------------------------------------------------------------------------------------------------


def read_json(answer: Answer) -> Any:
    """Parse the body; an empty one is not understood, never an empty list."""
    if not answer.body.strip():
        raise answer.not_understood("it is empty")
    try:
        return json.loads(answer.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        # Without the cause: its repr holds the body.
        kind = "is nested too deep" if isinstance(error, RecursionError) else "is not JSON"
        raise answer.not_understood(f"it {kind}") from None


def _no_constant(name: str) -> NoReturn:
    # Python's parser takes NaN and Infinity for numbers; nothing can be reckoned with them.
    raise ValueError(name)


def one(answer: Answer, model: type[W], raw: Any, place: str = "") -> W:
    """Read one object; the error names the field at fault."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join([*([place] if place else []), *(plain(str(part)) for part in first["loc"])]) or "the whole"
        raise answer.not_understood(f"{field}: {first['msg']}") from error


def single(answer: Answer, model: type[W]) -> W:
    """Read an answer that is one object."""
    return one(answer, model, read_json(answer))


def about(answer: Answer, field: str, found: UUID, asked: UUID) -> None:
    """Refuse an answer about another thing than the one asked for."""
    if found != asked:
        raise answer.not_understood(f"{field}: it is about {found}, not {asked}")


def several(answer: Answer, model: type[W]) -> tuple[W, ...]:
    """Read a bare list for showing: an odd item is left out and said; when all are odd the answer is not understood."""
    raw = _list(answer)
    read: list[W] = []
    odd: list[AnswerNotUnderstood] = []
    for index, item in enumerate(raw):
        try:
            read.append(one(answer, model, item, f"[{index}]"))
        except AnswerNotUnderstood as error:
            odd.append(error)
    _left_out(odd, len(read))
    return tuple(read)


def ids(answer: Answer) -> tuple[UUID, ...]:
    """Read a bare list of ids, in its order; an odd one is left out and said."""
    read: list[UUID] = []
    odd: list[AnswerNotUnderstood] = []
    for index, item in enumerate(_list(answer)):
        try:
            read.append(UUID(item))
        except (ValueError, TypeError, AttributeError):
            odd.append(answer.not_understood(f"[{index}]: an id was expected"))
    _left_out(odd, len(read))
    return tuple(read)


def names(answer: Answer) -> dict[UUID, str]:
    """Read an object of names by id; an odd entry is left out and said."""
    raw = read_json(answer)
    if not isinstance(raw, dict):
        raise answer.not_understood(f"an object was expected, not {type(raw).__name__}")
    read: dict[UUID, str] = {}
    odd: list[AnswerNotUnderstood] = []
    for key, name in raw.items():
        try:
            server = UUID(key)
        except ValueError:
            odd.append(answer.not_understood(f"{plain(key)}: an id was expected"))
            continue
        if isinstance(name, str):
            read[server] = name
        else:
            odd.append(answer.not_understood(f"{server}: a name was expected"))
    _left_out(odd, len(read))
    return read


def _list(answer: Answer) -> list[Any]:
    raw = read_json(answer)
    if not isinstance(raw, list):
        raise answer.not_understood(f"a list was expected, not {type(raw).__name__}")
    return raw


def _left_out(odd: list[AnswerNotUnderstood], read: int) -> None:
    if odd and not read:
        raise odd[0]
    if odd:
        log.warning("%s; %d of %d items are left out", odd[0], len(odd), len(odd) + read)


def own_sessions(answer: Answer, server: UUID) -> tuple[tuple[Session, ...], int]:
    """Read a session list: the station's own, newest first, and how many of others were among them.

    An item that cannot be read makes the whole answer "not understood", unless it names another station: it might be the
    session that is going on here, and an error is never an absence.
    """
    items = _session_items(answer)
    own: list[Session] = []
    foreign = 0
    for index, item in enumerate(items):
        if _of_another(item, server):
            foreign += 1
            continue
        own.append(one(answer, Session, item, f"sessions[{index}]"))
    if foreign:
        log.debug("%s: %d of %d sessions are of other stations; left out", answer.subject, foreign, len(items))
    return tuple(sorted(own, key=lambda session: session.created_on, reverse=True)), foreign


def all_sessions(answer: Answer) -> tuple[Session, ...]:
    """Read a list of many stations' sessions for keeping, newest first.

    An item that cannot be read is left out and said when it is over all the same; otherwise it might be a rental that goes on,
    and the whole is not understood.
    """
    read: list[Session] = []
    odd: list[AnswerNotUnderstood] = []
    for index, item in enumerate(_session_items(answer)):
        try:
            read.append(one(answer, Session, item, f"sessions[{index}]"))
        except AnswerNotUnderstood as error:
            if not isinstance(item, dict) or item.get("status") not in ("FINISHED", "ABORTED"):
                raise
            odd.append(error)
    _left_out(odd, len(read))
    return tuple(sorted(read, key=lambda session: session.created_on, reverse=True))


def sessions_by_station(answer: Answer) -> tuple[dict[UUID, tuple[Session, ...] | AnswerNotUnderstood], int]:
    """Read a list of many stations' sessions: each station's own, newest first, and how many there are in all.

    An item that cannot be read spoils the answer for the station that it names; one that names none spoils it for all.
    """
    items = _session_items(answer)
    read: dict[UUID, list[Session]] = {}
    spoilt: dict[UUID, tuple[Session, ...] | AnswerNotUnderstood] = {}
    for index, item in enumerate(items):
        try:
            session = one(answer, Session, item, f"sessions[{index}]")
        except AnswerNotUnderstood as error:
            try:
                spoilt[UUID(item["server_id"])] = error
            except (ValueError, TypeError, KeyError, AttributeError):
                raise error from None
        else:
            read.setdefault(session.server_id, []).append(session)
    found: dict[UUID, tuple[Session, ...] | AnswerNotUnderstood] = {
        server: tuple(sorted(own, key=lambda session: session.created_on, reverse=True)) for server, own in read.items()
    }
    return found | spoilt, len(items)


def _session_items(answer: Answer) -> list[Any]:
    raw = read_json(answer)
    items = raw.get("sessions") if isinstance(raw, dict) else None
    if not isinstance(items, list):
        raise answer.not_understood("sessions: a list was expected")
    return items


def _of_another(item: Any, server: UUID) -> bool:
    named = item.get("server_id") if isinstance(item, dict) else None
    try:
        return isinstance(named, str) and UUID(named) != server
    except ValueError:
        return False
