from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.http.sse import DONE, Splitter, frame, is_stream

PAYLOADS = st.lists(st.binary(min_size=1, max_size=40).filter(lambda b: b"\n" not in b and b"\r" not in b))


@given(PAYLOADS, st.lists(st.integers(min_value=1, max_value=7), min_size=1))
def test_any_chunking_of_the_same_bytes_gives_the_same_payloads(payloads: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(frame(payload) for payload in [*payloads, DONE])
    splitter = Splitter()
    seen: list[bytes] = []
    position = turn = 0
    while position < len(stream):
        size = sizes[turn % len(sizes)]
        seen += splitter.feed(stream[position : position + size])
        position += size
        turn += 1
    assert seen == [*payloads, DONE]


def test_comments_and_other_fields_carry_nothing() -> None:
    assert list(Splitter().feed(b": keep-alive\n\nevent: error\ndata: {}\n\n")) == [b"{}"]


def test_crlf_line_ends_are_understood() -> None:
    assert list(Splitter().feed(b"data: a\r\n\r\ndata: b\r\n\r\n")) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("status", "name", "kind", "expected"),
    [
        (200, b"content-type", b"text/event-stream; charset=utf-8", True),
        (200, b"Content-Type", b"text/event-stream", True),
        (200, b"content-type", b"application/json", False),
        (200, b"x-kind", b"text/event-stream", False),
        (500, b"content-type", b"text/event-stream", False),
    ],
)
def test_a_stream_is_a_success_of_its_content_type(status: int, name: bytes, kind: bytes, expected: bool) -> None:
    assert is_stream({"type": "http.response.start", "status": status, "headers": [(name, kind)]}) is expected
