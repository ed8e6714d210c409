"""The tools of an agent: lines that name modules, and tools that the service itself has."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from runner.manifest.base import Given, Part, Paths, Text, Whole
from runner.manifest.quantities import Seconds  # noqa: TC001  # pydantic reads the hints
from runner.service_tools import BUILT_IN, FILE_SEARCH


class FileSearchPart(Part):
    """A search in files that were stored with the service."""

    stores: Paths = Field(description="The stores to search, such as fileSearchStores/handbook.")
    top_k: Given[Annotated[Whole, Field(ge=1)]] = Field(default=None, description="How many passages are found.")
    filter: Given[Text] = Field(default=None, description='What the metadata of a file must be: author = "Ann".')


class ToolLine(Part):
    """One item of `tools`: a module's tools, or a tool of the service."""

    use: Given[Text] = Field(default=None, description="`module`, `module:function`, a file, or a built-in tool.")
    file_search: Given[FileSearchPart] = Field(default=None, description="A search in files stored with the service.")
    cache: Given[Seconds] = Field(
        default=None, description="How long results are used again for the same arguments, such as 10m."
    )

    @model_validator(mode="after")
    def _is_one(self) -> ToolLine:
        if (self.use is None) is (self.file_search is None):
            raise PydanticCustomError("one_of", "not one tool", {"keys": "use file_search"})
        return self

    @property
    def name(self) -> str:
        """The line as it names its tools."""
        return self.use or FILE_SEARCH

    @property
    def is_built_in(self) -> bool:
        """Whether the service has the tool, and runs it."""
        return self.use is None or self.use in BUILT_IN

    @property
    def options(self) -> dict[str, Any]:
        """What a built-in tool is told, in the API's words."""
        search = self.file_search
        if search is None:
            return {}
        given = {"fileSearchStoreNames": search.stores, "topK": search.top_k, "metadataFilter": search.filter}
        return {name: value for name, value in given.items() if value is not None}


def _long_form(value: object) -> object:
    return {"use": value} if isinstance(value, str) else value


ToolItem: TypeAlias = Annotated[ToolLine, BeforeValidator(_long_form, json_schema_input_type=Text | ToolLine)]
