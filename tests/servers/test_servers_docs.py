"""The package's docstring is true."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

from tests import servers
from tests.servers.conversation import Client, answered, user


def run_the_agent(env: dict[str, str]) -> None:
    """Play one turn, trying again after a 503."""
    contents: list[Any] = [user("Rain in Paris?")]
    with Client(env["GOOGLE_GEMINI_BASE_URL"], env["GEMINI_API_KEY"]) as client:
        assert client.post({"contents": contents})[0] == 503
        content = client.content({"contents": contents})
        client.content({"contents": [*contents, content, answered(content, output="rain")]})


def test_the_example_runs() -> None:
    doc = inspect.cleandoc(servers.__doc__ or "")
    lines = doc.split("\n\n", 1)[1].split("\n**Checked**")[0]
    exec(textwrap.dedent(lines), {"run_the_agent": run_the_agent})  # noqa: S102 - our own docstring


def test_every_public_name_exists_and_every_reply_is_documented() -> None:
    doc = servers.__doc__ or ""
    assert all(hasattr(servers, name) for name in servers.__all__)
    made = [name for name in servers.__all__ if name.islower()]
    assert [name for name in made if name not in doc] == []
