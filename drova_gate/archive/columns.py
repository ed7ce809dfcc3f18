"""The columns of an export: those that the field's other tools write, in their order, so that an owner's own sheets go on working."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from drova_gate.addresses import masked

__all__ = ["Field", "Kind", "Locate", "chosen", "finished", "heading"]

Locate = Callable[[str], tuple[str | None, str | None]]
"""City and provider of an address."""


class Kind(Enum):
    """What a column holds: it decides how a spreadsheet aligns and adds it up."""

    TEXT = "text"
    DAY = "day"
    MOMENT = "moment"
    DURATION = "duration"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Field:
    """One column."""

    key: str
    """The heading in English, and the name that other tools use."""
    russian: str
    value: Callable[[Mapping[str, Any]], Any]
    """Of a row as :class:`Shelf` reads it."""
    kind: Kind = Kind.TEXT
    width: int = 16
    """In a spreadsheet, in characters."""


def _plain(key: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda row: row[key]


def _extra(key: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda row: row["extra"].get(key)


def _number(value: Any) -> Any:
    """A score comes as a number or as text; a spreadsheet should add it up in any case."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 9 else value


def _duration(row: Mapping[str, Any]) -> timedelta | None:
    return None if row["seconds"] is None else timedelta(seconds=round(row["seconds"]))


_ID = 37
_FIELDS = (
    Field("station_name", "Станция", _plain("station"), width=26),
    Field("game_name", "Игра", _plain("game"), width=30),
    Field("creator_ip", "IP клиента", _plain("from"), width=17),
    Field("city", "Город", _plain("city"), width=18),
    Field("asn", "Провайдер", _plain("provider"), width=24),
    Field("date", "Дата", lambda row: row["started"].date(), Kind.DAY, 11),
    Field("duration", "Продолжительность", _duration, Kind.DURATION, 12),
    Field("start_time", "Начало сессии", _plain("started"), Kind.MOMENT, 19),
    Field("finish_time", "Конец сессии", _plain("ended"), Kind.MOMENT, 19),
    Field("billing_type", "Способ оплаты", _plain("billing"), width=14),
    Field("status", "Статус", _plain("status"), width=12),
    Field("abort_comment", "Комментарий", _plain("abort_comment"), width=24),
    Field("client_id", "ID клиента", _plain("client_id"), width=_ID),
    Field("uuid", "ID сессии", _plain("uuid"), width=_ID),
    Field("server_id", "ID станции", _plain("server_id"), width=_ID),
    Field("merchant_id", "ID мерчанта", _plain("merchant_id"), width=_ID),
    Field("product_id", "ID игры", _plain("product_id"), width=_ID),
    Field("created_on", "Начало, мс", _plain("created_on"), Kind.NUMBER, 15),
    Field("finished_on", "Конец, мс", _plain("finished_on"), Kind.NUMBER, 15),
    Field("score", "Оценка", lambda row: _number(row["score"]), Kind.NUMBER, 8),
    Field("score_reason", "Причина оценки", _plain("score_reason_text"), width=24),
    Field("score_text", "Отзыв", _plain("score_text"), width=40),
    Field("parent", "Предыдущая сессия", _extra("parent"), width=_ID),
    Field("sched_hints", "Подсказки планировщика", _extra("sched_hints"), width=20),
)
_WITH_PLACES = frozenset({"city", "asn"})
_SELDOM = frozenset({"parent", "sched_hints"})
"""Sent to older clients only: columns that stay empty help nobody."""
_REASONS_RU = {
    "ok": "всё в порядке",
    "the game did not start": "игра не запустилась",
    "lags": "тормозит",
    "technical trouble": "технические проблемы",
    "updates": "обновления",
}


def chosen(*, places: bool, extras: frozenset[str]) -> tuple[Field, ...]:
    """Choose the columns; ``places``: files tell cities and providers; ``extras``: fields that some session has beyond the usual ones."""
    without = (frozenset() if places else _WITH_PLACES) | (_SELDOM - extras)
    return tuple(field for field in _FIELDS if field.key not in without)


def heading(field: Field, language: str) -> str:
    """Name a column."""
    return field.russian if language == "ru" else field.key


def finished(row: dict[str, Any], *, addresses: bool, locate: Locate | None, language: str) -> dict[str, Any]:
    """Complete a row for an export: its place, its address as it may be shown, its reason in the reader's language."""
    city, provider = locate(row["from"]) if locate is not None and row["from"] else (None, None)
    reason = row["score_reason_text"]
    return row | {
        "city": city,
        "provider": provider,
        "from": row["from"] if addresses else masked(row["from"]),
        "score_reason_text": _REASONS_RU.get(reason, reason) if language == "ru" else reason,
    }
