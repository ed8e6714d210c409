"""`BuiltInTool`: a tool that the service has and runs; its parts come and go with the model's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.service_tools import BUILT_IN, FILE_SEARCH

if TYPE_CHECKING:
    from runner.messages import Json

NAMES = (*BUILT_IN, FILE_SEARCH)


@dataclass(frozen=True)
class BuiltInTool:
    """One of `google_search`, `url_context`, `code_execution`, `google_maps` and `file_search`.

    `options` are what the API takes: `{"fileSearchStoreNames": [...]}` for `file_search`.
    """

    name: str
    options: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ManifestError(f'there is no built-in tool "{self.name}"; they are: {", ".join(NAMES)}', key="tools")

    @property
    def declared(self) -> Json:
        """The tool as a request names it."""
        first, second = self.name.split("_")
        return {first + second.capitalize(): self.options}
