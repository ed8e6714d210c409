"""Whatever Gemini, the network or a proxy does wrong ends in one of our errors, never in a short answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
import ssl
import traceback
from typing import TYPE_CHECKING

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from runner.errors import GeminiAPIError, GeminiClientError, GeminiResponseError
from runner.models.finish import refusal
from runner.models.gemini import GeminiModel
from runner.models.retry import Retry
from tests.models.asking import NAME, TOOLS, Answer, NewModel, answer, asking
from tests.servers import (
    GeminiServer,
    Reply,
    blocked,
    calls,
    comment,
    empty_content,
    error,
    error_event,
    finish,
    fragment,
    hang,
    no_candidates,
    no_finish,
    raw,
    repeat,
    silence,
    text,
    thought,
)
from tests.servers.tcp_proxy import Fault, TcpProxy

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from runner.messages import Json
    from runner.models.gemini.model import TransportName

KEY = "AIzaSyCanaryCanaryCanaryCanaryCanary123"
LONG = [f"piece {at} of a longer answer, with some — non-ASCII — text; " for at in range(12)]


async def unwaited(_: float) -> None:
    """The wait of a retry, not waited for."""


async def failure(model: GeminiModel, got: Answer | None = None) -> GeminiAPIError | GeminiResponseError:
    with pytest.raises((GeminiAPIError, GeminiResponseError)) as raised:
        await answer(model, into=got)
    assert "\n" not in str(raised.value)
    return raised.value


# Statuses


@pytest.mark.parametrize(
    ("code", "retryable"),
    [(400, False), (401, False), (403, False), (404, False), (408, True), (409, False), (429, True)]
    + [(code, True) for code in (500, 502, 503, 504, 529)],
)
async def test_a_status_is_told_with_the_services_words_and_whether_to_try_again(
    server: GeminiServer, model: GeminiModel, code: int, retryable: bool
) -> None:
    server.script(error(code, "The service said this."))
    problem = await failure(model)
    assert isinstance(problem, GeminiAPIError)
    assert (problem.code, problem.retryable, problem.retry_after) == (code, retryable, None)
    assert "The service said this." in str(problem)


@pytest.mark.parametrize(
    ("limits", "wait"),
    [
        ({"retry_delay": "7.5s"}, 7.5),
        ({"retry_after": 12}, 12),
        ({"retry_delay": "3s", "retry_after": 12}, 12),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry_after": "soon"}, None),
    ],
)
async def test_the_wait_the_service_asks_for_is_read(
    server: GeminiServer, model: GeminiModel, limits: Json, wait: float | None
) -> None:
    server.script(error(429, **limits))
    problem = await failure(model)
    assert isinstance(problem, GeminiAPIError)
    assert (problem.retryable, problem.retry_after) == (True, wait)


async def test_a_daily_quota_is_not_worth_another_try(server: GeminiServer, model: GeminiModel) -> None:
    server.script(error(429, retry_delay="2s", quota_id="GenerateRequestsPerDayPerProjectPerModel-FreeTier"))
    problem = await failure(model)
    assert not problem.retryable
    assert "used up" in str(problem)


async def test_a_page_of_a_proxy_is_told_in_one_short_line(server: GeminiServer, model: GeminiModel) -> None:
    page = "<html><head><style>p {}</style></head>\n<body><h1>502 Bad Gateway</h1>" + "<p>nginx</p>" * 500
    server.script(
        raw(page.encode(), status=502, content_type="text/html"), raw(b"", status=503), raw(b"\xff{", status=500)
    )
    problem = await failure(model)
    assert str(problem).startswith("502 BAD_GATEWAY: 502 Bad Gateway nginx nginx")
    assert len(str(problem)) < 700
    assert str(await failure(model)) == "503 UNAVAILABLE: the reply has no text"
    assert (await failure(model)).reason == "INTERNAL"


async def test_a_redirect_is_not_followed_because_it_would_take_the_key_along(
    server: GeminiServer, model: GeminiModel
) -> None:
    server.script(raw(b"", status=307, headers=(("Location", "http://127.0.0.1:1/elsewhere"),)))
    problem = await failure(model)
    assert "redirects to http://127.0.0.1:1/elsewhere; check the base URL" in str(problem)


async def test_a_wrong_key_is_said_without_repeating_it(server: GeminiServer, new_model: NewModel) -> None:
    server.script(
        error(403, f"Key {KEY} of project http://u:pa55@h/?key=abc123 is not allowed", details=[{"reason": KEY}])
    )
    async with new_model(server, api_key=KEY) as model:
        problem = await failure(model)  # the server's own refusal of the key
        assert "API key not valid" in str(problem)
        assert "check GEMINI_API_KEY" in str(problem)
    async with new_model(server) as model:
        problem = await failure(model)
    text_of_all = "".join(traceback.format_exception(problem))
    for secret in (KEY, "abc123", "pa55"):
        assert secret not in text_of_all


# Streams


async def test_a_stream_without_a_finish_reason_is_no_answer(server: GeminiServer, model: GeminiModel) -> None:
    server.script(text("half an ans") + no_finish(), no_candidates(), raw(b""))
    got = Answer()
    problem = await failure(model, got)
    assert (problem.reason, problem.retryable, got.text, got.finishes) == ("NO_FINISH", True, "half an ans", [])
    assert "cut short" in str(problem)
    for _ in range(2):
        assert (await failure(model)).reason == "NO_FINISH"


async def test_a_stream_cut_anywhere_is_a_failure_never_a_shorter_answer(
    server: GeminiServer, model: GeminiModel
) -> None:
    whole = "".join(LONG)
    total = await length_of(server, text(*LONG))
    kinds: list[Literal["close", "reset", "end"]] = ["close", "reset", "end"]
    for count, offset in enumerate(
        [*range(0, total - 60, 7), *range(total - 60, total, 5), total - 4, total - 2, total - 1]
    ):
        how = kinds[count % 3]
        server.script(text(*LONG).cut_after(offset, how))
        got = Answer()
        try:
            await answer(model, into=got)
        except (GeminiAPIError, GeminiResponseError) as caught:
            problem = caught
        else:
            problem = None
        assert whole.startswith(got.text)
        if problem is None:  # only the blank line after the last event is missing, and HTTP ended properly
            assert (how, got.text) == ("end", whole)
            assert offset >= total - 4
        else:
            assert problem.retryable


async def length_of(server: GeminiServer, reply: Reply) -> int:
    """The size of the body with which the server makes this reply."""
    server.script(reply)
    async with httpx2.AsyncClient(headers={"x-goog-api-key": server.key}) as client:
        url = f"{server.url}/v1/models/{NAME}:streamGenerateContent?alt=sse"
        return len((await client.post(url, json=asking().body())).content)


@pytest.mark.parametrize("after", [0, 100, 160, 250, 400, 700])
async def test_a_connection_that_breaks_in_head_or_body_is_told_as_such(
    server: GeminiServer, after: int, new_model: NewModel
) -> None:
    server.script(text(*LONG), text(*LONG))
    with TcpProxy(server.url, Fault(cut_after=after, cut="reset")) as proxy:
        async with new_model(server, base_url=proxy.url) as model:
            problem = await failure(model)
            assert (problem.reason, problem.retryable) == ("CONNECTION_LOST", True)
            assert "the connection to 127.0.0.1 broke" in str(problem)
        proxy.fault = Fault()
        async with new_model(server, base_url=proxy.url) as model:
            assert (await answer(model)).text == "".join(LONG)


async def test_a_kept_connection_the_server_closed_meanwhile_costs_at_most_a_retry(
    server: GeminiServer, model: GeminiModel
) -> None:
    server.script(text("one"), text("two"))
    retry = Retry(model, sleep=unwaited)
    assert (await answer(retry)).text == "one"
    server.drop_connections()
    assert (await answer(retry)).text == "two"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'data: {"candidates": [\n\ndata: {}\n\n', "at byte 0: invalid JSON"),
        (b'data: {"a": NaN}\n\n', "at byte 0: invalid JSON: NaN"),
        (b": hello\n\ndata: [1]\n\n", "at byte 9: JSON, but not an object"),
        (b'data: {"candidates": [{"content": {"parts": ["x"]}}]}\n\n', "at byte 0: an object of another form"),
        (b'data: {"candidates": [3]}\n\n', "at byte 0: an object of another form"),
        (b'data: {"a": "\xff"}\n\n', "at byte 7: not UTF-8"),
        (b'data: {"a": 1e999}\n\n', "too large"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "invalid JSON"),
        (
            b"<html>\n<p>captive portal</p>",
            "not a stream of server-sent events (text/event-stream): <html> <p>captive",
        ),
    ],
)
async def test_an_unreadable_reply_is_told_with_the_place(
    server: GeminiServer, model: GeminiModel, body: bytes, words: str
) -> None:
    server.script(raw(body))
    problem = await failure(model)
    assert isinstance(problem, GeminiResponseError)
    assert (problem.reason, problem.retryable) == ("MALFORMED_REPLY", False)
    assert words in str(problem)


async def test_a_broken_compression_is_an_unreadable_reply(server: GeminiServer, model: GeminiModel) -> None:
    server.script(raw(b"not gzip", headers=(("Content-Encoding", "gzip"),)))
    assert (await failure(model)).reason == "MALFORMED_REPLY"


@pytest.mark.parametrize("in_lines", [False, True])
async def test_an_error_in_the_middle_of_a_stream_is_that_error(
    server: GeminiServer, model: GeminiModel, in_lines: bool
) -> None:
    late = error_event(503, "Overloaded now.", retry_delay="3s")
    if in_lines:  # as some gateways write it: bare JSON, not an event
        body = {"error": {"code": 503, "message": "Overloaded now.", "status": "UNAVAILABLE"}}
        late = fragment(json.dumps(body, indent=1).encode() + b"\r\n") + no_finish()
    server.script(text("It ") + late)
    got = Answer()
    problem = await failure(model, got)
    assert isinstance(problem, GeminiAPIError)
    assert (problem.code, problem.status, got.text) == (503, "UNAVAILABLE", "It ")
    assert problem.retry_after == (None if in_lines else 3.0)


async def test_keepalives_events_and_done_marks_are_no_part_of_the_answer(
    server: GeminiServer, model: GeminiModel
) -> None:
    server.script(
        comment()
        + text("a")
        + fragment(b"event: ping\r\n\r\nretry: 5\r\nid: 1\r\n\r\n")
        + text("b", sign=False)
        + fragment(b"data: [DONE]\r\n\r\n")
    )
    assert (await answer(model)).text == "ab"


# Silence and refused connections


@pytest.mark.parametrize("quiet", [silence(), hang(), text("a") + hang()])
async def test_silence_ends_at_the_idle_timeout(server: GeminiServer, quiet: Reply, new_model: NewModel) -> None:
    server.script(quiet)
    async with new_model(server, idle_timeout=0.15) as model:
        problem = await failure(model)
    assert (problem.reason, problem.retryable) == ("IDLE_TIMEOUT", True)
    assert "127.0.0.1 was silent for 0.15 s" in str(problem)


async def test_a_refused_connection_is_told_with_the_host(server: GeminiServer, new_model: NewModel) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with new_model(server, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}") as model:
            problem = await failure(model)
    assert (problem.reason, problem.retryable) == ("CONNECTION_FAILED", True)
    assert "cannot connect to 127.0.0.1" in str(problem)


async def test_a_server_that_takes_no_connection_ends_at_the_connect_timeout(
    server: GeminiServer, new_model: NewModel
) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        async with new_model(
            server, base_url=f"http://127.0.0.1:{full.getsockname()[1]}", connect_timeout=0.2
        ) as model:
            problem = await failure(model)
        for each in waiting:
            each.close()
    assert (problem.reason, problem.retryable) == ("CONNECT_TIMEOUT", True)
    assert "within 0.2 s" in str(problem)


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:1", "http://[::1"])
async def test_a_base_url_that_is_none_is_an_error_of_the_client(
    server: GeminiServer, url: str, new_model: NewModel
) -> None:
    async with new_model(server, base_url=url) as model:
        with pytest.raises(GeminiClientError) as raised:
            await answer(model)
    assert not raised.value.retryable


async def test_an_untrusted_certificate_is_told_with_what_to_do(tmp_path: Path, transport: TransportName) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with (
        server,
        GeminiModel(
            api_key=KEY, base_url=f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", transport=transport
        ) as model,
    ):
        problem = await failure(model)
    assert (problem.reason, problem.retryable) == ("CONNECTION_FAILED", False)
    assert "SSL_CERT_FILE names the certificates to trust" in str(problem)


async def test_a_missing_file_of_certificates_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file.pem")
    with pytest.raises(GeminiClientError, match="check SSL_CERT_FILE"):
        await answer(GeminiModel(api_key=KEY, transport=transport))


def self_signed(folder: Path) -> Path:
    """A certificate that nobody trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(days=36500))
    pem = built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + pem)
    return path


async def test_a_proxy_of_the_environment_is_used(
    server: GeminiServer, monkeypatch: pytest.MonkeyPatch, new_model: NewModel
) -> None:
    """A proxy is asked for the whole URL, which the server, being none, refuses to know."""
    with TcpProxy(server.url) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        async with new_model(server) as model:
            problem = await failure(model)
        assert f"no route POST {server.url}/v1/models" in str(problem)
        assert proxy.accepted == 1


# Replies that are no answer


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (text("a start") + finish("MAX_TOKENS"), "MAX_TOKENS"),
        (finish("SAFETY"), "SAFETY"),
        (finish("RECITATION"), "RECITATION"),
        (finish("UNEXPECTED_TOOL_CALL"), "UNEXPECTED_TOOL_CALL"),
        (empty_content("MALFORMED_FUNCTION_CALL", "call:f{x"), "MALFORMED_FUNCTION_CALL"),
        (empty_content("STOP"), "EMPTY"),
        (thought("hm", sign=False), "EMPTY"),
        (blocked("PROHIBITED_CONTENT"), "PROHIBITED_CONTENT"),
        (calls(("", {}), sign=False), "MALFORMED_FUNCTION_CALL"),
        (calls(("f", "x=1"), sign=False), "MALFORMED_FUNCTION_CALL"),
        (text("x") + finish("REASON_OF_2027"), "REASON_OF_2027"),
    ],
)
async def test_every_way_not_to_answer_is_told(
    server: GeminiServer, model: GeminiModel, reply: Reply, reason: str
) -> None:
    server.script(reply)
    got = await answer(model, asking("Hi", tools=TOOLS))
    problem = refusal(got.finish, got.parts)
    assert problem is not None
    assert problem.reason == reason
    assert (got.finish.message or "") in str(problem)


# Retries through the wire


async def test_two_failures_then_an_answer_cost_three_requests(server: GeminiServer, model: GeminiModel) -> None:
    server.script(error(500), error(503), text("fine"))
    got = await answer(Retry(model, sleep=unwaited))
    assert (got.text, got.codes, len(server.requests)) == ("fine", ["retry", "retry"], 3)
    assert all(request.body == server.requests[0].body for request in server.requests)


async def test_for_ever_limited_is_given_up_after_four_requests(server: GeminiServer, model: GeminiModel) -> None:
    server.script(repeat(error(429, retry_delay="0.01s"), 4))
    with pytest.raises(GeminiAPIError, match=r"rate limited by Gemini \(429\), gave up after 4 tries"):
        await answer(Retry(model, sleep=unwaited))


async def test_a_reply_that_breaks_before_anything_was_shown_is_asked_for_again(
    server: GeminiServer, model: GeminiModel
) -> None:
    first = calls(("f", {"x": "1"}), ("g", {}))
    server.script(first.cut_after(await length_of(server, first) - 20), text("one") + no_finish(), error(503))
    retry = Retry(model, sleep=unwaited)
    got = Answer()
    with pytest.raises(GeminiResponseError, match="cut short"):
        await answer(retry, asking("Hi", tools=TOOLS), into=got)
    assert (got.text, got.codes, len(server.requests)) == ("one", ["retry"], 3)
    server.service._scripts.clear()


async def test_a_malformed_call_is_asked_for_once_more_with_the_same_request(
    server: GeminiServer, model: GeminiModel
) -> None:
    server.script(empty_content("MALFORMED_FUNCTION_CALL"), calls(("f", {"x": "1"})))
    got = await answer(Retry(model), asking("Hi", tools=TOOLS))
    assert got.parts[0]["functionCall"]["name"] == "f"
    assert server.requests[0].body == server.requests[1].body
