"""The package is a house of floors: imports go down or level, never up, and drivers stay in their own rooms."""

from __future__ import annotations

import itertools

import pytest

from tests.guards.imports import Import, all_imports, sources

FLOORS: dict[int, str] = {
    0: "begun errors messages events requests manifest suite durations file_types files loops named_files media "
    "recovery rendering service_tools tokens uninterrupted version widths",
    1: "tools executors models storages answers",
    2: "attachments chats entries fitting history known_logs retention caches caching spending plan summaries waiting "
    "turn turn_events client",
    3: "modules registry toolsource outputsource plugins settings loading choices agent agent_cache asked digests "
    "shared settings_file reload project",
    4: "graph schemas starter conversations",
    5: "cli pytest_plugin __main__",
}
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names.split()}
DOOR = 5  # of `runner` itself: its __init__ hands out the names of all floors

LEAVES: dict[str, tuple[str, ...]] = {
    "google": ("runner.models.gemini",),
    "httptools": ("runner.models.gemini.http",),
    "httpx2": ("runner.models.gemini",),
    "truststore": ("runner.models.gemini.http",),
    "sqlite3": ("runner.storages",),
    "psycopg": ("runner.storages.postgresql_connections",),
    "redis": ("runner.storages.redis_errors", "runner.storages.redis_wire"),
    "pymongo": ("runner.storages.mongodb_client",),
    "bson": ("runner.storages.mongodb_client",),
    "jsonschema_rs": ("runner.tools",),
    "docstring_parser": ("runner.tools",),
    "yaml": ("runner.loading",),
    "jinja2": ("runner.loading.templates", "runner.conversations.reports.html"),
    "pytest": ("runner.pytest_plugin",),
    "dotenv": ("runner.loading.environment",),
    "pydantic_settings": ("runner.settings_file",),
    "watchfiles": ("runner.reload",),
    "click": ("runner.cli",),
    "rich": ("runner.cli",),
    "prompt_toolkit": ("runner.cli",),
}
"""Which modules may import a driver, wherever the import stands."""


def floor_of(module: str) -> int:
    _, _, inside = module.partition(".")
    return FLOOR_OF[inside.partition(".")[0]] if inside else DOOR


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def of_the_package() -> list[Import]:
    return [found for found in all_imports() if found.target.split(".")[0] == "runner"]


def test_every_module_has_a_floor() -> None:
    rooms = {name.split(".")[1] for name in sources() if "." in name}
    assert rooms - FLOOR_OF.keys() == set(), "give the new module a floor in FLOORS"
    assert FLOOR_OF.keys() - rooms - {"__main__"} == set(), "FLOORS names a module that is gone"


def test_no_import_climbs_to_a_higher_floor() -> None:
    """Also those inside functions; annotations alone may name what stands above."""
    climbs = [
        f"{found.where}: {found.importer} (floor {floor_of(found.importer)}) imports "
        f"{found.target} (floor {floor_of(found.target)})"
        for found in of_the_package()
        if not found.is_typing and floor_of(found.target) > floor_of(found.importer)
    ]
    assert not climbs, "\n".join(climbs)


def test_modules_do_not_import_one_another_in_a_circle() -> None:
    """At import time: an import inside a function, or for type checkers, closes no circle."""
    edges: dict[str, dict[str, str]] = {name: {} for name in sources()}
    for found in of_the_package():
        if not (found.is_late or found.is_typing) and found.target in edges:
            edges[found.importer].setdefault(found.target, found.where)
    circle = _circle(edges)
    assert not circle, " -> ".join(circle)


def _circle(edges: dict[str, dict[str, str]]) -> list[str]:
    """The modules of one circle, each with the place of the import that leads on; empty where there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            around = [*path[path.index(module) :], module]
            return [f"{one} ({edges[one][other]})" for one, other in itertools.pairwise(around)] + [module]
        if module in done:
            return []
        for target in edges[module]:
            if found := walk(target, [*path, module]):
                return found
        done.add(module)
        return []

    return next(filter(None, (walk(module, []) for module in edges)), [])


@pytest.mark.parametrize("driver", LEAVES)
def test_a_driver_is_imported_in_its_own_leaf_only(driver: str) -> None:
    strays = [
        f"{found.where}: {found.importer} imports {found.target}"
        for found in all_imports()
        if found.target.split(".")[0] == driver and not found.is_typing and not within(found.importer, LEAVES[driver])
    ]
    assert not strays, "\n".join(strays)


def test_the_reader_of_imports_sees_late_typed_and_relative_ones() -> None:
    """The guard itself: what it would miss, it could not forbid."""
    found = {(each.importer, each.target): each for each in all_imports()}
    assert found["runner.client", "runner.models.gemini.model"].is_late
    assert found["runner.client", "google.genai"].is_typing
    assert not found["runner.client", "runner.turn_events"].is_late
    assert found["runner.caches", "runner.durations"].target == "runner.durations"
    assert _circle({"a": {"b": "a.py:1"}, "b": {"c": "b.py:2"}, "c": {"b": "c.py:3"}}) == [
        "b (b.py:2)",
        "c (c.py:3)",
        "b",
    ]
