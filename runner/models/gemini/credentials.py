"""Whether google-genai would find credentials, told without importing it (its import costs a second)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_SWITCHES = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")
_GOOGLE_CLOUD_MARKS = ("K_SERVICE", "GAE_ENV", "GCE_METADATA_HOST", "GCE_METADATA_IP", "CLOUD_RUN_JOB")
_MACHINE = Path("/sys/class/dmi/id/product_name")


def find_credentials(environ: Mapping[str, str] | None = None, *, has_project: bool = False) -> str | None:
    """The name of what google-genai would sign in with, or None.

    `GOOGLE_API_KEY` or `GEMINI_API_KEY`; in enterprise mode (`GOOGLE_GENAI_USE_ENTERPRISE`, or the older
    `GOOGLE_GENAI_USE_VERTEXAI`, set to `true` or `1`) also Google's application default credentials. For a project
    that was named only these count.
    """
    env = os.environ if environ is None else environ
    if has_project:
        return _default_credentials(env)
    key = next((name for name in _KEYS if env.get(name, "").strip()), None)
    if not _is_enterprise(env):
        return key
    project = env.get("GOOGLE_CLOUD_PROJECT") or env.get("GOOGLE_CLOUD_LOCATION")
    if key and not project:
        return key
    return _default_credentials(env)


def is_of_project(enterprise: bool | None, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment names the project that asks on the enterprise platform: there it beats a key."""
    env = os.environ if environ is None else environ
    is_enterprise = _is_enterprise(env) if enterprise is None else enterprise
    return is_enterprise and bool(env.get("GOOGLE_CLOUD_PROJECT") or env.get("GOOGLE_CLOUD_LOCATION"))


def _is_enterprise(env: Mapping[str, str]) -> bool:
    switch = next((env[name] for name in _SWITCHES if name in env), "")
    return switch.lower() in {"true", "1"}


def _default_credentials(env: Mapping[str, str]) -> str | None:
    """Where google-auth looks, in its order: the named file, gcloud's file, Google's own machines."""
    named = env.get("GOOGLE_APPLICATION_CREDENTIALS")
    if named:
        return "GOOGLE_APPLICATION_CREDENTIALS" if Path(named).is_file() else None
    if _gcloud_file(env).is_file():
        return "application default credentials"
    if env.get("NO_GCE_CHECK", "").lower() == "true":
        return None
    return "the Google Cloud service account" if _is_google_machine(env) else None


def _gcloud_file(env: Mapping[str, str]) -> Path:
    folder = env.get("CLOUDSDK_CONFIG")
    if not folder and sys.platform == "win32":
        folder = str(Path(env.get("APPDATA", "")) / "gcloud")
    if not folder:
        folder = str(Path(env.get("HOME") or Path.home()) / ".config" / "gcloud")
    return Path(folder) / "application_default_credentials.json"


def _is_google_machine(env: Mapping[str, str]) -> bool:
    if any(env.get(mark) for mark in _GOOGLE_CLOUD_MARKS):
        return True
    try:
        return _MACHINE.read_text(encoding="ascii", errors="replace").strip().startswith("Google")
    except OSError:
        return False
