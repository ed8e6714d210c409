"""Files that are too large for a request: uploaded once, kept alive, and told to be gone when they are."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner import GeminiClient, Notice, ScriptedModel, SqliteChatStorage, TurnEnded, TurnStarted
from runner.files import INLINE_LIMIT
from runner.models.fallback import Fallback
from runner.models.retry import Retry
from runner.models.scripted import say
from tests.attachments.conftest import both
from tests.servers import error, hang, repeat, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.attachments.conftest import Scene

DAY = 24 * 3600.0


@both
async def test_a_small_file_travels_inline_and_is_described_in_the_log(scene: Scene) -> None:
    path = scene.file("photo.png", 5000)
    async with scene.client() as chat:
        await chat.answered("What is it?", path)
        user = (await chat.log())[0]
    assert scene.verbs == ["stream"]
    (content,) = scene.sent
    assert [part.get("text") for part in content["parts"]] == ["What is it?", None]
    assert content["parts"][1]["inlineData"]["mimeType"] == "image/png"
    (meta,) = user.meta["files"]
    assert {**meta, "digest": len(meta["digest"])} == {
        "name": "photo.png",
        "mime_type": "image/png",
        "size": 5000,
        "digest": 32,
        "path": str(path),
    }


@both
async def test_a_large_file_is_uploaded_and_named_by_its_uri(scene: Scene) -> None:
    path = scene.file()
    async with scene.client() as chat:
        await chat.answered("What is it?", path)
        user = (await chat.log())[0]
        assert [type(event) for event in chat.told[:2]] == [Notice, TurnStarted]
        assert chat.notices == ["uploading film.mp4, 8 MB"]
    (stored,) = scene.server.files.by_name.values()
    assert stored.content == path.read_bytes()
    assert (stored.display_name, stored.mime_type) == ("film.mp4", "video/mp4")
    assert scene.verbs == ["file_start", "file_upload", "file_upload", "stream"]
    assert user.parts[1] == {"fileData": {"fileUri": stored.uri, "mimeType": "video/mp4"}}
    (meta,) = user.meta["files"]
    assert (meta["uri"], meta["size"]) == (stored.uri, INLINE_LIMIT + 1)
    assert scene.server.key not in user.to_json()


async def test_the_same_file_is_uploaded_once_for_all_chats_and_clients(scene: Scene) -> None:
    path = scene.file()
    async with scene.client() as chat, scene.client() as other:
        await chat.answered("What is it?", path)
        await chat.answered("And now?", path)
        await other.answered("What?", path)
        await chat.answered("Sure?")
    assert scene.uploads == 1
    assert len(set(scene.uris)) == 1


async def test_two_chats_at_once_upload_a_file_once(scene: Scene) -> None:
    path = scene.file()
    async with scene.client() as chat:
        chats = [_texts(chat.client, name, path) for name in ("a", "b", "c")]
        assert await asyncio.gather(*chats) == ["A cat."] * 3
    assert scene.uploads == 1


async def test_a_film_is_waited_for_until_it_can_be_used(scene: Scene) -> None:
    scene.server.files.looks = 2
    async with scene.client() as chat:
        await chat.answered("What is it?", scene.file())
    assert scene.verbs[-3:] == ["file_get", "file_get", "stream"]


async def test_a_film_that_cannot_be_used_fails_the_turn_and_stores_nothing(scene: Scene) -> None:
    scene.server.files.fails = True
    async with scene.client() as chat:
        ended = await chat.turn("What is it?", scene.file())
        assert (ended.reason, ended.code) == ("failed", "FILE_FAILED")
        assert ended.message == "Gemini cannot use film.mp4 (video/mp4): The file could not be processed."
        assert await chat.log() == []
        await chat.answered("Hello")


@pytest.mark.parametrize("on", ["file_start", "file_upload"])
async def test_an_upload_is_tried_again_where_the_service_fails(scene: Scene, on: str) -> None:
    scene.server.script(error(503), on=on)
    async with scene.client() as chat:
        await chat.answered("What is it?", scene.file())
    assert f"{on} 503" in scene.verbs
    assert len(scene.server.files.by_name) == 1


async def test_an_upload_that_keeps_failing_ends_the_turn_as_retryable(scene: Scene) -> None:
    scene.server.script(repeat(error(503)), on="file_start")
    async with scene.client() as chat:
        ended = await chat.turn("What is it?", scene.file())
        assert (ended.reason, ended.code, ended.retryable) == ("failed", "UNAVAILABLE", True)
        assert await chat.log() == []
    assert scene.verbs == ["file_start 503"] * 3


async def test_an_interrupted_upload_leaves_the_chat_as_it_was(scene: Scene) -> None:
    scene.server.script(hang(), on="file_upload")
    path = scene.file()
    async with scene.client() as chat:
        events = chat.client.events(query="What is it?", chat_id="c", files=[path])
        first = await anext(events)
        assert isinstance(first, Notice)
        waiting = asyncio.ensure_future(anext(events))
        await scene.server.arrived(2)
        events.interrupt()
        ended = await waiting
        assert isinstance(ended, TurnEnded)
        assert ended.reason == "interrupted"
        assert await chat.log() == []
        await chat.answered("What is it?", path)


async def test_a_cancelled_upload_leaves_the_chat_free(scene: Scene) -> None:
    scene.server.script(hang(), on="file_upload")
    path = scene.file()
    async with scene.client() as chat:
        task = asyncio.create_task(chat.turn("What is it?", path))
        await scene.server.arrived(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await chat.answered("What is it?", path)


async def test_an_upload_that_is_about_to_expire_is_made_again_before_it_is_missed(scene: Scene) -> None:
    async with scene.client() as chat:
        await chat.answered("What is it?", scene.file())
        before = scene.uris
        await chat.age(time.time() + 600)
        await chat.answered("Sure?")
        assert chat.notices == ["uploading film.mp4, 8 MB"]
        log = await chat.log()
    assert scene.uris != before
    assert [log[0].parts[1]["fileData"]["fileUri"]] == before  # the log is never changed
    assert "403" not in " ".join(scene.verbs)


@both
async def test_a_file_that_the_service_has_lost_is_uploaded_again_once_it_says_so(scene: Scene) -> None:
    async with scene.client() as chat:
        await chat.answered("What is it?", scene.file(), scene.file("second.mp4", start=b"\x00\x09"))
        first, second = scene.uris
        scene.server.files.delete("files/" + first.rsplit("/", 1)[1])
        await chat.answered("Sure?")
        assert chat.notices == [
            "Gemini has a file no longer (403 PERMISSION_DENIED); asking again (2 of 4)",
            "uploading film.mp4, 8 MB",
        ]
        again, other = scene.uris
        assert (again != first, other) == (True, second)
        await chat.answered("And now?")
        assert (chat.notices, scene.uris) == ([], [again, second])
    assert [each for each in scene.verbs if "403" in each] == ["stream 403"]


async def test_several_lost_files_cost_one_refused_request(scene: Scene) -> None:
    async with scene.client() as chat:
        await chat.answered("What is it?", scene.file(), scene.file("second.mp4", start=b"\x00\x09"))
        scene.server.advance(2 * DAY + 1)
        await chat.answered("Sure?")
    assert scene.verbs.count("stream 403") == 1
    assert scene.uploads == 4


@pytest.mark.parametrize("how", ["gone", "changed"])
@both
async def test_a_file_that_cannot_be_uploaded_again_is_told_to_be_gone(
    scene: Scene, how: str, changed: Callable[[Path], None]
) -> None:
    path = scene.file()
    async with scene.client() as chat:
        await chat.answered("What is it?", path)
        scene.server.advance(2 * DAY + 1)
        changed(path) if how == "changed" else path.unlink()
        await chat.answered("Sure?")
        gone = "[film.mp4, video/mp4, 8 MB] is gone: Gemini has it no longer, and it cannot be uploaded again"
        assert chat.notices[1:] == [gone]
        words = "[film.mp4, video/mp4, 8 MB] was sent here. The file is no longer available."
        assert scene.sent[0]["parts"] == [{"text": "What is it?"}, {"text": words}]
        await chat.answered("Really?")
        assert chat.notices == []
    assert scene.verbs.count("stream 403") == 1


async def test_a_chat_goes_on_with_another_account(scene: Scene) -> None:
    async with scene.client() as chat:
        await chat.answered("What is it?", scene.file())
        before = scene.uris
    async with scene.client(
        scene.gemini(headers={"x-other": "1"}, location=None, base_url=f"{scene.server.url}/")
    ) as chat:
        await chat.answered("Sure?")
    assert scene.uploads == 2
    assert scene.uris != before


async def test_the_model_that_answers_in_place_of_another_gets_an_upload_of_its_own(scene: Scene) -> None:
    """Its account is another one, so it could not read the first one's."""
    scene.server.script(error(503), when="What is it?")
    first, second = scene.gemini(), scene.gemini("gemini-4-hydrogen", base_url=f"{scene.server.url}/")
    async with scene.client(Fallback([Retry(first, 0), Retry(second, 0)])) as chat:
        ended = await chat.turn("What is it?", scene.file())
        assert ended.code == "UNAVAILABLE"
        await chat.answered("Sure?")
    assert scene.uploads == 2
    assert scene.server.generations[-1].model == "gemini-4-hydrogen"


async def test_processes_that_share_a_storage_share_its_uploads(scene: Scene) -> None:
    path, url = scene.file(), scene.folder / "chats.db"
    for _ in range(2):
        scene.storage = SqliteChatStorage(url)
        async with scene.storage, scene.client() as chat:
            await chat.answered("What is it?", path)
    assert scene.uploads == 1


async def test_the_enterprise_platform_takes_no_uploads_and_says_what_to_do(scene: Scene) -> None:
    model = scene.gemini(enterprise=True, project="p", location="global", api_key=None)
    async with scene.client(model) as chat:
        ended = await chat.turn("What is it?", scene.file())
    assert (ended.reason, ended.code) == ("failed", "MODEL_CHOICE")
    assert ended.message == (
        "film.mp4, 8 MB, is too large to travel inside a request, and the enterprise platform takes no uploads: "
        "send a smaller file, or one that it can read, as gs://..."
    )


async def test_many_files_are_uploaded_as_far_as_they_are_too_much_for_one_message(scene: Scene) -> None:
    files = [scene.file(f"{number}.png", INLINE_LIMIT // 2, start=bytes([number])) for number in range(3)]
    async with scene.client() as chat:
        await chat.answered("What is it?", *files)
        assert chat.notices == ["uploading 2.png, 4 MB"]
    assert [list(part) for part in scene.sent[0]["parts"]] == [["text"], ["inlineData"], ["inlineData"], ["fileData"]]


@both
async def test_uris_are_sent_as_they_are(scene: Scene) -> None:
    async with scene.client() as chat:
        await chat.answered("What is it?", "https://youtu.be/abc", "https://example.com/a.pdf?key=1")
        (user, _) = await chat.log()
    assert scene.sent[0]["parts"][1:] == [
        {"fileData": {"fileUri": "https://youtu.be/abc"}},
        {"fileData": {"fileUri": "https://example.com/a.pdf?key=1", "mimeType": "application/pdf"}},
    ]
    assert [meta["name"] for meta in user.meta["files"]] == ["https://youtu.be/abc", "https://example.com/a.pdf?key=1"]


async def test_a_file_alone_is_a_message(scene: Scene) -> None:
    async with scene.client() as chat:
        await chat.answered("", scene.file("photo.png", 10))
    assert [list(part) for part in scene.sent[0]["parts"]] == [["inlineData"]]


async def test_wrong_files_are_refused_at_once_and_the_chat_is_not_opened(scene: Scene) -> None:
    async with scene.client() as chat:
        for file, why in [
            (scene.folder / "none.png", "no such file"),
            (scene.folder, "this is a folder"),
            (scene.file("data.qqq", 10), "its type cannot be told"),
            ("gs://bucket/file", "the file's type cannot be told"),
        ]:
            with pytest.raises(ValueError, match=why):
                chat.client.events(query="What is it?", files=[file])


async def test_a_file_that_vanishes_before_the_turn_begins_fails_it(scene: Scene) -> None:
    path = scene.file("photo.png", 10)
    async with scene.client() as chat:
        events = chat.client.events(query="What is it?", chat_id="c", files=[path])
        path.unlink()
        (ended,) = [event async for event in events]
        assert isinstance(ended, TurnEnded)
        assert (ended.reason, ended.code, ended.message) == ("failed", "FILE", f"{path}: no such file")


async def test_without_a_service_for_uploads_a_large_file_is_named_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\x00" * (INLINE_LIMIT + 1))
    model = ScriptedModel(say("A cat."))
    async with GeminiClient(model=model) as client:
        assert await _texts(client, "c", path) == "A cat."
    (request,) = model.requests
    assert request.contents[0]["parts"][1] == {"fileData": {"fileUri": path.as_uri(), "mimeType": "video/mp4"}}


async def test_a_chat_begun_without_uploads_uploads_its_files_when_gemini_goes_on(scene: Scene) -> None:
    path = scene.file()
    async with scene.client(ScriptedModel(say("A cat."))) as chat:
        await chat.answered("What is it?", path)
    async with scene.client() as chat:
        await chat.answered("Sure?")
    (stored,) = scene.server.files.by_name.values()
    assert scene.uris == [stored.uri]


async def test_requests_without_files_pass_untouched(scene: Scene) -> None:
    scene.server.script(text("A cat."))
    async with scene.client() as chat:
        await chat.answered("Hello")
    assert scene.verbs == ["stream"]


async def _texts(client: GeminiClient, chat_id: str, path: Any) -> str:
    return "".join([text async for text in client.chat(query="What?", chat_id=chat_id, files=[path])])
