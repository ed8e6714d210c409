"""Tools of the service, over the wire: named in requests, their parts kept and sent back, their sources told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, GeminiClient, ManifestError, load_manifest
from runner.events import BuiltInCalled, CodeRan, CodeWritten
from runner.requests import Source
from runner.tools.built_in import BuiltInTool
from tests.answers.asking import turn
from tests.servers import GeminiServer, calls, part, text
from tests.servers.gemini_replies import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json

SEARCHED: list[Json] = [
    {
        "toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["weather Paris"]}, "id": "s1"},
        "thoughtSignature": "c2VhcmNo",
    },
    {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"search_suggestions": "<b>"}, "id": "s1"}},
]
GROUNDS: Json = {
    "webSearchQueries": ["weather Paris"],
    "searchEntryPoint": {"renderedContent": "<div>"},
    "groundingChunks": [
        {"web": {"uri": "https://example.com/1", "title": "example.com"}},
        {"maps": {"uri": "https://maps.example.com/2", "title": "Louvre", "placeId": "places/x"}},
        {"retrievedContext": {"title": "handbook.pdf", "text": "..."}},
        {"web": {"uri": "https://example.com/1", "title": "again"}},
    ],
    "groundingSupports": [{"segment": {"endIndex": 5, "text": "Sunny"}, "groundingChunkIndices": [0]}],
}
READ: Json = {
    "urlMetadata": [
        {"retrievedUrl": "https://example.com/3", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
        {"retrievedUrl": "https://example.com/4", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"},
    ]
}
SOURCES = (
    Source("https://example.com/1", "example.com"),
    Source("https://maps.example.com/2", "Louvre", "maps"),
    Source("", "handbook.pdf", "file"),
    Source("https://example.com/3", "", "url"),
)


def get_weather(city: str) -> dict[str, int]:
    """The weather in a city."""
    return {"degrees": 18}


def grounded(**metadata: Json) -> Reply:
    return Reply(candidate=metadata)


async def test_built_in_tools_alone_are_named_and_their_sources_told(server: GeminiServer) -> None:
    server.script(text("Sunny.") + grounded(groundingMetadata=GROUNDS, urlContextMetadata=READ), text("Thanks."))
    async with GeminiClient() as client:
        told = await turn(client, tools=["google_search", BuiltInTool("url_context")])
        (answer,) = [
            each for each in await client.chat_manager.get_history(told.events[0].chat_id) if each.role == "model"
        ]
        plain = await turn(client)
    request = server.generations[0].normal
    assert request["tools"] == [{"googleSearch": {}}, {"urlContext": {}}]
    assert "toolConfig" not in request
    assert told.ended.sources == SOURCES
    assert told.ended.to_json()["sources"] == [
        {"kind": "web", "uri": "https://example.com/1", "title": "example.com"},
        {"kind": "maps", "uri": "https://maps.example.com/2", "title": "Louvre"},
        {"kind": "file", "uri": "", "title": "handbook.pdf"},
        {"kind": "url", "uri": "https://example.com/3"},
    ]
    assert answer.meta["grounds"] == {"groundingMetadata": GROUNDS, "urlContextMetadata": READ}
    assert plain.ended.sources == ()
    assert "sources" not in plain.ended.to_json()


async def test_beside_functions_the_parts_of_built_in_tools_go_back_as_they_came(server: GeminiServer) -> None:
    """The server looks whether each content is, part for part, one that it has sent."""
    server.script(
        part(*SEARCHED) + calls(("get_weather", {"city": "Paris"})) + grounded(groundingMetadata=GROUNDS),
        text("18 degrees."),
    )
    async with GeminiClient() as client:
        told = await turn(client, tools=[get_weather, "google_search"])
    first, second = server.generations
    assert [list(tool) for tool in first.normal["tools"]] == [["functionDeclarations"], ["googleSearch"]]
    assert first.normal["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert second.contents[1]["parts"][:2] == SEARCHED
    assert told.of("built_in_called") == [BuiltInCalled("google_search_web", {"queries": ["weather Paris"]})]
    assert told.ended.sources == SOURCES[:3]


async def test_the_code_that_the_model_runs_is_told_and_goes_back(server: GeminiServer) -> None:
    code = part({"executableCode": {"language": "PYTHON", "code": "print(6 * 7)", "id": "c1"}})
    ran = part({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n", "id": "c1"}})
    server.script(text("Let me see.") + code + ran + text("It is 42."), text("Yes."))
    async with GeminiClient() as client:
        told = await turn(client, tools=["code_execution"])
        await turn(client, tools=["code_execution"])
    assert told.of("code_written") == [CodeWritten("python", "print(6 * 7)")]
    assert told.of("code_ran") == [CodeRan("ok", "42\n")]
    assert told.types[1:5] == ["text_delta", "code_written", "code_ran", "text_delta"]
    assert [next(iter(each)) for each in server.generations[1].contents[1]["parts"][:4]] == [
        "text",
        "executableCode",
        "codeExecutionResult",
        "text",
    ]


async def test_a_manifest_names_them_beside_modules(server: GeminiServer, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "deeds.py").write_text('def look(city: str) -> str:\n    """Look."""\n    return city\n')
    path = tmp_path / "agent.yaml"
    path.write_text(
        "storage: 'memory:'\n"
        "tool_mode: any\n"
        "tools:\n"
        "  - deeds\n"
        "  - google_maps\n"
        "  - use: code_execution\n"
        '  - file_search: {stores: fileSearchStores/handbook, top_k: 3, filter: author = "Ann"}\n'
    )
    server.script(calls(("look", {"city": "Paris"})), text("Found."))
    async with Agent(load_manifest(path)) as agent:
        events = [event async for event in agent.run("hello", chat_id="c")]
        assert agent.toolbox.names == ["look"]
    first, second = [request.normal for request in server.generations]
    assert first["tools"][1:] == [
        {"googleMaps": {}},
        {"codeExecution": {}},
        {
            "fileSearch": {
                "fileSearchStoreNames": ["fileSearchStores/handbook"],
                "topK": 3,
                "metadataFilter": 'author = "Ann"',
            }
        },
    ]
    forced: Any = {"functionCallingConfig": {"mode": "ANY"}, "includeServerSideToolInvocations": True}
    assert first["toolConfig"] == forced
    assert second["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert events[-1].to_json()["reason"] == "answered"


async def test_a_model_that_does_not_take_both_is_told_by_validate_and_refused_by_the_service(
    server: GeminiServer,
) -> None:
    async with GeminiClient(model="gemini-2.5-flash-lite", num_gemini_call_retries=0) as client:
        told = await turn(client, tools=[get_weather, "google_search"])
    assert told.ended.message is not None
    assert "Tool use with function calling is unsupported" in told.ended.message


async def test_they_are_part_of_a_context_cache(server: GeminiServer, tmp_path: Path) -> None:
    (tmp_path / "handbook.md").write_text("The weather is always fine. " * 2000)
    path = tmp_path / "agent.yaml"
    path.write_text("tools: [google_search]\nstorage: 'memory:'\ncache: {content: handbook.md}\n")
    server.script(text("Sunny."))
    async with Agent(load_manifest(path)) as agent:
        assert [event async for event in agent.run("hello", chat_id="c")]
    (made,) = [request for request in server.requests if request.verb == "cache_create"]
    assert made.body["tools"] == [{"googleSearch": {}}]
    assert "tools" not in server.generations[0].normal


def test_an_unknown_one_is_told_with_those_there_are() -> None:
    with pytest.raises(ManifestError, match='there is no built-in tool "bing"; they are: google_search'):
        BuiltInTool("bing")
