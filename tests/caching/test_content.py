"""The content of a cache: texts and files, in order, read anew when they change, and none that should not be sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from runner.caching.content import CachedContent
from runner.errors import ManifestError
from runner.named_files import Files

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "agents").mkdir()
    (tmp_path / "docs").mkdir()
    for name, text in {
        "docs/b.md": "Bee.",
        "docs/a.md": "\ufeffA.",
        "docs/.hidden.md": "no",
        "top.txt": "Top.",
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def read(root: Path, *items: str) -> CachedContent:
    return CachedContent([Files(item, root / "agents", root) for item in items])


async def parts(content: CachedContent) -> list[Json]:
    found = await content.read()
    return [] if found.message is None else found.message.parts


async def test_files_and_patterns_are_read_in_order(root: Path) -> None:
    """A pattern's files by name, hidden ones left out; a mark at the beginning of a text is none of it."""
    assert await parts(read(root, "../top.txt", "../docs/*.md")) == [{"text": "Top."}, {"text": "A."}, {"text": "Bee."}]
    assert await parts(CachedContent(["Just words."])) == [{"text": "Just words."}]
    assert await parts(CachedContent()) == []


async def test_media_are_sent_inline_and_what_is_neither_is_refused(root: Path) -> None:
    (root / "docs" / "dot.png").write_bytes(PNG)
    (root / "docs" / "page.pdf").write_bytes(b"%PDF-1.4 all ASCII")
    (root / "docs" / "code.ts").write_text("const a: number = 1")
    (root / "docs" / "data.bin").write_bytes(b"\x00\x01")
    (root / "docs" / "data.zip").write_bytes(b"PK\x03\x04\x00")
    dot, page, code = await parts(read(root, "../docs/dot.png", "../docs/page.pdf", "../docs/code.ts"))
    assert dot == {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}}
    assert page["inlineData"]["mimeType"] == "application/pdf"
    assert code == {"text": "const a: number = 1"}
    with pytest.raises(ManifestError, match="no UTF-8 text"):
        await read(root, "../docs/data.bin").read()
    with pytest.raises(ManifestError, match="neither UTF-8 text nor a picture"):
        await read(root, "../docs/data.zip").read()
    assert (await read(root, "../docs/dot.png").read()).tokens is None


async def test_a_file_is_read_anew_when_it_has_changed_and_only_then(root: Path) -> None:
    content = read(root, "../docs/*.md")
    first = await content.read()
    assert await content.read() is first
    (root / "docs" / "b.md").write_text("Sea.")
    second = await content.read()
    assert second.digest != first.digest
    (root / "docs" / "c.md").write_text("New.")
    assert await parts(content) == [{"text": "A."}, {"text": "Sea."}, {"text": "New."}]
    (root / "docs" / "c.md").unlink()
    assert (await content.read()).digest == second.digest


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("../docs/none.md", "no such file"),
        ("../docs", "is a folder: name its files"),
        ("../docs/*.pdf", "matches no file"),
        ("../.env", "is hidden: it may hold secrets"),
        ("../.git/config", "is hidden: it may hold secrets"),
        ("../docs/out.md", "leads out of the project"),
        ("../../*.md", "leads out of the project"),
        ("../docs/**x/*.md", "is not a pattern of files|matches no file"),
    ],
)
async def test_what_cannot_or_may_not_be_read_is_refused(root: Path, item: str, why: str) -> None:
    outside = root.parent / f"{root.name}.md"
    outside.write_text("outside")
    (root / ".env").write_text("KEY=1")
    (root / "docs" / "out.md").symlink_to(outside)
    with pytest.raises(ManifestError, match=why) as raised:
        await read(root, item).read()
    assert raised.value.key == "cache.content"
    outside.unlink()
