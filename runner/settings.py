"""Settings from the environment and the project's `.env`, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr

if TYPE_CHECKING:
    from pathlib import Path


class Settings(BaseModel):
    """What the environment says. Ours have the prefix `AGENT_RUN_`; Gemini's keep the names google-genai reads."""

    model_config = ConfigDict(extra="ignore", validate_by_name=True, validate_by_alias=True)

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
        from runner.loading.environment import environment_of

        written = {name: value for name, value in environment_of(root).items() if value}
        return cls.model_validate(written, by_alias=True, by_name=False)

    @property
    def api_key(self) -> str | None:
        """The key in plain text, for the client that needs it; None or a text that is not empty."""
        return (self.key.get_secret_value() if self.key else None) or None

    @property
    def is_ci(self) -> bool:
        """Whether a CI system runs us: `CI` is set to anything but nothing, 0 or false."""
        return self.ci.lower() not in {"", "0", "false"}
