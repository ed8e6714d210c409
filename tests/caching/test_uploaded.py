"""Large files in the content of a cache: uploaded, once for all, and named in the cache and in requests without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.caching.content import CachedContent
from runner.caching.model import CachedModel
from runner.files import INLINE_LIMIT
from runner.models.retry import Retry
from runner.named_files import Files
from tests.caching.scene import question, states
from tests.models.asking import answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.caching.scene import Scene


def handbook(folder: Path, last: bytes = b"\x01") -> Files:
    (folder / "handbook.pdf").write_bytes(b"%PDF-1.7" + b"\x00" * INLINE_LIMIT + last)
    return Files("handbook.pdf", folder, folder)


async def test_a_large_file_is_uploaded_once_and_the_cache_names_it(scene: Scene, tmp_path: Path) -> None:
    content = [handbook(tmp_path)]
    first = await scene.asked(scene.process(content=content))
    second = await scene.asked(scene.process(content=content))
    assert (states(first), states(second)) == (["miss"], ["hit"])
    assert "uploading handbook.pdf, 8 MB" in [notice.message for notice in first.notices]
    assert scene.made == len(scene.server.files.by_name) == 1
    (stored,) = scene.server.files.by_name.values()
    assert scene.cache.given["contents"][0]["parts"] == [
        {"fileData": {"fileUri": stored.uri, "mimeType": "application/pdf"}}
    ]


async def test_a_file_that_changes_is_another_upload_and_another_cache(scene: Scene, tmp_path: Path) -> None:
    process = scene.process(content=[handbook(tmp_path)])
    await scene.asked(process)
    handbook(tmp_path, last=b"\x02\x03")
    await scene.asked(process)
    assert (scene.made, len(scene.server.files.by_name)) == (2, 2)


async def test_an_upload_that_is_lost_is_made_again(scene: Scene, tmp_path: Path) -> None:
    """Without a context cache each request names the file; it is uploaded again when the service has it no longer."""
    process = Retry(CachedModel(scene.gemini, content=CachedContent([handbook(tmp_path)])))
    await answer(process, question())
    scene.server.files.by_name.clear()
    got = await answer(process, question())
    assert [notice.code for notice in got.notices] == ["file_lost", "upload"]
    assert scene.verbs.count("stream 403") == 1
    (stored,) = scene.server.files.by_name.values()
    assert scene.sent["contents"][0]["parts"][0]["fileData"]["fileUri"] == stored.uri
