from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from serving.http.asgi import BodyTooLarge, Message
from serving.http.asgi_client import http_scope
from serving.http.decompression import MalformedCompression, UnsupportedEncoding, read_decompressed

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
LIMIT = 10_000


def read(body: bytes, encoding: str) -> bytes:
    sent = [body[place : place + 7] for place in range(0, len(body), 7)]

    async def receive() -> Message:
        return {"type": "http.request", "body": sent.pop(0) if sent else b"", "more_body": bool(sent)}

    scope = http_scope("POST", "/", [(b"content-encoding", encoding.encode())])
    return asyncio.run(read_decompressed(scope, receive, LIMIT))


@given(st.binary(max_size=300))
@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_body_is_what_was_compressed(encoding: str, body: bytes) -> None:
    assert read(COMPRESS[encoding](body), encoding.upper()) == body


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_a_body_that_is_not_compressed_stays(encoding: str) -> None:
    assert read(b"{}", encoding) == b"{}"


@pytest.mark.parametrize("encoding", COMPRESS)
def test_what_a_body_decompresses_to_is_bounded(encoding: str) -> None:
    assert len(read(COMPRESS[encoding](b" " * LIMIT), encoding)) == LIMIT
    for size in (LIMIT + 1, 5_000_000):
        with pytest.raises(BodyTooLarge):
            read(COMPRESS[encoding](b" " * size), encoding)
    with pytest.raises(BodyTooLarge):
        read(b"x" * (LIMIT + 1), encoding)


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("fault", ["other", "cut", "more", "empty"])
def test_a_body_that_is_not_what_it_says_is_malformed(encoding: str, fault: str) -> None:
    body = COMPRESS[encoding](b'{"a": 1}' * 20)
    sent = {"other": b'{"a": 1}', "cut": body[:-3], "more": body + b"{}", "empty": b""}[fault]
    with pytest.raises(MalformedCompression):
        read(sent, encoding)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "compress"])
def test_another_encoding_is_named(encoding: str) -> None:
    with pytest.raises(UnsupportedEncoding) as refused:
        read(b"{}", encoding)
    assert (refused.value.status, refused.value.field) == (415, "Content-Encoding")
