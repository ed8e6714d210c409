"""Run Gemini agents described in YAML; the public names of the engine, each imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.version import __version__ as __version__

if TYPE_CHECKING:
    from runner.agent import Agent
    from runner.caches import CacheConfig, CacheManager
    from runner.chats import ChatManager
    from runner.client import GeminiClient
    from runner.errors import (
        AgentRunError,
        CassetteError,
        CassetteMissError,
        ChatBusyError,
        ChatChangedError,
        ChatStorageError,
        GeminiAPIError,
        GeminiClientError,
        GeminiResponseError,
        GeminiToolExecutionError,
        ManifestError,
        MissingKeyError,
        ModelChoiceError,
        PromptTooLongError,
    )
    from runner.events import (
        BuiltInCalled,
        CodeRan,
        CodeWritten,
        Event,
        MediaReturned,
        Notice,
        TextDelta,
        ThoughtDelta,
        ToolCalled,
        ToolProgress,
        ToolReturned,
        TurnEnded,
        TurnStarted,
        UsageReported,
    )
    from runner.executors.base import ToolExecutor
    from runner.executors.parallel import AsyncToolExecutor
    from runner.executors.rate_limiting import RateLimitingAsyncExecutor
    from runner.history import HistoryPolicy
    from runner.loading import load_manifest
    from runner.manifest import AgentManifest
    from runner.media import Media
    from runner.messages import ChatMessage
    from runner.models.base import Model
    from runner.models.gemini.model import GeminiModel
    from runner.models.offline import OfflineModel
    from runner.models.scripted import ScriptedModel
    from runner.plan import Limits
    from runner.project import Project
    from runner.reload.news import Reloaded, ReloadFailed, ReloadNotice
    from runner.requests import CacheUse, ContextSize, Cost, Finish, GenerateContentRequest, Source, Usage
    from runner.storages.base import ChatStorage
    from runner.storages.memory import LocalChatStorage
    from runner.storages.sqlite import SqliteChatStorage
    from runner.tools.base import Tool
    from runner.tools.built_in import BuiltInTool
    from runner.tools.calls import FunctionCall, ToolsExecutionResult
    from runner.tools.context import ToolContext, current_context
    from runner.tools.function import FunctionTool, tool

_HOMES = {
    "runner.agent": "Agent",
    "runner.caches": "CacheConfig CacheManager",
    "runner.chats": "ChatManager",
    "runner.client": "GeminiClient",
    "runner.errors": "AgentRunError CassetteError CassetteMissError ChatBusyError ChatChangedError ChatStorageError "
    "GeminiAPIError GeminiClientError GeminiResponseError GeminiToolExecutionError ManifestError MissingKeyError "
    "ModelChoiceError PromptTooLongError",
    "runner.events": "BuiltInCalled CodeRan CodeWritten Event MediaReturned Notice TextDelta ThoughtDelta ToolCalled "
    "ToolProgress ToolReturned TurnEnded TurnStarted UsageReported",
    "runner.executors.base": "ToolExecutor",
    "runner.executors.parallel": "AsyncToolExecutor",
    "runner.executors.rate_limiting": "RateLimitingAsyncExecutor",
    "runner.history": "HistoryPolicy",
    "runner.loading": "load_manifest",
    "runner.manifest": "AgentManifest",
    "runner.media": "Media",
    "runner.messages": "ChatMessage",
    "runner.models.base": "Model",
    "runner.models.gemini.model": "GeminiModel",
    "runner.models.offline": "OfflineModel",
    "runner.models.scripted": "ScriptedModel",
    "runner.project": "Project",
    "runner.reload.news": "ReloadFailed ReloadNotice Reloaded",
    "runner.requests": "CacheUse ContextSize Cost Finish GenerateContentRequest Source Usage",
    "runner.storages.base": "ChatStorage",
    "runner.storages.memory": "LocalChatStorage",
    "runner.storages.sqlite": "SqliteChatStorage",
    "runner.tools.base": "Tool",
    "runner.tools.built_in": "BuiltInTool",
    "runner.tools.calls": "FunctionCall ToolsExecutionResult",
    "runner.tools.context": "ToolContext current_context",
    "runner.tools.function": "FunctionTool tool",
    "runner.plan": "Limits",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Agent",
    "AgentManifest",
    "AgentRunError",
    "AsyncToolExecutor",
    "BuiltInCalled",
    "BuiltInTool",
    "CacheConfig",
    "CacheManager",
    "CacheUse",
    "CassetteError",
    "CassetteMissError",
    "ChatBusyError",
    "ChatChangedError",
    "ChatManager",
    "ChatMessage",
    "ChatStorage",
    "ChatStorageError",
    "CodeRan",
    "CodeWritten",
    "ContextSize",
    "Cost",
    "Event",
    "Finish",
    "FunctionCall",
    "FunctionTool",
    "GeminiAPIError",
    "GeminiClient",
    "GeminiClientError",
    "GeminiModel",
    "GeminiResponseError",
    "GeminiToolExecutionError",
    "GenerateContentRequest",
    "HistoryPolicy",
    "Limits",
    "LocalChatStorage",
    "ManifestError",
    "Media",
    "MediaReturned",
    "MissingKeyError",
    "Model",
    "ModelChoiceError",
    "Notice",
    "OfflineModel",
    "Project",
    "PromptTooLongError",
    "RateLimitingAsyncExecutor",
    "ReloadFailed",
    "ReloadNotice",
    "Reloaded",
    "ScriptedModel",
    "Source",
    "SqliteChatStorage",
    "TextDelta",
    "ThoughtDelta",
    "Tool",
    "ToolCalled",
    "ToolContext",
    "ToolExecutor",
    "ToolProgress",
    "ToolReturned",
    "ToolsExecutionResult",
    "TurnEnded",
    "TurnStarted",
    "Usage",
    "UsageReported",
    "current_context",
    "load_manifest",
    "tool",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
