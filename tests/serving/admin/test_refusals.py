"""What the plane refuses, with a stable code and without repeating a text."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.serving.admin.conftest import ADA, KEY, TARGETS, TEXTS, Service, refused

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("fact", ["Ada sails.", ["Ada"], 3, None])
async def test_a_fact_that_is_no_object_is_told_in_plain_words(client: httpx.AsyncClient, fact: Any) -> None:
    answer = await client.post(TARGETS, json={"name": "Ada", "facts": [{"answer": "Ada sails."}, fact]})
    refused(answer, 422, "invalid_request", "facts[1]")
    (fault,) = answer.json()["errors"]
    assert fault["detail"] == 'a fact is an object, as in {"answer": "a sentence"}'


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ([], ["body"]),
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": " … "}, ["name"]),
        ({"name": 5, "aliases": "Bo"}, ["name", "aliases"]),
        ({"name": "Ada", "kind": "ghost"}, ["kind"]),
        ({"name": "Ada", "phrases": ["ok", "x" * 4097]}, ["phrases[1]"]),
        ({"name": "Ada", "phrases": ["ok", "?"]}, ["phrases[1]"]),
        ({"name": "Ada", "facts": [{"answr": "?"}]}, ["facts[0].answer", "facts[0].answr"]),
        ({"name": "Ada", "methods": ["guard", "erase"]}, ["methods[1]"]),
        ({"name": "Ada", "methods": []}, ["methods"]),
        ({"name": "Ada", "surprise": 1}, ["surprise"]),
        ({"name": "Ada", "expires_at": 1893456000}, ["expires_at"]),
        ({"name": "Ada", "expires_at": "2090-01-01"}, ["expires_at"]),
        ({"name": "Ada", "expires_at": "2090-13-01T00:00:00Z"}, ["expires_at"]),
        ({"name": "Ada \ud800"}, ["name"]),
        ({"name": "Ada", "\ud800": 1}, ["body"]),
    ],
)
async def test_a_body_of_another_form_is_refused_and_the_members_at_fault_named(
    client: httpx.AsyncClient, service: Service, body: Any, fields: list[str]
) -> None:
    headers = {"content-type": "application/json"}
    response = await client.post(TARGETS, content=json.dumps(body), headers=headers)
    refused(response, 422, "invalid_request", *fields)
    assert service.registry.version() == 0


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b'{"name": "Ada', "application/json", 400, "malformed_body"),
        (b'{"name": "\xff\xfe"}', "application/json", 400, "malformed_body"),
        (b"[" * 50_000, "application/json", 400, "malformed_body"),
        (b"1" * 5_000, "application/json", 400, "malformed_body"),
        (b"", "application/json", 422, "invalid_request"),
        (b"name=Ada", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"name": "Ada"}' + b" " * 100_000, "application/json", 413, "body_too_large"),
        (b'{"name":"Ada","expires_at":"2020-01-01T00:00:00Z"}', "application/json", 409, "expires_in_past"),
    ],
)
async def test_a_body_that_cannot_be_taken_is_refused_with_a_stable_code(
    client: httpx.AsyncClient, service: Service, content: bytes, kind: str, status: int, code: str
) -> None:
    response = await client.post(TARGETS, content=content, headers={"content-type": kind})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert service.registry.version() == 0


async def test_a_batch_and_a_check_are_held_to_their_form(client: httpx.AsyncClient) -> None:
    batch = await client.post(f"{TARGETS}:batch", json={"targets": [{"name": "Ada"}, {"name": 1}]})
    refused(batch, 422, "invalid_request", "targets[1].name")
    refused(await client.post(f"{TARGETS}:batch", json={"targets": []}), 422, "invalid_request", "targets")
    both = await client.post("/admin/v1/check", json={"text": "a", "messages": []})
    refused(both, 422, "invalid_request", "messages", "text")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{TARGETS}?limit=0", "limit"),
        (f"{TARGETS}?limit=1001", "limit"),
        (f"{TARGETS}?limt=5", "limt"),
        (f"{TARGETS}?state=gone", "state"),
        (f"{TARGETS}/ft_1?limit=5", "limit"),
        ("/admin/v1/policy?x=", "x"),
        (f"/admin/v1/audit?cursor={2**64}", "cursor"),
        ("/admin/v1/audit?cursor=-1", "cursor"),
    ],
)
async def test_a_query_that_is_unknown_or_out_of_range_is_refused(
    client: httpx.AsyncClient, path: str, field: str
) -> None:
    refused(await client.get(path), 422, "invalid_request", field)


@pytest.mark.parametrize("path", [f"{TARGETS}/ft_none", f"{TARGETS}/%00", f"{TARGETS}/%ed%a0%80"])
async def test_an_unknown_id_is_a_404_whatever_it_looks_like(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.get(path), 404, "unknown_target")
    refused(await client.get(f"{path}/more"), 404, "unknown_route")


async def test_no_problem_repeats_a_text(client: httpx.AsyncClient) -> None:
    for body in (
        {**ADA, "kind": "Mothwick"},
        {**ADA, "phrases": ["Mothwick" * 600]},
        {**ADA, "expires_at": "Mothwick"},
        {**ADA, "mode": ["Mothwick"]},
        {**ADA, "facts": ["Mothwick"]},
        {"text": "Mothwick"},
    ):
        response = await client.post(TARGETS, json=body)
        assert response.status_code == 422
        assert not any(text in response.text for text in TEXTS)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": KEY},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {KEY}x"},
        {"authorization": f"Basic {KEY}"},
        {"authorization": "Bearer \xff\xfe"},
    ],
)
@pytest.mark.parametrize("path", [TARGETS, "/admin/v1/policy", "/admin/v1/nowhere", "/"])
async def test_without_the_key_nothing_is_answered(app: FastAPI, headers: dict[str, str], path: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin") as stranger:
        for method in ("GET", "POST", "TRACE"):
            response = await stranger.request(method, path, headers=raw, content=b"{" * 200_000)
            refused(response, 401, "invalid_admin_key")
            assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_body_without_a_length_is_bounded_too(client: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 10_000_000:
            read += 1000
            yield b"x" * 1000

    headers = {"content-type": "application/json"}
    refused(await client.post(TARGETS, content=endless(), headers=headers), 413, "body_too_large")
    assert read <= 200_000


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (TARGETS, "GET, POST"),
        (f"{TARGETS}/ft_1", "DELETE, GET, PATCH"),
        (f"{TARGETS}/ft_1:elicit", "POST"),
        (f"{TARGETS}/ft_1/elicitation", "GET"),
        (f"{TARGETS}/ft_1/elicitation:accept", "POST"),
        (f"{TARGETS}:batch", "POST"),
        ("/livez", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(client: httpx.AsyncClient, path: str, allowed: str) -> None:
    response = await client.put(path, json={})
    refused(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allowed


async def test_a_store_that_cannot_be_used_is_a_503_and_the_plane_goes_on(
    client: httpx.AsyncClient, service: Service
) -> None:
    service.registry.close()
    refused(await client.get(TARGETS), 503, "store_unavailable")
    refused(await client.post(TARGETS, json=ADA), 503, "store_unavailable")
    assert (await client.get("/livez")).status_code == 200


async def test_an_unforeseen_error_shows_neither_in_the_answer_nor_in_the_log(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("Mothwick")

    monkeypatch.setattr(service.registry, "add", fails)
    with caplog.at_level(logging.DEBUG):
        response = await client.post(TARGETS, json=ADA)
    refused(response, 500, "internal_error")
    assert "RuntimeError" in caplog.text
    assert "Mothwick" not in response.text + caplog.text


async def test_a_compressed_body_is_read_and_another_encoding_named(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    body = gzip.compress(json.dumps({"name": "Ada Quill"}).encode())
    assert (await client.post(TARGETS, content=body, headers=headers)).status_code == 201
    refused(
        await client.post(TARGETS, content=body, headers={**headers, "content-encoding": "br"}),
        415,
        "unsupported_encoding",
    )
    refused(await client.post(TARGETS, content=b"{}", headers=headers), 400, "malformed_body")


async def test_a_byte_order_mark_before_the_body_is_passed_over(client: httpx.AsyncClient) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"name": "Ada Quill"}).encode()
    headers = {"content-type": "application/json"}
    assert (await client.post(TARGETS, content=body, headers=headers)).status_code == 201
