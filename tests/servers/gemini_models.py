"""What each model accepts: a small table, by the longest matching prefix of its id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .gemini_schema import snake
from .refusals import Refusal

JSON = dict[str, Any]
LOW_TO_HIGH = frozenset({"LOW", "MEDIUM", "HIGH"})


@dataclass(frozen=True)
class ModelRules:
    """`levels` empty: only thinking_budget exists; `signs`: thought signatures are minted and demanded.

    `modalities`: what it answers with. `without`: built-in tools that it does not have.
    `combines`: functions may stand beside built-in tools, and tools beside a response in JSON. `media_results`: what a
    function returned may hold media.
    """

    levels: frozenset[str] = LOW_TO_HIGH
    budget: bool = False
    signs: bool = True
    explicit_cache: bool = True
    penalties: bool = False
    modalities: frozenset[str] = frozenset({"TEXT"})
    without: frozenset[str] = frozenset()
    combines: bool = True
    media_results: bool = True
    cache_minimum: int = 4096


GEMINI_4 = ModelRules(explicit_cache=False)
GEMINI_4_XHIGH = ModelRules(levels=LOW_TO_HIGH | {"XHIGH"}, explicit_cache=False)
GEMINI_3 = ModelRules(levels=LOW_TO_HIGH | {"MINIMAL"}, budget=True)
RULES = {
    "gemini-4-hydrogen": GEMINI_4_XHIGH,
    "gemini-4-neon": GEMINI_4_XHIGH,
    "gemini-4": GEMINI_4,
    "gemini-3.8-flash": ModelRules(budget=True),
    "gemini-3.1-pro": ModelRules(budget=True),
    "gemini-3-flash-preview": replace(GEMINI_3, without=frozenset({"googleMaps"})),
    "gemini-3": GEMINI_3,
    "gemini-2.5": ModelRules(
        levels=frozenset(),
        budget=True,
        signs=False,
        combines=False,
        penalties=True,
        media_results=False,
        cache_minimum=2048,
    ),
    "gemini-": GEMINI_3,
}
ENTERPRISE_WITHOUT = frozenset({"fileSearch"})
MOST_STOPS = 5
REROUTED = {"gemini-3.7-flash": "gemini-3.8-flash", "gemini-3.5-flash": "gemini-3.6-flash"}
LATEST = {
    "gemini-flash-latest": "gemini-3.8-flash",
    "gemini-flash-lite-latest": "gemini-3.5-flash-lite",
    "gemini-pro-latest": "gemini-3.1-pro-preview",
}
RETIRED = ("gemini-pro", "gemini-1.", "gemini-2.0-", "gemini-3-pro-preview")


def served_model(model: str, version: str, extra: frozenset[str], verb: str = "generateContent") -> str:
    """Return the id of the model that answers for `model` (Google reroutes some), or raise the 404."""
    if model in extra:
        return model
    if model in LATEST and version == "v1beta":
        return LATEST[model]
    retired = any(model == name or (name[-1] in ".-" and model.startswith(name)) for name in RETIRED)
    if not model.startswith("gemini-") or retired or model in LATEST:
        raise Refusal(
            f"models/{model} is not found for API version {version}, or is not supported for {verb}. "
            "Call ListModels to see the list of available models and their supported methods.",
            code=404,
        )
    return REROUTED.get(model, model)


def rules_of(model: str) -> ModelRules:
    for prefix, rules in RULES.items():
        if model.startswith(prefix):
            return rules
    return GEMINI_3


def model_resource(model: str) -> JSON:
    """Return what `GET models/M` answers."""
    methods = ["generateContent", "countTokens", "batchGenerateContent"]
    if rules_of(model).explicit_cache:
        methods.append("createCachedContent")
    return {
        "name": f"models/{model}",
        "version": model.removeprefix("gemini-"),
        "displayName": model,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods,
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }


def check_generation_config(rules: ModelRules, config: JSON) -> None:
    """Raise the 400 for thinking settings, candidates and penalties that the model does not know."""
    thinking = config.get("thinkingConfig", {})
    level = thinking.get("thinkingLevel")
    if level and "thinkingBudget" in thinking:
        raise Refusal("You can only set only one of thinking budget and thinking level.")
    if level and not rules.levels:
        raise Refusal("Thinking level is not supported for this model.")
    if level and level not in rules.levels:
        raise Refusal(
            f"Thinking level {level} is not supported for this model. Please retry with other thinking level."
        )
    if "thinkingBudget" in thinking and not rules.budget:
        raise Refusal("Thinking budget is not supported for this model.")
    if config.get("candidateCount", 1) != 1:
        raise Refusal("Multiple candidates is not enabled for this model")
    if not rules.penalties and ("presencePenalty" in config or "frequencyPenalty" in config):
        raise Refusal("Penalty is not enabled for this model")
    _check_values(rules, config)
    if "responseSchema" in config and "responseJsonSchema" in config:
        raise Refusal("Only one of response_schema and response_json_schema may be set.")
    for key, name in (("responseSchema", "response_schema"), ("responseJsonSchema", "response_json_schema")):
        if key in config and config.get("responseMimeType") not in ("application/json", "text/x.enum"):
            where = f"* GenerateContentRequest.generation_config.{name}"
            raise Refusal(f"{where}: only allowed for response mimetype `application/json` or `text/x.enum`.\n")


def _check_values(rules: ModelRules, config: JSON) -> None:
    """Raise the 400 for values out of range, and for answers of a kind that the model does not make."""
    if len(config.get("stopSequences", ())) > MOST_STOPS:
        raise Refusal(f"The number of stop sequences must not exceed {MOST_STOPS}.")
    for key, most in (("temperature", 2.0), ("topP", 1.0)):
        if not 0 <= config.get(key, 0) <= most:
            raise Refusal(f"* GenerateContentRequest.generation_config.{snake(key)}: must be in [0.0, {most}].\n")
    if config.get("maxOutputTokens", 1) < 1:
        raise Refusal("* GenerateContentRequest.generation_config.max_output_tokens: must be positive.\n")
    asked = config.get("responseModalities", [])
    if not rules.modalities.issuperset(asked):
        listed = ", ".join(asked)
        raise Refusal(
            f"The requested combination of response modalities ({listed}) is not supported by the model. It accepts "
            f"the following response modalities:\n* {', '.join(sorted(rules.modalities))}\n"
        )
