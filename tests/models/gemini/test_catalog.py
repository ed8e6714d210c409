"""What the catalogue says of each model, the strict server says too: what is refused, and what is not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, get_args

import pytest

from runner.errors import GeminiAPIError
from runner.manifest.generation import GenerationPart, Level, Modality, Resolution, Threshold, Tier
from runner.models.catalog import catalog
from runner.service_tools import BUILT_IN
from runner.tools.built_in import BuiltInTool
from runner.tools.toolbox import Toolbox
from tests.models.asking import answer, asking
from tests.servers import GeminiServer, text

if TYPE_CHECKING:
    from runner.models.gemini import GeminiModel

MODELS = sorted(catalog().models)
SETTINGS: dict[str, list[Any]] = {
    "max_output_tokens": [300],
    "stop_sequences": [["a", "b", "c", "d", "e"]],
    "seed": [7],
    "temperature": [0.5],
    "top_p": [0.5],
    "top_k": [40],
    "presence_penalty": [0.5],
    "frequency_penalty": [0.5],
    "media_resolution": list(get_args(Resolution)),
    "response_modalities": [[each] for each in get_args(Modality)],
    "safety": [{"harassment": each} for each in get_args(Threshold)],
    "service_tier": list(get_args(Tier)),
    "thinking": [*({"level": each} for each in get_args(Level)), {"budget": 100}, {"include_thoughts": True}],
}


@pytest.fixture(scope="module")
def transport() -> str:
    """What is refused has nothing to do with how it is asked."""
    return "direct"


@pytest.fixture(autouse=True)
def answering(server: GeminiServer) -> None:
    server.answer = lambda _: text("Yes.")


def refused_by_catalog(name: str, setting: str, value: Any) -> bool:
    """Whether `agent-run validate` would say that the model refuses it."""
    model = catalog().models[name]
    if setting == "thinking":
        ((part, of),) = value.items()
        level = part == "level" and model.levels is not None and of not in model.levels
        return level or model.settings.get(f"thinking.{part}") == "refused"
    allowed = model.values.get(setting)
    values = value if isinstance(value, list) else [value]
    return model.settings.get(setting) == "refused" or (allowed is not None and not set(values) <= set(allowed))


async def is_refused(gemini: GeminiModel, **request: Any) -> bool:
    with contextlib.suppress(GeminiAPIError):
        await answer(gemini, asking(**request))
        return False
    return True


@pytest.mark.parametrize("name", MODELS)
async def test_each_setting_is_refused_where_the_catalogue_says_so(
    server: GeminiServer, model: GeminiModel, name: str
) -> None:
    for setting, values in SETTINGS.items():
        for value in values:
            part = GenerationPart.model_validate({setting: value})
            sent = await is_refused(model, model=name, generation_config=part.config(), settings=part.settings())
            assert sent is refused_by_catalog(name, setting, value), (setting, value)


@pytest.mark.parametrize("name", MODELS)
async def test_each_built_in_tool_is_refused_where_the_catalogue_says_so(
    server: GeminiServer, model: GeminiModel, name: str
) -> None:
    known = catalog().models[name].built_in
    tools = [*map(BuiltInTool, BUILT_IN), BuiltInTool("file_search", {"fileSearchStoreNames": ["fileSearchStores/x"]})]
    for tool in tools:
        assert await is_refused(model, model=name, tools=[tool.declared]) is (
            known is not None and tool.name not in known
        ), tool.name


def look_up(word: str) -> str:
    """Look a word up."""
    return word


@pytest.mark.parametrize("name", MODELS)
async def test_built_in_tools_stand_beside_functions_and_tools_beside_a_form_where_the_catalogue_says_so(
    server: GeminiServer, model: GeminiModel, name: str
) -> None:
    known = catalog().models[name]
    both = Toolbox([look_up, "google_search"]).declared
    config = {"includeServerSideToolInvocations": True}
    assert await is_refused(model, model=name, tools=both, tool_config=config) is not known.built_in_with_functions
    form = {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}}
    functions = Toolbox([look_up]).declared
    assert await is_refused(model, model=name, tools=functions, generation_config=form) is not known.output_with_tools


def test_what_is_sent_is_what_the_manifest_says() -> None:
    """The settings above are all there are."""
    assert set(SETTINGS) == set(GenerationPart.model_fields)
