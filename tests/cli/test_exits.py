from __future__ import annotations

import pytest

from runner import errors
from runner.cli.exits import Exit, exit_for_error, exit_for_turn
from runner.errors import AgentRunError
from runner.events import TurnEnded
from runner.requests import Usage

CODES = {
    "AgentRunError": 2,
    "ManifestError": 2,
    "MissingKeyError": 2,
    "ModelChoiceError": 2,
    "CassetteError": 2,
    "CassetteMissError": 2,
    "GeminiClientError": 3,
    "GeminiAPIError": 3,
    "PromptTooLongError": 3,
    "GeminiResponseError": 3,
    "ChatStorageError": 4,
    "ChatBusyError": 6,
    "ChatChangedError": 6,
    "GeminiToolExecutionError": 70,
}


def kinds(of: type[AgentRunError] = AgentRunError) -> set[type[AgentRunError]]:
    below = (kinds(kind) for kind in of.__subclasses__() if kind.__module__ == errors.__name__)
    return {of}.union(*below)


def test_every_error_has_the_exit_code_its_documentation_says() -> None:
    found = {kind.__name__: exit_for_error(kind.__new__(kind)) for kind in kinds()}
    assert found == CODES


@pytest.mark.parametrize("error", [RuntimeError("x"), OSError(5, "x"), TypeError(), RecursionError()])
def test_what_nobody_foresaw_is_a_bug(error: Exception) -> None:
    assert exit_for_error(error) is Exit.BUG


def test_ctrl_c_is_130() -> None:
    assert exit_for_error(KeyboardInterrupt()) == 130


@pytest.mark.parametrize(
    ("reason", "code"), [("answered", 0), ("stopped", 0), ("limit", 5), ("failed", 3), ("interrupted", 130)]
)
def test_a_turn_without_an_error_exits_by_its_reason(reason: str, code: int) -> None:
    assert exit_for_turn(TurnEnded(reason, "", Usage())) == code  # type: ignore[arg-type]


def test_only_an_answer_or_a_stop_is_success() -> None:
    failed = TurnEnded("failed", "", Usage(), error=errors.ChatBusyError("in use"))
    assert exit_for_turn(failed) == 6
