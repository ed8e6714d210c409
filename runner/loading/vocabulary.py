"""What authors write for the keys of a manifest: names of other frameworks, and keys in the wrong place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """For a kind of file: what its whole is called, and by mapping ("" is the top) other words for its keys.

    `same` are other names of a key and mean the same value; `other` need more than another name.
    """

    thing: str
    same: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    other: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


_INSTRUCTIONS = (
    "instruction prompt system system_prompt system_instruction system_instructions system_message sys_prompt "
    "preamble persona role"
)
_TOP = {
    **dict.fromkeys(_INSTRUCTIONS.split(), "instructions"),
    **dict.fromkeys("prompt_file system_prompt_file instruction_file instructions_path prompt_path".split(), "instructions_file"),
    **dict.fromkeys("functions function_tools toolset tool plugins skills".split(), "tools"),
    **dict.fromkeys("llm model_name model_id engine".split(), "model"),
    **dict.fromkeys("title agent agent_name id".split(), "name"),
    **dict.fromkeys("desc summary about".split(), "description"),
    **dict.fromkeys("vars inputs params input_variables".split(), "variables"),
    **dict.fromkeys("database db history chat_storage store persistence session_store chats".split(), "storage"),
    **dict.fromkeys("tool_executor runner execution".split(), "executor"),
    **dict.fromkeys("tool_choice tool_config function_calling function_calling_mode".split(), "tool_mode"),
    **dict.fromkeys("generation_config generate_content_config model_settings settings model_config model_params parameters config".split(), "generation"),
    **dict.fromkeys("retry max_retries num_retries num_gemini_call_retries".split(), "retries"),
    **dict.fromkeys("greeting welcome_message first_message intro".split(), "welcome"),
    **dict.fromkeys("example samples suggestions starters conversation_starters example_prompts".split(), "examples"),
    **dict.fromkeys("includes import imports".split(), "include"),
    **dict.fromkeys("extend base inherits inherit from parent".split(), "extends"),
    **dict.fromkeys("caching context_cache cache_config".split(), "cache"),
    **dict.fromkeys("limit budget".split(), "limits"),
    "schema": "$schema",
    **dict.fromkeys("format_version schema_version manifest_version".split(), "version"),
}
_LIMITS = {
    **dict.fromkeys("max_steps max_turns iterations max_iters max_loops max_model_calls steps".split(), "max_iterations"),
    **dict.fromkeys("max_calls max_function_calls tool_calls".split(), "max_tool_calls"),
    **dict.fromkeys("timeout max_time max_execution_time deadline".split(), "turn_timeout"),
    **dict.fromkeys("max_output_size max_result_chars max_chars output_limit max_output".split(), "max_output_chars"),
}
_GENERATION = {
    **dict.fromkeys("max_tokens max_output max_completion_tokens".split(), "max_output_tokens"),
    **dict.fromkeys("stop stop_words stops".split(), "stop_sequences"),
    **dict.fromkeys("thinking_config reasoning".split(), "thinking"),
    **dict.fromkeys("safety_settings".split(), "safety"),
    **dict.fromkeys("modalities".split(), "response_modalities"),
    **dict.fromkeys("tier".split(), "service_tier"),
    "temp": "temperature",
    "random_seed": "seed",
}
_THINKING = {
    **dict.fromkeys("thinking_level effort reasoning_effort".split(), "level"),
    **dict.fromkeys("thinking_budget budget_tokens max_tokens".split(), "budget"),
    **dict.fromkeys("thoughts show_thoughts".split(), "include_thoughts"),
}
_HARMS = ("harassment", "hate_speech", "sexually_explicit", "dangerous_content", "civic_integrity")
_SAFETY = {f"harm_category_{harm}": harm for harm in _HARMS}
_CACHE = {
    **dict.fromkeys("cache_name display_name".split(), "name"),
    **dict.fromkeys("expires lifetime expire_after".split(), "ttl"),
    **dict.fromkeys("auto_refresh refresh".split(), "auto_refresh_ttl"),
    **dict.fromkeys("contents files".split(), "content"),
}
_VARIABLE = {
    "value": "default",
    "desc": "description",
    **dict.fromkeys("enum options values allowed".split(), "choices"),
}

AGENT = Vocabulary(
    thing="a manifest",
    same={
        "": _TOP,
        "limits": _LIMITS,
        "generation": _GENERATION,
        "generation.thinking": _THINKING,
        "generation.safety": _SAFETY,
        "cache": _CACHE,
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
            "ttl": "cache.ttl",
            "storage_url": "storage",
            "database_url": "storage",
        },
        "generation": {
            "thinking_level": "generation.thinking.level",
            "thinking_budget": "generation.thinking.budget",
            "include_thoughts": "generation.thinking.include_thoughts",
        },
        "limits": {
            "max_tokens": "generation.max_output_tokens",
            "max_output_tokens": "generation.max_output_tokens",
            "retries": "retries",
            "batch_size": "executor.batch_size",
        },
    },
)
"""The words for an agent's manifest."""
