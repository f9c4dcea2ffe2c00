"""Meaning at sentence ends: an answer that may be about a target leaves sentence by sentence, each once it is
read.

What waits is one sentence, only of requests whose conversation left a target in doubt. A sentence is read in a
thread while the engine decodes the next.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import orjson

from serving.answers.response import AnswerCut, GuardedResponse
from serving.http.asgi import Message
from serving.http.sse import DONE, KEEP_ALIVE, Splitter, frame, is_stream
from serving.planner import PlannedRequest
from serving.protocol.surfaces import surfaces

MIN_SENTENCE_WORDS = 3
"""What is shorter ("Dr.", "Yes.") is read with what follows."""
MAX_SENTENCE_CHARS = 600
"""A longer sentence is read in parts, so that a text without full stops waits for no more than this."""
_SENTENCE_END = re.compile(r"[.!?؟][\"'”’»)\]]*\s+|[。！？]|\n+")

Read = Callable[[str], Awaitable[PlannedRequest | None]]
"""Returns the plan to go on under if a sentence shows that the conversation is about a target in doubt."""


def sentences(text: str) -> Iterator[str]:
    """Yield the complete sentences of `text`, each of MIN_SENTENCE_WORDS words or more; they are its beginning."""
    begin = 0
    for found in _SENTENCE_END.finditer(text):
        if len(text[begin : found.end()].split()) >= MIN_SENTENCE_WORDS:
            yield text[begin : found.end()]
            begin = found.end()
    if len(text) - begin >= MAX_SENTENCE_CHARS:
        yield text[begin:]


def all_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a whole text, the last of which may not be complete."""
    begin = 0
    for sentence in sentences(text):
        begin += len(sentence)
        yield sentence
    if text[begin:].strip():
        yield text[begin:]


async def read_all(text: str, read: Read) -> PlannedRequest | None:
    """Return what `read` returns for the first sentence of a whole text for which that is a plan."""
    for sentence in all_sentences(text):
        if found := await read(sentence):
            return found
    return None


class SentenceReader:
    """A `send` in front of a guarded response, which gets a sentence of the answer only once `read` has passed it.

    found  the plan that `read` returned, if it did: the response is cut where that sentence begins
    """

    def __init__(self, response: GuardedResponse, read: Read) -> None:
        self.found: PlannedRequest | None = None
        self._response = response
        self._read = read
        self._streaming = False
        self._splitter = Splitter()
        self._parts: list[bytes] = []
        # Chunks that may leave, those that wait, and what these say of the sentence that is not complete.
        self._leaving: list[bytes] = []
        self._held: list[bytes] = []
        self._unread = ""

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the engine."""
        if self.found is not None:
            raise AnswerCut
        if message["type"] == "http.response.start":
            self._streaming = is_stream(message)
        elif message["type"] == "http.response.body" and message.get("body") != KEEP_ALIVE:
            body, more = message.get("body", b""), message.get("more_body", False)
            return await (self._take_events(body, more) if self._streaming else self._take_whole(body, more))
        await self._response.send(message)

    async def _take_whole(self, part: bytes, more: bool) -> None:
        self._parts.append(part)
        if more:
            return
        body = b"".join(self._parts)
        for text in _texts(body):
            self.found = self.found or await read_all(text, self._read)
        if self.found is not None:
            self._response.cut_whole(body)
        else:
            await self._response.send({"type": "http.response.body", "body": body, "more_body": False})

    async def _take_events(self, body: bytes, more: bool) -> None:
        try:
            for payload in self._splitter.feed(body):
                await self._take_event(payload)
            if not more:
                await self._release()
        except AnswerCut:
            more = True
        out, self._leaving = b"".join(map(frame, self._leaving)), []
        if out or not more:
            await self._response.send({"type": "http.response.body", "body": out, "more_body": more})
        if self.found is not None:
            self._response.cut_stream(orjson.loads(self._held[0]))
            raise AnswerCut

    async def _take_event(self, payload: bytes) -> None:
        texts = list(_texts(payload))
        if payload == DONE or not texts:
            await self._release()
            self._leaving.append(payload)
            return
        self._held.append(payload)
        self._unread += "".join(texts)
        for sentence in list(sentences(self._unread)):
            await self._examine(sentence)
            self._unread = self._unread[len(sentence) :]
            self._leaving += self._held[:-1]
            self._held = self._held[-1:]
        if not self._unread.strip():
            await self._release()

    async def _release(self) -> None:
        """Read what is left, as the answer ends or pauses here, and let go what waits."""
        if self._unread.strip():
            await self._examine(self._unread)
        self._leaving += self._held
        self._held, self._unread = [], ""

    async def _examine(self, sentence: str) -> None:
        self.found = await self._read(sentence)
        if self.found is not None:
            raise AnswerCut


def _texts(payload: bytes) -> Iterator[str]:
    """Yield what each surface of each choice says in a chunk or a whole answer; nothing for an error."""
    answer: Any = orjson.loads(payload) if b'"choices"' in payload else {}
    choices: Sequence[dict[str, Any]] = answer.get("choices") or ()
    for choice in choices:
        yield from (surface.holder[surface.member] for surface in surfaces(choice))
