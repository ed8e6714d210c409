"""Local servers for tests: a strict Gemini API and a faulty TCP proxy. They share no code with the runner.

    import os
    from tests.servers import GeminiServer, calls, error, text, thought, usage

    with GeminiServer() as server:                       # a thread of its own; no fixed port
        server.script(
            error(503),
            thought("hm") + calls(("get_weather", {"city": "Paris"})),
            text("It ", "rains.", delay=0.05) + usage(prompt=12, candidates=3),
        )
        run_the_agent(env=os.environ | server.env)       # GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY
        assert [request.status for request in server.requests] == [503, 200, 200]
        assert server.requests[2].responses[0]["response"] == {"output": "rain"}

**Checked** in every generate request, refused with the API's own 400 texts: the key (header only), unknown keys and
wrong types (camelCase and snake_case are both read), invariant I1 (`history_fault(body)` is that oracle alone), tool
declarations and modes, settings and built-in tools by model, caches, and the thought signatures of the current turn: a
step without its signature is refused, so is one spoilt, moved, or made for another model. Models also answer at the
addresses of the enterprise platform, with a key or a project's access token. Options of `GeminiServer`:
`check_history=False` (no check at all, for benchmarks), `signatures=False`, `verbatim=True` (every model content must
come back as it was sent: nothing merged, split, dropped; partial ones unknown), `key`, `models` (further ids),
`cache_minimum` (tokens, or "model"), `cache_missing` (403 or 404), `surrogates=False`, `window` (tokens a prompt may
have), `record=False`, `log=path`.

**Files** are uploaded as to the API (`server.files.by_name`) and named in requests. One that has expired, after 48 h of
the server's clock or `files.life` seconds, is refused with the API's 403; a film or a sound takes `files.looks` looks
until it is ready, or has failed (`files.fails`). Types that no model can look at are refused when they are used.

**Replies** add up with `+`; for a setting the right one wins. `reply.but(setting=...)` copies.
Content: `text("a", "b")` (one event a piece), `words("a b")`, `thought("hm")`, `calls(("name", {...}), ("other",))`
(`ids=False | ["x", "x"]`, `together=True`; empty names, wrong args: nothing is checked), `part({...})` (any part,
unknown kinds, own signature), `inline_data(mime, bytes)`.
Endings: STOP unless `finish("SAFETY", "message")`, `no_finish()`, `empty_content()`, `blocked("SAFETY")`,
`no_candidates()`, `usage(prompt=.., candidates=.., cached=.., thoughts=..)`.
Errors: `error(429, retry_delay="2s", retry_after=None, quota_id=None)`, `error_event(503)` (mid-stream), `raw(bytes)`.
The wire: `framing(newline="\\n", prefix="data:", per_event=2, join="\\n", split=1, comment="x", lines=True,
bom=True)`, `fragment(bytes)`, `comment("keepalive")`, `pause(0.2)`, `hang()`, `silence()`,
`reply.cut_after(n, "close" | "reset" | "end")`.
Settings, as keywords of every one: `delay` (before the reply), `gap` (between events), `sign` (False, "last", "empty"),
`model_version`, `response_id`, `candidate={...}`, `response={...}` (further fields), `headers`, `status`.

**Scripts.** `server.script(*replies)` is a queue for all; `when="text"` for conversations whose first text holds it;
`on="cache_create"` for another verb (count, model, cache_list, cache_get, cache_update, cache_delete, file_start,
file_upload, file_get, file_list, file_delete). An item may also be `repeat(reply)`, `repeat(reply, 3)` or a behaviour.
When no script has anything left, `server.answer` is asked:
any `(RecordedRequest) -> Reply` (`results_text(request)` helps), e.g. `echo`, `weather`, `ledger`, `parallel(8)`,
`looping("tool")`, or by name `behaviour_named("parallel:8")`,
`obedient({"word": ("tool", {})})`, `limited(10, echo)` (429 above 10 a second), `by_message({"word": reply})`,
`per_chat(reply, reply)` (each chat the same script).
A request for which nothing is left is refused with a 400 that says so. Behaviours run in the server's thread; what one
raises is answered with a 500 and raised again when the `with` block ends.

**Afterwards.** `server.requests`, `.generations`, `.refused`, `.connections` (open now), `.unused` (scripted, not asked
for), `.wait_for(n)`, `await .arrived(n)`, `.advance(seconds)` (cache clock), `.caches`, `.drop_connections()`.
A `RecordedRequest` has `verb, model, headers, query, body, normal, contents, at, connection, status, error, outcome,
ended` and answers `first_text, user_text, turn, turns, step, responses, turn_responses, system, declarations`.

**Another process**: `python -m tests.servers --port 0 --behaviour weather --requests-log FILE`; its URL is the first
line of stdout. `--script FILE.json` holds `[{"text": ["a", "b"]}, {"calls": [["f", {}]], "repeat": true}, ...]` or
`{"replies": [...], "conversations": {"text": [...]}}`; see `reply_from_json`. From a test:
`with GeminiProcess("--behaviour", "ledger", log=path) as server:` (`url`, `env`, `requests` as the log has them).

**The proxy**: `with TcpProxy(server.url) as proxy:`, then `proxy.url`; `proxy.fault = Fault(...)`,
`proxy.plan(Fault(cut_after=120, cut="reset"))`, `freeze()`, `thaw()`, `refuse()`, `accept()`, `drop()`.
"""

from .gemini_behaviours import (
    BEHAVIOURS,
    Behaviour,
    behaviour_named,
    by_message,
    echo,
    ledger,
    limited,
    looping,
    obedient,
    parallel,
    per_chat,
    results_text,
    weather,
)
from .gemini_history import history_fault
from .gemini_process import GeminiProcess
from .gemini_replies import (
    Framing,
    Repeat,
    Reply,
    blocked,
    calls,
    comment,
    empty_content,
    error,
    error_event,
    finish,
    fragment,
    framing,
    hang,
    inline_data,
    no_candidates,
    no_finish,
    part,
    pause,
    raw,
    repeat,
    reply_from_json,
    silence,
    text,
    thought,
    usage,
    words,
)
from .gemini_requests import RecordedRequest
from .gemini_server import GeminiServer
from .gemini_signatures import SENTINEL
from .refusals import Refusal
from .tcp_proxy import Fault, TcpProxy

__all__ = [
    "BEHAVIOURS",
    "SENTINEL",
    "Behaviour",
    "Fault",
    "Framing",
    "GeminiProcess",
    "GeminiServer",
    "RecordedRequest",
    "Refusal",
    "Repeat",
    "Reply",
    "TcpProxy",
    "behaviour_named",
    "blocked",
    "by_message",
    "calls",
    "comment",
    "echo",
    "empty_content",
    "error",
    "error_event",
    "finish",
    "fragment",
    "framing",
    "hang",
    "history_fault",
    "inline_data",
    "ledger",
    "limited",
    "looping",
    "no_candidates",
    "no_finish",
    "obedient",
    "parallel",
    "part",
    "pause",
    "per_chat",
    "raw",
    "repeat",
    "reply_from_json",
    "results_text",
    "silence",
    "text",
    "thought",
    "usage",
    "weather",
    "words",
]
