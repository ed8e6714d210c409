"""Whether google-genai would find credentials is told as it would find them, without importing it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.models.gemini import credentials
from runner.models.gemini.credentials import find_credentials


@pytest.fixture(autouse=True)
def plain_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_MACHINE", tmp_path / "product_name")


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({}, None),
        ({"GEMINI_API_KEY": "k"}, "GEMINI_API_KEY"),
        ({"GOOGLE_API_KEY": "k"}, "GOOGLE_API_KEY"),
        ({"GOOGLE_API_KEY": "a", "GEMINI_API_KEY": "b"}, "GOOGLE_API_KEY"),
        ({"GEMINI_API_KEY": ""}, None),
        ({"GEMINI_API_KEY": "  \n"}, None),
        ({"GOOGLE_API_KEY": "", "GEMINI_API_KEY": "b"}, "GEMINI_API_KEY"),
        ({"GOOGLE_CLOUD_PROJECT": "p"}, None),
        ({"GOOGLE_GENAI_USE_ENTERPRISE": "true"}, None),
        ({"GOOGLE_GENAI_USE_ENTERPRISE": "1", "GOOGLE_API_KEY": "k"}, "GOOGLE_API_KEY"),
        ({"GOOGLE_GENAI_USE_ENTERPRISE": "false", "GOOGLE_GENAI_USE_VERTEXAI": "true", "K_SERVICE": "s"}, None),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "yes", "K_SERVICE": "s"}, None),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "True", "K_SERVICE": "s"}, "the Google Cloud service account"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "1", "K_SERVICE": "s", "NO_GCE_CHECK": "true"}, None),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "1", "GOOGLE_APPLICATION_CREDENTIALS": "/no/such/file"}, None),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "1", "GOOGLE_API_KEY": "k", "GOOGLE_CLOUD_PROJECT": "p"}, None),
    ],
)
def test_the_environment_decides(env: dict[str, str], found: str | None, tmp_path: Path) -> None:
    assert find_credentials({"HOME": str(tmp_path), **env}) == found


def test_files_of_application_default_credentials_are_found(tmp_path: Path) -> None:
    on = {"GOOGLE_GENAI_USE_ENTERPRISE": "true", "HOME": str(tmp_path)}
    folder = tmp_path / ".config" / "gcloud"
    folder.mkdir(parents=True)
    named = tmp_path / "service.json"
    for path in (folder / "application_default_credentials.json", named):
        path.write_text("{}")
    assert find_credentials(on) == "application default credentials"
    assert find_credentials({**on, "CLOUDSDK_CONFIG": str(tmp_path)}) is None
    assert find_credentials({**on, "GOOGLE_APPLICATION_CREDENTIALS": str(named)}) == "GOOGLE_APPLICATION_CREDENTIALS"


def test_a_machine_of_google_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "product_name").write_text("Google Compute Engine\n")
    assert find_credentials({"GOOGLE_GENAI_USE_VERTEXAI": "1", "HOME": str(tmp_path)}) is not None


def test_neither_looking_nor_making_a_model_imports_the_sdk() -> None:
    code = (
        "import sys; from runner.models.gemini import GeminiModel, find_credentials; GeminiModel(); find_credentials();"
        "import runner.caches, runner.models.retry; sys.exit(any(n in sys.modules for n in ('google.genai', 'httpx2')))"
    )
    root = str(Path(__file__).parents[3])
    result = subprocess.run([sys.executable, "-c", code], cwd=root, env={**os.environ, "PYTHONPATH": root}, check=False)
    assert result.returncode == 0
