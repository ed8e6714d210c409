"""`cachedContents`: the explicit context caches of the server, on a clock that tests can advance."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from .gemini_models import rules_of
from .refusals import Refusal, bad_field

JSON = dict[str, Any]
DURATION = re.compile(r"(-?\d{1,12})(\.\d{1,9})?s")
WITH_CACHE = (
    "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.\n\n"
    "Proposed fix: move those values to CachedContent from GenerateContent request."
)


class Clock:
    """The server's wall clock."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset


@dataclass
class Cache:
    """One cached content; times are seconds since the epoch, `given` is the normalised create request."""

    name: str
    model: str
    given: JSON
    tokens: int
    created: float
    updated: float
    expires: float

    def resource(self) -> JSON:
        made = {
            "name": self.name,
            "model": f"models/{self.model}",
            "createTime": stamp(self.created),
            "updateTime": stamp(self.updated),
            "expireTime": stamp(self.expires),
            "usageMetadata": {"totalTokenCount": self.tokens},
        }
        if "displayName" in self.given:
            made["displayName"] = self.given["displayName"]
        return made


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


class Caches:
    """All caches by name. `minimum`: None for no check, "model" for the model's own, or a number of tokens."""

    def __init__(self, clock: Clock, *, minimum: int | Literal["model"] | None, missing: int) -> None:
        self._clock = clock
        self._minimum = minimum
        self._missing = missing
        self._made = 0
        self.by_name: dict[str, Cache] = {}

    def create(self, model: str, given: JSON, tokens: int) -> Cache:
        """Store a cache for the normalised request, or raise the 400."""
        rules = rules_of(model)
        if not rules.explicit_cache:
            raise Refusal(f"Explicit caching is not supported by models/{model}.")
        minimum = rules.cache_minimum if self._minimum == "model" else self._minimum or 0
        if not any(given.get(key) for key in ("contents", "systemInstruction", "tools")) or tokens < minimum:
            raise Refusal(
                f"Cached content is too small. total_token_count={tokens}, min_total_token_count={max(minimum, 1)}"
            )
        now = self._clock.now()
        self._made += 1
        name = f"cachedContents/c{self._made:06d}"
        expires = self._expiry(given, now) if "ttl" in given or "expireTime" in given else now + 3600
        self.by_name[name] = Cache(name, model, given, tokens, now, now, expires)
        return self.by_name[name]

    def get(self, name: str) -> Cache:
        """Return a cache that has not expired, or raise what the API says of unknown ones."""
        cache = self.by_name.get(name)
        if cache is None or cache.expires <= self._clock.now():
            self.by_name.pop(name, None)
            raise Refusal("CachedContent not found (or permission denied)", code=self._missing)
        return cache

    def update(self, name: str, change: JSON) -> Cache:
        cache = self.get(name)
        if not change:
            raise Refusal("* UpdateCachedContentRequest.cached_content: ttl or expire_time must be set.\n")
        now = self._clock.now()
        cache.expires, cache.updated = self._expiry(change, now), now
        return cache

    def delete(self, name: str) -> None:
        self.get(name)
        del self.by_name[name]

    def page(self, size: str, token: str) -> JSON:
        """Return one page of living caches; the token is the name after which it begins."""
        if not re.fullmatch(r"[1-9]\d{0,3}", size):
            raise Refusal("* ListCachedContentsRequest.page_size: must be between 1 and 1000.\n")
        if token and token not in self.by_name:
            raise Refusal("* ListCachedContentsRequest.page_token: Invalid page token.\n")
        now = self._clock.now()
        living = [each for each in self.by_name.values() if each.expires > now and each.name > token]
        shown, more = living[: int(size)], len(living) > int(size)
        result: JSON = {"cachedContents": [each.resource() for each in shown]} if shown else {}
        return {**result, "nextPageToken": shown[-1].name} if more else result

    def used(self, body: JSON, model: str) -> Cache | None:
        """Return the cache that a generate request uses, or raise when they do not suit."""
        name = body.get("cachedContent")
        if not name:
            return None
        if any(body.get(key) for key in ("systemInstruction", "tools", "toolConfig")):
            raise Refusal(WITH_CACHE)
        if not rules_of(model).explicit_cache:
            raise Refusal(f"Explicit caching is not supported by models/{model}.")
        cache = self.get(name)
        if cache.model != model:
            raise Refusal(
                f"Model used by GenerateContent request (models/{model}) and CachedContent (models/{cache.model}) has "
                "to be the same."
            )
        return cache

    @staticmethod
    def _expiry(given: JSON, now: float) -> float:
        if "ttl" in given and "expireTime" in given:
            raise Refusal("Invalid value at 'cached_content' (oneof), oneof field 'expiration' is already set.")
        if "ttl" in given:
            found = DURATION.fullmatch(given["ttl"])
            if not found:
                reason = "Illegal duration format; duration must end with 's'"
                raise bad_field(
                    "cached_content.ttl",
                    "Invalid value at 'cached_content.ttl' (type.googleapis.com/google.protobuf.Duration), Field "
                    f"'ttl', {reason}",
                )
            expires = now + float(given["ttl"][:-1])
        else:
            expires = parsed_time(given["expireTime"])
        if expires <= now:
            raise Refusal("* CachedContent.expiration: must be in the future.\n")
        return expires


def parsed_time(text: str) -> float:
    """Return the seconds of an RFC 3339 time with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise bad_field(
            "cached_content.expire_time",
            "Invalid value at 'cached_content.expire_time' (type.googleapis.com/google.protobuf.Timestamp), Field "
            "'expireTime', Invalid time format",
        )
    return moment.timestamp()
