"""Our own plug-ins: the tables of names, and the factories a manifest's options are checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, InstanceOf

from runner.registry import Place, Registry

if TYPE_CHECKING:
    from runner.executors.base import ToolExecutor
    from runner.models.base import Model
    from runner.storages.base import ChatStorage


def gemini(  # the options of a manifest's model
    name: str,
    place: InstanceOf[Place],
    transport: Literal["auto", "direct", "sdk"] = "auto",
    enterprise: bool | None = None,
    project: str | None = None,
    location: str | None = None,
    api_version: str | None = None,
    base_url: str | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Model:
    """A Gemini model by its id; `transport: sdk` sends its requests through google-genai."""
    from runner.models.gemini.credentials import is_of_project
    from runner.models.gemini.model import GeminiModel

    is_named = bool(project or location)
    is_enterprise = True if is_named else enterprise
    return GeminiModel(
        name,
        api_key=None if is_named or is_of_project(enterprise) else place.settings.api_key,
        base_url=base_url or (None if is_enterprise else place.settings.google_gemini_base_url),
        api_version=api_version,
        enterprise=is_enterprise,
        project=project,
        location=location,
        extra_body=extra_body,
        transport=transport,
    )


def offline(name: str = "offline") -> Model:
    """The embedded rules for first runs without a key."""
    from runner.models.offline import OfflineModel

    if name != "offline":
        raise ValueError('the offline model has one name, "offline"')
    return OfflineModel()


def run_async() -> ToolExecutor[object]:
    """All calls of a step at once."""
    from runner.executors.parallel import AsyncToolExecutor

    return AsyncToolExecutor()


def rate_limiting(batch_size: Annotated[int, Field(ge=1, le=1000)] = 5) -> ToolExecutor[object]:
    """At most `batch_size` calls at once; the next begins when one ends."""
    from runner.executors.rate_limiting import RateLimitingAsyncExecutor

    return RateLimitingAsyncExecutor(batch_size)


def memory(url: str = "memory:") -> ChatStorage:
    """Chats that live as long as the process."""
    from runner.storages.memory import LocalChatStorage

    if url.rstrip("/") != "memory:":
        raise ValueError('write it as "memory:"')
    return LocalChatStorage()


def sqlite(url: str, place: InstanceOf[Place]) -> ChatStorage:
    """One SQLite file; a relative path is relative to the project root."""
    from runner.storages.sqlite import SqliteChatStorage

    return SqliteChatStorage.from_url(url, root=place.root)


def mongodb(url: str) -> ChatStorage:
    """A MongoDB database; mongodb+srv:// for its servers by DNS."""
    from runner.storages.mongodb import MongoChatStorage

    return MongoChatStorage(url)


def postgresql(url: str) -> ChatStorage:
    """A PostgreSQL database."""
    from runner.storages.postgresql import PostgresChatStorage

    return PostgresChatStorage(url)


def redis(url: str) -> ChatStorage:
    """A Redis server; rediss:// for TLS."""
    from runner.storages.redis import RedisChatStorage

    return RedisChatStorage(url)


def hybrid(place: InstanceOf[Place], url: str = "", cache: str = "", database: str = "") -> ChatStorage:
    """A database, and Redis in front of it for reading long chats: `cache` and `database` are URLs."""
    from runner.manifest.specs import StorageSpec, spec_of
    from runner.storages.hybrid import HybridChatStorage
    from runner.storages.hybrid_url import split_url

    if url and not (cache or database):
        cache, database = split_url(url)
    if url.startswith("hybrid:") or not (cache and database):
        raise ValueError("write cache: redis://host:6379/0, and database: with the URL of the database")
    return HybridChatStorage(cache, STORAGES.make(StorageSpec.model_validate(spec_of(database)), place))


MODELS = Registry("model", {"gemini": f"{__name__}:gemini", "offline": f"{__name__}:offline"})
EXECUTORS = Registry("executor", {"async": f"{__name__}:run_async", "rate_limiting": f"{__name__}:rate_limiting"})
STORAGES = Registry(
    "storage",
    {
        "memory": f"{__name__}:memory",
        "sqlite": f"{__name__}:sqlite",
        "mongodb": f"{__name__}:mongodb",
        "postgresql": f"{__name__}:postgresql",
        "redis": f"{__name__}:redis",
        "rediss": f"{__name__}:redis",
        "hybrid": f"{__name__}:hybrid",
    },
    drivers={
        "mongodb": "pymongo",
        "postgresql": "psycopg",
        "redis": "redis",
        "rediss": "redis",
        "hybrid": "redis",
    },
)
