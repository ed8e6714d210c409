"""How the model writes: Gemini's generation settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from runner.manifest.base import Given, Part, Text, Whole

Level: TypeAlias = Literal["minimal", "low", "medium", "high", "xhigh"]
Resolution: TypeAlias = Literal["low", "medium", "high"]
Modality: TypeAlias = Literal["text", "image", "audio"]
Threshold: TypeAlias = Literal["off", "block_none", "block_only_high", "block_medium_and_above", "block_low_and_above"]
Tier: TypeAlias = Literal["flex", "standard", "priority"]

Share = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Count = Annotated[Whole, Field(ge=1)]

_ELSEWHERE = {"thinking", "safety", "service_tier"}  # what is no field of `generationConfig` by its name


class ThinkingPart(Part):
    """How much the model thinks before it answers."""

    level: Given[Level] = Field(default=None, description="How much: which levels there are depends on the model.")
    budget: Given[Annotated[Whole, Field(ge=-1)]] = Field(
        default=None, description="Tokens for thinking, for Gemini 2.5 only; 0: none, -1: as many as the model likes."
    )
    include_thoughts: Given[bool] = Field(default=None, description="Whether summaries of the thoughts are sent along.")


class SafetyPart(Part):
    """From which probability on harmful content is blocked, by kind of harm."""

    harassment: Given[Threshold] = Field(default=None, description="Insults and threats.")
    hate_speech: Given[Threshold] = Field(default=None, description="Content that degrades groups of people.")
    sexually_explicit: Given[Threshold] = Field(default=None, description="Sexual content.")
    dangerous_content: Given[Threshold] = Field(default=None, description="Instructions that help to do harm.")
    civic_integrity: Given[Threshold] = Field(default=None, description="Content about elections.")


class GenerationPart(Part):
    """Settings of the model; what is left out is the model's own default."""

    thinking: Given[ThinkingPart] = Field(default=None, description="How much the model thinks before it answers.")
    max_output_tokens: Given[Count] = Field(
        default=None, description="The longest answer, thinking included: a low number may leave no text at all."
    )
    stop_sequences: Given[Annotated[list[Text], Field(min_length=1, max_length=5)]] = Field(
        default=None, description="Texts at which the answer ends."
    )
    seed: Given[Annotated[Whole, Field(ge=-(2**31), le=2**31 - 1)]] = Field(
        default=None, description="A number that makes answers repeatable, as far as the service can."
    )
    temperature: Given[Annotated[float, Field(ge=0, le=2)]] = Field(
        default=None, description="How much chance there is in the answer; deprecated since Gemini 3.6."
    )
    top_p: Given[Share] = Field(
        default=None, description="Share of likely words to choose from; deprecated since Gemini 3.6."
    )
    top_k: Given[Count] = Field(
        default=None, description="Number of likely words to choose from; deprecated since Gemini 3.6."
    )
    presence_penalty: Given[Penalty] = Field(
        default=None, description="Against repeating words at all; not in Gemini 3."
    )
    frequency_penalty: Given[Penalty] = Field(
        default=None, description="Against repeating words often; not in Gemini 3."
    )
    media_resolution: Given[Resolution] = Field(default=None, description="How closely images and video are looked at.")
    response_modalities: Given[Annotated[list[Modality], Field(min_length=1)]] = Field(
        default=None, description="What the answer may be made of."
    )
    safety: Given[SafetyPart] = Field(default=None, description="From which probability on harmful content is blocked.")
    service_tier: Given[Tier] = Field(default=None, description="How soon the service answers, at which price.")

    def config(self) -> dict[str, Any] | None:
        """Gemini's `generationConfig`; None where nothing is set."""
        wire = {_camel(name): value for name, value in self if value is not None and name not in _ELSEWHERE}
        if self.media_resolution:
            wire["mediaResolution"] = f"MEDIA_RESOLUTION_{self.media_resolution.upper()}"
        if self.response_modalities:
            wire["responseModalities"] = [modality.upper() for modality in self.response_modalities]
        if thinking := self._thinking():
            wire["thinkingConfig"] = thinking
        return wire or None

    def _thinking(self) -> dict[str, Any]:
        if self.thinking is None:
            return {}
        wire: dict[str, Any] = {}
        if self.thinking.level is not None:
            wire["thinkingLevel"] = self.thinking.level.upper()
        if self.thinking.budget is not None:
            wire["thinkingBudget"] = self.thinking.budget
        if self.thinking.include_thoughts is not None:
            wire["includeThoughts"] = self.thinking.include_thoughts
        return wire

    def settings(self) -> dict[str, Any] | None:
        """Gemini's fields beside `generationConfig`; None where nothing is set."""
        wire: dict[str, Any] = {}
        if self.safety is not None:
            wire["safetySettings"] = [
                {"category": f"HARM_CATEGORY_{kind.upper()}", "threshold": threshold.upper()}
                for kind, threshold in self.safety
                if threshold is not None
            ]
        if self.service_tier is not None:
            wire["serviceTier"] = self.service_tier
        return wire or None


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
