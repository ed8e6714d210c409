"""The Gemini API over parsed HTTP, without sockets: `Service.handle(request)` returns the answer."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

from .gemini_behaviours import Behaviour, Item, Script
from .gemini_caches import Cache, Caches, Clock
from .gemini_files import TOKENS, Files, inline_data
from .gemini_history import check_contents, check_parts, check_system
from .gemini_models import ENTERPRISE_WITHOUT, check_generation_config, model_resource, rules_of, served_model
from .gemini_render import Rendering, dumps
from .gemini_requests import RecordedRequest
from .gemini_routes import check_key, check_query, parsed_body, route
from .gemini_schema import Extras, Wire
from .gemini_signatures import SignatureBook
from .gemini_tools import check_tools
from .gemini_verbatim import SentContents
from .http_framing import HttpAnswer, HttpRequest
from .refusals import Refusal, error_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from .gemini_replies import Reply

JSON = dict[str, Any]
MAX_BODY = 100 * 1024 * 1024
UNSCRIPTED = "tests.servers: no reply is scripted for this request"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the server demands.

    `check_history` off skips every check of a body (for benchmarks). `signatures` off neither mints nor demands.
    `verbatim` demands every model content back as it was sent. `models` are further ids it serves. `cache_minimum`:
    tokens a cache must have. `cache_missing`: the code for an unknown cache. `surrogates` off refuses lone surrogates.
    `window`: tokens a prompt may have.
    """

    key: str = "test-key"
    check_history: bool = True
    signatures: bool = True
    verbatim: bool = False
    models: frozenset[str] = frozenset()
    cache_minimum: int | Literal["model"] | None = None
    cache_missing: int = 403
    surrogates: bool = True
    window: int | None = None
    record: bool = True


class Service:
    """Checks, records and answers requests; runs in one thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.requests: list[RecordedRequest] = []
        self.count = 0
        self.answer: Behaviour | None = None
        self.crash: BaseException | None = None
        self.clock = Clock()
        self.caches = Caches(self.clock, minimum=settings.cache_minimum, missing=settings.cache_missing)
        self.files = Files(self.clock)
        self.on_verdict: Callable[[RecordedRequest], None] | None = None
        self._scripts: dict[tuple[str, str | None], Script] = {}
        self._extras = Extras()
        self._wire = Wire(self._extras)
        self._book = SignatureBook(random.Random(0))  # noqa: S311 - repeatable on purpose
        self._sent = SentContents()
        self._ids = itertools.count(1)

    def script(self, items: tuple[Item, ...], when: str | None, on: str) -> None:
        """Queue replies; `when`: only for conversations whose first text holds it; `on`: the verb they answer."""
        self._scripts.setdefault((on, when), Script()).add(items)

    @property
    def unused(self) -> int:
        """How many scripted items no request has asked for."""
        return sum(len(script) for script in self._scripts.values())

    def handle(self, http: HttpRequest) -> HttpAnswer:
        """Answer one request: refused, as scripted, or 500 when a behaviour raised (kept in `crash`)."""
        request = self._recorded(http)
        try:
            answer = self._answered(request, http)
        except Refusal as refusal:
            answer = self._json(refusal.code, refusal.body)
            request.error = refusal.message
        except Exception as crash:  # noqa: BLE001 - a behaviour is the test's own code; the test gets it
            self.crash = self.crash or crash
            answer = self._json(500, error_body(500, f"tests.servers: {crash!r}"))
            request.error = repr(crash)
        request.status = 0 if answer.end == "hang" and not answer.pieces else answer.status
        if self.on_verdict is not None:
            self.on_verdict(request)

        def done(how: Any) -> None:
            request.outcome, request.ended = how, time.monotonic()

        answer.done = done
        return answer

    def _recorded(self, http: HttpRequest) -> RecordedRequest:
        path, _, query = http.target.partition("?")
        request = RecordedRequest(
            index=self.count,
            at=time.monotonic(),
            method=http.method,
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
            headers=http.headers,
            connection=http.connection,
            size=len(http.body),
        )
        self.count += 1
        if self.settings.record:
            self.requests.append(request)
        return request

    def _answered(self, request: RecordedRequest, http: HttpRequest) -> HttpAnswer:
        route(request)
        if request.verb == "file_upload":  # what is uploaded is for the id alone
            return self._uploaded(request, http)
        check_key(request, self.settings.key)
        check_query(request)
        if request.size > MAX_BODY:
            raise Refusal(f"Request payload size exceeds the limit: {MAX_BODY} bytes.")
        has_body = http.method in ("POST", "PATCH")
        request.body = parsed_body(request, http, surrogates=self.settings.surrogates) if has_body else {}
        if request.verb not in ("generate", "stream"):
            return self._other(request)
        cache = self._checked(request)
        return self._generated(request, cache)

    # Generation

    def _served(self, request: RecordedRequest) -> str:
        request.served = served_model(request.model, request.version, self.settings.models)
        return request.served

    def _checked(self, request: RecordedRequest) -> Cache | None:
        model = self._served(request)
        if not self.settings.check_history:
            return None
        body = request.checked = self._wire.generate(request.body)
        rules = rules_of(model)
        check_generation_config(rules, body.get("generationConfig", {}))
        cache = self.caches.used(body, model)
        check_tools(body, combines=rules.combines, without=rules.without)
        if request.is_enterprise:
            check_tools(body, without=ENTERPRISE_WITHOUT)
        check_system(body)
        contents = body.get("contents", [])
        if cache is not None and contents:
            contents = cache.given.get("contents", []) + contents
        check_contents(contents, self._extras.part)
        self.files.check(model, contents)
        self._check_window(request, cache)
        if self.settings.signatures and rules.signs:
            self._book.check(model, contents)
        if self.settings.verbatim:
            self._sent.check(body["contents"])
        return cache

    def _check_window(self, request: RecordedRequest, cache: Cache | None) -> None:
        tokens, window = _prompt_tokens(request) + (cache.tokens if cache else 0), self.settings.window
        if window is not None and tokens > window:
            raise Refusal(f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({window}).")

    def _generated(self, request: RecordedRequest, cache: Cache | None) -> HttpAnswer:
        reply = self._next(request)
        mode: Literal["sse", "array", "whole"] = "whole"
        if request.verb == "stream":
            mode = "sse" if "alt" in request.query else "array"
        signs = self.settings.signatures and rules_of(request.served).signs
        rendering = Rendering(
            model=request.served,
            mode=mode,
            book=self._book if signs else None,
            extras=self._extras,
            serial=request.index,
            ids=self._ids,
            prompt_tokens=_prompt_tokens(request),
            cached_tokens=cache.tokens if cache else 0,
        )
        answer = rendering.answer(reply)
        if self.settings.verbatim and answer.end == "keep" and reply.cut is None and reply.finish != "":
            self._sent.add(rendering.content)
        return answer

    def _next(self, request: RecordedRequest) -> Reply:
        reply = self._scripted(request, "generate")
        if reply is None and self.answer is not None:
            reply = self.answer(request)
        if reply is None:
            raise Refusal(UNSCRIPTED)
        return reply

    def _scripted(self, request: RecordedRequest, on: str) -> Reply | None:
        for (verb, when), script in list(self._scripts.items()):
            if verb == on and when is not None and when in request.first_text:
                reply = script.next(request)
                if reply is not None:
                    return reply
        common = self._scripts.get((on, None))
        return common.next(request) if common else None

    # The rest

    def _other(self, request: RecordedRequest) -> HttpAnswer:
        reply = self._scripted(request, request.verb)
        if reply is not None and (reply.body is not None or reply.silent):
            return self._rendered(request, reply)
        is_upload = request.verb == "file_start"
        answer = self._started(request) if is_upload else self._json(200, self._resource(request))
        if reply is not None:
            answer.delay = reply.delay or 0.0
        return answer

    def _in_place(self, request: RecordedRequest) -> HttpAnswer | None:
        """The scripted answer to a request that is then not looked at."""
        reply = self._scripted(request, request.verb)
        return None if reply is None else self._rendered(request, reply)

    def _rendered(self, request: RecordedRequest, reply: Reply) -> HttpAnswer:
        return Rendering("", "whole", None, self._extras, request.index, self._ids, 0).answer(reply)

    def _resource(self, request: RecordedRequest) -> JSON:
        name = request.path.split("/", 2)[2]
        if request.verb.startswith("file_"):
            return self._file_resource(request, name)
        if request.verb == "model":
            return model_resource(self._served(request))
        if request.verb == "count":
            return self._counted(request)
        if request.verb == "cache_create":
            return self._created(request).resource()
        if request.verb == "cache_list":
            return self.caches.page(request.query.get("pageSize", "50"), request.query.get("pageToken", ""))
        if request.verb == "cache_get":
            return self.caches.get(name).resource()
        if request.verb == "cache_update":
            return self.caches.update(name, self._wire.cache_update(request.body)).resource()
        self.caches.delete(name)
        return {}

    # Files

    def _file_resource(self, request: RecordedRequest, name: str) -> JSON:
        if request.verb == "file_list":
            return self.files.page(request.query.get("pageSize", "10"))
        if request.verb == "file_get":
            return self.files.looked_at(name).resource()
        self.files.delete(name)
        return {}

    def _started(self, request: RecordedRequest) -> HttpAnswer:
        upload = self.files.start(request.headers, request.body)
        answer = self._json(200, {})
        url = f"http://{request.headers['host']}{request.path}?upload_id={upload}&upload_protocol=resumable"
        answer.headers += [("X-Goog-Upload-URL", url), ("X-Goog-Upload-Status", "active")]
        return answer

    def _uploaded(self, request: RecordedRequest, http: HttpRequest) -> HttpAnswer:
        if (scripted := self._in_place(request)) is not None:
            return scripted
        host = request.headers["host"]
        file = self.files.receive(request.query["upload_id"], request.headers, bytes(http.body), host)
        answer = self._json(200, {} if file is None else {"file": file.resource()})
        answer.headers.append(("X-Goog-Upload-Status", "active" if file is None else "final"))
        return answer

    def _counted(self, request: RecordedRequest) -> JSON:
        self._served(request)
        body = self._wire.count_tokens(request.body)
        if ("contents" in body) == ("generateContentRequest" in body):
            raise Refusal("Exactly one of contents and generate_content_request must be set.")
        check_parts(body, self._extras.part)
        return {"totalTokens": tokens_of(body)}

    def _created(self, request: RecordedRequest) -> Cache:
        body = self._wire.cache_create(request.body)
        named = body.get("model", "")
        if not named.startswith("models/"):
            raise Refusal("* CreateCachedContentRequest.cached_content.model: must be models/{model}.\n")
        model = served_model(
            named.removeprefix("models/"), request.version, self.settings.models, "createCachedContent"
        )
        check_tools(body)
        self.files.check(model, body.get("contents", []))
        given: JSON = {
            key: body[key] for key in ("contents", "systemInstruction", "tools", "toolConfig") if key in body
        }
        return self.caches.create(model, body, tokens_of(given))

    @staticmethod
    def _json(status: int, body: JSON) -> HttpAnswer:
        encoded = dumps(body)
        return HttpAnswer(status=status, pieces=[(0.0, encoded)], length=len(encoded))


def _prompt_tokens(request: RecordedRequest) -> int:
    shown = inline_data(request.checked.get("contents", [])) if request.checked else []
    return max(1, (request.size - sum(map(len, shown))) // 4 + TOKENS * len(shown))


def tokens_of(value: JSON) -> int:
    """Return the server's idea of tokens: a quarter of the JSON's length."""
    return max(1, len(dumps(value)) // 4)
