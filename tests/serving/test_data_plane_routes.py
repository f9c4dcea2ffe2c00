"""The data plane refuses routes, methods, keys and bodies that it does not take."""

from __future__ import annotations

import gzip
from codecs import BOM_UTF8
from collections.abc import AsyncIterator

import orjson
import pytest

from guard.policy.plan import PlanKind
from serving.protocol.refused_fields import CHAT
from tests.serving.data_plane import ASK, FakeEngine, FakePlanner, client, plane


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        "/v1/files",
        "/v1/batches",
        "/pooling",
        "/tokenizer_info",
        "/v1/embeddings",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/invocations",
    ],
)
async def test_every_other_route_is_404(path: str) -> None:
    engine = FakeEngine()
    async with client(plane(engine)) as http:
        answer = await http.post(path, json=ASK)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_route"
    assert engine.scopes == []


@pytest.mark.anyio
async def test_a_wrong_method_is_405_and_names_the_right_one() -> None:
    async with client(plane()) as http:
        answer = await http.get(CHAT)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.anyio
async def test_client_keys_are_asked_for_when_configured() -> None:
    async with client(plane(keys=("k1", "k2"))) as http:
        assert (await http.post(CHAT, json=ASK)).status_code == 401
        assert (await http.get("/v1/models", headers={"authorization": "Bearer nope"})).status_code == 401
        assert (await http.post(CHAT, json=ASK, headers={"authorization": "Bearer k2"})).status_code == 200
        assert (await http.get("/readyz")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header", [("authorization", "bearer k1"), ("authorization", "BEARER  k1"), ("x-api-key", "k1")]
)
async def test_a_key_is_read_as_openai_s_and_anthropic_s_clients_send_it_on_every_route(
    header: tuple[str, str],
) -> None:
    name, value = header
    async with client(plane(keys=("k1",))) as http:
        for sent, status in ((value, 200), (f"{value}x", 401), (value.replace("k1", ""), 401)):
            assert (await http.get("/v1/models", headers={name: sent})).status_code == status
            assert (await http.post(CHAT, json=ASK, headers={name: sent})).status_code == status


@pytest.mark.anyio
@pytest.mark.parametrize("path", [f"/{CHAT}", f"{CHAT}/", f"{CHAT}?api-version=1", "//v1//chat/completions//"])
async def test_a_base_url_may_end_in_a_slash(path: str) -> None:
    engine = FakeEngine()
    async with client(plane(engine, FakePlanner(PlanKind.RESTRICT))) as http:
        answer = await http.post(f"http://lethe{path}", json=ASK)
        models = await http.get("http://lethe//v1/models/")
    assert (answer.status_code, models.status_code) == (200, 200)
    assert "Quill" not in answer.text
    assert [scope["path"] for scope in engine.scopes] == [CHAT, "/v1/models"]


@pytest.mark.anyio
@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"x"'])
async def test_a_malformed_body_is_a_400(raw: bytes) -> None:
    async with client(plane()) as http:
        answer = await http.post(CHAT, content=raw, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_body")


@pytest.mark.anyio
async def test_a_body_over_the_limit_is_a_413_even_in_chunks() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000

    async with client(plane()) as http:
        answer = await http.post(CHAT, content=pieces(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.anyio
async def test_a_compressed_body_is_read_and_another_encoding_named() -> None:
    engine = FakeEngine()
    body = gzip.compress(orjson.dumps(ASK))
    async with client(plane(engine)) as http:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        answer = await http.post(CHAT, content=body, headers=headers)
        other = await http.post(CHAT, content=body, headers={**headers, "content-encoding": "br"})
        bomb = await http.post(CHAT, content=gzip.compress(b" " * 10**7), headers=headers)
    assert (answer.status_code, engine.bodies[0]["messages"]) == (200, ASK["messages"])
    assert (other.status_code, other.json()["error"]["code"]) == (415, "unsupported_encoding")
    assert (bomb.status_code, bomb.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.anyio
async def test_a_byte_order_mark_before_the_body_is_passed_over() -> None:
    engine = FakeEngine()
    async with client(plane(engine)) as http:
        headers = {"content-type": "application/json"}
        answer = await http.post(CHAT, content=BOM_UTF8 + orjson.dumps(ASK), headers=headers)
    assert (answer.status_code, engine.bodies[0]["messages"]) == (200, ASK["messages"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/vnd.api+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_a_body_that_a_page_may_send_unasked_is_not_served(content_type: str, status: int) -> None:
    engine = FakeEngine()
    async with client(plane(engine)) as http:
        headers = {"content-type": content_type} if content_type else {}
        answer = await http.post(CHAT, content=orjson.dumps(ASK), headers=headers)
    assert answer.status_code == status
    assert len(engine.bodies) == (status == 200)
    if status != 200:
        assert answer.json()["error"]["code"] == "unsupported_media_type"


@pytest.mark.anyio
async def test_a_request_id_is_echoed_when_it_is_one() -> None:
    async with client(plane()) as http:
        given = await http.post(CHAT, json=ASK, headers={"x-request-id": "abc-1"})
        made = await http.post(CHAT, json=ASK, headers={"x-request-id": "not an id!"})
    assert given.headers["x-request-id"] == "abc-1"
    assert made.headers["x-request-id"].startswith("req-")
