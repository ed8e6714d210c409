"""Tools of the service, over the wire: named in requests, their parts kept and sent back, their sources told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent, ChatMessage, GeminiClient, ManifestError, load_manifest
from runner.answers.sources import marked, sources_in
from runner.events import BuiltInCalled, CodeRan, CodeWritten
from runner.requests import Source
from runner.tools.built_in import NAMES, BuiltInTool
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
    Source("https://example.com/1", "example.com", spans=((0, 5),)),
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
        {"kind": "web", "uri": "https://example.com/1", "title": "example.com", "spans": [[0, 5]]},
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
    assert [source.uri for source in told.ended.sources] == [source.uri for source in SOURCES[:3]]
    assert not any(source.spans for source in told.ended.sources)  # they are those of the call, not of the answer


PARTS: dict[str, list[Json]] = {
    "google_search": SEARCHED,
    "url_context": [
        {"toolCall": {"toolType": "URL_CONTEXT", "args": {"urls": ["https://example.com"]}, "id": "u1"}},
        {"toolResponse": {"toolType": "URL_CONTEXT", "response": {"urls": []}, "id": "u1"}},
    ],
    "code_execution": [
        {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "c1"}, "thoughtSignature": "Y29kZQ=="},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n", "id": "c1"}},
    ],
    "google_maps": [
        {"toolCall": {"toolType": "GOOGLE_MAPS", "args": {"query": "Louvre"}, "id": "m1"}},
        {"toolResponse": {"toolType": "GOOGLE_MAPS", "response": {"places": [{"name": "Louvre"}]}, "id": "m1"}},
    ],
    "file_search": [
        {"toolCall": {"toolType": "FILE_SEARCH", "args": {"query": "guarantee"}, "id": "f1"}},
        {"toolResponse": {"toolType": "FILE_SEARCH", "response": {}, "id": "f1"}},
    ],
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("beside", [(), (get_weather,), (get_weather, "code_execution")], ids=["alone", "one", "two"])
async def test_each_is_asked_for_alone_and_beside_others_and_its_parts_go_back_untouched(
    server: GeminiServer, name: str, beside: tuple[Any, ...]
) -> None:
    """Within the turn and in the next; the server looks whether they come back as they were sent."""
    options = {"fileSearchStoreNames": ["fileSearchStores/x"]} if name == "file_search" else {}
    others = [each for each in beside if each != name]
    called = calls(("get_weather", {"city": "Paris"})) if get_weather in others else text("18 degrees.")
    server.script(part(*PARTS[name]) + called, *([text("18 degrees.")] if others else []), text("Thanks."))
    async with GeminiClient() as client:
        for message in ("hello", "Thanks"):
            told = await turn(client, message, tools=[BuiltInTool(name, options), *others], chat_id="c")
            assert told.ended.reason == "answered"
        stored = await client.chat_manager.get_history("c")
    assert server.generations[-1].contents[1]["parts"][:2] == PARTS[name]
    assert stored[1].parts[:2] == PARTS[name]


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


def answered(*parts: Json, supports: list[Json]) -> ChatMessage:
    chunks = [{"web": {"uri": f"https://example.com/{number}", "title": "a page"}} for number in (1, 2)]
    grounds: Json = {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": supports}}
    return ChatMessage({"role": "model", "parts": list(parts)}, {"kind": "model", "turn": 1, "grounds": grounds})


def support(text: str | None, start: int, end: int, *chunks: Any, part: int = 0) -> Json:
    segment: Json = {"endIndex": end} | ({"text": text} if text else {})
    segment |= ({"startIndex": start} if start else {}) | ({"partIndex": part} if part else {})
    return {"segment": segment, "groundingChunkIndices": list(chunks)}


@pytest.mark.parametrize(
    ("said", "supports", "shown"),
    [
        ("Schön wird es. Und warm.", [support("Schön wird es.", 0, 15, 0, 1)], "Schön wird es.[1][2] Und warm."),
        ("Schön wird es. Und warm.", [support(None, 16, 25, 1)], "Schön wird es. Und warm.[2]"),
        ("Sun. Rain. Sun.", [support("Sun.", 90, 94, 0), support("Sun.", 99, 103, 1)], "Sun.[1] Rain. Sun.[2]"),
        ("Sun (and rain).", [support("Sun", 0, 3, 0)], "Sun[1] (and rain)."),
        ("See(this).", [support("See", 0, 3, 0)], "See[1] (this)."),
        ("```\nSun.\n```\nRain.", [support("Sun.", 4, 8, 0), support("Rain.", 13, 18, 1)], "```\nSun.\n```\nRain.[2]"),
        ("Sun.", [support("Snow.", 0, 5, 0), support("Sun.", 0, 4, 7, "x"), support(None, 9, 2, 0)], "Sun."),
        ("Sun.", [support("Sun.", 0, 4, 0), support("Sun.", 0, 4, 0)], "Sun.[1]"),
    ],
    ids=["bytes", "no text", "text elsewhere", "space before", "no link", "code", "nonsense", "twice"],
)
def test_sources_are_marked_behind_what_they_support(said: str, supports: list[Json], shown: str) -> None:
    assert marked(said, sources_in([answered({"text": said}, supports=supports)], 1)) == shown


def test_a_place_may_be_counted_from_its_part_or_from_the_beginning() -> None:
    parts = ({"text": "Hm.", "thought": True}, {"text": "Sun. "}, {"executableCode": {}}, {"text": "Rain."})
    for counted in (support("Rain.", 0, 5, 0, part=3), support("Rain.", 5, 10, 0)):
        (source, _) = sources_in([answered(*parts, supports=[counted])], 1)
        assert source.spans == ((5, 10),)
