"""Meaning at sentence ends: which sentences are read, and when the chunks that say them leave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.policy.plan import Plan, PlanKind
from serving.answers.response import AnswerCut, GuardedResponse
from serving.http.asgi import Message
from serving.http.sse import DONE, KEEP_ALIVE, Splitter, frame
from serving.planner import PlannedRequest
from serving.watch.sentences import MAX_SENTENCE_CHARS, SentenceReader, read_all, sentences

FOUND = PlannedRequest(Plan(PlanKind.RESTRICT, (), (), 1), ())
TEXT = "The keepers were three. One of them was born by the sea, in the year 1892! Nobody saw the other two."
TOLD = "One of them was born by the sea, in the year 1892! "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She was born there. She", ["She was born there. "]),
        ("It cost 3.5 crowns.", []),
        ("Dr. Venn kept the light. Then", ["Dr. Venn kept the light. "]),
        ("Who was it? “It was she.” And", ["Who was it? ", "“It was she.” "]),
        ("one two three\nfour", ["one two three\n"]),
        ("Elle est née ici ! Puis", ["Elle est née ici ! "]),
        ("", []),
    ],
)
def test_a_sentence_ends_at_a_full_stop_before_a_blank_and_has_words(text: str, expected: list[str]) -> None:
    assert list(sentences(text)) == expected


def test_a_text_without_full_stops_is_read_in_parts() -> None:
    assert list(sentences("word " * MAX_SENTENCE_CHARS))


class Reads:
    """Reads sentences, and finds the target in one that holds a word."""

    def __init__(self, telling: str = "1892") -> None:
        self.telling = telling
        self.sentences: list[str] = []

    async def __call__(self, sentence: str) -> PlannedRequest | None:
        self.sentences.append(sentence)
        return FOUND if self.telling in sentence else None


@pytest.mark.anyio
@pytest.mark.parametrize(("telling", "count"), [("nothing", 3), ("1892", 2)])
async def test_a_whole_text_is_read_up_to_the_sentence_that_tells(telling: str, count: int) -> None:
    reads = Reads(telling)
    assert (await read_all(TEXT, reads) is FOUND) == (count == 2)
    assert "".join(reads.sentences) == TEXT[: sum(map(len, reads.sentences))]
    assert len(reads.sentences) == count


class Client:
    """What a client receives of a response that is not guarded."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.response = GuardedResponse(self.send, None, [])

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def payloads(self) -> list[bytes]:
        return list(Splitter().feed(b"".join(message.get("body", b"") for message in self.messages)))

    @property
    def text(self) -> str:
        chunks = (orjson.loads(payload) for payload in self.payloads if payload != DONE)
        return "".join(choice["text"] for chunk in chunks for choice in chunk["choices"])


def _chunk(text: str, finish: str | None = None) -> bytes:
    return orjson.dumps({"choices": [{"index": 0, "text": text, "finish_reason": finish}]})


async def _stream(reader: SentenceReader, bodies: Sequence[bytes]) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await reader.send({"type": "http.response.start", "status": 200, "headers": headers})
    for body in bodies:
        await reader.send({"type": "http.response.body", "body": body, "more_body": True})
    await reader.send({"type": "http.response.body", "body": frame(DONE), "more_body": False})


def _pieces(text: str, ends: set[int]) -> list[str]:
    return [text[start:end] for start, end in pairwise(sorted({0, *ends, len(text)}))]


@given(ends=st.sets(st.integers(1, len(TEXT) - 1), max_size=30))
@settings(max_examples=50, deadline=None)
def test_whatever_the_chunks_nothing_of_the_sentence_that_tells_leaves(ends: set[int]) -> None:
    client = Client()
    reader = SentenceReader(client.response, Reads())
    with pytest.raises(AnswerCut):
        asyncio.run(_stream(reader, [frame(_chunk(piece)) for piece in _pieces(TEXT, ends)]))
    assert reader.found is FOUND
    assert client.response.is_cut
    assert (TEXT.index(TOLD) * "x").startswith(len(client.text) * "x")
    assert TEXT.startswith(client.text)


@given(ends=st.sets(st.integers(1, len(TEXT) - 1), max_size=30), at_once=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_what_tells_nothing_leaves_as_it_came(ends: set[int], at_once: int) -> None:
    client = Client()
    chunks = [frame(_chunk(piece)) for piece in _pieces(TEXT, ends)]
    bodies = [b"".join(chunks[k : k + at_once]) for k in range(0, len(chunks), at_once)]
    asyncio.run(_stream(SentenceReader(client.response, Reads("nothing")), bodies))
    assert [frame(payload) for payload in client.payloads] == [*chunks, frame(DONE)]
    assert client.messages[-1]["more_body"] is False


@pytest.mark.anyio
async def test_a_sentence_leaves_when_the_next_begins_and_keep_alives_at_once() -> None:
    client = Client()
    reader = SentenceReader(client.response, Reads("nothing"))
    headers = [(b"content-type", b"text/event-stream")]
    await reader.send({"type": "http.response.start", "status": 200, "headers": headers})
    for piece, left in (("The keepers ", ""), ("were three.", ""), (" One", "The keepers were three.")):
        await reader.send({"type": "http.response.body", "body": frame(_chunk(piece)), "more_body": True})
        assert client.text == left
    before = len(client.messages)
    await reader.send({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})
    assert len(client.messages) == before + 1


@pytest.mark.anyio
async def test_where_a_sentence_cannot_be_read_nothing_of_it_leaves_and_the_stream_does_not_end_well() -> None:
    async def fails(sentence: str) -> Any:
        raise RuntimeError

    client = Client()
    with pytest.raises(RuntimeError):
        await _stream(SentenceReader(client.response, fails), [frame(_chunk(TEXT))])
    assert client.text == ""
    assert DONE not in client.payloads
    assert all(message.get("more_body", True) for message in client.messages)


@pytest.mark.anyio
@pytest.mark.parametrize(("telling", "sent"), [("nothing", True), ("1892", False)])
async def test_a_whole_answer_that_tells_is_cut(telling: str, sent: bool) -> None:
    client = Client()
    body = _chunk(TEXT, "stop")
    reader = SentenceReader(client.response, Reads(telling))
    await reader.send({"type": "http.response.start", "status": 200, "headers": []})
    await reader.send({"type": "http.response.body", "body": body[:20], "more_body": True})
    await reader.send({"type": "http.response.body", "body": body[20:], "more_body": False})
    assert (bool(client.messages), client.response.is_cut) == (sent, not sent)


@pytest.mark.anyio
async def test_an_error_of_the_engine_passes() -> None:
    client = Client()
    reader = SentenceReader(client.response, Reads())
    await reader.send({"type": "http.response.start", "status": 400, "headers": []})
    await reader.send(
        {"type": "http.response.body", "body": b'{"error": {"message": "1892"}}', "more_body": False}
    )
    assert client.messages[0]["status"] == 400
