"""Functions and types with textual hints, for the tests of declarations."""

from __future__ import annotations

import dataclasses
import datetime as dt  # noqa: TC003  # the hints are evaluated
import enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

from pydantic import BaseModel, Field
from typing_extensions import Doc, TypedDict

if TYPE_CHECKING:
    from decimal import Decimal  # only here: the hints cannot be found

    from runner.tools.context import ToolContext


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class Address(BaseModel):
    """Where someone lives."""

    street: str = Field(description="with number")
    zip: str | None = None


@dataclasses.dataclass
class Stop:
    city: str
    nights: int = 1


class Options(TypedDict, total=False):
    verbose: bool


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


def everything(  # noqa: PLR0917  # one of each kind
    city: str,
    days: int,
    unit: Unit = Unit.CELSIUS,
    mode: Literal["fast", "slow"] = "fast",
    when: Optional[dt.date] = None,  # noqa: UP045  # the older spelling is what is tested
    ratio: float | None = None,
    address: Address | None = None,
    stops: list[Stop] = [],  # noqa: B006  # users write this
    options: Options | None = None,
    counts: dict[str, int] = {},  # noqa: B006
    tags: set[str] = frozenset(),
    pair: tuple[int, str] = (1, "a"),
    limit: Annotated[int, Field(ge=1, le=9, description="at most")] = 5,
    note: Annotated[str, "free text"] = "",
    more: Annotated[str, Doc("documented")] = "",
    field: int = Field(3, le=9, description="as a default"),
    anything: Any = None,
    plain=7,
):
    return locals()


def grown(tree: Tree, other: Tree | None = None) -> int:
    return tree.value


def with_context(city: str, context: ToolContext, maybe: ToolContext | None = None):
    return city, context, maybe


def typed_elsewhere(amount: Decimal):
    return amount


def returns_elsewhere(amount: int) -> Decimal:
    raise NotImplementedError(amount)
