"""Digests tell contents apart, and do not read a large file again and again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.digests import digest, digest_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_content_has_one_digest_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    assert digest_of(tmp_path / "a") == digest(b"one")
    assert digest_of(tmp_path / "b") is None
    assert digest_of(tmp_path) is None


def test_a_large_file_is_told_from_another_by_size_and_time(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(9 * 1024 * 1024))
    os.utime(film, (1, 1))
    before = digest_of(film)
    os.utime(film, (2, 2))
    assert before != digest_of(film)
    os.utime(film, (1, 1))
    assert before == digest_of(film)
