"""What a manifest's modules lead to is found by reading them, and a table of modules keeps to what it has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading import load_manifest
from runner.modules import ModuleTable
from runner.reload.foresight import foresee
from tests.reload.scene import MANIFEST, Scene

if TYPE_CHECKING:
    from pathlib import Path


def foreseen(scene: Scene) -> ModuleTable:
    table = ModuleTable([scene.root, scene.manifest.parent])
    foresee(table, load_manifest(scene.manifest).manifest, scene.manifest.parent)
    table.close()
    return table


def found(table: ModuleTable) -> set[Path]:
    return {path for path, digest in table.seen.items() if digest is not None}


def test_all_modules_that_are_led_to_are_found_whatever_the_import(scene: Scene) -> None:
    package = scene.root / "tools" / "inner"
    package.mkdir()
    for name in ("__init__", "near", "far", "late", "odd"):
        (package / f"{name}.py").touch()
    (package / "near.py").write_text("from . import far\nfrom ..words import word\n")
    (package / "odd.py").write_text("def f():\n    import tools.inner.late as late\n    return late\n")
    scene.deep.write_text("import json, tools.inner.near\nfrom tools.inner import odd, nothing\nDEEP = ''\n")
    loose = scene.manifest.parent / "loose-file.py"
    loose.write_text('import requests_that_is_not_there\n\ndef loose() -> int:\n    """Loose."""\n    return 1\n')
    scene.manifest.write_text(MANIFEST.replace("[tools.stamp]", "[tools.stamp, loose-file.py]"))
    inner = {package / f"{name}.py" for name in ("__init__", "near", "far", "late", "odd")}
    table = foreseen(scene)
    assert found(table) == inner | {scene.stamp, scene.words, scene.deep, loose, scene.root / "models" / "echo.py"}
    assert table.seen.keys() - found(table) >= {
        scene.root / "requests_that_is_not_there.py",
        package / "nothing.py",
        scene.root / "tools" / "__init__.py",
    }
    assert not table.names


def test_what_is_not_python_is_found_all_the_same(scene: Scene) -> None:
    scene.deep.write_text("DEEP = (")
    assert scene.deep in found(foreseen(scene))


def test_a_table_keeps_to_what_it_has_seen(scene: Scene) -> None:
    table = foreseen(scene)
    assert table.is_current
    scene.deep.touch()
    assert table.is_current
    (scene.root / "tools" / "__init__.py").touch()
    assert not table.is_current
    (scene.root / "tools" / "__init__.py").unlink()
    scene.deep.write_text("DEEP = 'another'\n")
    assert not table.is_current
    assert table.source(scene.deep) == b"DEEP = 'deep-1'\n"
    scene.deep.unlink()
    assert table.find("tools.deep") == scene.deep
