"""Settings from the environment and the project's `.env`, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from pathlib import Path


class Settings(BaseSettings):
    """What the environment says. Ours have the prefix `AGENT_RUN_`; Gemini's keep the names google-genai reads."""

    model_config = SettingsConfigDict(
        env_prefix="AGENT_RUN_", extra="ignore", env_file_encoding="utf-8-sig", env_ignore_empty=True
    )

    model: str | None = Field(default=None, description="Used instead of every manifest's model.")
    storage: str | None = Field(default=None, repr=False, description="Used instead of every manifest's storage.")
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

        try:
            return cls(_env_file=dotenv_of(root))  # type: ignore[call-arg]  # an argument of BaseSettings
        except UnicodeDecodeError:  # what is wrong with the file, a manifest's check tells
            return cls(_env_file=None)  # type: ignore[call-arg]  # an argument of BaseSettings

    @property
    def api_key(self) -> str | None:
        """The key in plain text, for the client that needs it; None or a text that is not empty."""
        return (self.key.get_secret_value() if self.key else None) or None

    @property
    def is_ci(self) -> bool:
        """Whether a CI system runs us: `CI` is set to anything but nothing, 0 or false."""
        return self.ci.lower() not in {"", "0", "false"}
