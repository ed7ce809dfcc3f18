"""How strict the models are, and the kinds of field that they share.

Fields that nobody here knows are kept (``model_extra``), so nothing is lost on the way. A field that a decision rests on is
exact: without it the answer is not understood. A field that is only shown is tolerant: in a form we do not know it reads as
``None``, because a strange billing word must not hide the end of a session. A field that may be absent has the default ``None``
(``model_fields_set`` tells absent from ``null``). Times are milliseconds since 1970.
"""

from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

__all__ = [
    "SHOWN",
    "CamelWire",
    "Flag",
    "Id",
    "Int",
    "Milliseconds",
    "Moment",
    "Money",
    "Number",
    "Port",
    "Raw",
    "Text",
    "Truth",
    "Wire",
]


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


SHOWN = WrapValidator(_or_none)
"""Marks a field that is only shown; see the module's docstring."""


def _no_flag(value: Any) -> Any:
    if isinstance(value, bool):
        # As a number it would be 0 or 1: a wrong certainty.
        raise ValueError("a number was expected, not a truth value")  # noqa: TRY004 - pydantic collects ValueError only
    return value


_NO_FLAG = BeforeValidator(_no_flag)

Truth = StrictBool
"""Exactly ``true`` or ``false``: neither 1 nor "yes" nor "off" may decide whether a station is shown."""

Milliseconds = Annotated[int, Field(ge=0, le=253_402_214_399_999), _NO_FLAG]
"""Since 1970, to the last day but one of the year 9999: what a date can be made of, in every time zone."""

_Figure = Annotated[int, Strict()] | Annotated[float, Strict()] | str

Money = Annotated[_Figure | None, SHOWN]
"""Amounts came redacted in every sample: their JSON type is not known, so it is kept as sent."""
Number = Annotated[_Figure | None, SHOWN]
"""Sent as a number by some calls and as text by others; kept as sent."""
Text = Annotated[str | None, SHOWN]
Flag = Annotated[StrictBool | None, SHOWN]
Int = Annotated[int | None, _NO_FLAG, SHOWN]
Id = Annotated[UUID | None, SHOWN]
"""Any UUID version: 21 products of the catalogue are version 1."""
Port = Annotated[int, Field(ge=0, le=65535), _NO_FLAG]
Moment = Annotated[Milliseconds | None, SHOWN]
Raw = Any
"""Of a shape that no sample shows; kept as sent."""


class Wire(BaseModel):
    """Anything the API sends."""

    # hide_input: a validation error is part of an error's chain, and what was sent may be a token.
    # defer_build: a router does not pay for the models of calls that it never makes.
    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, defer_build=True)


class CamelWire(Wire):
    """The part of the API that writes camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
