"""The settings of a project that has a `.env`: its variables, below those of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_settings import BaseSettings, SettingsConfigDict

from runner.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class _FileSettings(BaseSettings, Settings):
    model_config = SettingsConfigDict(
        env_file_encoding="utf-8-sig", env_ignore_empty=True, extra="ignore", populate_by_name=False
    )


def settings_of_file(path: Path) -> Settings:
    """The settings of the environment, then of the file. Raises UnicodeDecodeError."""
    found = _FileSettings(_env_file=path)  # type: ignore[call-arg]  # an argument of BaseSettings
    return Settings(**found.model_dump(exclude_unset=True))
