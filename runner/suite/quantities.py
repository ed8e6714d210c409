"""The small types of a conversations file: texts, counts, shares, money, moments."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from runner.manifest.base import Whole

MOMENT = (
    r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?$"
)
"""A date, or a date and a time, with a zone or without; it is written into the JSON schema, so both accept the same."""
_MOMENT = re.compile(MOMENT)


def _moment(value: object) -> object:
    if isinstance(value, str) and _MOMENT.match(value) and not value.endswith("\n"):
        try:
            return datetime.fromisoformat(value)
        except ValueError:  # the 30th of February
            raise PydanticCustomError("no_such_day", "no such day") from None
    raise PydanticCustomError("moment", "not a moment")


Count: TypeAlias = Annotated[Whole, Field(ge=1)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Money: TypeAlias = Annotated[float, Field(gt=0)]
Moment: TypeAlias = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "pattern": MOMENT})]
"""A point in time; one without a zone is this machine's own, as instructions show it."""
