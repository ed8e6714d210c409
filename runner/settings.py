"""Settings from the environment and the project's `.env`, read once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr

if TYPE_CHECKING:
    from pathlib import Path


class Settings(BaseModel):
    """What the environment says. Ours have the prefix `AGENT_RUN_`; Gemini's keep the names google-genai reads."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    model: str | None = Field(
        default=None, validation_alias="AGENT_RUN_MODEL", description="Used instead of every manifest's model."
    )
    storage: str | None = Field(
        default=None,
        repr=False,
        validation_alias="AGENT_RUN_STORAGE",
        description="Used instead of every manifest's storage.",
    )
    key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        description="The Gemini API key; GOOGLE_API_KEY wins, as it does in google-genai.",
    )
    google_gemini_base_url: str | None = Field(
        default=None, repr=False, validation_alias="GOOGLE_GEMINI_BASE_URL", description="Where Gemini is reached."
    )
    ci: str = Field(default="", validation_alias="CI", description="Set by CI systems: no offline model by itself.")

    @classmethod
    def of_project(cls, root: Path) -> Settings:
        """The settings of the environment, then of the `.env` in the project root; an empty variable says nothing."""
        from runner.loading.environment import dotenv_of

        path = dotenv_of(root)
        if path is None:
            return cls.of_environment()
        from runner.settings_file import settings_of_file

        try:
            return settings_of_file(path)
        except UnicodeDecodeError:  # what is wrong with the file, a manifest's check tells
            return cls.of_environment()

    @classmethod
    def of_environment(cls) -> Settings:
        """The settings of the environment alone, as pydantic-settings reads them, whose import takes a tenth of a
        start: names in any case, and nothing from a variable that is empty."""
        return cls.model_validate({name.upper(): text for name, text in os.environ.items() if text})

    @property
    def api_key(self) -> str | None:
        """The key in plain text, for the client that needs it; None or a text that is not empty."""
        return (self.key.get_secret_value() if self.key else None) or None

    @property
    def is_ci(self) -> bool:
        """Whether a CI system runs us: `CI` is set to anything but nothing, 0 or false."""
        return self.ci.lower() not in {"", "0", "false"}
