"""What authors write for the keys of a manifest: names of other frameworks, and keys in the wrong place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.service_tools import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """For a kind of file: what its whole is called, some of its keys, and other words for them.

    Mappings are named by their dotted key ("" is the top) or by their type. `same` are other names of a key and mean
    the same value; `other` need more than another name, and for some `hints` say it all. `values` are other words for
    the values of a key. Of types, `kinds` say what they are in words, and `examples` how they are written; `missing`
    says what to add for a missing key.
    """

    thing: str
    keys: str
    same: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    other: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def words(key: str, others: str) -> dict[str, str]:
    """Other words for a key."""
    return dict.fromkeys(others.split(), key)


_INSTRUCTIONS = (
    "instruction prompt system system_prompt system_instruction system_instructions system_message sys_prompt "
    "preamble persona role"
)
_TOP = {
    **words("instructions", _INSTRUCTIONS),
    **words("instructions_file", "prompt_file system_prompt_file instruction_file instructions_path prompt_path"),
    **words("files", "attachments attachment attach documents docs file media images"),
    **words("tools", "functions function_tools toolset tool plugins skills"),
    **words("model", "llm model_name model_id engine"),
    **words("name", "title agent agent_name id"),
    **words("description", "desc summary about"),
    **words("variables", "vars inputs params input_variables"),
    **words("storage", "database db chat_storage store persistence session_store chats"),
    **words("executor", "tool_executor runner execution"),
    **words("tool_mode", "tool_choice tool_config function_calling function_calling_mode"),
    **words(
        "generation",
        "generation_config generate_content_config model_settings settings model_config model_params parameters config",
    ),
    **words("retries", "retry max_retries num_retries num_gemini_call_retries"),
    **words("welcome", "greeting welcome_message first_message intro"),
    **words("examples", "example samples suggestions starters conversation_starters example_prompts"),
    **words("include", "includes import imports"),
    **words("extends", "extend base inherits inherit from parent"),
    **words("cache", "caching context_cache cache_config"),
    **words("history", "history_policy memory context context_window compaction trimming max_history"),
    **words("limits", "limit budget"),
    **words(
        "output",
        "response_schema response_format output_schema response_json_schema output_type result_type response_model "
        "structured_output outputs",
    ),
    "schema": "$schema",
    **words("version", "format_version schema_version manifest_version"),
}
_LIMITS = {
    **words("max_iterations", "max_steps max_turns iterations max_iters max_loops max_model_calls steps"),
    **words("max_tool_calls", "max_calls max_function_calls tool_calls"),
    **words("turn_timeout", "timeout max_time max_execution_time deadline"),
    **words("max_cost", "cost budget max_price max_usd max_dollars"),
    **words("max_tokens", "tokens max_total_tokens token_limit token_budget"),
    **words("max_output_chars", "max_output_size max_result_chars max_chars output_limit max_output"),
}
_GENERATION = {
    **words("max_output_tokens", "max_tokens max_output max_completion_tokens"),
    **words("stop_sequences", "stop stop_words stops"),
    **words("thinking", "thinking_config reasoning"),
    **words("safety", "safety_settings"),
    **words("response_modalities", "modalities"),
    **words("service_tier", "tier"),
    "temp": "temperature",
    "random_seed": "seed",
}
_THINKING = {
    **words("level", "thinking_level effort reasoning_effort"),
    **words("budget", "thinking_budget budget_tokens max_tokens"),
    **words("include_thoughts", "thoughts show_thoughts"),
}
_HARMS = ("harassment", "hate_speech", "sexually_explicit", "dangerous_content", "civic_integrity")
_SAFETY = {f"harm_category_{harm}": harm for harm in _HARMS}
_TOOL = {
    **words("use", "module name tool path file"),
    **words("cache", "cache_ttl cache_for max_age"),
}
_CACHE = {
    **words("name", "cache_name display_name"),
    **words("ttl", "expires lifetime expire_after"),
    **words("auto_refresh_ttl", "auto_refresh refresh"),
    **words("content", "contents files"),
}
_HISTORY = {
    **words("keep", "turns max_turns last share policy strategy mode trim compact"),
    **words("warn_at", "warn warning threshold summarize_at compact_at"),
    **words("window", "context_window context_length max_tokens token_limit max_input_tokens input_token_limit"),
}
_OUTPUT = words("schema", "json_schema response_schema type_ model form file")
_TOOL = words("use", "module name tool path import function")
_FILE_SEARCH = {
    **words("stores", "file_search_store_names store names file_search_stores"),
    **words("filter", "metadata_filter"),
}
_KEYWORDS = ("type", "properties", "required", "items", "enum", "$ref", "anyOf", "additionalProperties")
_VARIABLE = {
    "value": "default",
    "desc": "description",
    **words("choices", "enum options values allowed"),
}

AGENT = Vocabulary(
    thing="a manifest",
    keys="`model:` and `tools:`",
    same={
        "": _TOP,
        "limits": _LIMITS,
        "generation": _GENERATION,
        "generation.thinking": _THINKING,
        "generation.safety": _SAFETY,
        "tools.*": _TOOL,
        "cache": _CACHE,
        "history": _HISTORY,
        "output": _OUTPUT,
        "ToolLine": _TOOL,
        "FileSearchPart": _FILE_SEARCH,
        "variables.*": _VARIABLE,
    },
    other={
        "": {
            "max_iterations": "limits.max_iterations",
            "max_steps": "limits.max_iterations",
            "max_turns": "limits.max_iterations",
            "timeout": "limits.turn_timeout",
            "max_tokens": "generation.max_output_tokens",
            "thinking_level": "generation.thinking.level",
            "thinking_budget": "generation.thinking.budget",
            "include_thoughts": "generation.thinking.include_thoughts",
            "batch_size": "executor.batch_size",
            "max_cost": "limits.max_cost",
            "requests_per_minute": "model.requests_per_minute",
            "tokens_per_minute": "model.tokens_per_minute",
            "fallback": "model.fallback",
            "ttl": "cache.ttl",
            "storage_url": "storage",
            "database_url": "storage",
        },
        "generation": {
            "response_schema": "output",
            "response_json_schema": "output",
            "response_format": "output",
            "thinking_level": "generation.thinking.level",
            "thinking_budget": "generation.thinking.budget",
            "include_thoughts": "generation.thinking.include_thoughts",
        },
        "limits": {
            "max_output_tokens": "generation.max_output_tokens",
            "retries": "retries",
            "batch_size": "executor.batch_size",
            "requests_per_minute": "model.requests_per_minute",
            "tokens_per_minute": "model.tokens_per_minute",
        },
    },
    hints={
        "ToolLine": {name: f"write it alone: - {name}" for name in BUILT_IN},
        "output": dict.fromkeys(_KEYWORDS, "put the JSON schema under schema:"),
    },
    values={
        "type": {
            **words("integer", "int long whole"),
            **words("string", "text str"),
            **words("number", "float double decimal"),
            **words("boolean", "bool flag"),
            **words("list", "array sequence"),
        },
        "tool_mode": {
            **words("any", "required force forced must"),
            **words("none", "off never disabled no"),
            **words("auto", "on default"),
        },
    },
    kinds={
        "ModelSpec": "a model's id, or a mapping with name",
        "ExecutorSpec": "a name, or a mapping with type",
        "StorageSpec": "a URL, or a mapping with type",
        "ToolLine": "a module, a built-in tool, or a mapping",
        "HistoryPart": "200 turns, 60%, summarize, or a mapping",
        "OutputPart": "a file, module:Type, or a mapping with schema",
        "Variable": "a value, or a mapping with type and default",
    },
    examples={
        "ModelSpec": "such as gemini-3.8-flash",
        "ExecutorSpec": "such as rate_limiting",
        "StorageSpec": "such as sqlite:///chats.db",
        "ToolLine": "such as tools.weather",
        "HistoryPart": "such as 200 turns",
        "OutputPart": "such as answer.json",
        "ThinkingPart": "such as {level: low}",
    },
    missing={
        "output.schema": "add schema: with a file, module:Type, or a JSON schema",
        "executor.type": "add type: rate_limiting",
        "storage.type": "add type: sqlite",
    },
)
"""The words for an agent's manifest."""
